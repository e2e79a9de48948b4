"""Projects built from text, imported for real, and forgotten again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest

from zenconv.fingerprint import CodeFingerprint, Fingerprinter, ProjectSources

Files = dict[str, str]


class LoadedProject:
    """One project on disk, imported through `ProjectSources`."""

    def __init__(self, root: Path, files: Files) -> None:
        self.root = root
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        self.sources = ProjectSources(root)
        self.before = dict(sys.modules)
        sys.path.insert(0, str(root))
        self.sources.install()

    def load(self, name: str = "steps_main") -> ModuleType:
        return self.sources.load_file(name, self.root / f"{name}.py")

    def close(self) -> None:
        self.sources.uninstall()
        sys.path.remove(str(self.root))
        for name in set(sys.modules) - set(self.before):
            if self.sources.is_project(name):
                del sys.modules[name]
        sys.path_importer_cache.pop(str(self.root), None)


@pytest.fixture
def load_project(tmp_path: Path) -> Iterator[Callable[[Files], LoadedProject]]:
    opened: list[LoadedProject] = []

    def load(files: Files) -> LoadedProject:
        for project in opened:
            if project.sources._finder in sys.meta_path:
                project.close()
        root = tmp_path / f"checkout{len(opened)}"
        root.mkdir()
        opened.append(LoadedProject(root, files))
        return opened[-1]

    yield load
    for project in opened:
        if project.sources._finder in sys.meta_path:
            project.close()


@pytest.fixture
def fingerprint(load_project: Callable[[Files], LoadedProject]) -> Callable[..., CodeFingerprint]:
    """Fingerprint the function `step` of a project; each call makes the project in another folder."""

    def take(files: str | Files, step: str = "step", **options: Any) -> CodeFingerprint:
        files = {"steps_main.py": files} if isinstance(files, str) else files
        project = load_project(files)
        module = project.load()
        return Fingerprinter(project.sources, **options).of_function(
            getattr(module, step), module="steps_main", name=step
        )

    return take
