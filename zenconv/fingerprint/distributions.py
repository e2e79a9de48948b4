"""Which installed distribution a module comes from, at what version, and what that requires.

Names and versions are read off the ``*.dist-info`` folder names: one listing of each import path.
Files are opened only for a module whose name differs from its distribution's (``sklearn``), and
for requirements; what they say is cached on disk under the state of those folders.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

from zenconv import hashing

_NAME = re.compile(r"[-_.]+")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_EXTRA = re.compile(r"\bextra\b")
_FORMAT = 1


class _Distribution(NamedTuple):
    name: str
    version: str
    folder: str


class Distributions:
    """What is installed on the import path `paths` (``sys.path`` by default).

    `cache_directory` is where answers that needed files to be opened are kept: by default
    ``$ZENCONV_HOME/cache`` or the user's cache folder. A damaged, unreadable or unwritable
    cache is only slow.
    """

    def __init__(self, paths: Iterable[str] | None = None, *, cache_directory: str | None = None) -> None:
        self._paths = [os.path.abspath(path) for path in (sys.path if paths is None else paths)]
        self._cache_directory = cache_directory
        self._found: dict[str, _Distribution] | None = None
        self._stamps: list[tuple[str, int]] = []
        self._facts: dict[str, Any] | None = None
        self._is_changed = False

    def installed(self) -> dict[str, str]:
        """Return the version of every installed distribution, by name, sorted."""
        return {d.name: d.version for d in sorted(self._all().values(), key=lambda d: d.name.lower())}

    def of_module(self, module_name: str) -> tuple[tuple[str, str], ...]:
        """Return name and version of each distribution that provides `module_name`; usually one."""
        names = self._providers(module_name)
        return tuple((self._all()[key].name, self._all()[key].version) for key in names)

    def closure(self, module_names: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Return what provides these modules and everything that requires, extras aside, sorted."""
        pending = [key for name in module_names for key in self._providers(name)]
        seen: set[str] = set()
        while pending:
            key = pending.pop()
            if key not in seen:
                seen.add(key)
                pending += [required for required in self._requirements(key) if required in self._all()]
        self._write_facts()
        return tuple(sorted((self._all()[key].name, self._all()[key].version) for key in seen))

    def _all(self) -> dict[str, _Distribution]:
        if self._found is None:
            self._found = {}
            for path in self._paths:
                for distribution in self._scan(path):
                    self._found.setdefault(normalize(distribution.name), distribution)
        return self._found

    def _scan(self, path: str) -> list[_Distribution]:
        try:
            with os.scandir(path) as entries:
                names = [e.name for e in entries if e.name.endswith((".dist-info", ".egg-info"))]
            if names:
                self._stamps.append((path, os.stat(path).st_mtime_ns))
        except OSError:
            return []
        return [found for name in sorted(names) if (found := _from_folder(path, name)) is not None]

    def _providers(self, module_name: str) -> list[str]:
        top = module_name.partition(".")[0]
        key = normalize(top)
        if key in self._all() and self._holds(self._all()[key], top):
            return [key]
        providers: dict[str, list[str]] = self._load_facts()["modules"]
        if top not in providers and not self._load_facts()["is_complete"]:
            self._map_modules()
            providers = self._load_facts()["modules"]
        return [name for name in providers.get(top, ()) if name in self._all()]

    def _holds(self, distribution: _Distribution, top: str) -> bool:
        """Return whether a module `top` lies beside the metadata of the distribution of that name."""
        base = os.path.join(os.path.dirname(distribution.folder), top)
        return os.path.isfile(os.path.join(base, "__init__.py")) or os.path.exists(base + ".py")

    def _map_modules(self) -> None:
        facts = self._load_facts()
        modules: dict[str, list[str]] = {}
        for key, distribution in self._all().items():
            for top in _top_levels(distribution):
                modules.setdefault(top, []).append(key)
        facts["modules"] = {top: sorted(set(keys)) for top, keys in modules.items()}
        facts["is_complete"] = True
        self._is_changed = True

    def _requirements(self, key: str) -> list[str]:
        facts: dict[str, list[str]] = self._load_facts()["requirements"]
        if key not in facts:
            facts[key] = _read_requirements(self._all()[key])
            self._is_changed = True
        return facts[key]

    # -- the cache on disk -------------------------------------------------------------------------

    def _cache_file(self) -> str:
        state = [text for path, stamp in self._stamps for text in (path, str(stamp))]
        name = hashing.digest_texts(f"zenconv.distributions.{_FORMAT}", state)[3:35]
        return os.path.join(self._cache_directory or _default_cache(), f"distributions-{name}.json")

    def _load_facts(self) -> dict[str, Any]:
        if self._facts is None:
            self._all()
            self._facts = _read_facts(self._cache_file())
        return self._facts

    def _write_facts(self) -> None:
        if not self._is_changed:
            return
        self._is_changed = False
        target = self._cache_file()
        draft = f"{target}.{os.getpid()}.draft"
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(draft, "w", encoding="utf-8") as stream:
                json.dump(self._facts, stream)
            os.replace(draft, target)
        except OSError:
            pass  # a cache that cannot be written costs time only


def normalize(name: str) -> str:
    """Return a distribution's name in the one spelling in which names are compared."""
    return _NAME.sub("_", name).lower()


def _default_cache() -> str:
    home = os.environ.get("ZENCONV_HOME")
    if home:
        return os.path.join(home, "cache")
    import platformdirs

    return platformdirs.user_cache_dir("zenconv", appauthor=False)


def _read_facts(path: str) -> dict[str, Any]:
    empty: dict[str, Any] = {"modules": {}, "requirements": {}, "is_complete": False}
    try:
        with open(path, encoding="utf-8") as stream:
            facts = json.load(stream)
    except (OSError, ValueError, RecursionError):
        return empty
    return facts if _is_sound(facts) else empty


def _is_sound(facts: Any) -> bool:
    if not isinstance(facts, dict) or not isinstance(facts.get("is_complete"), bool):
        return False
    tables = [facts.get("modules"), facts.get("requirements")]
    return all(
        isinstance(table, dict)
        and all(isinstance(v, list) and all(isinstance(i, str) for i in v) for v in table.values())
        for table in tables
    )


def _from_folder(path: str, folder: str) -> _Distribution | None:
    stem = folder.rpartition(".")[0]
    name, _, version = stem.partition("-")
    if folder.endswith(".egg-info"):
        version = version.partition("-")[0]
    location = os.path.join(path, folder)
    if name and not version:
        version = _header(location, "Version:")
    return _Distribution(name, version, location) if name and version else None


def _header(location: str, field: str) -> str:
    return next((line[len(field) :].strip() for line in _metadata(location) if line.startswith(field)), "")


def _metadata(location: str) -> list[str]:
    """Return the header lines of a distribution's metadata; the description that follows is not read."""
    for name in ("METADATA", "PKG-INFO", ""):
        path = os.path.join(location, name) if name else location
        lines: list[str] = []
        try:
            with open(path, encoding="utf-8", errors="replace") as stream:
                for line in stream:
                    if not line.strip():
                        return lines
                    lines.append(line)
            return lines
        except OSError:
            continue
    return []


def _read_requirements(distribution: _Distribution) -> list[str]:
    found = set()
    for line in _metadata(distribution.folder):
        if line.startswith("Requires-Dist:"):
            requirement, _, marker = line[len("Requires-Dist:") :].partition(";")
            match = _REQUIREMENT.match(requirement)
            if match is not None and not _EXTRA.search(marker):
                found.add(normalize(match.group(1)))
    return sorted(found)


def _top_levels(distribution: _Distribution) -> set[str]:
    """Return the top-level module names that a distribution installs."""
    listed = _read_lines(os.path.join(distribution.folder, "top_level.txt"))
    if listed:
        return {line.strip().partition("/")[0] for line in listed if line.strip()}
    found = set()
    for line in _read_lines(os.path.join(distribution.folder, "RECORD")):
        path = line.rpartition(",")[0].rpartition(",")[0].strip('"')
        first, slash, _ = path.partition("/")
        is_other = first in ("..", "__pycache__") or first.endswith((".dist-info", ".egg-info", ".data"))
        if slash and not is_other:
            found.add(first)
        elif not slash and first.endswith((".py", ".so", ".pyd")):
            found.add(first.partition(".")[0])
    return found


def _read_lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.readlines()
    except OSError:
        return []
