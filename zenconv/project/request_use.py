"""What a function does with its ``request``: the names it may ask for, and whether it looks who asks.

Read from its syntax, so that every Python says the same.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import CodeType
from typing import Any, NamedTuple

from zenconv.fingerprint.sources import ProjectSources

REQUEST = "request"
TELLS = "node"
"""Stands in the output of a binding to ``request`` where what it tells of the step counts in the key."""

_ASKING = "getfixturevalue"
_TELLS_NOTHING = frozenset({"param", "addfinalizer", _ASKING, "fixturename", "scope"})
_DEEPEST = 50

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class RequestUse(NamedTuple):
    """`asked`: the names it asks for. `hinted`: what it may ask for too, if it is the name of a fixture.

    `is_open`: what it asks for is worked out when it runs. `tells`: it may look at the node.
    """

    asked: tuple[str, ...] = ()
    hinted: tuple[str, ...] = ()
    is_open: bool = False
    tells: bool = True


def find_use(function: Any, sources: ProjectSources) -> RequestUse:
    """Return what `function`, which has a parameter ``request``, does with it.

    Where its syntax cannot be found, it may look at everything and asks for nothing by name.
    """
    for _ in range(_DEEPEST):
        inner = getattr(function, "__wrapped__", None)
        if inner is None:
            break
        function = inner
    code = getattr(function, "__code__", None)
    source = sources.get(str(getattr(function, "__module__", "")))
    if not isinstance(code, CodeType) or source is None:
        return RequestUse()
    node = _find_node(source.index.tree, code)
    return RequestUse() if node is None else _read(node)


def _find_node(tree: ast.AST, code: CodeType) -> FunctionNode | None:
    for node in ast.walk(tree):
        if isinstance(node, FunctionNode) and node.name == code.co_name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if first == code.co_firstlineno:
                return node
    return None


def _read(node: FunctionNode) -> RequestUse:
    inside = [child for statement in node.body for child in ast.walk(statement)]
    uses = sum(isinstance(child, ast.Name) and child.id == REQUEST for child in inside)
    harmless = [
        child.attr
        for child in inside
        if isinstance(child, ast.Attribute)
        and isinstance(child.value, ast.Name)
        and child.value.id == REQUEST
        and child.attr in _TELLS_NOTHING
    ]
    calls = [child for child in inside if isinstance(child, ast.Call) and _asks(child.func)]
    given = [argument for call in calls for argument in (*call.args, *(k.value for k in call.keywords))]
    mentioned = sum(_asks(child) for child in inside)
    asked = [name for argument in given for name in _choices(argument)]
    is_open = None in asked or mentioned > len(calls)  # handed on, it may be called with anything
    hinted = _texts(inside) if is_open else ()
    return RequestUse(
        tuple(dict.fromkeys(name for name in asked if name is not None)),
        tuple(dict.fromkeys(hinted)),
        is_open,
        len(harmless) < uses,
    )


def _asks(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == _ASKING


def _choices(node: ast.expr) -> Iterator[str | None]:
    """Yield the texts that an expression may come to; None where that cannot be told."""
    if isinstance(node, ast.IfExp):
        yield from _choices(node.body)
        yield from _choices(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    else:
        yield None


def _texts(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            yield node.value
