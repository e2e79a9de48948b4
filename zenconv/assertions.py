"""Assertions that tell the values they saw: what ``assert auc > 0.9`` says when it fails.

The modules of a project that hold checks are compiled with their ``assert`` statements rewritten:
every part of the condition is evaluated once, as before, and its value is remembered. Nothing else
changes: lines, names and what is executed stay the same.
"""

from __future__ import annotations

import ast
import builtins
import os
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import ModuleType
from typing import Any

CHECK_PREFIX = "check_"
_VARIABLE = "__zenconv_seen__"
_TEXT_LIMIT = 240
_MOST_DIFFERENCES = 3
_OPAQUE = (
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.IfExp,
    ast.JoinedStr,
    ast.Await,
    ast.NamedExpr,
)
_DISPLAYS = (ast.List, ast.Tuple, ast.Dict, ast.Set)
_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}


def rewrite_assertions(data: bytes, path: str) -> bytes | ast.Module:
    """Return a module's source, or its tree with telling assertions if it defines checks.

    Raises
    ------
    SyntaxError, ValueError
        As `compile` does.
    """
    if b"def " + CHECK_PREFIX.encode() not in data or b"assert" not in data:
        return data
    tree = ast.parse(data, path)
    _Rewriter().visit(tree)
    return ast.fix_missing_locations(tree)


class _Rewriter(ast.NodeTransformer):
    """Rewrites the assertions inside of functions."""

    def __init__(self) -> None:
        self._depth = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self._descend(node)
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        self._descend(node)
        return node

    def _descend(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1

    def visit_Assert(self, node: ast.Assert) -> Any:
        if not self._depth or any(isinstance(part, ast.Yield | ast.YieldFrom) for part in ast.walk(node)):
            return node
        text = ast.unparse(node.test)
        seen = ast.Name(_VARIABLE, ast.Load())
        module = ast.Call(
            ast.Name("__import__", ast.Load()),
            [ast.Constant(__name__)],
            [ast.keyword("fromlist", ast.Tuple([ast.Constant("Seen")], ast.Load()))],
        )
        make = ast.Assign(
            [ast.Name(_VARIABLE, ast.Store())], ast.Call(ast.Attribute(module, "Seen", ast.Load()), [], [])
        )
        condition = _Watcher().condition(node.test)
        message = [node.msg] if node.msg is not None else []
        told = ast.Call(ast.Attribute(seen, "explain", ast.Load()), [ast.Constant(text), *message], [])
        error = ast.Call(ast.Name("AssertionError", ast.Load()), [told], [])
        branch = ast.If(ast.UnaryOp(ast.Not(), condition), [ast.Raise(error, None)], [])
        for statement in (make, branch):
            for part in ast.walk(statement):
                if isinstance(part, ast.stmt | ast.expr) and not hasattr(part, "lineno"):
                    ast.copy_location(part, node)
        return [make, branch]


class _Watcher:
    """Numbers the parts of a condition, and wraps each so that its value is remembered."""

    def __init__(self, *, wraps: bool = True) -> None:
        self._wraps = wraps
        self.numbers: dict[int, int] = {}

    def condition(self, node: ast.expr) -> ast.expr:
        """Return a condition with its operands watched; what is not reached is not evaluated."""
        if isinstance(node, ast.BoolOp):
            node.values = [self.condition(value) for value in node.values]
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            node.operand = self.condition(node.operand)
        elif isinstance(node, ast.Compare):
            node.left = self.operand(node.left)
            node.comparators = [self.operand(value) for value in node.comparators]
        else:
            return self.operand(node)
        return node

    def operand(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Constant | ast.Starred):
            return node
        if isinstance(node, ast.Attribute | ast.Subscript):
            node.value = self.operand(node.value)
        elif isinstance(node, ast.BinOp):
            node.left, node.right = self.operand(node.left), self.operand(node.right)
        elif isinstance(node, ast.UnaryOp):
            node.operand = self.operand(node.operand)
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                node.func.value = self.operand(node.func.value)
            node.args = [self.operand(argument) for argument in node.args]
            for keyword in node.keywords:
                keyword.value = self.operand(keyword.value)
        return self._watch(node)

    def _watch(self, node: ast.expr) -> ast.expr:
        number = len(self.numbers)
        self.numbers[id(node)] = number
        if not self._wraps:
            return node
        keep = ast.Attribute(ast.Name(_VARIABLE, ast.Load()), "keep", ast.Load())
        return ast.Call(keep, [ast.Constant(number), node], [])


class Seen:
    """The values that one evaluation of an assertion saw."""

    def __init__(self) -> None:
        self._values: dict[int, Any] = {}

    def keep(self, number: int, value: Any) -> Any:
        """Remember the value of a part, and return it."""
        self._values[number] = value
        return value

    def explain(self, source: str, message: Any = None) -> str:
        """Return what to say about a failure of the condition `source`."""
        tree = ast.parse(source, mode="eval").body
        watcher = _Watcher(wraps=False)
        watcher.condition(tree)
        teller = _Teller(self._values, watcher.numbers)
        lines = [f"assert {teller.render(tree)}", *teller.origins(tree), *teller.differences(tree)]
        head = [str(message)] if message is not None else []
        return "\n".join(head + lines)


class _Teller:
    """Writes a condition with the values of its parts."""

    def __init__(self, values: Mapping[int, Any], numbers: Mapping[int, int]) -> None:
        self._values = values
        self._numbers = numbers

    def _is_seen(self, node: ast.expr) -> bool:
        return self._numbers.get(id(node), -1) in self._values

    def _value(self, node: ast.expr) -> Any:
        return self._values[self._numbers[id(node)]]

    def render(self, node: ast.expr) -> str:
        """Return the condition with operands as values; what was not evaluated as it is written."""
        if isinstance(node, ast.BoolOp):
            sign = " and " if isinstance(node.op, ast.And) else " or "
            return sign.join(self._inside(value) for value in node.values)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return f"not {self._inside(node.operand)}"
        if isinstance(node, ast.Compare):
            text = self.render(node.left)
            for operator, value in zip(node.ops, node.comparators, strict=True):
                text += f" {_SIGNS[type(operator)]} {self.render(value)}"
            return text
        return show_value(self._value(node)) if self._is_seen(node) else ast.unparse(node)

    def _inside(self, node: ast.expr) -> str:
        text = self.render(node)
        return f"({text})" if isinstance(node, ast.BoolOp) else text

    def origins(self, node: ast.expr) -> list[str]:
        """Return lines that say where the values came from, the outermost first."""
        lines: list[str] = []
        for operand in _operands(node):
            self._add_origin(operand, "", lines)
        return list(dict.fromkeys(lines))

    def _add_origin(self, node: ast.expr, indent: str, lines: list[str]) -> None:
        if not self._is_seen(node) or isinstance(node, _OPAQUE + _DISPLAYS):
            return
        if isinstance(self._value(node), ModuleType | type(os.environ)):
            return  # says nothing of why, and the environment is nobody's business
        value = show_value(self._value(node))
        if isinstance(node, ast.Name):
            if indent and not hasattr(builtins, node.id):
                lines.append(f" +  {indent}where {node.id} = {value}")
            return
        lines.append(f" +  {indent}where {value} = {ast.unparse(node)}")
        for part in _parts(node):
            self._add_origin(part, indent + "  ", lines)

    def differences(self, node: ast.expr) -> list[str]:
        """Return what sets two values apart that were to be equal."""
        lines: list[str] = []
        for comparison in _comparisons(node):
            left, right = comparison.left, comparison.comparators[0]
            is_equality = len(comparison.ops) == 1 and isinstance(comparison.ops[0], ast.Eq)
            values = [self._literal(side) for side in (left, right)]
            if is_equality and None not in values:
                lines += [f" :  {text}" for text in _differences(values[0][0], values[1][0])]  # type: ignore[index]
        return lines

    def _literal(self, node: ast.expr) -> tuple[Any] | None:
        if self._is_seen(node):
            return (self._value(node),)
        return (node.value,) if isinstance(node, ast.Constant) else None


def _operands(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _operands(value)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield from _operands(node.operand)
    elif isinstance(node, ast.Compare):
        yield node.left
        yield from node.comparators
    else:
        yield node


def _parts(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, _OPAQUE):
        return
    if isinstance(node, ast.Attribute | ast.Subscript):
        yield node.value
    elif isinstance(node, ast.BinOp):
        yield node.left
        yield node.right
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute):
            yield node.func.value
        yield from node.args
        yield from [keyword.value for keyword in node.keywords]


def _comparisons(node: ast.expr) -> Iterator[ast.Compare]:
    if isinstance(node, ast.Compare):
        yield node
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _comparisons(value)


def show_value(value: Any) -> str:
    """Return a value in one short line; never raises."""
    try:
        shape = getattr(value, "shape", None)
        if isinstance(shape, tuple) and shape and len(repr(value)) > _TEXT_LIMIT // 2:
            return f"<{type(value).__qualname__} of shape {' x '.join(map(str, shape))}>"
        text = repr(value)
    except Exception:  # noqa: BLE001 - a value's own code may raise anything
        text = f"<{type(value).__qualname__}>"
    environment = text.find("environ({")
    if environment >= 0:  # inside of something else, too
        text = f"{text[:environment]}<os.environ>..."
    text = " ".join(text.split())
    return text if len(text) <= _TEXT_LIMIT else f"{text[: _TEXT_LIMIT - 1]}…"


def _differences(left: Any, right: Any) -> list[str]:
    try:
        found = list(_find_differences(left, right))
    except Exception:  # noqa: BLE001 - as above
        return []
    rest = len(found) - _MOST_DIFFERENCES
    return found[:_MOST_DIFFERENCES] + ([f"and {rest} more"] if rest > 0 else [])


def _find_differences(left: Any, right: Any) -> Iterator[str]:
    if isinstance(left, str) and isinstance(right, str):
        yield from _text_difference(left, right)
    elif isinstance(left, Mapping) and isinstance(right, Mapping):
        for key in left:
            if key not in right:
                yield f"only on the left: {show_value(key)}"
            elif left[key] != right[key]:
                yield f"at {show_value(key)}: {show_value(left[key])} != {show_value(right[key])}"
        yield from [f"only on the right: {show_value(key)}" for key in right if key not in left]
    elif isinstance(left, AbstractSet) and isinstance(right, AbstractSet):
        yield from [f"only on the left: {show_value(item)}" for item in left - right]
        yield from [f"only on the right: {show_value(item)}" for item in right - left]
    elif isinstance(left, Sequence) and isinstance(right, Sequence):
        for position, (one, other) in enumerate(zip(left, right, strict=False)):
            if one != other:
                yield f"at position {position}: {show_value(one)} != {show_value(other)}"
        if len(left) != len(right):
            yield f"lengths: {len(left)} != {len(right)}"


def _text_difference(left: str, right: str) -> Iterator[str]:
    if len(left) < 20 and len(right) < 20:
        return
    position = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), None)
    if position is None:
        yield f"lengths: {len(left)} != {len(right)}"
        return
    start = max(0, position - 10)
    yield f"at position {position}: {left[start : position + 20]!r} != {right[start : position + 20]!r}"
