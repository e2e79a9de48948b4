"""Which top-level functions a module defines, and where: what may be a step.

A regular expression over the text finds the ``def`` lines; where what is bound in the module
leaves any doubt (decorators, duplicates, nested functions), the syntax tree decides.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

from zenconv.errors import Problem

if TYPE_CHECKING:
    from zenconv.fingerprint.sources import ModuleSource

_DEF = re.compile(r"^([ \t]*)(?:async[ \t]+)?def[ \t]+(\w+)", re.MULTILINE)
_MISSING = object()

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Definition(NamedTuple):
    """A top-level ``def`` of a public name; `object` is what the module holds under it."""

    name: str
    line: int
    object: Any


def find_definitions(
    source: ModuleSource, namespace: dict[str, Any], file: str
) -> tuple[list[Definition], list[Problem]]:
    """Return the public top-level functions in order of their lines, and duplicate definitions."""
    lines, has_duplicates = _scan_text(source.data)
    path = str(source.path)
    found: list[Definition] = []
    for name, value in namespace.items():
        if name.startswith("_"):
            continue
        if type(value) is FunctionType and value.__code__.co_filename == path:
            line = _line_of(value, name, lines.get(name, ()))
        else:
            line = 0 if name in lines else -1
        if line == 0:
            return _from_tree(source, namespace, file)
        if line > 0:
            found.append(Definition(name, line, value))
    if has_duplicates:
        return _from_tree(source, namespace, file)
    found.sort(key=lambda definition: definition.line)
    return found, []


def _scan_text(data: bytes) -> tuple[dict[str, list[int]], bool]:
    """Return the lines of the ``def`` of every public name, and whether one repeats at the margin."""
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    lines: dict[str, list[int]] = {}
    at_margin: set[str] = set()
    has_duplicates = False
    line, position = 1, 0
    for match in _DEF.finditer(text):
        name = match[2]
        line += text.count("\n", position, match.start())
        position = match.start()
        if name.startswith("_"):
            continue
        lines.setdefault(name, []).append(line)
        if not match[1]:
            has_duplicates = has_duplicates or name in at_margin
            at_margin.add(name)
    return lines, has_duplicates


def _line_of(function: FunctionType, name: str, lines: list[int] | tuple[()]) -> int:
    """Return the line of a plain function's ``def``; 0 means: in doubt, -1: defined under another name."""
    code = function.__code__
    if code.co_name != name:
        return 0 if lines else -1
    if function.__qualname__ != name:
        return 0
    return next((line for line in lines if line >= code.co_firstlineno), 0)


def _from_tree(
    source: ModuleSource, namespace: dict[str, Any], file: str
) -> tuple[list[Definition], list[Problem]]:
    nodes: dict[str, FunctionNode] = {}
    problems = []
    for block in _blocks(source.index.tree.body):
        seen: dict[str, FunctionNode] = {}
        for node in block:
            if not isinstance(node, FunctionNode) or node.name.startswith("_"):
                continue
            first = seen.setdefault(node.name, node)
            if first is not node and not (_may_repeat(first) or _may_repeat(node)):
                problems.append(_duplicate(node, first, file))
            if first is node or not _may_repeat(node):
                nodes[node.name] = node
    found = [
        Definition(name, node.lineno, namespace[name])
        for name, node in _chosen(nodes, namespace, str(source.path), source)
    ]
    return sorted(found, key=lambda definition: definition.line), problems


def _chosen(
    nodes: dict[str, FunctionNode], namespace: dict[str, Any], path: str, source: ModuleSource
) -> Iterator[tuple[str, FunctionNode]]:
    """Yield the definitions that the module still holds; of an if/else pair the one that was executed."""
    for name, node in nodes.items():
        value = namespace.get(name, _MISSING)
        if value is _MISSING:
            continue
        if type(value) is FunctionType and value.__code__.co_filename == path:
            line = value.__code__.co_firstlineno
            node = next((n for n in _all_of(source, name) if _first_line(n) == line), node)
        yield name, node


def _all_of(source: ModuleSource, name: str) -> Iterator[FunctionNode]:
    for block in _blocks(source.index.tree.body):
        for node in block:
            if isinstance(node, FunctionNode) and node.name == name:
                yield node


def _first_line(node: FunctionNode) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _blocks(body: list[ast.stmt]) -> Iterator[list[ast.stmt]]:
    """Yield the module's body and every block of its compound statements, outermost first."""
    waiting: list[list[ast.stmt]] = [body]
    while waiting:
        block = waiting.pop(0)
        yield block
        for node in block:
            if isinstance(node, FunctionNode | ast.ClassDef):
                continue
            for field in ("body", "orelse", "finalbody"):
                inner = getattr(node, field, None)
                if inner and isinstance(inner, list):
                    waiting.append(inner)
            waiting += [part.body for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ()))]


def _may_repeat(node: FunctionNode) -> bool:
    """Return whether a decorator makes repeating the name meaningful: ``overload``, ``register``, setters."""
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(target, ast.Attribute):
            if target.attr in ("overload", "register", "setter", "deleter", "getter", "when"):
                return True
        elif isinstance(target, ast.Name) and target.id in ("overload", "when"):
            return True
    return False


def _duplicate(node: FunctionNode, first: FunctionNode, file: str) -> Problem:
    return Problem(
        f"{node.name!r} is defined twice; the second would silently replace the first",
        file,
        node.lineno,
        exists=f"first at {file}:{first.lineno}",
        hint=f"rename or delete one, or make it a helper: `_{node.name}`",
    )
