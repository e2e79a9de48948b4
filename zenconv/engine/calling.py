"""Calling the function of a step or fixture with arguments by parameter name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from zenconv.records.step import Node, Parameter


def call_step(node: Node, arguments: Mapping[str, Any]) -> Any:
    """Return what the function of `node` returns: of an async one a coroutine."""
    __tracebackhide__ = True  # understood by IPython, which `zenconv shell` may be
    return call_function(node.step.function, node.step.parameters, arguments)


def call_function(
    function: Callable[..., Any], parameters: Iterable[Parameter], arguments: Mapping[str, Any]
) -> Any:
    """Call `function` with arguments by name, those of positional-only parameters by position."""
    __tracebackhide__ = True
    positional = [p.name for p in parameters if p.positional_only]
    if positional:
        rest = {name: value for name, value in arguments.items() if name not in positional}
        return function(*(arguments[name] for name in positional), **rest)
    return function(**arguments)
