"""Projects made of text, and their settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from zenconv.errors import SettingsError
from zenconv.settings import Settings, load_settings

Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write a zenconv.toml (or what `files` says) and load it, with nothing in the environment."""

    def load(text: str = "", files: Mapping[str, str] | None = None, **arguments: Any) -> Settings:
        for name, content in (files or {"zenconv.toml": text}).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return load_settings(tmp_path, **{"environ": {}, **arguments})

    return load


@pytest.fixture
def problems(load: Load) -> Callable[..., list[str]]:
    """Load settings that have mistakes; return each as the user reads it."""

    def problems(text: str = "", **arguments: Any) -> list[str]:
        with pytest.raises(SettingsError) as caught:
            load(text, **arguments)
        assert caught.value.exit_code == 4
        return [str(problem) for problem in caught.value.problems]

    return problems
