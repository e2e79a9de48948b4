"""The plugin system: hook specifications, what plugins hand in, and who is loaded from where."""

from __future__ import annotations

from zenconv.hooks.manager import PluginRow, Plugins, load_plugins
from zenconv.hooks.markers import ComponentSpec, MaterializerSpec, hookimpl

__all__ = ["ComponentSpec", "MaterializerSpec", "PluginRow", "Plugins", "hookimpl", "load_plugins"]
