"""Reused steps that are executed again to compare: which are left, which are under way, what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import attrs

from zenconv import clock
from zenconv.engine.decide import Decider, NodeResult
from zenconv.interfaces.orchestrating import Task, TaskPool, TaskResult, is_async
from zenconv.records.events import Event, Notice, StepVerified, VerificationStarted
from zenconv.records.marks import TimeLimit
from zenconv.records.step import Node


@attrs.define(eq=False, repr=False)
class Verifications:
    """The queue of one run. Their results are only told of: what is stored stays as it is.

    `limit_of` returns the time limit of a step. `suspects` are verified with nothing beside them:
    one of them has ended a process.
    """

    decider: Decider
    limit_of: Callable[[Node], TimeLimit | None]
    suspects: frozenset[str] = frozenset()
    waiting: dict[str, None] = attrs.field(factory=dict)
    running: dict[str, Task] = attrs.field(factory=dict)

    def __bool__(self) -> bool:
        return bool(self.waiting or self.running)

    def add(self, nodes: Iterable[str]) -> None:
        """Have these reused nodes verified."""
        self.waiting.update(dict.fromkeys(nodes))

    def submit(self, pool: TaskPool, results: Mapping[str, NodeResult]) -> Iterator[Event]:
        """Hand over as many as `pool` takes."""
        pool.expect(len(self.waiting))
        for id in list(self.waiting):
            task = self._task(id, results)
            is_alone = id in self.suspects
            if (is_alone and self.running) or not self.suspects.isdisjoint(self.running):
                return
            if not pool.accepts(is_async=task.is_async and not is_alone):
                return
            del self.waiting[id]
            self.running[id] = task
            limit = task.limit.to_json() if task.limit is not None else ()
            yield VerificationStarted(id, pool.is_apart_for(task), limit, task.is_async, at=clock.utc_now())
            pool.submit(task)

    def finish(self, result: TaskResult) -> Iterator[Event]:
        """Tell what came out."""
        del self.running[result.node]
        if result.status == "interrupted":
            return
        if result.status == "damaged":
            yield from self._tell_damaged(result)
            return
        verdict = dict(result.verdict or {"outcome": "failed"})
        yield StepVerified(
            result.node,
            **verdict,
            error=result.error,
            warnings=[] if verdict["outcome"] == "equal" else list(result.warnings),
            seconds=round(result.seconds, 6),
            cpu=round(result.cpu, 6),
            at=clock.utc_now(),
        )

    def _tell_damaged(self, result: TaskResult) -> Iterator[Event]:
        """Take damaged inputs out of the store: the next run computes them again."""
        for producer, digest in result.damaged:
            if digest:
                self.decider.store.quarantine(digest)
            yield Notice(
                f"{producer}: its stored result is damaged; the next run computes it again",
                at=clock.utc_now(),
            )
        names = ", ".join(producer for producer, _ in result.damaged)
        error = {
            "type": "ArtifactError",
            "message": f"it cannot be verified: the stored result of {names} is damaged",
            "frames": [],
            "hint": "zenconv run",
        }
        yield StepVerified(result.node, "failed", error=error, at=clock.utc_now())

    def _task(self, id: str, results: Mapping[str, NodeResult]) -> Task:
        node = self.decider.pipeline.nodes[id]
        stored = results[id]
        inputs = self.decider.inputs(node, results)
        return Task(
            id,
            str(stored.key),
            inputs,
            is_wanted=False,
            is_async=is_async(node.step.is_async, inputs),
            template=node.grown,
            limit=self.limit_of(node),
            expected=stored.outputs,
            python=self.decider.keys.python_of(node),
        )
