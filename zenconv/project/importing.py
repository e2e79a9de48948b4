"""Import step files under stable names; whatever goes wrong becomes problems of that file."""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import Any

from zenconv.errors import Problem
from zenconv.fingerprint.sources import ProjectSources
from zenconv.project.discover import module_name


class Importer:
    """Imports the files of one project; the root comes first on ``sys.path``, as for a script."""

    def __init__(self, sources: ProjectSources) -> None:
        self.sources = sources
        self.root = str(sources.root)
        self._folders: dict[str, bool] = {}
        self._put_root_first()

    def load(self, file: str) -> tuple[ModuleType | None, list[Problem]]:
        """Return the module of `file` (a path below the root), or None and what is wrong with it."""
        unreadable = self._check_readable(file)
        if unreadable is not None:
            return None, [unreadable]
        try:
            return self._import(file), []
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and not self._raises_itself(error):
                raise
            from zenconv.project.import_errors import describe_import_error

            return None, [describe_import_error(error, file, self.sources)]

    def _put_root_first(self) -> None:
        if sys.path[:1] != [self.root]:
            sys.path[:] = [self.root, *(entry for entry in sys.path if entry != self.root)]
        # A listing of the root from before a file was written would hide that file.
        sys.path_importer_cache.pop(self.root, None)
        self.sources.install()

    def _check_readable(self, file: str) -> Problem | None:
        try:
            os.close(os.open(os.path.join(self.root, file), os.O_RDONLY))
        except OSError as error:
            return Problem(f"this file cannot be read: {error.strerror or error}", file)
        return None

    def _import(self, file: str) -> ModuleType:
        name, path = module_name(file), os.path.join(self.root, file)
        module = sys.modules.get(name)
        if module is not None and _is_from(module, path):
            return module
        folder = file.rpartition("/")[0]
        is_plain = "%" not in name  # a name with a dot of its own is no name to the import system
        if module is None and is_plain and (not folder or self._is_package(folder)):
            module = importlib.import_module(name)
            if _is_from(module, path):
                return module
        return self.sources.load_file(name, path)

    def _is_package(self, folder: str) -> bool:
        """Return whether the import system finds `folder`, and nothing else, under its dotted name."""
        known = self._folders.get(folder)
        if known is None:
            known = self._folders[folder] = self._find_package(folder)
        return known

    def _find_package(self, folder: str) -> bool:
        outer = folder.rpartition("/")[0]
        if "." in folder or (outer and not self._is_package(outer)):
            return False
        try:
            package = importlib.import_module(folder.replace("/", "."))
        except ModuleNotFoundError as error:
            if error.name != folder.replace("/", "."):
                raise
            return False
        path = os.path.join(self.root, folder)
        return any(_same_file(str(entry), path) for entry in getattr(package, "__path__", ()))

    def _raises_itself(self, error: BaseException) -> bool:
        """Return whether the project's code raised this; else a person pressed Ctrl-C."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is None:
            return False
        path = trace.tb_frame.f_code.co_filename
        if not self.sources.places.is_project_file(path):
            return False
        import linecache

        return linecache.getline(path, trace.tb_lineno).lstrip().startswith("raise")


def _is_from(module: Any, path: str) -> bool:
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and _same_file(file, path)


def _same_file(one: str, other: str) -> bool:
    return one == other or os.path.realpath(one) == os.path.realpath(other)
