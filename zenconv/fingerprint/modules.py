"""Finding what an import statement means, and importing project modules when code reaches them.

Code inside a function may import a project module that nothing has imported yet. It is imported
then, always: a fingerprint must not depend on what happened to be loaded. Installed packages are
never imported here; their names and versions are enough.
"""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from types import ModuleType

from zenconv.fingerprint.places import is_own_module, is_standard_module
from zenconv.fingerprint.scopes import ImportTarget
from zenconv.fingerprint.sources import ProjectSources


class Modules:
    """Looks modules up for the fingerprints of one project."""

    def __init__(self, sources: ProjectSources) -> None:
        self.sources = sources
        self._top_level: dict[str, bool] = {}
        self._loaded: dict[str, bool] = {}
        self._failed: set[str] = set()
        # What a running step imports comes too late: the next run, which asks before, would not see it.
        self._loaded_before = frozenset(sys.modules)

    def absolute(self, module_name: str, target: ImportTarget) -> str:
        """Return the full name of the module that `target` names inside `module_name`."""
        if target.level <= 0:
            return target.module
        module = sys.modules.get(module_name)
        package = getattr(module, "__package__", None)
        if package is None:
            package = module_name if hasattr(module, "__path__") else module_name.rpartition(".")[0]
        parts = package.split(".")
        base = ".".join(parts[: len(parts) - target.level + 1])
        return f"{base}.{target.module}" if base and target.module else base or target.module

    def is_project(self, name: str) -> bool:
        """Return whether `name` is, or would be, a module of the project. Imports nothing."""
        if is_own_module(name):
            return False
        if name in sys.modules:
            if name not in self._loaded:
                self._loaded[name] = self.sources.is_project(name)
            return self._loaded[name]
        top = name.partition(".")[0]
        known = self._top_level.get(top)
        if known is None:
            known = self._top_level[top] = self._would_be_project(top)
        return known

    def load(self, name: str) -> ModuleType | None:
        """Return the project module `name`, imported if need be; None if it is none or cannot be."""
        module = sys.modules.get(name)
        if module is not None or name in self._failed or not self.is_project(name):
            return module
        try:
            return importlib.import_module(name)
        except (Exception, SystemExit):  # noqa: BLE001  user code: the step will meet it itself
            self._failed.add(name)
            return None

    def parts(self, name: str) -> list[str]:
        """Return the modules that can be reached as attributes of the project package `name`, sorted."""
        attributes = getattr(sys.modules.get(name), "__dict__", {})
        return sorted(
            f"{name}.{attribute}"
            for attribute, value in attributes.items()
            if isinstance(value, ModuleType)
            and value.__name__ == f"{name}.{attribute}"
            and value.__name__ in self._loaded_before
        )

    def attribute(self, module: ModuleType, name: str) -> object:
        """Return ``module.name``; a submodule that is not imported yet is. `KeyError` if there is none."""
        if name in module.__dict__:
            return module.__dict__[name]
        if hasattr(module, "__path__") and self.sources.is_project(module.__name__):
            found = self.load(f"{module.__name__}.{name}")
            if found is not None:
                return found
        try:
            return getattr(module, name)
        except Exception:  # noqa: BLE001  a module's own __getattr__ may raise anything
            raise KeyError(name) from None

    def _would_be_project(self, top: str) -> bool:
        if top in sys.modules:
            return self.sources.is_project(top)
        try:
            spec = find_spec(top)
        except (ImportError, ValueError):
            return False
        if spec is None:
            return False
        if spec.origin is not None and spec.has_location:
            return self.sources.places.is_project_file(spec.origin)
        folders = spec.submodule_search_locations or ()
        return any(self.sources.places.is_project_folder(folder) for folder in folders)


def installed_name(module_name: str) -> str:
    """Return the top-level name that stands for an installed module; ``""`` for Python's and zenconv's."""
    if not module_name or is_own_module(module_name) or is_standard_module(module_name):
        return ""
    return module_name
