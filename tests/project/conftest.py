"""Projects built from text, collected in this process and forgotten afterwards."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zenconv.project.project import Project
from zenconv.settings.load import load_settings

MakeProject = Callable[..., Project]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[MakeProject]:
    """Return a function that writes files and opens the project they make."""
    modules, path, finders = set(sys.modules), list(sys.path), list(sys.meta_path)

    def make(files: dict[str, str | bytes], sets: tuple[str, ...] = (), **environ: str) -> Project:
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            data = text if isinstance(text, bytes) else textwrap.dedent(text).encode()
            file.write_bytes(data)
        (tmp_path / "zenconv.toml").touch()
        return Project(load_settings(tmp_path, sets=sets, environ=environ))

    yield make
    sys.path[:], sys.meta_path[:] = path, finders
    for name in set(sys.modules) - modules:
        file = getattr(sys.modules[name], "__file__", None) or str(
            next(iter(getattr(sys.modules[name], "__path__", ())), "")
        )
        if file.startswith(str(tmp_path)):
            del sys.modules[name]
