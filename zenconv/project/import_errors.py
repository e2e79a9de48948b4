"""What to say when a project file cannot be imported: the place, the cause and the edit that helps."""

from __future__ import annotations

import builtins
import os
import re
import sys
from collections.abc import Iterator
from pkgutil import iter_modules
from types import FrameType
from typing import Any

from zenconv.errors import Problem, ZenconvError, did_you_mean
from zenconv.fingerprint.installing import DISTRIBUTIONS, install_command
from zenconv.fingerprint.sources import ProjectSources

IMPORTS = {
    **{name: f"import {name}" for name in ("datetime", "json", "math", "os", "re", "sys", "time", "zenconv")},
    **{
        name: f"from typing import {name}"
        for name in ("Annotated", "Any", "Literal", "NamedTuple", "TypedDict")
    },
    "Decimal": "from decimal import Decimal",
    "Enum": "from enum import Enum",
    "Iterator": "from collections.abc import Iterator",
    "Path": "from pathlib import Path",
    "dataclass": "from dataclasses import dataclass",
    "np": "import numpy as np",
    "partial": "from functools import partial",
    "pd": "import pandas as pd",
    "plt": "import matplotlib.pyplot as plt",
    **{
        name: f"from zenconv import {name}"
        for name in ("Collect", "Each", "From", "Output", "fixture", "helper", "mark", "parametrize", "step")
    },
}
"""What brings a name that people forget to import."""

Place = tuple[str, int, FrameType | None]


def describe_import_error(error: BaseException, file: str, sources: ProjectSources) -> Problem:
    """Return the problem of `file` that `error`, raised while importing it, stands for.

    It is located in the innermost file of the project; `exists` holds the import statements that
    lead there.
    """
    places = list(_project_places(error, sources))
    if isinstance(error, SyntaxError | ValueError) and "null bytes" in _text(error):
        return _null_bytes(_last_imported(error, file, sources), places, sources)
    if isinstance(error, SyntaxError):
        return _syntax_problem(error, file, places, sources)
    where, line, frame = places[-1] if places else (file, 0, None)
    what, hint = _explain(error, frame, sources)
    return Problem(what, where, line, exists=_chain(places[:-1], where), hint=hint)


def _project_places(error: BaseException, sources: ProjectSources) -> Iterator[Place]:
    trace = error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if sources.places.is_project_file(path):
            yield sources.relative(path), trace.tb_lineno, trace.tb_frame
        trace = trace.tb_next


def _chain(places: list[Place], where: str) -> str:
    outer = [f"{file}:{line}" for file, line, _ in places if file != where]
    return f"imported by {' -> '.join(outer)}" if outer else ""


def _syntax_problem(error: SyntaxError, file: str, places: list[Place], sources: ProjectSources) -> Problem:
    path = error.filename or ""
    if not os.path.isabs(path) or not sources.places.is_project_file(path):
        where, line = places[-1][:2] if places else (file, 0)
        inside = f" in {path}" if path else ""
        return Problem(
            f"{type(error).__name__}{inside}: {error.msg}", where, line, exists=_chain(places[:-1], where)
        )
    where = sources.relative(path)
    chain = _chain(places, where)
    if (
        "codec can't decode" in error.msg
        or "Non-UTF-8" in error.msg
        or "invalid or missing encoding" in error.msg
    ):
        return _encoding_problem(error, where, sources, chain)
    text = (error.text or "").strip()
    what = f"{type(error).__name__}: {error.msg}" + (f": {text}" if text else "")
    return Problem(what, where, error.lineno or 1, exists=chain)


def _last_imported(error: BaseException, file: str, sources: ProjectSources) -> str:
    """Return the file that was being compiled, from the frames of the import system."""
    trace, found = error.__traceback__, file
    while trace is not None:
        path = trace.tb_frame.f_locals.get("path")
        if isinstance(path, str) and path.endswith(".py") and sources.places.is_project_file(path):
            found = sources.relative(path)
        trace = trace.tb_next
    return found


def _null_bytes(file: str, places: list[Place], sources: ProjectSources) -> Problem:
    data = _read(file, sources)
    line = data.count(b"\n", 0, max(data.find(b"\0"), 0)) + 1
    what = "this file holds null bytes; it is no text"
    return Problem(what, file, line, exists=_chain(places, file), hint="is it UTF-16 or a binary file?")


def _encoding_problem(error: SyntaxError, file: str, sources: ProjectSources, chain: str) -> Problem:
    data = _read(file, sources)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        line, byte = data.count(b"\n", 0, wrong.start) + 1, f" (byte 0x{data[wrong.start]:02x})"
    else:
        what = f"this file is not in the encoding that it names: {error.msg.removeprefix('Non-UTF-8 code: ')}"
        return Problem(what, file, error.lineno or 1, exists=chain, hint="name the encoding it is saved in")
    return Problem(
        f"this file is not UTF-8{byte}",
        file,
        line,
        exists=chain,
        hint="save it as UTF-8, or name its encoding in the first line: # -*- coding: latin-1 -*-",
    )


def _read(file: str, sources: ProjectSources) -> bytes:
    try:
        with open(os.path.join(sources.root, file), "rb") as stream:
            return stream.read()
    except OSError:
        return b""


def _explain(error: BaseException, frame: FrameType | None, sources: ProjectSources) -> tuple[str, str]:
    """Return the message for `error` and the hint."""
    message = " ".join(_text(error).split())
    what = f"{type(error).__name__}: {message}" if message else type(error).__name__
    if isinstance(error, ZenconvError):
        return error.what, error.hint
    if isinstance(error, SystemExit):
        return f"this file ends the program while it is imported (sys.exit({message}))", (
            'put what is to run as a script under `if __name__ == "__main__":`'
        )
    if "partially initialized module" in message:
        return _explain_circle(error, what, sources)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return what, _missing_module_hint(error.name, frame, sources)
    if isinstance(error, ImportError) and error.name:
        return _explain_missing_name(error, what)
    if isinstance(error, NameError) and frame is not None:
        known = {*frame.f_globals, *frame.f_locals, *vars(builtins)}
        return what, IMPORTS.get(error.name or "") or _near(error.name or "", known)
    return what, ""


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a user's exception may fail to print itself
        return ""


def _near(name: str, known: Any) -> str:
    unlikely = "__" if name.startswith("_") else "_"
    found = did_you_mean(name, [k for k in known if isinstance(k, str) and not k.startswith(unlikely)])
    return found if found.startswith("did you mean") else ""


def _explain_circle(error: BaseException, what: str, sources: ProjectSources) -> tuple[str, str]:
    places = [(f, n) for f, n, frame in _project_places(error, sources) if frame is not None]
    module = _module_in(str(error)) or (error.name if isinstance(error, ImportError) else None)
    source = sources.get(module) if module else None
    start = sources.relative(source.path) if source is not None else ""
    first = next((i for i, (file, _) in enumerate(places) if file == start), 0)
    circle = " -> ".join([*(f"{file}:{line}" for file, line in places[first:]), start or places[0][0]])
    return f"circular import: {circle} ({what})", (
        "move what both need into a third file, or import inside the function that needs it"
    )


def _module_in(message: str) -> str:
    match = re.search(r"partially initialized module '([^']+)'", message)
    return match[1] if match else ""


def _explain_missing_name(error: ImportError, what: str) -> tuple[str, str]:
    module = sys.modules.get(error.name or "")
    match = re.search(r"cannot import name '([^']+)'", str(error))
    what = re.sub(r" \([^()]*\)$", "", what)
    if module is None or match is None:
        return what, ""
    return what, _near(match[1], vars(module))


def _missing_module_hint(name: str, frame: FrameType | None, sources: ProjectSources) -> str:
    files = _python_files(sources)
    top, _, rest = name.partition(".")
    if not rest and top in files and files[top] != f"{top}.py":
        package = os.path.dirname(files[top]).replace("/", ".")
        return f"the file is {files[top]}, and imports begin at the root: from {package} import {top}"
    near = _near(name, [n for n, file in files.items() if "/" not in file])
    if near:
        return near
    if top in sys.stdlib_module_names or top in files or top in sys.modules:
        return ""
    near = "" if rest else _near(name, (*sys.stdlib_module_names, *(m.name for m in iter_modules())))
    install = install_command(top)
    if near and top not in DISTRIBUTIONS:
        return f"{near} If not: {install}"  # what somebody mistyped may bring anything
    return install


def _python_files(sources: ProjectSources) -> dict[str, str]:
    """Return the project's modules outside closed folders: name -> path, those nearest the root first."""
    found: dict[str, str] = {}
    for folder, folders, names in os.walk(sources.root):
        folders[:] = sorted(
            f for f in folders if not f.startswith((".", "_")) and f not in ("venv", "node_modules")
        )
        for name in sorted(names):
            if name.endswith(".py"):
                path = os.path.relpath(os.path.join(folder, name), sources.root).replace(os.sep, "/")
                found.setdefault(name[:-3], path)
        if len(found) > 2000:
            break
    return found
