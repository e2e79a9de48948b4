"""What the log of a run tells of steps that could not report themselves: their process ended."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from zenconv.frozen import Frozen
from zenconv.records.artifact import Artifact
from zenconv.records.events import PlanReady, StepFinished, StepsExpanded, StepsReused
from zenconv.records.log import read_events

_Results = dict[str, "Mapping[str, Any] | None"]
"""The outputs of nodes; None for a live value."""


@attrs.frozen(eq=False, repr=False)
class Unfinished(Frozen):
    """A step that began: where it is written, as a frame, why it ran, and what its inputs were.

    `reason` is empty where the plan did not know it yet. `inputs` are those of `StepFinished`.
    """

    frame: Mapping[str, Any]
    reason: str
    inputs: Mapping[str, Any]


def find_unfinished(log: Path, nodes: Collection[str]) -> dict[str, Unfinished]:
    """Return what the log tells of `nodes`; nothing of those that it does not know."""
    records: dict[str, Mapping[str, Any]] = {}
    results: _Results = {}
    wanted: set[str] = set()
    for event, _ in read_events(log):
        if isinstance(event, PlanReady | StepsExpanded):
            records.update((record["id"], record) for record in event.nodes if record["id"] in nodes)
            wanted = {above for record in records.values() for above in _asked(record)}
        elif isinstance(event, StepsReused):
            results.update((step["node"], _result(step)) for step in event.steps if step["node"] in wanted)
        elif isinstance(event, StepFinished) and event.node in wanted and event.status == "succeeded":
            results[event.node] = None if event.live else event.outputs
    return {node: _describe(record, results) for node, record in records.items()}


def _asked(record: Mapping[str, Any]) -> Iterator[str]:
    return (binding["node"] for binding in record["bindings"] if binding.get("node"))


def _result(step: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return None if step.get("live") else step["outputs"]


def _describe(record: Mapping[str, Any], results: _Results) -> Unfinished:
    name = record["step"]
    frame = {"file": record["file"], "line": record["line"], "function": name, "text": f"def {name}(…)"}
    reason = record.get("reason", "") if record.get("action") == "run" else ""
    inputs = {}
    for binding in record["bindings"]:
        facts = _describe_input(binding, results)
        if facts is not None:
            inputs[binding["parameter"]] = facts
    return Unfinished(frame, reason, inputs)


def _describe_input(binding: Mapping[str, Any], results: _Results) -> dict[str, Any] | None:
    if binding["source"] == "collect":
        return {"node": "", "type": f"{len(binding['branches'])} branches"}
    above = binding.get("node", "")
    if above not in results:
        return None
    outputs = results[above]
    if outputs is None:
        return {"node": above, "type": "live value"}
    output = binding.get("output", "")
    if output not in outputs:
        return {"node": above, "type": f"{len(outputs)} outputs"}
    artifact = Artifact.from_json(outputs[output])
    return {"node": above, "type": artifact.type, **artifact.summary}
