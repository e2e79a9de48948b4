"""Find the step files and ``zenconf.py`` files below the root, in an order that never varies.

The files of a folder come first, by name, then its sub-folders. Nothing is imported or read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from fnmatch import translate
from pathlib import Path
from typing import NamedTuple

from zenconv.errors import Problem

ZENCONF = "zenconf.py"
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f\udc80-\udcff]|::|[\[\]]")


class ProjectFiles(NamedTuple):
    """Paths below the root, POSIX. `problems` are files that cannot be used for their names."""

    step_files: tuple[str, ...] = ()
    zenconf_files: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def discover(root: Path, patterns: Iterable[str], norecurse: Iterable[str]) -> ProjectFiles:
    """Return the files of the project at `root`.

    Parameters
    ----------
    patterns
        Of step files, such as ``steps_*.py``; with a slash they are matched against the path.
    norecurse
        Names (or patterns of names) of folders that are not entered. Hidden folders, virtual
        environments and links to folders already seen never are.
    """
    return _Walk(str(root), tuple(patterns), tuple(norecurse)).files()


def pipeline_name(file: str) -> str:
    """Return the pipeline of a step file: its path without ``steps_`` and ``.py``."""
    folder, _, name = file.rpartition("/")
    name = name.removesuffix(".py").removeprefix("steps_")
    return f"{folder}/{name}" if folder else name


def module_name(file: str) -> str:
    """Return the stable import name of a project file, ``eu.steps_training``.

    A dot in a folder's name cannot be told from a package separator and is spelt ``%2E``.
    """
    return file.removesuffix(".py").replace(".", "%2E").replace("/", ".")


def _match_any(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern) for pattern in patterns) or r"(?!)")


class _Walk:
    def __init__(self, root: str, patterns: tuple[str, ...], norecurse: tuple[str, ...]) -> None:
        self.root = root
        self.names = _match_any(tuple(p for p in patterns if "/" not in p))
        self.paths = _match_any(tuple(p for p in patterns if "/" in p))
        self.closed = _match_any(norecurse)
        self.steps: list[str] = []
        self.zenconfs: list[str] = []
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.seen_links: set[str] = set()

    def files(self) -> ProjectFiles:
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            waiting.extend(reversed(self._visit(folder)))
        return ProjectFiles(
            tuple(self.steps), tuple(self.zenconfs), tuple(self.problems), tuple(self.warnings)
        )

    def _visit(self, folder: str) -> list[str]:
        """Take the files of `folder`; return the sub-folders to enter, sorted."""
        try:
            with os.scandir(os.path.join(self.root, folder)) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            self.warnings.append(Problem(f"this folder cannot be read: {error.strerror}", folder or "."))
            return []
        inside = []
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name.endswith(".py"):
                self._take(entry, path)
            elif self._is_open(entry):
                inside.append(path)
        return inside

    def _take(self, entry: os.DirEntry[str], path: str) -> None:
        is_zenconf = entry.name == ZENCONF
        if not is_zenconf and not self.names.match(entry.name) and not self.paths.match(path):
            return
        if _is_folder(entry):
            return
        if _UNUSABLE.search(path):
            self.problems.append(_unusable_name(path))
        elif not _is_file(entry):
            self.problems.append(_no_file(entry, path))
        elif not is_zenconf and not pipeline_name(path).rpartition("/")[2]:
            self.problems.append(
                Problem("this file's name leaves no name for its pipeline", path, hint="steps_NAME.py")
            )
        else:
            (self.zenconfs if is_zenconf else self.steps).append(path)

    def _is_open(self, entry: os.DirEntry[str]) -> bool:
        if entry.name.startswith(".") or self.closed.match(entry.name):
            return False
        if not _is_folder(entry):
            return False
        if os.path.exists(os.path.join(entry.path, "pyvenv.cfg")):
            return False
        return not entry.is_symlink() or self._is_new(entry.path)

    def _is_new(self, link: str) -> bool:
        """Return whether a link leads to a folder that is neither below the root, around it, nor seen."""
        target = os.path.realpath(link)
        root = os.path.realpath(self.root)
        for outer, inner in ((root, target), (target, root)):
            if inner == outer or inner.startswith(outer.rstrip(os.sep) + os.sep):
                return False
        if target in self.seen_links:
            return False
        self.seen_links.add(target)
        return True


def _is_folder(entry: os.DirEntry[str]) -> bool:
    # Of a link, the entry raises what `os.path` takes for "no": one that leads to itself, say.
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()


def _is_file(entry: os.DirEntry[str]) -> bool:
    return os.path.isfile(entry.path) if entry.is_symlink() else entry.is_file()


def _no_file(entry: os.DirEntry[str], path: str) -> Problem:
    if not entry.is_symlink():
        return Problem("this is a pipe, a socket or a device, and no file", path, hint="delete it")
    target = os.readlink(entry.path)
    what = "something that is no file" if os.path.exists(entry.path) else "nothing that exists"
    return Problem(f"this link leads to {what}: {target!r}", path, hint="delete it, or mend it")


def _unusable_name(path: str) -> Problem:
    shown = path.encode("unicode_escape", "surrogatepass").decode("ascii")
    return Problem(
        "this file's name cannot be part of a node id (it holds '::', brackets, control characters, "
        "or is not UTF-8)",
        shown,
        hint="rename the file",
    )
