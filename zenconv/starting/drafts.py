"""From the cells of a notebook to drafts of steps: which cell gives what to which.

A notebook has one set of names, and a cell may bind a name again. A step has one value for ever, so
the second binding of ``df`` becomes the step ``df_2``, and the cells below ask for that one.
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Iterable, Iterator

import attrs

from zenconv.frozen import Frozen
from zenconv.starting.cell_code import MISTAKES, CellCode, Piece, take_apart
from zenconv.starting.cell_names import NameUse, find_settings, free_names, use_of
from zenconv.starting.draft_code import Draft, find_result, split_lines
from zenconv.starting.draft_names import NameChooser, read_heading
from zenconv.starting.notebook_file import Notebook

PYTHON = ("", "python", "python3", "ipython")
"""What the language of a Python notebook is called."""

LONGEST_CODE = 2_000_000
"""Characters of code that are looked into; cells behind them are kept as text."""


@attrs.frozen(eq=False, repr=False)
class Drafts(Frozen):
    """Everything that is written about a notebook: its imports, and a draft for each cell."""

    imports: tuple[str, ...]
    cells: tuple[Draft, ...]


def draft_cells(notebook: Notebook) -> Drafts:
    """Return drafts for the cells of a notebook. Nothing of it is run."""
    drafter = _Drafter()
    cells = list(_take_apart(notebook))
    code_cells = [cell for cell in cells if isinstance(cell, _CodeCell)]
    for learn in (drafter.count_names, drafter.sort_pieces, drafter.find_uses):
        for cell in code_cells:
            learn(cell)
    drafts = [drafter.draft(cell) if isinstance(cell, _CodeCell) else Draft(text=cell) for cell in cells]
    return Drafts(tuple(drafter.imports), tuple(drafts))


@attrs.define(eq=False)
class _CodeCell:
    """A code cell while the notebook is gone through."""

    number: int
    text: str
    code: CellCode
    heading: str = ""
    imports: list[Piece] = attrs.Factory(list)
    definitions: list[Piece] = attrs.Factory(list)
    body: list[Piece] = attrs.Factory(list)
    use: NameUse = attrs.Factory(NameUse)

    def give_up(self, problem: str) -> None:
        """Keep the cell as text."""
        self.code = CellCode((), problem=problem)
        self.imports, self.definitions, self.body, self.use = [], [], [], NameUse()


def _take_apart(notebook: Notebook) -> Iterator[_CodeCell | str]:
    number, heading, left = 0, "", LONGEST_CODE
    for position, cell in enumerate(notebook.cells):
        if cell.kind != "code":
            if position:  # a heading at the very top is the notebook's, not that of a cell
                heading = read_heading(cell.text) or heading
            yield cell.text
            continue
        if not cell.text.strip():
            continue
        number += 1
        left -= len(cell.text)
        language = cell.language or notebook.language
        if language not in PYTHON:
            code = CellCode((), problem=f"it is {language}")
        elif left < 0:
            code = CellCode((), problem="the notebook is very long")
        else:
            code = take_apart(cell.text)
        yield _CodeCell(number, cell.text, code, heading)
        heading = ""


class _Drafter:
    """Goes through the code cells several times, and knows more each time."""

    def __init__(self) -> None:
        self.imports: dict[str, None] = {}
        self.names = NameChooser()
        self.bindings: Counter[str] = Counter()
        self.changed: set[str] = set()
        self.module_names: set[str] = set()
        self.imported: set[str] = set()
        self.first_write: dict[str, int] = {}
        self.last_write: dict[str, int] = {}
        self.last_read: dict[str, int] = {}
        self.has_star = False
        self.current: dict[str, tuple[str, int]] = {}

    # -- learning

    def count_names(self, cell: _CodeCell) -> None:
        """Count how often each name is bound, and note what is changed in place."""
        try:
            uses = [use_of([statement]) for piece in cell.code.pieces for statement in piece.statements]
        except MISTAKES as error:
            cell.give_up(f"{type(error).__name__} while looking into it")
            return
        for use in uses:
            self.bindings.update(list(use.writes))
            self.changed.update(use.changes)
        self.has_star = self.has_star or cell.code.is_star

    def sort_pieces(self, cell: _CodeCell) -> None:
        """Put each piece where it belongs: to the imports, into the module, into the step."""
        for piece in cell.code.pieces:
            if piece.is_import:
                cell.imports.append(piece)
                self.imports.update(dict.fromkeys(map(ast.unparse, piece.statements)))
                self.imported.update(use_of(piece.statements).writes)
            elif piece.definition or self._is_constant(piece.literal):
                cell.definitions.append(piece)
                self.module_names.add(piece.definition or piece.literal)
            else:
                cell.body.append(piece)
        self.names.reserve(self.module_names | self.imported)

    def _is_constant(self, name: str) -> bool:
        return self.bindings[name] == 1 and name not in self.changed

    def find_uses(self, cell: _CodeCell) -> None:
        """Take down which cells read and bind which names."""
        cell.use = use_of(statement for piece in cell.body for statement in piece.statements)
        for name in cell.use.writes:
            self.first_write.setdefault(name, cell.number)
            self.last_write[name] = cell.number
        for name in cell.use.reads:
            self.last_read[name] = cell.number

    # -- drafting

    def draft(self, cell: _CodeCell) -> Draft:
        """Return the draft of a cell; those above it have theirs."""
        if cell.code.problem:
            return Draft(cell.number, cell.text, True, remarks=(f"left as it is: {cell.code.problem}",))
        lines, definitions = split_lines(cell.code, cell.imports, cell.definitions)
        known = Draft(
            cell.number,
            cell.text,
            definitions=tuple(definitions),
            helpers=tuple(p.definition for p in cell.definitions if _is_function(p)),
            remarks=tuple(self._remark(cell)),
        )
        if not cell.body:
            return attrs.evolve(known, body=tuple(lines))
        takes = tuple(self._find_inputs(cell))
        given = list(self._find_outputs(cell))
        result = find_result(cell.code, cell.body) if not given else None
        if not given and result is None:
            given = _last_assigned(cell.body)
        name = _result_name(cell) if result is not None else ""
        name = name or cell.heading or f"cell_{cell.number}"
        own_name = self.names.choose(name) if len(given) != 1 else ""
        gives = tuple((self.names.choose(name), name) for name in given)
        self.current.update({name: (chosen, cell.number) for chosen, name in gives})
        return attrs.evolve(
            known,
            name=own_name or gives[0][0],
            body=tuple(lines),
            statements=tuple(s for piece in cell.body for s in piece.statements),
            takes=takes,
            gives=gives,
            result=result,
        )

    def _find_inputs(self, cell: _CodeCell) -> Iterator[tuple[str, str]]:
        """Yield what the step asks for, each with the name that the cell has for it."""
        for name in dict.fromkeys([*cell.use.reads, *cell.use.changes]):
            if name in self.current:
                yield self.current[name][0], name
            elif self._is_made_below(name, cell) and name in cell.use.reads:
                yield name, name

    def _is_made_below(self, name: str, cell: _CodeCell) -> bool:
        return self.first_write.get(name, 0) >= cell.number and self.last_write[name] > cell.number

    def _find_outputs(self, cell: _CodeCell) -> Iterator[str]:
        """Yield the names that a later cell reads, if this one binds them or changes their values."""
        for name in dict.fromkeys([*cell.use.writes, *cell.use.changes]):
            is_variable = name in cell.use.writes or name in self.current
            if is_variable and self.last_read.get(name, 0) > cell.number:
                yield name

    def _remark(self, cell: _CodeCell) -> Iterator[str]:
        sources: dict[int, list[str]] = {}
        for name in cell.use.reads:
            if name in self.current:
                sources.setdefault(self.current[name][1], []).append(name)
        if sources:
            given = (f"{', '.join(names)} of cell {number}" for number, names in sources.items())
            yield f"uses {'; '.join(given)}"
        if cell.imports:
            yield "its imports are at the top"
        if cell.code.has_magic:
            yield "commands of IPython are comments here: no Python"
        sets = [
            name
            for name in find_settings(s for p in cell.body for s in p.statements)
            if name in self.imported
        ]
        if sets:
            yield f"sets something of {', '.join(sets)} for later cells; a step has no effect on another step"
        yield from self._remark_definitions(cell)
        below = [
            name for name in cell.use.reads if name not in self.current and self._is_made_below(name, cell)
        ]
        if below:
            yield f"bound only in a cell below: {', '.join(below)}"
        unknown = [name for name in cell.use.reads if not self._is_known(name)]
        if unknown and not self.has_star:
            yield f"bound nowhere in the notebook: {', '.join(unknown)}"

    def _remark_definitions(self, cell: _CodeCell) -> Iterator[str]:
        for piece in cell.definitions:
            if not piece.definition:
                continue
            if self.bindings[piece.definition] > 1:
                yield f"{piece.definition} is defined more than once: the last one would count"
            used = [name for name in _free_names(piece) if name in self.first_write]
            if used:
                yield f"{piece.definition} uses {', '.join(used)}, which a step makes: pass it as an argument"

    def _is_known(self, name: str) -> bool:
        known = name in self.first_write or name in self.module_names or name in self.imported
        return known or hasattr(builtins, name)


def _free_names(piece: Piece) -> list[str]:
    try:
        return free_names(piece.statements[0])
    except MISTAKES:
        return []


def _is_function(piece: Piece) -> bool:
    is_public = not piece.definition.startswith("_")
    return isinstance(piece.alone, ast.FunctionDef | ast.AsyncFunctionDef) and is_public


def _result_name(cell: _CodeCell) -> str:
    """Return the name that a cell ends with, if it is bound in the cell."""
    last = cell.body[-1].alone
    value = last.value if isinstance(last, ast.Expr) else None
    return value.id if isinstance(value, ast.Name) and value.id in cell.use.writes else ""


def _last_assigned(pieces: Iterable[Piece]) -> list[str]:
    """Return the name that was bound last at the top of a cell, if there is one."""
    found: list[str] = []
    for statement in (s for piece in pieces for s in piece.statements):
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign | ast.AugAssign):
            targets = [statement.target]
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        found = names[-1:] or found
    return found
