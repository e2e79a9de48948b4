"""The plugin system: hook specifications, what plugins hand in, and who is loaded from where."""

from __future__ import annotations

from zenconv.hooks.manager import PluginRow, Plugins, load_plugins
from zenconv.hooks.markers import (
    CommandSpec,
    ComponentSpec,
    MaterializerSpec,
    OptionSpec,
    ParameterValue,
    hookimpl,
)
from zenconv.hooks.places import CommandPlace

__all__ = [
    "CommandPlace",
    "CommandSpec",
    "ComponentSpec",
    "MaterializerSpec",
    "OptionSpec",
    "ParameterValue",
    "PluginRow",
    "Plugins",
    "hookimpl",
    "load_plugins",
]
