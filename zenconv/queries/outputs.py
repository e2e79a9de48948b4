"""What the outputs of a step are called by people: its own names, and those of what it wrote.

A parameter ``path: Output[Path]`` is a place to write. The record keeps what was left there under
``@path``, apart from what the function returned; people say ``path``.
"""

from __future__ import annotations

from collections.abc import Iterable

from zenconv.errors import NotRecorded
from zenconv.records.artifact import Artifact
from zenconv.records.run import HAS_RESULT, StepRunRecord

WRITTEN = "@"
"""Marks an output that was written to a place; the engine's mark (`zenconv.engine.written`)."""


def show_name(name: str) -> str:
    """Return how people call the recorded output `name`."""
    return name.removeprefix(WRITTEN)


def find_name(names: Iterable[str], text: str) -> str | None:
    """Return which of the recorded `names` people mean by `text`; None: none of them."""
    recorded = list(names)
    return next((name for name in (text, WRITTEN + text) if name in recorded), None)


def names_of(step: StepRunRecord) -> list[str]:
    """Return by which names the outputs of `step` can be asked for."""
    return [show_name(name) for name in dict.fromkeys([*step.output_names, *step.outputs]) if name]


def is_nothing(artifact: Artifact) -> bool:
    """Return whether this is the None of a function without ``return``."""
    return artifact.type.rpartition(".")[2] == "NoneType"


def choose_outputs(step: StepRunRecord, output: str | None) -> dict[str, Artifact]:
    """Return the artifacts that are meant, by recorded name.

    With a name, that one. Without: what the step returned; if it returned None, what it wrote;
    nothing of a step that returned no items.

    Raises
    ------
    NotRecorded
        There is none.
    """
    if not step.outputs and output is None and step.status in HAS_RESULT and not step.live:
        return {}
    if not step.outputs:
        raise NotRecorded(f"{step.node} has no stored result in run {step.run}: {_why_nothing(step)}")
    if output is None:
        returned = {name: item for name, item in step.outputs.items() if not name.startswith(WRITTEN)}
        written = {name: item for name, item in step.outputs.items() if name.startswith(WRITTEN)}
        return written if written and all(map(is_nothing, returned.values())) else returned
    name = find_name(step.outputs, output)
    if name is None:
        names = ", ".join(repr(show_name(name)) for name in step.outputs if name)
        hint = f"its outputs: {names}" if names else "it has one output, without a name"
        raise NotRecorded(f"{step.node} has no output {output!r}", hint=hint)
    return {name: step.outputs[name]}


def _why_nothing(step: StepRunRecord) -> str:
    if step.live:
        return "its value is live, made again wherever it is needed"
    if step.status in HAS_RESULT:
        return "it returned no items"
    return f"it is {step.status}"
