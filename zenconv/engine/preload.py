"""Installed libraries, imported ahead of the project by a process that never runs the project's code.

What is imported, and under which environment variables, is what a run that imported everything
itself has reported (`imports`). A process that made use of it checks afterwards that importing
everything anew would have come to the same; where that is not certain, it says so, and the work is
done again in a process that has nothing imported.
"""

from __future__ import annotations

import gc
import importlib
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import attrs

from zenconv.fingerprint.places import Places
from zenconv.frozen import Frozen

_THREADS, _DESCRIPTORS = "/proc/self/task", "/proc/self/fd"
_HARMLESS_THREADS = re.compile(r"jemalloc_bg_thd")
"""Names of threads whose library halts them around a fork, though it does not end them."""
_PROGRAM = ("__main__", "__mp_main__")
_TICK_NANOSECONDS = 20_000_000
"""How much the time of a change may lag behind the clock."""
_DEVICE = re.compile(r"/dev/(nvidia|dri|kfd|accel|neuron|infiniband)")


@attrs.frozen(eq=False, repr=False)
class Imports(Frozen):
    """What a project had imported of installed libraries, once its own modules were.

    Parameters
    ----------
    script
        In their order, ``("import", name, "")`` for modules, and ``("set", variable, value)`` or
        ``("unset", variable, "")`` for what the project's code did to the environment meanwhile.
    later
        Variables set once everything was imported: whatever they are, no import saw them.
    order
        A digest of what decides on the order of imports in the project's modules, where that matters.
    barred
        Modules that must not be imported ahead: the project changes a library before.
    """

    script: Sequence[Sequence[str]] = ()
    later: Sequence[str] = ()
    order: str = ""
    barred: Sequence[str] = ()

    @property
    def writes(self) -> list[Sequence[str]]:
        """What was done to the environment before something was imported."""
        return [line for line in self.script if line[0] != "import"]

    @property
    def modules(self) -> list[str]:
        """The names of the modules."""
        return [line[1] for line in self.script if line[0] == "import"]

    def without(self, names: Iterable[str]) -> Imports:
        """Return these imports but for the packages `names`."""
        left = set(names)
        script = [
            line for line in self.script if line[0] != "import" or line[1].partition(".")[0] not in left
        ]
        return attrs.evolve(self, script=script)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            "script": [list(line) for line in self.script],
            "later": list(self.later),
            "order": self.order,
            "barred": list(self.barred),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Imports:
        """Rebuild from `to_json` data."""
        script = [tuple(line) for line in data["script"]]
        return cls(script, data["later"], data["order"], data["barred"])


class _Stamp(NamedTuple):
    modified: int
    changed: int
    size: int
    inode: int


class Preloaded:
    """Libraries imported in this process, and everything on which it depends that they are right.

    Made in a process that has not imported anything of a project, which may fork afterwards if
    `unsafe` is empty.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.unsafe = ""
        self.modules: dict[str, ModuleType] = {}
        self.imports = Imports()
        self.finders: list[Any] = []
        self._places = Places(root)
        self._stamps: dict[str, _Stamp | None] = {}
        self._folders: dict[str, list[str]] = {}
        self._opened: set[str] = set()
        self._is_listening = False
        self._started = 0

    def load(self, imports: Imports) -> None:
        """Import what `imports` lists; what cannot be imported is left out.

        Afterwards, `unsafe` names the first package after which this process must not fork.
        """
        self.imports = imports
        before = set(sys.modules)
        path = list(sys.path)
        self._started = time.time_ns()
        sys.addaudithook(self._hear)
        sys.path[:] = [entry for entry in path if not self._is_projects(entry)]
        own = list(sys.path)
        streams = _Silence()
        self._is_listening = True
        try:
            self._follow(imports.script)
        finally:
            self._is_listening = False
            streams.end()
            added = [entry for entry in sys.path if entry not in own]
            sys.path[:] = [*path, *added]
        self.modules = {name: module for name, module in sys.modules.items() if name not in before}
        self.finders = list(sys.meta_path)
        self._take_stamps()
        gc.collect()
        gc.freeze()

    def _follow(self, script: Iterable[Sequence[str]]) -> None:
        """Import, under the variables as they were; what libraries themselves set is left as it is."""
        package, seen = "", set(sys.modules)
        undone: list[tuple[str, str | None]] = []
        for kind, name, value in script:
            if kind != "import":
                undone.append((name, os.environ.get(name)))
                _set_variable(name, value if kind == "set" else None)
            elif name not in sys.modules:
                if name.partition(".")[0] != package:
                    if package and self._is_unsafe(package, seen):
                        return
                    package = name.partition(".")[0]
                try:
                    importlib.import_module(name)
                except Exception:  # noqa: BLE001 - made in another way than by importing, or broken by now
                    continue
        if package:
            self._is_unsafe(package, seen)
        for name, before in reversed(undone):
            _set_variable(name, before)

    def _is_unsafe(self, package: str, seen: set[str]) -> bool:
        fresh = sys.modules.keys() - seen
        seen |= fresh
        has_project = any(
            is_projects(sys.modules[name], self._places) for name in fresh if name not in _PROGRAM
        )
        has_barred = not fresh.isdisjoint(self.imports.barred)
        if has_barred or has_project or has_threads() or _has_devices():
            self.unsafe = package
        return bool(self.unsafe)

    def _is_projects(self, entry: str) -> bool:
        return self._places.is_project_folder(os.path.abspath(entry))

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._is_listening or event != "open":
            return
        path, mode, flags = arguments
        if isinstance(mode, str) and any(letter in mode for letter in "wax+"):
            return
        if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR):
            return
        if isinstance(path, str | bytes | os.PathLike):
            self._opened.add(os.path.abspath(os.fsdecode(path)))

    def _take_stamps(self) -> None:
        files = {str(getattr(module, "__file__", None) or "") for module in list(sys.modules.values())}
        files |= {path for path in self._opened if not path.startswith(("/proc/", "/sys/", "/dev/"))}
        self._folders = {
            entry: _names(entry)
            for entry in sys.path
            if os.path.isdir(entry) and not self._is_projects(entry)
        }
        self._stamps = {path: _stamp(path) for path in files if path and not path.endswith(".pyc")}

    def find_stale(self) -> str:
        """Return which file has changed since it was imported or read, or ``""``."""
        for path, stamp in self._stamps.items():
            now = _stamp(path)
            if now != stamp or (now is not None and now.changed > self._started - _TICK_NANOSECONDS):
                return path
        return next((path for path, names in self._folders.items() if _names(path) != names), "")

    # -- checks, once the project is imported too

    def find_shadow(self) -> str:
        """Return which file of the project an import would have found instead of a library, or ``""``."""
        names = {name for name in self.modules if "." not in name}
        where = {name: self._entry_of(name) for name in names}
        for position, entry in enumerate(sys.path):
            if self._is_projects(entry or os.curdir):
                for name in _importable(entry or os.curdir) & names:
                    if where[name] is None or where[name] > position:  # type: ignore[operator]
                        return os.path.join(entry, name)
        return ""

    def _entry_of(self, name: str) -> int | None:
        spec = getattr(self.modules[name], "__spec__", None)
        origin = getattr(spec, "origin", None) or ""
        if getattr(spec, "submodule_search_locations", None):
            origin = os.path.dirname(origin)
        folder = os.path.dirname(origin)
        return sys.path.index(folder) if folder in sys.path else None

    def find_replaced(self) -> str:
        """Return which module the project's code has replaced or taken away, or ``""``."""
        return next((n for n, module in self.modules.items() if sys.modules.get(n) is not module), "")


class _Silence:
    """Nothing is printed by libraries that are imported ahead: it would have been recorded elsewhere."""

    def __init__(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self._kept = [os.dup(1), os.dup(2)]
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
        os.dup2(null, 2)
        os.close(null)

    def end(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, kept in zip((1, 2), self._kept, strict=True):
            os.dup2(kept, descriptor)
            os.close(kept)


def has_threads() -> bool:
    """Return whether threads are left that a fork would lose.

    Libraries that care (OpenBLAS, OpenMP) end their threads when a process forks, so one is forked.
    """
    if _count_threads() == 1:
        return False
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    return _count_threads() != 1


def _count_threads() -> int:
    try:
        numbers = os.listdir(_THREADS)
    except OSError:  # no way to know: then one is never sure
        import threading

        return threading.active_count() + 1
    count = 0
    for number in numbers:
        try:
            with open(f"{_THREADS}/{number}/comm", encoding="utf-8", errors="replace") as stream:
                count += not _HARMLESS_THREADS.fullmatch(stream.read().strip())
        except OSError:
            continue  # it has just ended
    return count


def _has_devices() -> bool:
    """Return whether a device is open, whose driver is of no use in a forked process."""
    try:
        numbers = os.listdir(_DESCRIPTORS)
    except OSError:
        return False
    for number in numbers:
        try:
            if _DEVICE.match(os.readlink(f"{_DESCRIPTORS}/{number}")):
                return True
        except OSError:
            continue
    return False


def _stamp(path: str) -> _Stamp | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return _Stamp(stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)


def _names(folder: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name != "__pycache__")
    except OSError:
        return []


def _importable(folder: str) -> set[str]:
    from importlib.machinery import all_suffixes

    found = set()
    try:
        with os.scandir(folder) as scan:
            for entry in scan:
                if entry.name.endswith(tuple(all_suffixes())):
                    found.add(entry.name.partition(".")[0])
                elif os.path.exists(os.path.join(entry.path, "__init__.py")):
                    found.add(entry.name)
    except OSError:
        pass
    return found


def _set_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def is_library(name: str, module: Any, places: Places) -> bool:
    """Return whether an imported module is neither the project's nor the program itself."""
    return name not in _PROGRAM and module is not None and not is_projects(module, places)


def is_projects(module: Any, places: Places) -> bool:
    """Return whether an imported module, or part of a package, lies in the project."""
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        return os.path.isabs(file) and places.is_project_file(file)
    try:
        folders = [os.path.abspath(str(folder)) for folder in getattr(module, "__path__", ())]
    except TypeError:
        return False
    return any(places.is_project_folder(folder) for folder in folders)
