"""Settings: where a project is, what its configuration says, and where each value is written."""

from __future__ import annotations

from zenconv.settings.load import load_settings
from zenconv.settings.params import list_unused, look_up
from zenconv.settings.root import find_root, is_entered
from zenconv.settings.settings import Settings, StackSettings, Value
from zenconv.settings.text import Text

__all__ = [
    "Settings",
    "StackSettings",
    "Text",
    "Value",
    "find_root",
    "is_entered",
    "list_unused",
    "load_settings",
    "look_up",
]
