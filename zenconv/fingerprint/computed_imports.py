"""Modules that are imported by computed names while a step runs: no fingerprint can hold their code."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

from zenconv.fingerprint.modules import Modules
from zenconv.fingerprint.named_modules import module_named, naming_function
from zenconv.fingerprint.scopes import ImportTarget
from zenconv.fingerprint.sources import ModuleSource, sources_of


def is_project(name: str) -> bool:
    """Return whether the imported module `name` is the project's."""
    return sources_of(sys.modules.get(name)) is not None


def sources_behind(name: str) -> list[ModuleSource]:
    """Return the source of the project module `name` and of those it imports, at any depth.

    What is not imported yet, and what is not the project's, is left out.
    """
    sources = sources_of(sys.modules.get(name))
    if sources is None:
        return []
    modules = Modules(sources)
    found: dict[str, ModuleSource] = {}
    waiting = _with_packages(name)
    while waiting:
        module_name = waiting.pop()
        source = sources.get(module_name) if module_name in sys.modules else None
        if source is None or module_name in found:
            continue
        found[module_name] = source
        for target in _imported(source):
            base = modules.absolute(module_name, target)
            waiting += _with_packages(f"{base}.{target.name}" if target.name else base)
    return list(found.values())


def _imported(source: ModuleSource) -> Iterator[ImportTarget]:
    """Yield what all import statements of a module ask for, those inside functions too."""
    for node in ast.walk(source.index.tree):
        if isinstance(node, ast.Import):
            yield from (ImportTarget(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (ImportTarget(node.module or "", alias.name, node.level) for alias in node.names)


def is_written_at(module_name: str, line: int) -> bool:
    """Return whether a module is imported there by a name that is written in the code.

    Then its fingerprint counts with that of the code.
    """
    sources = sources_of(sys.modules.get(module_name))
    source = sources.get(module_name) if sources is not None else None
    if source is None:
        return False
    calls = [
        node
        for node in ast.walk(source.index.tree)
        if isinstance(node, ast.Call) and node.lineno <= line <= (node.end_lineno or line)
    ]
    naming = [(call, naming_function(call)) for call in calls]
    named = [module_named(call, function) for call, function in naming if function]
    return bool(named) and None not in named


def _with_packages(name: str) -> list[str]:
    """Return the name of a module, and of the packages around it."""
    parts = name.split(".")
    return [".".join(parts[: count + 1]) for count in range(len(parts))]
