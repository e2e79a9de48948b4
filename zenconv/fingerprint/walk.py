"""The walk over a syntax tree that writes its canonical text and collects the names it reads.

The text is equal on every supported Python. Out of it are positions, comments, formatting,
contexts and empty fields; in the *plain* form also docstrings and annotations of functions. The
*full* form keeps those, for code whose behaviour may depend on them. The walk keeps its own
stack: the depth of the source is not limited by Python's. Nothing outside the standard library
is imported here.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from zenconv.fingerprint.named_modules import HEARD, NAMING, OWN_MODULE, module_named, named_by
from zenconv.fingerprint.scopes import ImportTarget, Load, Scope

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
DefinitionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda

MEMBERS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_LEFT_OUT = frozenset({"ctx", "type_comment", "kind", "type_ignores", "simple"})
_DOCUMENTATION = frozenset({
    "__doc__", "__annotations__", "__annotate__", "__signature__", "getdoc",
    "get_type_hints", "get_annotations", "getfullargspec", "getsource", "get_source", "getsourcelines",
})  # fmt: skip
_NAMESPACES = frozenset({"globals", "eval", "exec"})
_GLOBALS = frozenset({"f_globals", "__globals__"})
_PLAIN_DECORATORS = frozenset({
    "property", "staticmethod", "classmethod", "cached_property", "setter", "getter", "deleter", "wraps",
    "lru_cache", "cache", "contextmanager", "asynccontextmanager", "abstractmethod", "override", "overload",
    "total_ordering", "final",
})  # fmt: skip


class _Enter:
    __slots__ = ("scope",)

    def __init__(self, scope: Scope) -> None:
        self.scope = scope


class _Leave:
    __slots__ = ()


_LEAVE = _Leave()


def _atom(value: object) -> str:
    """Return an injective text of a constant, the same on every Python."""
    if isinstance(value, str):
        return repr(value)
    if value is None or value is Ellipsis or isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return f"i{value:x}"
    if isinstance(value, bytes):
        return f"b{value.hex()}"
    return f"{type(value).__name__}:{value!r}"


def marked(mark: str, items: Sequence[Any]) -> list[Any]:
    """Return ``mark[ ... ]`` around `items`, or nothing for none."""
    if not items:
        return []
    shown = ["~" if item is None else item if _is_no_text(item) else repr(item) for item in items]
    return [f"{mark}[", *shown, "]"]


def _is_no_text(item: object) -> bool:
    """Return whether `item` is anything but a bare name in a list (``global a, b``)."""
    return item.__class__ is not str


def attribute_chain(node: ast.expr) -> tuple[str, tuple[str, ...]] | None:
    """Return ``("np", ("linalg", "norm"))`` for ``np.linalg.norm``; None for anything else."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return (node.id, tuple(reversed(attributes))) if isinstance(node, ast.Name) else None


def _without_strings(body: list[ast.stmt]) -> list[Any]:
    kept = [s for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    return kept or ["(Pass)"]


class Walk:
    """One pass over some code: its text in `out`, the names it reads in `loads`."""

    def __init__(self, full: bool) -> None:
        self.full = full
        self.out: list[str] = []
        self.stack: list[Any] = []
        self.loads: list[Load] = []
        self.scope = Scope("module")
        self.reads_docs = False
        self.reads_namespace = False
        self.computed_imports: list[int] = []

    def run(self, items: list[Any]) -> str:
        stack, out, handlers = self.stack, self.out, _HANDLERS
        stack.extend(reversed(items))
        while stack:
            item = stack.pop()
            kind = item.__class__
            if kind is str:
                out.append(item)
            else:
                handlers.get(kind, Walk.generic)(self, item)
        return "".join(out)

    def push(self, items: list[Any]) -> None:
        items.reverse()
        self.stack.extend(items)

    def generic(self, node: ast.AST) -> None:
        items: list[Any] = ["(", node.__class__.__name__]
        for field in node._fields:
            if field in _LEFT_OUT:
                continue
            value = getattr(node, field, None)
            if value is None:
                continue
            if value.__class__ is list:
                items += marked(" " + field, value)
            elif isinstance(value, ast.AST):
                items.append(f" {field}=")
                items.append(value)
            else:
                items.append(f" {field}={_atom(value)}")
        items.append(")")
        self.push(items)

    def load(self, name: str, chain: tuple[str, ...] = ()) -> None:
        scope = self.scope
        if scope.kind == "class" and scope.is_unbound_so_far(name) and name not in scope.module_names:
            assert scope.parent is not None
            scope = scope.parent
            while scope.kind == "class" and scope.parent is not None:
                scope = scope.parent
        self.loads.append(Load(scope, name, chain))

    # -- names ---------------------------------------------------------------------------------

    def name(self, node: ast.Name) -> None:
        self.out.append(f"<{node.id}>")
        if node.ctx.__class__ is ast.Load:
            self.load(node.id)
            if node.id in _DOCUMENTATION or node.id == "signature":
                self.reads_docs = True
        else:
            self.scope.bind(node.id)

    def attribute(self, node: ast.Attribute) -> None:
        if node.attr in _DOCUMENTATION:
            self.reads_docs = True
        if node.attr in _GLOBALS:
            self.reads_namespace = True
        chain = attribute_chain(node)
        if chain is None:
            self.push([f"(. {node.attr} ", node.value, ")"])
            return
        name, attributes = chain
        if node.attr == "signature" and name == "inspect":
            self.reads_docs = True
        self.load(name, attributes)
        self.out.append(f"(. {'.'.join(reversed(attributes))} <{name}>)")

    def constant(self, node: ast.Constant) -> None:
        if node.value in ("__doc__", "__annotations__") and isinstance(node.value, str):
            self.reads_docs = True
        self.out.append(_atom(node.value))

    def call(self, node: ast.Call) -> None:
        chain = attribute_chain(node.func)
        arguments: list[Any] = list(node.args)
        if chain == ("getattr", ()):
            arguments[:1] = self.followed(node)
        elif chain is not None:
            self.note_call(node, *chain)
        items = ["(Call ", node.func, *marked(" args", arguments), *marked(" keywords", node.keywords)]
        self.push([*items, ")"])

    def note_call(self, node: ast.Call, name: str, attributes: tuple[str, ...]) -> None:
        """Follow the calls that reach a name by its text."""
        last = attributes[-1] if attributes else name
        if not attributes and (name in _NAMESPACES or (name == "vars" and not node.args)):
            self.reads_namespace = True
        elif node.args and (last in NAMING or (name, attributes) == ("sys", ("modules", "get"))):
            target = module_named(node, last)
            is_heard = last in HEARD and self.scope.enclosing_function().kind == "function"
            if target is not None or not is_heard:
                self.note_module(target, node.lineno)

    def subscript(self, node: ast.Subscript) -> None:
        if attribute_chain(node.value) == ("sys", ("modules",)):
            self.note_module(named_by(node.slice), node.lineno)
        self.generic(node)

    def note_module(self, target: ImportTarget | None, line: int) -> None:
        """Follow a module, or what is in it, that is reached by its name as a text; None: a computed one."""
        if target is None:
            self.computed_imports.append(line)
        elif target == OWN_MODULE:
            self.reads_namespace = True
        else:
            scope = Scope("function", Scope("module"))
            module, *chain = target.module.split(":", 1)
            scope.bind_import(target.module, target._replace(module=module))
            self.loads.append(Load(scope, target.module, tuple(chain[0].split(".")) if chain else ()))

    def followed(self, node: ast.Call) -> list[Any]:
        """Treat ``getattr(module, "name")`` as ``module.name``; return what stays of its first argument."""
        if len(node.args) < 2 or not isinstance(node.args[1], ast.Constant):
            return list(node.args[:1])
        chain = attribute_chain(node.args[0])
        attribute = node.args[1].value
        if chain is None or not isinstance(attribute, str):
            return list(node.args[:1])
        self.load(chain[0], (*chain[1], attribute))
        return [_Read(node.args[0])]

    def already_read(self, node: _Read) -> None:
        """Write the object of a followed ``getattr`` without reading it as a whole."""
        name, attributes = attribute_chain(node.node) or ("", ())
        self.out.append(f"(. {'.'.join(reversed(attributes))} <{name}>)" if attributes else f"<{name}>")

    def named_expression(self, node: ast.NamedExpr) -> None:
        self.scope.enclosing_function().bind(node.target.id)
        self.push([f"(:= <{node.target.id}> ", node.value, ")"])

    def import_modules(self, node: ast.Import) -> None:
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            self.scope.bind_import(bound, ImportTarget(alias.name if alias.asname else bound))
        self.generic(node)

    def import_from(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            target = ImportTarget(node.module or "", alias.name, node.level)
            self.scope.bind_import(alias.asname or alias.name, target)
        self.generic(node)

    def declare_global(self, node: ast.Global) -> None:
        self.scope.module_names.update(node.names)
        self.generic(node)

    def declare_nonlocal(self, node: ast.Nonlocal) -> None:
        self.scope.outer_names.update(node.names)
        self.generic(node)

    def binding_pattern(self, node: Any) -> None:
        """``except ... as name``, ``case ... as name``, ``case *name``, ``case **rest``, type parameters."""
        name = getattr(node, "rest", None) or getattr(node, "name", None)
        if name:
            self.scope.bind(name)
        self.generic(node)

    # -- statements ----------------------------------------------------------------------------

    def assign(self, node: ast.Assign) -> None:
        self.push(["(Assign ", node.value, *marked(" to", node.targets), ")"])

    def augmented(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.load(node.target.id)
        self.generic(node)

    def annotated(self, node: ast.AnnAssign) -> None:
        if self.full or self.scope.kind == "class":
            items: list[Any] = ["(AnnAssign "]
            items += [] if node.value is None else [node.value]
            self.push([*items, " to[", node.target, "] as ", node.annotation, ")"])
        elif node.value is not None:
            self.push(["(Assign ", node.value, " to[", node.target, "]", ")"])
        elif isinstance(node.target, ast.Name):
            self.scope.bind(node.target.id)

    def joined(self, node: ast.JoinedStr) -> None:
        """Join neighbouring texts: Python versions cut f-strings differently."""
        items: list[Any] = []
        text = ""
        for value in node.values:
            if isinstance(value, ast.Constant):
                text += str(value.value)
                continue
            items += [repr(text)] if text else []
            items.append(value)
            text = ""
        items += [repr(text)] if text else []
        self.push(["(f", *items, ")"])

    def formatted(self, node: ast.FormattedValue) -> None:
        items: list[Any] = ["{", node.value, f"!{node.conversion}"]
        if isinstance(node.format_spec, ast.JoinedStr) and node.format_spec.values:
            items += [":", node.format_spec]
        self.push([*items, "}"])

    # -- definitions ---------------------------------------------------------------------------

    def nested_function(self, node: FunctionNode) -> None:
        self.scope.bind(node.name)
        full = self.full or any(_is_telling(decorator) for decorator in node.decorator_list)
        self.push([*marked(" @", node.decorator_list), *self.function_parts(node, full=full)])

    def function_parts(self, node: FunctionNode, *, full: bool, name: str | None = None) -> list[Any]:
        shown = node.name if name is None else name
        inner = self._parameters(node, full)
        before = self._defaults(node.args)
        if full:
            annotations = [a.annotation for a in _all_parameters(node.args)]
            before += [*marked(" hints", annotations), *marked(" returns", [node.returns])]
        body = node.body if full else _without_strings(node.body)
        marks = [_Full(full), *before, _Enter(inner)] if full != self.full else [*before, _Enter(inner)]
        end = [_LEAVE, _Full(self.full)] if full != self.full else [_LEAVE]
        kind = node.__class__.__name__
        return [f"({kind} {shown}({_signature(node.args)})", *marks, *body, *end, ")"]

    def nested_lambda(self, node: ast.Lambda) -> None:
        inner = self._parameters(node, full=False)
        start = [f"(Lambda ({_signature(node.args)})", *self._defaults(node.args), _Enter(inner)]
        self.push([*start, node.body, _LEAVE, ")"])

    def _parameters(self, node: FunctionNode | ast.Lambda, full: bool) -> Scope:
        scope = Scope("function", self.scope)
        scope.bound.update(parameter.arg for parameter in _all_parameters(node.args))
        scope.bound.update(item.name for item in getattr(node, "type_params", ()))
        return scope

    def _defaults(self, arguments: ast.arguments) -> list[Any]:
        return [*marked(" =", arguments.defaults), *marked(" *=", arguments.kw_defaults)]

    def nested_class(self, node: ast.ClassDef) -> None:
        self.scope.bind(node.name)
        self.push([*marked(" @", node.decorator_list), *self.class_parts(node, node.body)])

    def class_parts(self, node: ast.ClassDef, body: Sequence[Any], name: str | None = None) -> list[Any]:
        shown = node.name if name is None else name
        inner = Scope("class", self.scope)
        inner.bound.update(item.name for item in getattr(node, "type_params", ()))
        if body is not node.body:
            inner.bound.update(child.name for child in node.body if isinstance(child, MEMBERS))
        header = [*marked(" types", getattr(node, "type_params", ()))]
        header += [*marked(" bases", node.bases), *marked(" keywords", node.keywords)]
        return [f"(ClassDef {shown}", *header, " ", _Enter(inner), *body, _LEAVE, ")"]

    def comprehension(self, node: Any) -> None:
        inner = Scope("comprehension", self.scope)
        first, *others = node.generators
        items: list[Any] = [f"({node.__class__.__name__} {first.is_async} ", first.iter, _Enter(inner)]
        items += [" for ", first.target, *marked(" if", first.ifs), *marked(" then", others)]
        values = [node.key, ":", node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self.push([*items, " give ", *values, _LEAVE, ")"])

    def comprehension_part(self, node: ast.comprehension) -> None:
        items = [f"(for {node.is_async} ", node.iter, " ", node.target, *marked(" if", node.ifs), ")"]
        self.push(items)

    def enter(self, mark: _Enter) -> None:
        self.scope = mark.scope

    def leave(self, mark: _Leave) -> None:
        assert self.scope.parent is not None
        self.scope = self.scope.parent

    def set_full(self, mark: _Full) -> None:
        self.full = mark.value


class _Full:
    """Switches the walk between the plain and the full form."""

    __slots__ = ("value",)

    def __init__(self, value: bool) -> None:
        self.value = value


class _Read:
    """An expression whose names were recorded already."""

    __slots__ = ("node",)

    def __init__(self, node: ast.expr) -> None:
        self.node = node


def _all_parameters(arguments: ast.arguments) -> list[ast.arg]:
    single = [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *single]


def _signature(arguments: ast.arguments) -> str:
    parts = [argument.arg for argument in arguments.posonlyargs]
    parts += ["/"] if parts else []
    parts += [argument.arg for argument in arguments.args]
    if arguments.vararg is not None:
        parts.append("*" + arguments.vararg.arg)
    elif arguments.kwonlyargs:
        parts.append("*")
    parts += [argument.arg for argument in arguments.kwonlyargs]
    if arguments.kwarg is not None:
        parts.append("**" + arguments.kwarg.arg)
    return ",".join(parts)


def _is_telling(decorator: ast.expr) -> bool:
    """Return whether a decorator of a nested function may look at annotations or docstrings."""
    node = decorator.func if isinstance(decorator, ast.Call) else decorator
    chain = attribute_chain(node)
    if chain is None:
        return True
    name, attributes = chain
    return (attributes[-1] if attributes else name) not in _PLAIN_DECORATORS


_HANDLERS: dict[type, Callable[[Walk, Any], None]] = {
    ast.Name: Walk.name,
    ast.Attribute: Walk.attribute,
    ast.Constant: Walk.constant,
    ast.Call: Walk.call,
    ast.Subscript: Walk.subscript,
    ast.NamedExpr: Walk.named_expression,
    ast.Import: Walk.import_modules,
    ast.ImportFrom: Walk.import_from,
    ast.Global: Walk.declare_global,
    ast.Nonlocal: Walk.declare_nonlocal,
    ast.ExceptHandler: Walk.binding_pattern,
    ast.MatchAs: Walk.binding_pattern,
    ast.MatchStar: Walk.binding_pattern,
    ast.MatchMapping: Walk.binding_pattern,
    ast.Assign: Walk.assign,
    ast.AugAssign: Walk.augmented,
    ast.AnnAssign: Walk.annotated,
    ast.JoinedStr: Walk.joined,
    ast.FormattedValue: Walk.formatted,
    ast.FunctionDef: Walk.nested_function,
    ast.AsyncFunctionDef: Walk.nested_function,
    ast.Lambda: Walk.nested_lambda,
    ast.ClassDef: Walk.nested_class,
    ast.ListComp: Walk.comprehension,
    ast.SetComp: Walk.comprehension,
    ast.GeneratorExp: Walk.comprehension,
    ast.DictComp: Walk.comprehension,
    ast.comprehension: Walk.comprehension_part,
    _Enter: Walk.enter,
    _Leave: Walk.leave,
    _Full: Walk.set_full,
    _Read: Walk.already_read,
}
