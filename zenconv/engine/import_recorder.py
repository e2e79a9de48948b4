"""What a project's import brings in of installed libraries, and what it does before they come."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from zenconv.engine.import_order import Arrival, digest_order, find_influenced, has_settings
from zenconv.engine.preload import Imports, Preloaded, is_library
from zenconv.fingerprint.places import Places, is_own_module, is_standard_module
from zenconv.fingerprint.sources import ProjectSources

_EVENTS = {"os.putenv": "set", "os.unsetenv": "unset"}


class _Write(NamedTuple):
    """What the project's code did to a variable, where, and which modules there were."""

    kind: str
    name: str
    value: str
    place: str
    known: frozenset[str]


class ImportRecorder:
    """Listens in the process that imports the project, from before until it is imported.

    Parameters
    ----------
    preloaded
        What was imported ahead in this process, or None.
    on_write
        Told when a step changes the environment, with a sentence that says which variable.
    """

    def __init__(
        self, root: Path, preloaded: Preloaded | None, on_write: Callable[[str], object] | None = None
    ) -> None:
        self._places = Places(root)
        self._preloaded = preloaded
        self._on_write = on_write
        self._writes: list[_Write] = []
        self._arrivals: list[Arrival] = []
        self._is_importing = True
        self._imported: list[str] = []
        self._known: frozenset[str] = frozenset()
        self._has_step_writes = False
        sys.addaudithook(self._hear)

    def end_import(self) -> None:
        """Be told that the project is imported: what is imported from now on, its steps import."""
        self._is_importing = False
        self._imported = list(sys.modules)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "import":
            if self._is_importing and self._find_asking():
                self._arrivals.append(Arrival(self._know(), self._find_lines()))
            return
        kind = _EVENTS.get(event)
        if kind is None:
            return
        place = self._find_asking()
        if not place:
            return
        name = os.fsdecode(arguments[0])
        if not self._is_importing:
            self._has_step_writes = True
            if self._on_write is not None:
                self._on_write(f"{place} changes the environment variable {name} while a step runs")
            return
        value = os.fsdecode(arguments[1]) if kind == "set" else ""
        self._writes.append(_Write(kind, name, value, place, self._know()))

    def _know(self) -> frozenset[str]:
        """Return the names of all modules there are; of those that are there for good, one set is kept."""
        if len(self._known) != len(sys.modules):
            self._known = frozenset(sys.modules)
        return self._known

    def _find_asking(self) -> str:
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith("<frozen importlib"):
                return ""
            is_program = file.startswith("<") or frame.f_globals.get("__name__") == "__main__"
            if not is_program and self._places.is_project_file(file):
                return f"{self._places.relative(file)}:{frame.f_lineno}"
            frame = frame.f_back
        return ""

    def _find_lines(self) -> dict[str, int]:
        """Return which line of each project file is being executed."""
        lines: dict[str, int] = {}
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            file = frame.f_code.co_filename
            if frame.f_code.co_name == "<module>" and self._places.is_project_file(file):
                lines.setdefault(file, frame.f_lineno)
            frame = frame.f_back
        return lines

    def imports(self, sources: ProjectSources) -> Imports:
        """Return what was imported, in a process in which nothing was imported ahead.

        What steps import themselves is left out where one of them changed the environment before.
        """
        script: list[tuple[str, str, str]] = []
        waiting = list(self._writes)
        barred = self._find_barred(sources)
        for name in self._imported if self._has_step_writes else list(sys.modules):
            if name not in barred and is_library(name, sys.modules.get(name), self._places):
                # The order in `sys.modules` is that in which modules were complete.
                while waiting and name not in waiting[0].known:
                    write = waiting.pop(0)
                    script.append((write.kind, write.name, write.value))
                script.append(("import", name, ""))
        has_writes = any(line[0] != "import" for line in script)
        order = digest_order(sources) if has_writes or has_settings(sources) else ""
        return Imports(script, [write.name for write in waiting], order, sorted(barred))

    def added(self, imports: Imports, sources: ProjectSources) -> Imports:
        """Return `imports`, made use of in this process, with what was imported beyond them."""
        barred = {*imports.barred, *self._find_barred(sources)}
        known = barred.union(imports.modules)
        fresh = [
            ("import", name, "")
            for name, module in list(sys.modules.items())
            if name not in known and is_library(name, module, self._places)
        ]
        if not fresh and len(barred) == len(imports.barred):
            return imports
        return Imports([*imports.script, *fresh], imports.later, imports.order, sorted(barred))

    def _find_barred(self, sources: ProjectSources) -> set[str]:
        """Return which libraries are not to be imported ahead: the project has a say in what they hold."""
        modules = dict(sys.modules)
        steps_begin = Arrival(frozenset(self._imported), {})
        influenced = find_influenced(modules, [*self._arrivals, steps_begin], sources)
        return {
            name
            for name in influenced
            if not is_standard_module(name)
            and not is_own_module(name)
            and is_library(name, modules[name], self._places)
        }

    def find_doubt(self, sources: ProjectSources | None) -> str:
        """Return why the libraries imported ahead may not be as they would be now, or ``""``.

        `sources` is None where the import failed.
        """
        preloaded = self._preloaded
        if preloaded is None:
            return ""
        doubt = self._compare_writes(preloaded.imports)
        if doubt:
            return doubt
        doubt = self._compare_order(preloaded.imports, sources)
        if doubt:
            return doubt
        shadow = preloaded.find_shadow()
        if shadow:
            return f"{self._places.relative(shadow)} stands before an installed library"
        replaced = preloaded.find_replaced()
        if replaced:
            return f"the project puts something else in the place of the module {replaced}"
        for finder in sys.meta_path:
            module = getattr(finder, "__module__", None) or type(finder).__module__
            if finder not in preloaded.finders and not str(module).startswith("zenconv."):
                return f"{module} changes how modules are imported"
        return ""

    def _compare_order(self, imports: Imports, sources: ProjectSources | None) -> str:
        if sources is None:
            return "importing the project failed" if imports.order else ""
        matters = bool(imports.writes) or has_settings(sources)
        if (digest_order(sources) if matters else "") == imports.order:
            return ""
        return "what stands before imports, or changes a library, is not as it was"

    def _compare_writes(self, imports: Imports) -> str:
        expected = [tuple(line) for line in imports.writes]
        early = []
        for kind, name, value, place, _ in self._writes:
            if (kind, name, value) in expected:
                early.append((kind, name, value))
            elif name not in imports.later:
                return f"{place} changes the environment variable {name} while it is imported"
        if early != expected:
            return "the environment is no longer changed before libraries are imported"
        return ""
