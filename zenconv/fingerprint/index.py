"""What a module defines, binds and imports at its top level, without executing it."""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterable, Iterator
from types import CodeType
from typing import NamedTuple

from zenconv.fingerprint.scopes import ImportTarget
from zenconv.fingerprint.syntax import DefinitionNode, attribute_chain

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_COMPOUND = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match,
)  # fmt: skip


class Binding(NamedTuple):
    """One statement that gives a module-level name its value, with the headers of what it stands in."""

    line: int
    parts: tuple[ast.AST | str, ...]


class ModuleIndex:
    """The top level of one module, also under ``if``, ``try``, ``with``, ``for``."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.definitions: dict[str, list[DefinitionNode]] = {}
        self.bindings: dict[str, list[Binding]] = {}
        self.imports: dict[str, list[ImportTarget]] = {}
        self.stars: list[ImportTarget] = []
        self.imported: list[ImportTarget] = []
        self.effects: list[tuple[str, tuple[str, ...], Binding]] = []
        self._by_line: dict[int, list[DefinitionNode]] | None = None
        self._nested: dict[int, dict[int, list[DefinitionNode]]] = {}
        self._global_users: dict[str, list[DefinitionNode]] | None = None
        self._scan()

    @classmethod
    def from_bytes(cls, data: bytes) -> ModuleIndex:
        """Parse `data`. `SyntaxError` if it is no Python."""
        enabled = gc.isenabled()
        gc.disable()  # a large tree costs half its time in the collector otherwise
        try:
            return cls(ast.parse(data))
        finally:
            if enabled:
                gc.enable()

    def names(self) -> list[str]:
        """Return every name bound at the top level, sorted."""
        return sorted({*self.definitions, *self.bindings, *self.imports})

    def find(self, code: CodeType) -> DefinitionNode | None:
        """Return the definition that was compiled to `code`."""
        line, name = code.co_firstlineno, code.co_name
        candidates = [node for node in self._at_line(line) if _is_named(node, name)]
        if not candidates:
            candidates = [node for node in self._below(line) if _is_named(node, name)]
        if len(candidates) > 1:
            return _closest(candidates, code)
        return candidates[0] if candidates else None

    def class_at(self, qualname: str, line: int | None = None) -> ast.ClassDef | None:
        """Return the class `qualname` (``"Outer.Inner"``); the last one, or the one around `line`."""
        found: list[ast.ClassDef] = []
        first, *rest = qualname.split(".")
        nodes: Iterable[ast.AST] = self.definitions.get(first, ())
        for name in rest:
            if name == "<locals>":
                nodes = [inner for node in nodes for inner in ast.walk(node) if inner is not node]
            else:
                bodies = [inner for node in nodes for inner in _children(node)]
                nodes = [inner for inner in bodies if getattr(inner, "name", None) == name]
        found = [node for node in nodes if isinstance(node, ast.ClassDef)]
        exact = [n for n in found if line is not None and first_line(n) <= line <= (n.end_lineno or 0)]
        candidates = exact or found
        return candidates[-1] if candidates else None

    def global_users(self, name: str) -> list[DefinitionNode]:
        """Return the functions that assign the module-level `name` by a ``global`` statement."""
        if self._global_users is None:
            self._global_users = {}
            for definition in self._top_level():
                for node in ast.walk(definition):
                    for declared in node.names if isinstance(node, ast.Global) else ():
                        self._global_users.setdefault(declared, []).append(definition)
        return self._global_users.get(name, [])

    def _top_level(self) -> Iterator[DefinitionNode]:
        for nodes in self.definitions.values():
            yield from nodes

    def _at_line(self, line: int) -> list[DefinitionNode]:
        if self._by_line is None:
            self._by_line = {}
            stack: list[ast.AST] = list(self._top_level())
            while stack:
                node = stack.pop()
                if isinstance(node, _DEFINITIONS):
                    self._by_line.setdefault(first_line(node), []).append(node)
                    if isinstance(node, ast.ClassDef):
                        stack += _children(node)
        return self._by_line.get(line, [])

    def _below(self, line: int) -> list[DefinitionNode]:
        """Return nested functions and lambdas that begin at `line`."""
        found: list[DefinitionNode] = []
        for statement in self.tree.body:
            if first_line(statement) <= line <= (statement.end_lineno or 0):
                lines = self._nested.get(id(statement))
                if lines is None:
                    lines = self._nested[id(statement)] = _definitions_by_line(statement)
                found += lines.get(line, ())
        return found

    def _scan(self) -> None:
        stack: list[tuple[ast.stmt, tuple[ast.AST | str, ...], bool]]
        stack = [(statement, (), False) for statement in reversed(self.tree.body)]
        while stack:
            statement, headers, is_script = stack.pop()
            if isinstance(statement, _DEFINITIONS):
                self.definitions.setdefault(statement.name, []).append(statement)
            elif isinstance(statement, (ast.Import, ast.ImportFrom)):
                self._add_import(statement)
            elif isinstance(statement, _COMPOUND):
                is_script = is_script or _is_script_guard(statement)
                header = (*headers, f"({type(statement).__name__} ", *_header(statement))
                self._bind(statement, _targets(statement), header)
                blocks = list(_blocks(statement))
                for label, block in reversed(blocks):
                    inner = (*header, f" {label})")
                    stack += [(child, inner, is_script) for child in reversed(block)]
            else:
                self._add_statement(statement, (*headers, statement), is_script)

    def _add_statement(self, statement: ast.stmt, parts: tuple[ast.AST | str, ...], is_script: bool) -> None:
        if is_script or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            return
        self._bind(statement, _targets(statement), parts)
        effect = _effect(statement)
        if effect is not None:
            self.effects.append((*effect, Binding(statement.lineno, parts)))

    def _bind(self, statement: ast.stmt, names: Iterable[str], parts: tuple[ast.AST | str, ...]) -> None:
        for name in dict.fromkeys(names):
            self.bindings.setdefault(name, []).append(Binding(statement.lineno, parts))

    def _add_import(self, statement: ast.Import | ast.ImportFrom) -> None:
        for alias in statement.names:
            if isinstance(statement, ast.Import):
                bound = alias.asname or alias.name.partition(".")[0]
                target = ImportTarget(alias.name if alias.asname else bound)
                self.imported.append(ImportTarget(alias.name))
            else:
                bound = alias.asname or alias.name
                target = ImportTarget(statement.module or "", alias.name, statement.level)
                self.imported.append(target)
            if bound == "*":
                self.stars.append(target)
            else:
                self.imports.setdefault(bound, []).append(target)


def first_line(node: ast.AST) -> int:
    """Return the line a definition begins at: its first decorator's, as in its code object."""
    decorators = getattr(node, "decorator_list", None)
    return int(decorators[0].lineno if decorators else getattr(node, "lineno", 0))


def _is_named(node: DefinitionNode, name: str) -> bool:
    return getattr(node, "name", "<lambda>") == name


def _closest(candidates: list[DefinitionNode], code: CodeType) -> DefinitionNode:
    """Tell definitions on one line apart by the columns of the instructions."""
    positions = [p for p in code.co_positions() if None not in p and p[2] != p[3]]
    fitting = [node for node in candidates if all(_encloses(node, position) for position in positions)]
    return min(fitting or candidates, key=lambda node: (node.end_col_offset or 0) - node.col_offset)


def _encloses(node: DefinitionNode, position: tuple[int | None, ...]) -> bool:
    line, end_line, column, end_column = (value or 0 for value in position)
    start, end = (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)
    return start <= (line, column) and (end_line, end_column) <= end


def _definitions_by_line(statement: ast.AST) -> dict[int, list[DefinitionNode]]:
    lines: dict[int, list[DefinitionNode]] = {}
    for node in ast.walk(statement):
        if isinstance(node, (*_DEFINITIONS, ast.Lambda)):
            lines.setdefault(first_line(node), []).append(node)
    return lines


def _children(node: ast.AST) -> list[ast.stmt]:
    """Return the statements of a body, also those under ``if`` and ``try`` in it."""
    found: list[ast.stmt] = []
    stack = list(reversed(getattr(node, "body", [])))
    while stack:
        statement = stack.pop()
        if isinstance(statement, _COMPOUND):
            stack += [child for _, block in _blocks(statement) for child in reversed(block)]
        else:
            found.append(statement)
    return found


def _header(node: ast.stmt) -> list[ast.AST | str]:
    if isinstance(node, (ast.If, ast.While)):
        return [node.test]
    if isinstance(node, (ast.For, ast.AsyncFor)):
        return [node.target, " in ", node.iter]
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return list(node.items)
    return [node.subject] if isinstance(node, ast.Match) else []


def _blocks(node: ast.stmt) -> Iterator[tuple[str, list[ast.stmt]]]:
    for field in ("body", "orelse", "finalbody"):
        block = getattr(node, field, None)
        if block:
            yield field, block
    for number, handler in enumerate(getattr(node, "handlers", ())):
        yield f"except{number}", handler.body
    for number, case in enumerate(getattr(node, "cases", ())):
        yield f"case{number} {ast.dump(case.pattern)}", case.body


def _is_script_guard(node: ast.stmt) -> bool:
    """Return whether `node` is ``if __name__ == "__main__":``, which never runs on import."""
    test = getattr(node, "test", None)
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _targets(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that `statement` itself binds, or whose object it visibly changes."""
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from _bound_by(target)
    elif isinstance(statement, (ast.AugAssign, ast.AnnAssign, ast.For, ast.AsyncFor)):
        yield from _bound_by(statement.target) if getattr(statement, "value", statement) is not None else ()
    elif isinstance(statement, (ast.With, ast.AsyncWith)):
        for item in statement.items:
            yield from _bound_by(item.optional_vars) if item.optional_vars is not None else ()
    elif isinstance(statement, ast.Delete):
        for target in statement.targets:
            yield from _bound_by(target)
    elif type(statement).__name__ == "TypeAlias":
        yield statement.name.id  # type: ignore[attr-defined]
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        yield from _changed_by(statement.value)
    for node in ast.walk(statement) if isinstance(statement, (ast.Expr, ast.Assign)) else ():
        if isinstance(node, ast.NamedExpr):
            yield node.target.id


def _bound_by(target: ast.AST) -> Iterator[str]:
    if isinstance(target, (ast.Tuple, ast.List)):
        for element in target.elts:
            yield from _bound_by(element)
    else:
        while isinstance(target, (ast.Starred, ast.Attribute, ast.Subscript)):
            target = target.value
        if isinstance(target, ast.Name):
            yield target.id


def _changed_by(call: ast.Call) -> Iterator[str]:
    """Yield the names a bare call may change: its receiver and its arguments."""
    receiver = call.func
    while isinstance(receiver, (ast.Attribute, ast.Subscript, ast.Call)):
        receiver = receiver.func if isinstance(receiver, ast.Call) else receiver.value
    if isinstance(receiver, ast.Name) and receiver is not call.func:
        yield receiver.id
    for argument in call.args:
        if isinstance(argument, ast.Name):
            yield argument.id


def _effect(statement: ast.stmt) -> tuple[str, tuple[str, ...]] | None:
    """Return what a bare call or an assignment to an attribute acts on: ``("np", ("seterr",))``."""
    node: ast.expr
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        node = statement.value.func
    elif isinstance(statement, ast.Assign):
        node = statement.targets[0]
        if not isinstance(node, (ast.Attribute, ast.Subscript)):
            return None
    else:
        return None
    while isinstance(node, (ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    chain = attribute_chain(node)
    if chain is None:  # decimal.getcontext().prec = 5
        while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
            node = node.func if isinstance(node, ast.Call) else node.value
        chain = (node.id, ()) if isinstance(node, ast.Name) else None
    return chain
