"""What a step was given, and what it returned against what it says: streams, None, other types."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

from zenconv.engine.sampling import take_sample
from zenconv.interfaces.orchestrating import Task
from zenconv.records.artifact import Artifact
from zenconv.records.step import Node

_MUCH = 10**9
"""Bytes that nobody copies without noticing."""


def is_stream(node: Node) -> bool:
    """Return whether the value of a step comes item by item, and its code runs meanwhile."""
    return node.step.is_generator or _yields(node.step.returns)


def _yields(annotation: Any) -> bool:
    """Return whether an annotation promises items one by one: ``Iterator[T]``, ``Generator``."""
    return getattr(annotation, "__origin__", annotation) in (Iterator, Generator)


def describe_copy(node: Node, value: Any, artifact: Artifact, root: Path) -> str:
    """Return what to say of much that lay elsewhere and was copied, as a step returned its path."""
    if not isinstance(value, Path) or artifact.size < _MUCH:
        return ""
    from tempfile import gettempdir

    place = value.absolute()
    if any(place.is_relative_to(own) for own in (root, gettempdir())):
        return ""
    return (
        f"{node.step.where}: {node.step.name!r} returns {str(value)!r}, all of which was copied into the "
        f"store ({artifact.size / 1e9:.1f} GB): to use it where it is, take it as a parameter, `path: Path`"
    )


def as_generator(value: Any, pass_on: Callable[[Iterator[Any]], Iterator[Any]]) -> Any:
    """Return an iterator as the generator that `pass_on` makes of it; anything else as it is.

    Only generators can be stored item by item.
    """
    return pass_on(value) if isinstance(value, Iterator) else value


def may_be_none(node: Node) -> bool:
    """Return whether a step says that it may return None."""
    annotation = node.step.returns
    if annotation is None:
        return "None" in node.step.outputs[0].annotation
    return type(None) in getattr(annotation, "__args__", ()) or annotation is type(None)


def describe_contradiction(node: Node, name: str, value: Any) -> str:
    """Return how an output contradicts its annotation, or nothing."""
    if node.step.function is take_sample:
        return ""  # of a dataset, that is a Subset
    expected = next((output.type for output in node.step.outputs if output.name == name), None)
    if not isinstance(expected, type) or getattr(expected, "_is_protocol", False):
        return ""
    if isinstance(value, expected) or (expected in (float, complex) and isinstance(value, int | float)):
        return ""
    return (
        f"{node.step.where}: {node.step.name} says it returns {expected.__qualname__}"
        f", but returned {type(value).__qualname__}"
    )


def summarize_inputs(task: Task) -> dict[str, Any]:
    """Return what each parameter gets from another step, in a few facts."""
    summaries: dict[str, Any] = {}
    for parameter, given in task.inputs.items():
        if given.branches is not None:
            summaries[parameter] = {"node": "", "type": f"{len(given.branches)} branches"}
        elif given.live is not None:
            summaries[parameter] = {"node": given.node, "type": "live value"}
        elif given.output is not None:
            artifact = given.outputs[given.output]
            summaries[parameter] = {"node": given.node, "type": artifact.type, **artifact.summary}
        else:
            summaries[parameter] = {"node": given.node, "type": f"{len(given.outputs)} outputs"}
    return summaries
