"""Reading the table ``outputs``: which materializer stores an output, and which file it is written to."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from zenconv.settings.document import OWN_FILE, PYPROJECT
from zenconv.settings.lines import KeyPath
from zenconv.settings.reading import Reader
from zenconv.settings.settings import BRANCH, OutputSettings

_KEYS = ("export", "materializer")
_NAME = re.compile(
    r"(?:(?P<place>[^\[\]]+)::)?(?P<step>[^.:\[\]]+)(?:\[(?P<branch>.*)\])?(?:\.(?P<output>[^.:\[\]]+))?"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OURS = (".zenconv", ".git")
_NEVER = (OWN_FILE, PYPROJECT)


def read_outputs(reader: Reader, value: Any) -> tuple[OutputSettings, ...]:
    """Return what the table says, in its order; mistakes are left with the reader."""
    found: list[OutputSettings] = []
    targets: dict[str, OutputSettings] = {}
    for name, table in reader.read_table(("outputs",), value).items():
        output = _read_output(reader, ("outputs", name), name, table)
        if output is None:
            continue
        found.append(output)
        other = targets.setdefault(output.export, output) if output.export else output
        if other is not output:
            what = f"{output.export!r} is where {other.name!r} is written already ({other.where})"
            reader.report(("outputs", name), what)
    return tuple(found)


def _read_output(reader: Reader, path: KeyPath, name: str, value: Any) -> OutputSettings | None:
    parts = _NAME.fullmatch(name)
    if parts is None:
        hint = '"training::scores", "scores" or, of several outputs, "training::split.train"'
        reader.report(path, "expected the name of a step or of one of its outputs", hint=hint)
        return None
    table = {"export": value} if isinstance(value, str) else reader.read_table(path, value)
    reader.check_keys(path, table, _KEYS, hint=_quoting(name, table))
    if not table and isinstance(value, Mapping):
        reader.report(path, "says nothing", exists=f"there are {' and '.join(_KEYS)}")
    export = reader.read_text((*path, "export"), table.get("export"))
    return OutputSettings(
        name,
        parts["place"] or "",
        parts["step"],
        parts["branch"],
        parts["output"],
        reader.read_text((*path, "materializer"), table.get("materializer")) or "",
        _read_path(reader, (*path, "export"), export) if export else "",
        reader.where(path),
    )


def _quoting(name: str, table: Mapping[str, Any]) -> str:
    """Return the hint for ``split.train = {...}``, which TOML takes for a table in a table."""
    inner = next((key for key, item in table.items() if isinstance(item, Mapping)), "")
    return f'an output of a step is written in quotes: "{name}.{inner}"' if inner else ""


def _read_path(reader: Reader, path: KeyPath, text: str) -> str:
    """Return where to write, as normal as a path can be; ``""`` where it must not be."""
    normal = os.path.normpath(os.path.expanduser(text))
    parts = normal.split(os.sep)
    if _CONTROL.search(text):
        reader.report(path, "a path with control characters")
    elif text.endswith(("/", os.sep)) or normal == ".":
        reader.report(path, f"{text!r} is a folder", hint="name a file in it")
    elif parts[0] == "..":
        reader.report(
            path, f"{text!r} leads out of the project", hint="write an absolute path if that is meant"
        )
    elif any(part in _OURS for part in parts[:-1]) or parts[-1] in _OURS:
        reader.report(path, f"{text!r} lies where only zenconv or git write")
    elif normal.endswith(".py") or parts[-1] in _NEVER:
        reader.report(path, f"{text!r} would be written over code or settings", hint="choose another name")
    else:
        rest = normal.replace(BRANCH, "")
        if "{" in rest or "}" in rest:
            reader.report(path, f"unknown placeholder in {text!r}", exists=f"there is {BRANCH}")
            return ""
        return normal
    return ""
