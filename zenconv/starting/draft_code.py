"""The Python of a draft: definitions for the module, and a function around the rest of the cell."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator, Sequence

import attrs

from zenconv.frozen import Frozen
from zenconv.starting.cell_code import MISTAKES, CellCode, Piece
from zenconv.starting.cell_names import has_await

_SHOWING = ("print", "display", "show", "pprint", "info")
"""Calls that show something and return nothing worth keeping."""


@attrs.frozen(eq=False, repr=False)
class Line(Frozen):
    """A line of a cell, by its number from 0. One that begins inside of a string cannot be indented."""

    number: int
    text: str
    is_inside: bool = False


@attrs.frozen(eq=False, repr=False)
class Draft(Frozen):
    """What a cell could become.

    Parameters
    ----------
    number
        Of the cell among the code cells, from 1; of a text cell 0.
    text, is_left
        The cell as it is, and whether it is left as that.
    definitions, helpers
        Lines for the module, and the public functions among them.
    name, body, statements
        Of the step; without a name there is nothing for a step to do, and only comments are left.
    takes
        Parameters, each with the name that the cell has for it.
    gives
        The step's outputs, each with the name that the cell has for it.
    result
        Without `gives`: the number of the line whose expression is returned, or None.
    remarks
        What a person should know, one line each.
    """

    number: int = 0
    text: str = ""
    is_left: bool = False
    definitions: tuple[Line, ...] = ()
    helpers: tuple[str, ...] = ()
    name: str = ""
    body: tuple[Line, ...] = ()
    statements: tuple[ast.stmt, ...] = ()
    takes: tuple[tuple[str, str], ...] = ()
    gives: tuple[tuple[str, str], ...] = ()
    result: int | None = None
    remarks: tuple[str, ...] = ()

    @property
    def needs_zenconv(self) -> bool:
        """Whether its Python speaks of zenconv."""
        return bool(self.helpers) or len(self.gives) > 1


def split_lines(
    code: CellCode, imports: Iterable[Piece], definitions: Sequence[Piece]
) -> tuple[list[Line], list[Line]]:
    """Return the lines that stay in the cell, and those of its definitions with the comments above them."""
    gone = {number for piece in imports for number in range(piece.first, piece.last + 1)}
    moved: set[int] = set()
    for piece in definitions:
        first = piece.first
        while first > 0 and code.lines[first - 1].startswith("#") and first - 1 not in code.in_text:
            first -= 1
        moved.update(range(first, piece.last + 1))
    lines = [Line(number, text, number in code.in_text) for number, text in enumerate(code.lines)]
    stay = [line for line in lines if line.number not in gone and line.number not in moved]
    return _strip(stay), [line for line in lines if line.number in moved and line.number not in gone]


def _strip(lines: list[Line]) -> list[Line]:
    while lines and not lines[0].text.strip():
        del lines[0]
    while lines and not lines[-1].text.strip():
        del lines[-1]
    return lines


def find_result(code: CellCode, body: Sequence[Piece]) -> int | None:
    """Return the line of the expression that the notebook would show below the cell, or None."""
    last = body[-1]
    if not isinstance(last.alone, ast.Expr):
        return None
    value = last.alone.value
    if isinstance(value, ast.Call):
        name = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
        if name in _SHOWING:
            return None
    behind = code.lines[last.last].encode()[last.alone.end_col_offset :].lstrip()
    return None if behind.startswith(b";") else last.first


def write_code(draft: Draft) -> list[str]:
    """Return the lines of Python of a draft. `SyntaxError` and others of `MISTAKES` if they are none."""
    lines = [line.text for line in draft.definitions]
    if draft.helpers:
        lines = list(_mark_helpers(draft))
    if draft.name:
        lines += ["", "", *_write_step(draft)] if lines else _write_step(draft)
    else:
        lines += [line.text for line in draft.body]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile("\n".join(lines) + "\n", "draft", "exec", dont_inherit=True)
    return lines


def is_python(draft: Draft) -> bool:
    """Return whether what would be written of a draft is valid Python."""
    try:
        write_code(draft)
    except MISTAKES:
        return False
    return True


def _mark_helpers(draft: Draft) -> Iterator[str]:
    """Yield the definitions with ``@zenconv.helper`` above functions that would be steps."""
    text = "\n".join(line.text for line in draft.definitions)
    marked = set()
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name in draft.helpers:
            marked.add(min([statement.lineno, *(d.lineno for d in statement.decorator_list)]) - 1)
    for number, line in enumerate(draft.definitions):
        if number in marked:
            yield "@zenconv.helper"
        yield line.text


def _write_step(draft: Draft) -> Iterator[str]:
    if len(draft.gives) > 1:
        names = ", ".join(f'"{output}"' for output, _ in draft.gives)
        yield f"@zenconv.step(outputs=({names}))"
    head = "async def" if has_await(draft.statements) else "def"
    yield f"{head} {draft.name}({', '.join(name for name, _ in draft.takes)}):"
    for parameter, name in draft.takes:
        if parameter != name:
            yield f"    {name} = {parameter}"
    for line in draft.body:
        text = f"return {line.text}" if line.number == draft.result else line.text
        yield text if line.is_inside or not text.strip() else f"    {text}"
    if draft.gives:
        yield f"    return {', '.join(name for _, name in draft.gives)}"
