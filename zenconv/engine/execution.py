"""The loop of every task orchestrator: decide, claim, submit, record, publish, go on.

The order of a commit: the artifact's bytes are in the store, the event is in the log (the
generator's consumer writes it before it asks for more), the cache entry is published, and only
then a dependent starts.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from zenconv import clock
from zenconv.engine.decide import Decider, NodeResult
from zenconv.engine.durability import Durability
from zenconv.engine.files import FileDigests
from zenconv.engine.perform import Performer
from zenconv.errors import StoreError
from zenconv.interfaces.orchestrating import Task, TaskPool, TaskResult
from zenconv.records.artifact import ActionEntry, ActionKey
from zenconv.records.events import Event, Notice, StepFinished, StepsReused, StepStarted
from zenconv.records.plan import Decision, KeyParts, Plan
from zenconv.records.step import Node

_MOST_REPAIRS = 3
_CONTENDED_PAUSE_SECONDS = 0.05


@attrs.define(eq=False, repr=False)
class RunExecution:
    """Executes one plan; see `zenconv.interfaces.orchestrating.Execution`.

    `ended` holds nodes that ended before this runner started, with their status. `writer` names
    this run in cache entries. `stop_on_failure` starts nothing more after the first failure.
    """

    plan: Plan
    decider: Decider
    performer: Performer
    writer: str
    stop_on_failure: bool = False
    ended: Mapping[str, str] = attrs.field(factory=dict)
    durability: Durability | None = None
    results: dict[str, NodeResult] = attrs.field(factory=dict)
    status: dict[str, str] = attrs.field(factory=dict)
    _waiting: dict[str, int] = attrs.field(factory=dict)
    _downstream: dict[str, list[str]] = attrs.field(factory=dict)
    _order: dict[str, int] = attrs.field(factory=dict)
    _ready: list[tuple[int, str]] = attrs.field(factory=list)
    _contended: list[str] = attrs.field(factory=list)
    _running: dict[str, Task] = attrs.field(factory=dict)
    _forced: set[str] = attrs.field(factory=set)
    _repairs: dict[str, int] = attrs.field(factory=dict)
    _left: dict[str, int] = attrs.field(factory=dict)
    _told: set[tuple[str, str]] = attrs.field(factory=set)

    def perform(self, task: Task) -> TaskResult:
        """Execute one task in this process."""
        return self.performer.perform(task)

    def drive(self, pool: TaskPool) -> Iterator[Event]:
        """Run the plan on `pool` until nothing is left, something interrupts, or `-x` stops it."""
        yield from self._begin()
        try:
            while (self._ready or self._running or self._contended) and not self._is_stopping():
                yield from self._submit(pool)
                if self._running:
                    for result in pool.results(None if not self._contended else _CONTENDED_PAUSE_SECONDS):
                        yield from self._finish(result)
                elif self._contended:
                    time.sleep(_CONTENDED_PAUSE_SECONDS)
                self._retry_contended()
        finally:
            pool.close()
        if not self.performer.interruption.signal:
            yield from self._skip_rest()

    def _is_stopping(self) -> bool:
        if self.performer.interruption.signal:
            return True
        return self.stop_on_failure and not self._running and "failed" in self.status.values()

    def _begin(self) -> Iterator[Event]:
        pipeline = self.plan.pipeline
        self._downstream = pipeline.downstream()
        self._order = {id: position for position, id in enumerate(pipeline.nodes)}
        for node in pipeline:
            self._left[node.pipeline] = self._left.get(node.pipeline, 0) + 1
            self._waiting[node.id] = len(node.upstream)
        reused = []
        for node in pipeline:
            decision = self.plan.decisions[node.id]
            if node.id in self.ended:
                self._close(node, self.ended[node.id])
            elif decision.action == "reuse" and decision.entry is not None:
                reused.append(self._reuse(node, decision))
            elif not self._waiting[node.id]:
                heapq.heappush(self._ready, (self._order[node.id], node.id))
        if reused:
            yield StepsReused(reused, at=clock.utc_now())

    def _submit(self, pool: TaskPool) -> Iterator[Event]:
        while self._ready and len(self._running) < pool.slots and not self._is_stopping():
            node = self.plan.pipeline.nodes[heapq.heappop(self._ready)[1]]
            if node.id in self.status and node.id not in self._forced:
                continue
            broken = next((a for a in node.upstream if self.status.get(a) in ("failed", "skipped")), None)
            if broken is not None:
                yield self._skip(node, f"{broken} {self.status[broken]}")
                continue
            yield from self._start(node, pool)

    def _start(self, node: Node, pool: TaskPool) -> Iterator[Event]:
        decision = self._decide(node)
        if decision is None:
            self._contended.append(node.id)
            return
        if decision.action == "reuse":
            yield StepsReused([self._reuse(node, decision)], at=clock.utc_now())
            return
        assert decision.key is not None
        inputs = self.decider.inputs(node, self.results)
        task = Task(node.id, str(decision.key), inputs, is_wanted=bool(self._downstream[node.id]))
        self._running[node.id] = task
        yield StepStarted(node.id, at=clock.utc_now())
        pool.submit(task)

    def _decide(self, node: Node) -> Decision | None:
        """Return the final decision, or None while another process computes the same key."""
        planned = self.plan.decisions[node.id]
        if node.id in self._forced or planned.reason == "forced":
            forced = self.decider.keys.key(node, self.decider.inputs(node, self.results))
            return Decision(node.id, "run", planned.reason or "its stored bytes were damaged", forced)
        decision = self.decider.decide([node], self.results)[0]
        if decision.action == "reuse" or self.decider.keys.local(node).impure:
            return decision
        key = decision.key
        assert key is not None
        if not self.decider.cache.claim(key):
            return None
        # Another process may have published between the look-up and the claim.
        decision = self.decider.decide([node], self.results)[0]
        if decision.action == "reuse":
            self.decider.cache.release(key)
        return decision

    def _retry_contended(self) -> None:
        for id in self._contended:
            heapq.heappush(self._ready, (self._order[id], id))
        self._contended.clear()

    def _finish(self, result: TaskResult) -> Iterator[Event]:
        task = self._running.pop(result.node)
        node = self.plan.pipeline.nodes[result.node]
        self._forced.discard(node.id)
        if result.status == "damaged":
            yield from self._repair(node, task, result)
            return
        key = ActionKey.parse(task.key)
        changed = self._changed_files(node) if result.status == "succeeded" else ""
        if changed:
            yield Notice(
                f"{node.id}: {changed} changed while the step ran; its result is not kept", at=clock.utc_now()
            )
        yield self._event(node, key, task, result)
        local = self.decider.keys.local(node)
        if result.status == "succeeded" and not local.impure and not changed:
            yield from self._publish(node, key, result)
        elif not local.impure:
            self.decider.cache.release(key)
        if result.status == "succeeded":
            self.results[node.id] = NodeResult(key, result.outputs, result.live)
        yield from self._close_and_tear_down(node, result.status)

    def _publish(self, node: Node, key: ActionKey, result: TaskResult) -> Iterator[Event]:
        entry = ActionEntry(
            key=key,
            outputs=result.outputs,
            output=result.output,
            live=result.live,
            seconds=result.seconds,
            created=clock.utc_now(),
            writer=self.writer,
        )
        try:
            self.decider.cache.publish(entry)
        except StoreError as error:
            yield Notice(f"{node.id}: its result is not kept: {error.what}", at=clock.utc_now())
        if self.durability is not None:
            self.durability.note()

    def _event(self, node: Node, key: ActionKey, task: Task, result: TaskResult) -> StepFinished:
        parts = self.decider.parts(node, task.inputs)
        return StepFinished(
            node.id,
            result.status,
            reason=self._reason(node, task),
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
            at=clock.utc_now(),
        )

    def _reason(self, node: Node, task: Task) -> str:
        planned = self.plan.decisions[node.id]
        if planned.action == "run" and planned.reason:
            return planned.reason
        return self.decider.reason(node, task.inputs)

    def _new_sources(self, parts: KeyParts) -> dict[str, list[str]]:
        # The text behind a digest is told once in a run: helpers are shared by many steps.
        fresh: dict[str, list[str]] = {}
        for name, source in parts.sources.items():
            told = (name, parts.parts.get(name, ""))
            if told not in self._told:
                self._told.add(told)
                fresh[name] = list(source)
        return fresh

    def _changed_files(self, node: Node) -> str:
        local = self.decider.keys.local(node)
        if not local.files:
            return ""
        fresh = FileDigests()
        try:
            changed = [path.name for path, digest in local.files.items() if fresh.digest(path) != digest]
        except StoreError as error:
            return error.what
        return ", ".join(changed)

    def _repair(self, node: Node, task: Task, result: TaskResult) -> Iterator[Event]:
        """Quarantine what is damaged, and run its producers and then `node` again."""
        if task.key and not self.decider.keys.local(node).impure:
            self.decider.cache.release(ActionKey.parse(task.key))
        self._repairs[node.id] = self._repairs.get(node.id, 0) + 1
        if self._repairs[node.id] > _MOST_REPAIRS:
            error = {
                "type": "CorruptArtifact",
                "message": "its inputs were damaged again after they were recomputed",
                "frames": [],
                "hint": "the disk may be failing: `zenconv check`",
            }
            yield StepFinished(node.id, "failed", key=task.key, error=error, at=clock.utc_now())
            yield from self._close_and_tear_down(node, "failed")
            return
        producers = list(dict.fromkeys(producer for producer, _ in result.damaged))
        for producer, digest in result.damaged:
            if digest:
                self.decider.store.quarantine(digest)
            self.decider.cache.remove([self.results[producer].key])
            yield Notice(f"{producer}: its stored result was damaged; computing it again", at=clock.utc_now())
        for producer in producers:
            self._reopen(producer)
        self._waiting[node.id] = len(producers)

    def _reopen(self, producer: str) -> None:
        self.results.pop(producer, None)
        self.status.pop(producer, None)
        self._forced.add(producer)
        self._left[self.plan.pipeline.nodes[producer].pipeline] += 1
        missing = [a for a in self.plan.pipeline.nodes[producer].upstream if a not in self.results]
        self._waiting[producer] = len(missing)
        if not missing:
            heapq.heappush(self._ready, (self._order[producer], producer))

    def _reuse(self, node: Node, decision: Decision) -> dict[str, Any]:
        entry = decision.entry
        assert entry is not None
        self.results[node.id] = NodeResult(entry.key, entry.outputs, entry.live)
        self.performer.restore(node, entry.outputs)
        self._close(node, "reused")
        return {
            "node": node.id,
            "key": str(entry.key),
            "outputs": {name: artifact.to_json() for name, artifact in entry.outputs.items()},
            "output": entry.output.to_json() if entry.output else None,
            "reason": decision.reason,
            "live": entry.live,
        }

    def _close_and_tear_down(self, node: Node, status: str) -> Iterator[Event]:
        self._close(node, status)
        if self._left[node.pipeline] <= 0:
            for failure in self.performer.resources.end_pipeline(node.pipeline):
                yield teardown_notice(failure)

    def _close(self, node: Node, status: str) -> None:
        self.status[node.id] = status
        self._left[node.pipeline] -= 1
        for id in self._downstream[node.id]:
            self._waiting[id] -= 1
            if self._waiting[id] == 0 and id not in self.status and id not in self._running:
                heapq.heappush(self._ready, (self._order[id], id))

    def _skip(self, node: Node, reason: str) -> StepFinished:
        self._close(node, "skipped")
        return StepFinished(node.id, "skipped", reason=reason, at=clock.utc_now())

    def _skip_rest(self) -> Iterator[Event]:
        for node in self.plan.pipeline:
            if node.id not in self.status:
                self.status[node.id] = "skipped"
                yield StepFinished(node.id, "skipped", reason="stopped after a failure", at=clock.utc_now())


def teardown_notice(failure: BaseException) -> Notice:
    """Return the warning for a fixture whose teardown failed after its steps had ended."""
    return Notice(f"a fixture's teardown failed: {type(failure).__name__}: {failure}", at=clock.utc_now())
