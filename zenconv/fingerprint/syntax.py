"""Analyses of definitions: the digest of their canonical syntax, and what they refer to."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

import attrs

from zenconv import hashing
from zenconv.fingerprint.scopes import Reference, Scope, resolve
from zenconv.fingerprint.walk import MEMBERS, DefinitionNode, FunctionNode, Walk, attribute_chain
from zenconv.frozen import Frozen

__all__ = [
    "FORMAT",
    "Analysis",
    "DefinitionNode",
    "analyse",
    "analyse_class_frame",
    "analyse_decorator",
    "analyse_definition",
    "analyse_member",
    "assigned_names",
    "attribute_chain",
    "class_names",
]

FORMAT = "zenconv.syntax.1"


@attrs.frozen(eq=False, repr=False)
class Analysis(Frozen):
    """What one pass found out about a piece of code.

    `digest` is of the canonical text. `reads_docs`: the code looks at docstrings, annotations
    or signatures. `reads_namespace`: it can reach any name of its module (``globals()``, ``eval``).
    """

    digest: str
    references: tuple[Reference, ...]
    reads_docs: bool = False
    reads_namespace: bool = False
    computed_imports: tuple[int, ...] = ()


def analyse(nodes: Iterable[ast.AST | str], *, full: bool = False) -> Analysis:
    """Analyse statements or expressions as they stand at module level; texts among them are kept."""
    return _finish(Walk(full), list(nodes))


def analyse_definition(node: DefinitionNode, *, full: bool = False) -> Analysis:
    """Analyse a function or lambda without its name and its decorators."""
    walk = Walk(full)
    if isinstance(node, ast.Lambda):
        return _finish(walk, [node])
    if isinstance(node, ast.ClassDef):
        return _finish(walk, walk.class_parts(node, node.body, name=""))
    return _finish(walk, walk.function_parts(node, name="", full=full))


def analyse_class_frame(node: ast.ClassDef, *, full: bool = False) -> Analysis:
    """Analyse a class without its name, decorators, methods and nested classes."""
    walk = Walk(full)
    body = [f"(member {child.name})" if isinstance(child, MEMBERS) else child for child in node.body]
    return _finish(walk, walk.class_parts(node, body, name=""))


def analyse_member(
    node: FunctionNode | ast.ClassDef, siblings: Iterable[str], *, full: bool = False
) -> Analysis:
    """Analyse a member of a class with its name, without decorators; `siblings` are the class's names."""
    walk = Walk(full)
    walk.scope = Scope("class", walk.scope)
    walk.scope.bound.update(siblings)
    if isinstance(node, ast.ClassDef):
        return _finish(walk, walk.class_parts(node, node.body))
    return _finish(walk, walk.function_parts(node, full=full))


def analyse_decorator(node: ast.expr, siblings: Iterable[str] = ()) -> Analysis:
    """Analyse one decorator, of a member of a class that binds `siblings`, or of a module's definition."""
    walk = Walk(full=True)
    walk.scope = Scope("class", walk.scope)
    walk.scope.bound.update(siblings)
    return _finish(walk, [node])


def _finish(walk: Walk, items: list[Any]) -> Analysis:
    text = walk.run(items)
    return Analysis(
        hashing.digest_bytes(text.encode("utf-8", "surrogatepass")),
        resolve(walk.loads),
        walk.reads_docs,
        walk.reads_namespace,
        tuple(walk.computed_imports),
    )


def class_names(node: ast.ClassDef | None) -> frozenset[str]:
    """Return the names of the methods and nested classes, and those assigned, in a class body."""
    if node is None:
        return frozenset()
    members = (child.name for child in node.body if isinstance(child, MEMBERS))
    return assigned_names(node).union(members)


def assigned_names(node: ast.ClassDef) -> frozenset[str]:
    """Return the names that assignments directly in a class body bind."""
    found: set[str] = set()
    for child in node.body:
        targets = child.targets if isinstance(child, ast.Assign) else [getattr(child, "target", None)]
        for target in targets:
            names = ast.walk(target) if target is not None else ()
            found.update(n.id for n in names if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return frozenset(found)
