"""Where code lives: in the project, in the standard library, or installed beside it.

Project code is everything that is neither: files under the root, and editable installations
elsewhere. A virtual environment inside the root is an installation.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

STANDARD_LIBRARY = os.path.dirname(os.path.abspath(os.__file__))

_SITE_NAMES = frozenset({"site-packages", "dist-packages"})
_OWN_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def is_standard_module(name: str) -> bool:
    """Return whether the top-level part of `name` belongs to Python itself."""
    return name.partition(".")[0] in sys.stdlib_module_names


def is_own_module(name: str) -> bool:
    """Return whether `name` is a module of zenconv, which has its own format version in keys."""
    return name == "zenconv" or name.startswith("zenconv.")


class Places:
    """Tells project files from installed ones, for one project root."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = os.path.abspath(root)
        spellings = dict.fromkeys((self.root, os.path.realpath(self.root)))
        self.root_prefixes = tuple(path.rstrip(os.sep) + os.sep for path in spellings)
        self._folders: dict[str, bool] = {}
        self._installations: dict[str, bool] = {}

    def is_project_file(self, path: str | None) -> bool:
        """Return whether the file at `path` is project code."""
        if not path or path.startswith("<"):
            return False
        return self.is_project_folder(os.path.dirname(os.path.abspath(path)))

    def is_project_folder(self, folder: str) -> bool:
        """Return whether code in `folder` is project code."""
        known = self._folders.get(folder)
        if known is None:
            known = self._folders[folder] = self._classify(folder)
        return known

    def relative(self, path: str | os.PathLike[str]) -> str:
        """Return `path` for display: POSIX, relative to the root if below it."""
        text = os.fspath(path)
        for prefix in self.root_prefixes:
            if text.startswith(prefix):
                return text[len(prefix) :].replace(os.sep, "/")
        return text.replace(os.sep, "/")

    def _classify(self, folder: str) -> bool:
        inside = folder + os.sep
        if inside.startswith(_OWN_PACKAGE + os.sep):
            return False
        for prefix in self.root_prefixes:
            if inside.startswith(prefix):
                return not self._is_installed(prefix[:-1], inside[len(prefix) :].split(os.sep)[:-1])
        if inside.startswith(STANDARD_LIBRARY + os.sep):
            return False
        parts = folder.split(os.sep)
        return _SITE_NAMES.isdisjoint(parts) and not self._is_target_folder(folder)

    def _is_installed(self, base: str, parts: Iterable[str]) -> bool:
        for part in parts:
            base = os.path.join(base, part)
            if part in _SITE_NAMES or self._is_environment(base):
                return True
        return False

    def _is_environment(self, folder: str) -> bool:
        known = self._installations.get(folder)
        if known is None:
            known = os.path.exists(os.path.join(folder, "pyvenv.cfg"))
            known = known or os.path.isdir(os.path.join(folder, "conda-meta"))
            self._installations[folder] = known
        return known

    def _is_target_folder(self, folder: str) -> bool:
        """Return whether `folder` is on or below an import path filled by ``pip install --target``."""
        inside = folder + os.sep
        entries = [entry for entry in sys.path if entry and inside.startswith(entry.rstrip(os.sep) + os.sep)]
        return any(self._has_metadata(entry) for entry in entries)

    def _has_metadata(self, entry: str) -> bool:
        known = self._installations.get("metadata " + entry)
        if known is None:
            try:
                known = any(name.endswith(".dist-info") for name in os.listdir(entry))
            except OSError:
                known = False
            self._installations["metadata " + entry] = known
        return known
