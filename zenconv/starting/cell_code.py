"""A code cell taken apart: imports, definitions and constants for the module, the rest for a step.

The text of a cell is kept as it was written, comments too; only lines move. IPython's own commands
become comments. Nothing is run.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator, Sequence

import attrs

from zenconv.frozen import Frozen
from zenconv.starting.cell_names import literal_value

LONGEST_CELL = 200_000
"""Characters; a longer cell is kept as text and not looked into."""

_MAGIC = re.compile(
    r"\s*+(%{1,2}[A-Za-z]|!|\?\S|[\w.]{1,200}\?{1,2}\s*$|[\w., \[\]]{1,200}=\s*(!|%[A-Za-z]))"
)
_CELL_MAGIC = re.compile(r"\s*%%(\w+)")
_PYTHON_MAGICS = ("time", "timeit", "capture", "prun", "memit", "mprun", "skip", "notify")
"""Cell commands after which the rest of the cell is Python all the same."""

MISTAKES = (SyntaxError, tokenize.TokenError, ValueError, RecursionError, MemoryError, OverflowError)
"""What parsing hostile text may raise."""


@attrs.frozen(eq=False, repr=False)
class Piece(Frozen):
    """Whole lines of a cell, numbered from 0, and the statements on them."""

    first: int
    last: int
    statements: tuple[ast.stmt, ...]

    @property
    def alone(self) -> ast.stmt | None:
        """The statement, if there is only one."""
        return self.statements[0] if len(self.statements) == 1 else None

    @property
    def is_import(self) -> bool:
        """Whether there are only imports."""
        return all(isinstance(s, ast.Import | ast.ImportFrom) for s in self.statements)

    @property
    def definition(self) -> str:
        """The name of the function or class, if that is what it is."""
        is_definition = isinstance(self.alone, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        return self.alone.name if is_definition else ""  # type: ignore[union-attr]

    @property
    def literal(self) -> str:
        """The name that is bound to a literal, if that is all."""
        return literal_value(self.alone) if self.alone is not None else ""


@attrs.frozen(eq=False, repr=False)
class CellCode(Frozen):
    """The lines of a cell with what is IPython's turned into comments, and the pieces they make up.

    `problem` says why there are no pieces. `in_text` are the lines that begin inside of a string:
    they cannot be indented.
    """

    lines: tuple[str, ...]
    pieces: tuple[Piece, ...] = ()
    in_text: frozenset[int] = frozenset()
    problem: str = ""
    has_magic: bool = False

    @property
    def is_star(self) -> bool:
        """Whether names may come from where nobody can see."""
        stars = (n.name == "*" for s in self._statements() if isinstance(s, ast.ImportFrom) for n in s.names)
        return any(stars) or any(re.match(r"\s*# *%(run|pylab|load)\b", line) for line in self.lines)

    def _statements(self) -> Iterator[ast.stmt]:
        for piece in self.pieces:
            yield from piece.statements


def take_apart(text: str) -> CellCode:
    """Return a cell's text as pieces, or with the reason why it cannot be taken apart."""
    lines = text.rstrip().split("\n")
    found = _CELL_MAGIC.match(text.lstrip("\n"))
    if found is not None and found[1] not in _PYTHON_MAGICS:
        return CellCode(tuple(lines), problem=f"%%{found[1]} is no Python", has_magic=True)
    if len(text) > LONGEST_CELL:
        return CellCode(tuple(lines), problem="it is very long")
    try:
        return _parse(lines)
    except MISTAKES as error:
        first = error
    plain = [_comment_out(line) if _MAGIC.match(line) else line for line in lines]
    try:
        return attrs.evolve(_parse(plain), has_magic=True)
    except MISTAKES:
        return CellCode(tuple(lines), problem=_say_why(first))


def _parse(lines: Sequence[str]) -> CellCode:
    text = "\n".join(lines) + "\n"
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = compile(text, "cell", "exec", flags, dont_inherit=True)
    return CellCode(tuple(lines), tuple(_find_pieces(tree.body)), frozenset(_lines_in_text(text)))


def _find_pieces(statements: Sequence[ast.stmt]) -> Iterator[Piece]:
    """Yield statements by lines: those that share one are one piece."""
    group: list[ast.stmt] = []
    first = last = -1
    for statement in statements:
        start = _first_line(statement) - 1
        if group and start > last:
            yield Piece(first, last, tuple(group))
            group = []
        if not group:
            first = start
        group.append(statement)
        last = (statement.end_lineno or statement.lineno) - 1
    if group:
        yield Piece(first, last, tuple(group))


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def _lines_in_text(text: str) -> Iterator[int]:
    starts: list[int] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        name = tokenize.tok_name[token.type]
        if name == "STRING":
            yield from range(token.start[0], token.end[0])
        elif name in ("FSTRING_START", "TSTRING_START"):
            starts.append(token.start[0])
        elif name in ("FSTRING_END", "TSTRING_END"):
            yield from range(starts.pop(), token.end[0])


def _comment_out(line: str) -> str:
    """Return a line of IPython as a comment; an indented one keeps its block from being empty."""
    command = line.lstrip()
    indent = line[: len(line) - len(command)]
    return f"{indent}pass  # {command}" if indent else f"# {command}"


def _say_why(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"it is no Python 3: line {error.lineno}: {error.msg}"
    return f"it is no Python 3: {type(error).__name__}"
