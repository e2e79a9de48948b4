"""Read the cells of a Jupyter notebook (formats 2 to 4) as text; outputs are never looked at.

A notebook is data from who knows where: every type is checked, and what cannot be shown as a line
of text is spelt out, so that whoever writes a cell's text into a file writes the lines it has here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import attrs

from zenconv.errors import UsageError
from zenconv.frozen import Frozen

LARGEST = 200_000_000
"""Bytes; a notebook is larger only for what its outputs hold."""

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)

CellKind = Literal["code", "text", "unreadable"]


@attrs.frozen(eq=False, repr=False)
class Cell(Frozen):
    """One cell. `text` has no line breaks but line feeds; of an unreadable cell it says why it is."""

    kind: CellKind
    text: str
    language: str = ""


@attrs.frozen(eq=False, repr=False)
class Notebook(Frozen):
    """The cells of a notebook in order, and the language of its kernel (``""``: it does not say)."""

    cells: tuple[Cell, ...]
    language: str = ""


def read_notebook(path: Path) -> Notebook:
    """Return the notebook in the file `path`. `UsageError` if it is none; nothing of it is run."""
    document = _parse(_read(path), path)
    if not isinstance(document, Mapping):
        raise _no_notebook(path, f"its JSON is {_kind(document)}, no object")
    cells = [_read_cell(cell) for cell in _find_cells(document, path)]
    return Notebook(tuple(cells), _find_language(document))


def show_line_safely(text: str) -> str:
    r"""Return `text` with control and invisible characters but line feed and tab spelt out (``\x0c``)."""
    return _UNSAFE.sub(_spell_out, text.replace("\r\n", "\n").replace("\r", "\n"))


def _spell_out(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape", "surrogatepass").decode("ascii")


def _read(path: Path) -> str:
    if not path.is_file():
        raise UsageError(f"there is no file {str(path)!r}", hint="zenconv init --from NOTEBOOK.ipynb")
    if path.stat().st_size > LARGEST:
        raise UsageError(
            f"{str(path)!r} has more than {LARGEST // 1_000_000} MB",
            hint="clear its outputs: jupyter nbconvert --clear-output --inplace NOTEBOOK.ipynb",
        )
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _no_notebook(
            path, f"it is not UTF-8: byte 0x{error.object[error.start]:02x} at {error.start}"
        ) from error


def _parse(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise _no_notebook(path, f"it is not valid JSON: line {error.lineno}: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise _no_notebook(path, f"its JSON cannot be read: {error}") from error


def _find_cells(document: Mapping[str, Any], path: Path) -> Iterator[Any]:
    """Yield the cells of format 4, or of the sheets of an older one."""
    if isinstance(document.get("cells"), list):
        yield from document["cells"]
        return
    sheets = document.get("worksheets")
    if not isinstance(sheets, list):
        raise _no_notebook(path, "its JSON has no list of cells")
    for sheet in sheets:
        cells = sheet.get("cells") if isinstance(sheet, Mapping) else None
        if not isinstance(cells, list):
            raise _no_notebook(path, "one of its worksheets has no list of cells")
        yield from cells


def _read_cell(cell: Any) -> Cell:
    if not isinstance(cell, Mapping):
        return Cell("unreadable", f"this cell is {_kind(cell)}, no object")
    kind = cell.get("cell_type")
    source = cell.get("source", cell.get("input") if kind == "code" else None)
    text = _join(source)
    if text is None:
        return Cell("unreadable", f"the text of this cell is {_kind(source)}")
    text = show_line_safely(text)
    if kind == "code":
        return Cell("code", text, _text(cell.get("language")))
    if kind == "heading":
        level = cell.get("level")
        signs = "#" * level if isinstance(level, int) and level in range(1, 7) else "#"
        return Cell("text", f"{signs} {text}")
    return Cell("text", text)


def _join(source: Any) -> str | None:
    if isinstance(source, str):
        return source
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    return None


def _find_language(document: Mapping[str, Any]) -> str:
    metadata = document.get("metadata")
    for place, key in (("language_info", "name"), ("kernelspec", "language")):
        facts = metadata.get(place) if isinstance(metadata, Mapping) else None
        if isinstance(facts, Mapping) and _text(facts.get(key)):
            return _text(facts.get(key))
    return ""


def _text(value: Any) -> str:
    return show_line_safely(value).strip().lower() if isinstance(value, str) else ""


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "missing"}
    return names.get(type(value), "a number")


def _no_notebook(path: Path, why: str) -> UsageError:
    return UsageError(f"{str(path)!r} is no notebook: {why}", hint="name a Jupyter notebook (.ipynb)")
