"""Where a project begins: the nearest folder with a zenconv table, else with step files."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from zenconv.errors import SettingsError, UsageError
from zenconv.settings.document import OWN_FILE, PYPROJECT, read_document

STEP_FILES = ("steps_*.py",)
"""Patterns of the names of step files, unless the settings say otherwise."""

NORECURSE = (".*", "venv", "node_modules", "__pycache__", "build", "dist", "site-packages", "*.egg-info")
"""Patterns of the names of folders that are not entered. Virtual environments never are."""

_FOLDERS_SEARCHED = 2000
"""A start without project or step files is given up after so many sub-folders."""


def find_root(start: Path) -> Path:
    """Return the project that `start`, a folder or a file in it, belongs to.

    Raises
    ------
    UsageError
        There is no such folder, or it belongs to no project.
    """
    start = Path(os.path.abspath(start))
    if not start.exists():
        raise UsageError(f"there is no folder {str(start)!r}")
    first = start if start.is_dir() else start.parent
    folders = [first, *first.parents]
    found = find_marked_root(first) or (first if _is_above_steps(first) else None) or _beside_steps(folders)
    if found is None:
        raise UsageError(
            f"no project in {str(first)!r} or above: no step file (steps_*.py), no [tool.zenconv] table",
            hint="create steps_first.py with a function in it, or name the project's folder: -C DIR",
        )
    return found


def has_table(folder: Path) -> bool:
    """Return whether `folder` has a ``zenconv.toml``, or a pyproject.toml with a zenconv table.

    A pyproject.toml that is broken and speaks of zenconv counts: its mistake is to be shown.
    """
    if (folder / OWN_FILE).is_file():
        return True
    path = folder / PYPROJECT
    try:
        if not path.is_file() or b"zenconv" not in path.read_bytes():
            return False
    except OSError:
        return False
    try:
        return read_document(path, PYPROJECT).has_table
    except SettingsError:
        return True


def find_marked_root(folder: Path) -> Path | None:
    """Return the nearest of `folder` and those above it that has a zenconv table."""
    return next((f for f in (folder, *folder.parents) if has_table(f)), None)


def _is_above_steps(folder: Path) -> bool:
    """Return whether there are step files in or below `folder`; a home folder is no project."""
    if _has_step_file(folder):
        return True
    if folder == folder.parent or folder == Path.home():
        return False
    return any(_has_step_file(f) for f in _sub_folders(folder))


def _beside_steps(folders: Sequence[Path]) -> Path | None:
    return next((f for f in folders if _has_step_file(f)), None)


def _has_step_file(folder: Path) -> bool:
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    return any(fnmatchcase(name, pattern) for name in names for pattern in STEP_FILES)


def _sub_folders(folder: Path) -> Iterator[Path]:
    waiting = deque([folder])
    for _ in range(_FOLDERS_SEARCHED):
        if not waiting:
            return
        try:
            entries = sorted(os.scandir(waiting.popleft()), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and is_entered(entry.path, NORECURSE):
                waiting.append(Path(entry.path))
                yield waiting[-1]


def is_entered(folder: str | os.PathLike[str], patterns: Sequence[str]) -> bool:
    """Return whether collection enters `folder`: no name of `patterns`, no virtual environment."""
    name = os.path.basename(folder)
    if any(fnmatchcase(name, pattern) for pattern in patterns):
        return False
    return not os.path.isfile(os.path.join(folder, "pyvenv.cfg"))
