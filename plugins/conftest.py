"""The tests of a plugin run where it is installed, as `.ci/run` does: ``pip install -e plugins/NAME``."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out a package that is not installed; in the checks of a pull request that is a mistake."""
    if collection_path.parent != HERE or not (collection_path / "pyproject.toml").exists():
        return None
    try:
        version(collection_path.name)
    except PackageNotFoundError:
        if os.environ.get("CI"):
            raise pytest.UsageError(f"{collection_path.name} is not installed") from None
        return True
    return None
