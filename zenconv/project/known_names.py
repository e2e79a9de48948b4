"""The names of pipelines, steps and parameters, for a shell's completion: quickly, importing nothing.

They are taken from the newest collection index. What was edited since is read as syntax, so a step
written a moment ago is there, too. Nothing is verified: a name too many only is an error later, from
the command that gets it.
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from zenconv.frozen import Frozen
from zenconv.project.collection_index import DAMAGES, FOLDER
from zenconv.project.discover import ProjectFiles, discover, pipeline_name

if TYPE_CHECKING:
    from zenconv.settings.settings import Settings

_MOST_SYNTAX = 1_000_000
"""Bytes of source that are parsed; a larger project has an index, or no completion of the rest."""


@attrs.frozen(eq=False, repr=False)
class KnownParameter(Frozen):
    """A parameter that takes a value; `value` is the text of the one it has, where that is known."""

    name: str
    value: str = ""
    is_path: bool = False


@attrs.frozen(eq=False, repr=False)
class KnownStep(Frozen):
    """A step as far as its name is concerned; `name` has the branch of a fan-out behind it."""

    file: str
    pipeline: str
    name: str
    outputs: tuple[str, ...] = ()
    parameters: tuple[KnownParameter, ...] = ()
    description: str = ""


def find_names(settings: Settings) -> list[KnownStep]:
    """Return what is known of the steps of a project, in the order of the index. Never raises `OSError`."""
    files = discover(settings.root, settings.step_files, settings.norecurse)
    index = _newest_index(settings.state / FOLDER)
    rows, time = _read_index(index) if index is not None else ([], 0)
    present = set(files.step_files)
    edited = {f for f in (*present, *files.zenconf_files) if _changed_at(settings.root / f) > time}
    known = [row.step for row in rows if row.step.file in present and row.source not in edited]
    return [*known, *_read_syntax(settings.root, files, edited)]


@attrs.frozen(eq=False, repr=False)
class _Row(Frozen):
    """A step of the index, and the file its function stands in."""

    step: KnownStep
    source: str


def _newest_index(folder: Path) -> Path | None:
    try:
        with os.scandir(folder) as scan:
            files = [(entry.stat().st_mtime_ns, entry.path) for entry in scan if entry.name.endswith(".json")]
    except OSError:
        return None
    return Path(max(files)[1]) if files else None


def _read_index(path: Path) -> tuple[list[_Row], int]:
    """Return the steps of an index, and when it was written; none where it is damaged."""
    try:
        with open(path, "rb") as stream:
            time = os.fstat(stream.fileno()).st_mtime_ns
            lines = stream.read().split(b"\n")
        return list(_rows(json.loads(lines[2]), json.loads(lines[3])["steps"])), time
    except (OSError, *DAMAGES):
        return [], 0


def _rows(plan: Any, texts: Sequence[Any]) -> Iterator[_Row]:
    for id, number, pipeline, bindings, *_ in plan["nodes"]:
        _, file_number, _, outputs, *_ = plan["steps"][number]
        file, _, name = id.partition("::")
        step = KnownStep(
            file,
            pipeline,
            name,
            tuple(output for output in outputs if output),
            tuple(KnownParameter(row[1], *_show(row[2])) for row in bindings if row[0] == 1),
            str(texts[number][0]).strip().partition("\n")[0],
        )
        yield _Row(step, plan["files"][file_number][0])


def _show(value: Any) -> tuple[str, bool]:
    """Return the text of a recorded value, and whether it is a path."""
    if isinstance(value, list):
        return (str(value[1]), True) if value[:1] == ["path"] else ("", False)
    return ("" if value is None else json.dumps(value) if not isinstance(value, str) else value), False


def _changed_at(path: Path) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


# ---------------------------------------------------------------- from syntax


def _read_syntax(root: Path, files: ProjectFiles, edited: Iterable[str]) -> Iterator[KnownStep]:
    left = _MOST_SYNTAX
    shared = set(files.zenconf_files)
    for file in sorted(edited):
        functions, size = _read_functions(root / file)
        left -= size
        if left < 0:
            return
        if file not in shared:
            yield from _steps_of(file, functions)
            continue
        folder = file.rpartition("/")[0]
        for other in files.step_files:
            if not folder or other.startswith(f"{folder}/"):
                yield from _steps_of(other, functions)


def _read_functions(path: Path) -> tuple[list[ast.FunctionDef | ast.AsyncFunctionDef], int]:
    try:
        data = path.read_bytes()
        if len(data) > _MOST_SYNTAX:
            return [], len(data)
        return list(_public_functions(ast.parse(data).body)), len(data)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return [], 0


def _public_functions(statements: Sequence[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            if not statement.name.startswith("_") and not _is_no_step(statement):
                yield statement
        elif isinstance(statement, ast.If | ast.Try):
            yield from _public_functions([*statement.body, *statement.orelse])


def _is_no_step(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a decorator says that this is a fixture, a helper or a hook."""
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if name in ("fixture", "helper", "hookimpl", "overload"):
            return True
    return False


def _steps_of(file: str, functions: Sequence[ast.FunctionDef | ast.AsyncFunctionDef]) -> Iterator[KnownStep]:
    names = {function.name for function in functions}
    for function in functions:
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        yield KnownStep(
            file,
            pipeline_name(file),
            function.name,
            parameters=tuple(KnownParameter(a.arg) for a in arguments if a.arg not in names),
            description=(ast.get_docstring(function) or "").partition("\n")[0],
        )
