"""Calling the function of a step with arguments by parameter name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zenconv.records.step import Node


def call_step(node: Node, arguments: Mapping[str, Any]) -> Any:
    """Return what the function of `node` returns: of an async one a coroutine."""
    __tracebackhide__ = True  # understood by IPython, which `zenconv shell` may be
    function = node.step.function
    positional = [p.name for p in node.step.parameters if p.positional_only]
    if positional:
        rest = {name: value for name, value in arguments.items() if name not in positional}
        return function(*(arguments[name] for name in positional), **rest)
    return function(**arguments)
