"""What a project's modules do between imports that a library imported later might look at.

``torch.set_default_dtype(torch.float64)`` before ``import gpytorch`` decides what gpytorch holds.
Such statements are found in the syntax: calls whose result nobody keeps, and assignments to
something inside a library, as they are executed while a module is imported. Seeds of random
numbers are none of them.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

from zenconv import hashing
from zenconv.fingerprint.places import is_own_module, is_standard_module
from zenconv.fingerprint.sources import ModuleSource, ProjectSources

ANY = "*"
"""Stands for a library that is not known: the project's own code calls it."""

_SEEDS = frozenset({"seed", "manual_seed", "manual_seed_all", "set_seed", "seed_everything", "seed_all"})

_REACHING = frozenset({"setattr", "getattr", "delattr", "vars", "exec", "eval"})
"""Built-in functions that reach into what they are given."""


class Setting(NamedTuple):
    """A statement that may change a library: where it stands, and the package it changes."""

    line: int
    package: str
    text: str


class Arrival(NamedTuple):
    """The moment when the project's code asked for something that was not imported yet.

    `known` are the modules there were, `lines` tells of each file that was being executed which
    line had been reached.
    """

    known: frozenset[str]
    lines: Mapping[str, int]


def find_settings(source: ModuleSource, sources: ProjectSources) -> list[Setting]:
    """Return the statements of a module that may change a library, in their order."""
    if source.is_binary:
        return []
    namespace = vars(sys.modules.get(source.module, ModuleType(source.module)))
    found = []
    for statement in _executed(source.index.tree.body):
        for expression in _changed(statement):
            package = _package_of(expression, namespace, sources)
            if package:
                found.append(Setting(statement.lineno, package, ast.unparse(statement)))
    return found


def _executed(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the simple statements that importing a module executes, functions and classes aside."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        blocks = [getattr(statement, name, ()) for name in ("body", "orelse", "finalbody")]
        blocks += [handler.body for handler in getattr(statement, "handlers", ())]
        if any(blocks):
            for block in blocks:
                yield from _executed(block)
        else:
            yield statement


def _changed(statement: ast.stmt) -> Iterator[ast.expr]:
    """Yield what a statement calls without keeping the result, or assigns to."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        yield statement.value
    targets: Sequence[ast.expr] = ()
    if isinstance(statement, ast.Assign | ast.Delete):
        targets = statement.targets
    elif isinstance(statement, ast.AugAssign | ast.AnnAssign):
        targets = [statement.target]
    yield from (target for target in targets if isinstance(target, ast.Attribute | ast.Subscript))


def _package_of(expression: ast.expr, namespace: Mapping[str, Any], sources: ProjectSources) -> str:
    """Return which package is changed, `ANY`, or ``""`` where it is none that counts."""
    last = ""
    root = expression
    while not isinstance(root, ast.Name):
        if isinstance(root, ast.Call):
            handed = _package_handed_on(root, namespace, sources)
            if handed:
                return handed
            root = root.func
        elif isinstance(root, ast.Attribute | ast.Subscript):
            last = last or (root.attr if isinstance(root, ast.Attribute) else "")
            root = root.value
        else:
            return ""
    return "" if (last or root.id) in _SEEDS else _package_named(root.id, namespace, sources)


def _package_handed_on(call: ast.Call, namespace: Mapping[str, Any], sources: ProjectSources) -> str:
    """Return what ``setattr(torch, ...)`` and the like change."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    if name not in _REACHING or name in namespace:
        return ""
    named = (_package_of(argument, namespace, sources) for argument in call.args)
    return next(filter(None, named), "")


def _package_named(name: str, namespace: Mapping[str, Any], sources: ProjectSources) -> str:
    if name not in namespace:
        return "" if hasattr(builtins, name) else ANY
    module = _module_of(namespace[name])
    if is_standard_module(module) or is_own_module(module):
        return ""
    return ANY if sources.get(module) is not None else module.partition(".")[0]


def _module_of(value: Any) -> str:
    if isinstance(value, ModuleType):
        return value.__name__
    name = getattr(value, "__module__", None) or type(value).__module__
    return name if isinstance(name, str) else ""


def find_influenced(
    imported: Mapping[str, Any], arrivals: Sequence[Arrival], sources: ProjectSources
) -> set[str]:
    """Return the names of modules that were imported after a setting of a library they refer to.

    `imported` are all modules by name, `arrivals` in their order.
    """
    settings = {source.module: find_settings(source, sources) for source in sources.modules()}
    if not any(settings.values()):
        return set()
    files = {source.module: str(source.path) for source in sources.modules()}
    found: set[str] = set()
    ends = [*(arrival.known for arrival in arrivals[1:]), frozenset(imported)]
    for arrival, end in zip(arrivals, ends, strict=True):
        packages = {
            setting.package
            for module, of_module in settings.items()
            for setting in of_module
            if module in arrival.known and setting.line < arrival.lines.get(files[module], sys.maxsize)
        }
        names = [name for name in end - arrival.known if name in imported]
        if packages and any(_refers(imported[name], packages) for name in names):
            found.update(names)
    return found


def _refers(module: Any, packages: set[str]) -> bool:
    """Return whether a module holds anything of one of `packages`."""
    if ANY in packages:
        return True
    try:
        values = list(vars(module).values())
    except TypeError:
        return True
    return any(_module_of(value).partition(".")[0] in packages for value in values)


def digest_order(sources: ProjectSources) -> str:
    """Return a digest of what decides on the order of imports and of what may change a library."""
    texts = []
    for source in sources.modules():
        texts += [source.module, str(source.path)]
        if source.is_binary:
            texts.append(source.digest)
            continue
        last = max((node.end_lineno or 0 for node in source.index.tree.body if _has_import(node)), default=0)
        texts.append(source.text(1, last))
        texts += [setting.text for setting in find_settings(source, sources)]
    return hashing.digest_texts("zenconv.import_order", texts)


def has_settings(sources: ProjectSources) -> bool:
    """Return whether any module of the project may change a library while it is imported."""
    return any(find_settings(source, sources) for source in sources.modules())


def _has_import(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return False
    return any(isinstance(inner, ast.Import | ast.ImportFrom) for inner in ast.walk(node))
