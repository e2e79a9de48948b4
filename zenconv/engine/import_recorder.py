"""What a project's import brings in of installed libraries, and what it does before they come."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from zenconv import hashing
from zenconv.engine.preload import Imports, Preloaded, is_library
from zenconv.fingerprint.places import Places
from zenconv.fingerprint.sources import ProjectSources

_EVENTS = {"os.putenv": "set", "os.unsetenv": "unset"}


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
        self._writes: list[tuple[int, str, str, str, str]] = []
        self._is_importing = True
        self._count = 0
        self._has_step_writes = False
        self._before = set(sys.modules)
        sys.addaudithook(self._hear)

    def end_import(self) -> None:
        """Be told that the project is imported: what is imported from now on, its steps import."""
        self._is_importing = False
        self._count = len(sys.modules)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
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
        self._writes.append((len(sys.modules), kind, name, value, place))

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

    def imports(self, sources: ProjectSources) -> Imports:
        """Return what was imported, in a process in which nothing was imported ahead.

        What steps import themselves is left out where one of them changed the environment before.
        """
        script: list[tuple[str, str, str]] = []
        waiting = list(self._writes)
        imported = list(sys.modules.items())
        for position, (name, module) in enumerate(
            imported[: self._count] if self._has_step_writes else imported
        ):
            if is_library(name, module, self._places):
                while waiting and waiting[0][0] <= position and name not in self._before:
                    _, kind, variable, value, _ = waiting.pop(0)
                    script.append((kind, variable, value))
                script.append(("import", name, ""))
        has_writes = any(line[0] != "import" for line in script)
        return Imports(script, [write[2] for write in waiting], digest_order(sources) if has_writes else "")

    def added(self, imports: Imports) -> Imports:
        """Return `imports`, made use of in this process, with what was imported beyond them."""
        known = set(imports.modules)
        fresh = [
            ("import", name, "")
            for name, module in list(sys.modules.items())
            if name not in known and is_library(name, module, self._places)
        ]
        return Imports([*imports.script, *fresh], imports.later, imports.order) if fresh else imports

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
        if preloaded.imports.writes:
            if sources is None:
                return "the environment is changed before libraries are imported"
            if digest_order(sources) != preloaded.imports.order:
                return "the order of imports changed, and with it the environment they see"
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

    def _compare_writes(self, imports: Imports) -> str:
        expected = [tuple(line) for line in imports.writes]
        early = []
        for _, kind, name, value, place in self._writes:
            if (kind, name, value) in expected:
                early.append((kind, name, value))
            elif name not in imports.later:
                return f"{place} changes the environment variable {name} while it is imported"
        if early != expected:
            return "the environment is no longer changed before libraries are imported"
        return ""


def digest_order(sources: ProjectSources) -> str:
    """Return a digest of what stands before the last import in each of the project's modules."""
    texts = []
    for source in sources.modules():
        texts += [source.module, str(source.path)]
        if source.is_binary:
            texts.append(source.digest)
        else:
            last = max(
                (node.end_lineno or 0 for node in source.index.tree.body if _has_import(node)), default=0
            )
            texts.append(source.text(1, last))
    return hashing.digest_texts("zenconv.import_order", texts)


def _has_import(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return False
    return any(isinstance(inner, ast.Import | ast.ImportFrom) for inner in ast.walk(node))
