"""The records that an executing run makes of its steps: how each began and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from zenconv import clock
from zenconv.engine.decide import Decider, NodeResult
from zenconv.engine.failures import definition_frame
from zenconv.engine.retries import Retries
from zenconv.engine.returned import summarize_inputs
from zenconv.interfaces.orchestrating import Task, TaskResult
from zenconv.records.artifact import ActionEntry, ActionKey
from zenconv.records.events import StepFinished, StepStarted
from zenconv.records.plan import Decision, KeyParts
from zenconv.records.step import Node


@attrs.define(eq=False, repr=False)
class StepRecords:
    """Makes the records of one run. `keys` are the cache keys of the nodes that were started."""

    decider: Decider
    retries: Retries
    keys: dict[str, str] = attrs.field(factory=dict)
    _told: set[tuple[str, str]] = attrs.field(factory=set)
    _reasons: dict[str, str] = attrs.field(factory=dict)

    def start(self, node: Node, task: Task, decision: Decision, *, is_apart: bool) -> StepStarted:
        """Return the record of a step that begins, because of the final `decision` about it."""
        self.keys[node.id] = task.key
        self._reasons[node.id] = decision.reason
        return StepStarted(
            node.id,
            is_apart,
            len(self.retries.attempts.get(node.id, ())),
            self.retries.after_end(node),
            task.limit.to_json() if task.limit is not None else (),
            task.is_async,
            "" if is_apart else task.key,
            "" if is_apart else decision.reason,
            at=clock.utc_now(),
        )

    def finish(
        self, node: Node, key: ActionKey, task: Task, result: TaskResult, planned: Decision
    ) -> StepFinished:
        """Return the record of a step that has ended, with the parts of its key."""
        parts = self.decider.parts(node, task.inputs)
        if result.status == "failed" and not result.inputs:  # its process could not tell
            result = attrs.evolve(result, inputs=summarize_inputs(task), error=_located(result.error, node))
        return StepFinished(
            node.id,
            result.status,
            reason=self._reason(node, parts, planned),
            key=str(key),
            outputs={name: artifact.to_json() for name, artifact in result.outputs.items()},
            output=result.output.to_json() if result.output else None,
            error=result.error,
            inputs=result.inputs,
            parts=dict(parts.parts),
            sources=self._new_sources(parts),
            warnings=list(result.warnings),
            live=result.live,
            seconds=round(result.seconds, 6),
            cpu=round(result.cpu, 6),
            attempts=self.retries.earlier(node.id),
            at=clock.utc_now(),
        )

    def _reason(self, node: Node, parts: KeyParts, planned: Decision) -> str:
        found = self._reasons.pop(node.id, "")
        # What was planned before the inputs were known tells only what could be seen then.
        if not found and planned.action == "run" and planned.key is not None:
            found = planned.reason
        return found or self.decider.reason_of(node.id, parts)

    def _new_sources(self, parts: KeyParts) -> dict[str, list[str]]:
        # The text behind a digest is told once in a run: helpers are shared by many steps.
        fresh: dict[str, list[str]] = {}
        for name, source in parts.sources.items():
            told = (name, parts.parts.get(name, ""))
            if told not in self._told:
                self._told.add(told)
                fresh[name] = list(source)
        return fresh


def _located(error: Mapping[str, Any] | None, node: Node) -> Mapping[str, Any] | None:
    if error is None or error.get("frames"):
        return error
    return {**error, "frames": [definition_frame(node.step)]}


def describe_reuse(decision: Decision, entry: ActionEntry) -> dict[str, Any]:
    """Return the record of a step whose stored result was taken over."""
    return {
        "node": decision.node,
        "key": str(NodeResult.of(entry).key),
        "outputs": {name: artifact.to_json() for name, artifact in entry.outputs.items()},
        "output": entry.output.to_json() if entry.output else None,
        "reason": decision.reason,
        "live": entry.live,
        **({"verify": True} if decision.verify else {}),
    }


def describe_damage(result: TaskResult, fixed: Sequence[str] = ()) -> dict[str, Any]:
    """Return the error of a step whose inputs stay damaged however often they are computed again.

    `fixed` are those among them that were given, so that nothing can compute them.
    """
    cause = (result.error or {}).get("message", "their bytes are damaged")
    if fixed:
        message = f"its input {', '.join(fixed)} was overridden, and cannot be loaded: {cause}"
        hint = "override it with something else, or leave that out"
    else:
        message = f"its inputs cannot be loaded, not even after they were computed again: {cause}"
        hint = "see whether the disk is sound, and whether the values can be stored: `zenconv check`"
    return {"type": "ArtifactError", "message": message, "frames": [], "hint": hint}


def describe_fault(result: TaskResult) -> str:
    """Return what is wrong with a stored result, for a sentence about it."""
    message = (result.error or {}).get("message")
    return f"cannot be loaded ({message})" if message else "was damaged"
