"""What a plugin's command is handed: where the project is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zenconv.settings.settings import Settings


class CommandPlace:
    """The project that a plugin's command was called for; looked for when first asked about.

    Asking raises `UsageError` where there is no project, `SettingsError` where its settings have mistakes.
    """

    def __init__(self, load_settings: Callable[[], Settings]) -> None:
        self._load_settings = load_settings

    @cached_property
    def _settings(self) -> Settings:
        return self._load_settings()

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self._settings.root

    @property
    def state(self) -> Path:
        """The folder in it that zenconv writes to."""
        return self._settings.state
