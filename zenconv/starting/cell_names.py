"""What a piece of a cell does with names: reads before it defines, defines, changes in place.

Only the syntax is looked at; nothing is run. In doubt a name is read: a parameter too many is seen
at once, one too few is an error when the step runs.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterable

CHANGING_METHODS = frozenset({
    "add", "add_", "append", "backward", "build", "clear", "compile", "delete", "discard", "eval",
    "extend", "fill", "fit", "fit_resample", "insert", "load_state_dict", "load_weights", "partial_fit",
    "pop", "popitem", "remove", "reverse", "set_params", "setdefault", "shuffle", "sort", "step", "train",
    "train_on_batch", "update", "zero_grad",
})  # fmt: skip
"""Methods that change what they are called on, whatever they return."""

SETTING_METHODS = frozenset({
    "basicConfig", "filterwarnings", "manual_seed", "seed", "set", "set_context", "set_option", "set_palette",
    "set_printoptions", "set_seed", "set_style", "set_theme", "simplefilter", "use",
})  # fmt: skip
"""Functions of libraries that set something for all that follows."""


class NameUse(ast.NodeVisitor):
    """Names in the order in which they first occur; dictionaries serve as ordered sets.

    `reads` are those whose value comes, or may come, from before. `writes` are those bound here,
    `changes` those whose value is changed in place.
    """

    def __init__(self) -> None:
        self.reads: dict[str, None] = {}
        self.writes: dict[str, None] = {}
        self.changes: dict[str, None] = {}
        self._sure: set[str] = set()
        self._depth = 0

    def read(self, name: str) -> None:
        if name not in self._sure:
            self.reads.setdefault(name)

    def write(self, name: str) -> None:
        self.writes.setdefault(name)
        if not self._depth:
            self._sure.add(name)

    # -- where the order of reading and binding is not that of the fields

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.write(node.id)
        else:
            self.read(node.id)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self._visit_target(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)
            self._visit_target(node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.read(node.target.id)
        self.visit(node.value)
        self._visit_target(node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.visit(node.target)

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.read(target.id)
            else:
                self._visit_target(target)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self._maybe([node.target, *node.body])
        self._maybe(node.orelse)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self.visit_For(node)

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        self._maybe([*node.body, *node.orelse])

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        self._maybe(node.body)
        self._maybe(node.orelse)

    def visit_Try(self, node: ast.Try | ast.TryStar) -> None:
        self._maybe([*node.body, *node.handlers, *node.orelse])
        for statement in node.finalbody:
            self.visit(statement)

    def visit_TryStar(self, node: ast.TryStar) -> None:
        self.visit_Try(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.type is not None:
            self.visit(node.type)
        if node.name:
            self.write(node.name)
        self._maybe(node.body)

    def visit_Match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        self._maybe(node.cases)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        self.generic_visit(node)
        if node.name:
            self.write(node.name)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self.write(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.generic_visit(node)
        if node.rest:
            self.write(node.rest)

    def _maybe(self, nodes: Iterable[ast.AST]) -> None:
        """Visit what may not be executed: what it binds may still come from before."""
        self._depth += 1
        inner = set(self._sure)
        for node in nodes:
            if isinstance(node, ast.expr):  # the target of a loop is bound whenever its body runs
                self._visit_target(node)
                self._sure |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            else:
                self.visit(node)
        self._sure = inner
        self._depth -= 1

    # -- changes in place

    def _visit_target(self, target: ast.expr) -> None:
        if isinstance(target, ast.Attribute | ast.Subscript):
            self.visit(target)
            self._change(target)
        elif isinstance(target, ast.Tuple | ast.List):
            for item in target.elts:
                self._visit_target(item)
        elif isinstance(target, ast.Starred):
            self._visit_target(target.value)
        else:
            self.visit(target)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and (
            node.func.attr in CHANGING_METHODS or any(map(_is_inplace, node.keywords))
        ):
            self._change(node.func)

    def _change(self, place: ast.expr) -> None:
        name = root_name(place)
        if name:
            self.changes.setdefault(name)

    # -- what binds names, and what has a scope of its own

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            self.write((alias.asname or alias.name).partition(".")[0])

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.visit_Import(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_scope(node)
        self.write(node.name)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._visit_scope(node)
        self.write(node.name)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_scope(node)
        self.write(node.name)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_scope(node)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._visit_scope(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._visit_scope(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._visit_scope(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._visit_scope(node)

    def _visit_scope(self, node: ast.AST) -> None:
        for name in free_names(node):
            self.read(name)
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            for inner in ast.walk(node):
                if isinstance(inner, ast.NamedExpr):  # binds in the scope around the comprehension
                    self.write(inner.target.id)


def use_of(statements: Iterable[ast.stmt]) -> NameUse:
    """Return what `statements`, executed in this order, do with names."""
    use = NameUse()
    for statement in statements:
        use.visit(statement)
    return use


def free_names(node: ast.AST) -> list[str]:
    """Return the names that a function, class, lambda or comprehension takes from around it, sorted."""
    table = symtable.symtable(ast.unparse(node), "cell", "exec")
    own = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned()}
    found: set[str] = set()
    waiting = [table]
    for scope in waiting:
        waiting += scope.get_children()
        symbols = (symbol for symbol in scope.get_symbols() if symbol.is_referenced() and symbol.is_global())
        found.update(symbol.get_name() for symbol in symbols)
    return sorted(found - own)


def find_settings(statements: Iterable[ast.stmt]) -> list[str]:
    """Return the names of what is set for all that follows: ``np.random.seed(0)``, ``pd.options.x = 1``."""
    found: dict[str, None] = {}
    for statement in statements:
        places: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            places = [t for t in statement.targets if isinstance(t, ast.Attribute | ast.Subscript)]
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            function = statement.value.func
            if isinstance(function, ast.Attribute) and function.attr in SETTING_METHODS:
                places = [function]
        found.update((name, None) for name in map(root_name, places) if name)
    return list(found)


def root_name(place: ast.expr) -> str:
    """Return the name in front of ``.attribute`` and ``[item]``, or ``""``."""
    while isinstance(place, ast.Attribute | ast.Subscript):
        place = place.value
    return place.id if isinstance(place, ast.Name) else ""


def literal_value(statement: ast.stmt) -> str:
    """Return the name that a statement binds to a plain value which nobody would change, or ``""``."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], statement.value
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target, value = statement.target, statement.value
    else:
        return ""
    if not isinstance(target, ast.Name) or not is_plain(value):
        return ""
    return target.id


def is_plain(value: ast.expr) -> bool:
    """Return whether an expression is a literal; an empty container is one to be filled, so it is not."""
    if isinstance(value, ast.Constant):
        return True
    if isinstance(value, ast.UnaryOp):
        return isinstance(value.operand, ast.Constant)
    if isinstance(value, ast.List | ast.Tuple | ast.Set):
        return bool(value.elts) and all(map(is_plain, value.elts))
    if isinstance(value, ast.Dict):
        keys = [key for key in value.keys if key is not None]
        return bool(keys) and len(keys) == len(value.keys) and all(map(is_plain, [*keys, *value.values]))
    return False


def has_await(statements: Iterable[ast.stmt]) -> bool:
    """Return whether `statements` wait for something themselves, outside of functions."""
    waiting: list[ast.AST] = list(statements)
    for node in waiting:
        if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith):
            return True
        if isinstance(node, ast.comprehension) and node.is_async:
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)
    return False


def _is_inplace(keyword: ast.keyword) -> bool:
    return (
        keyword.arg == "inplace" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True
    )
