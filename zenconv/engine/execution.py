"""The loop of every task orchestrator: decide, claim, submit, record, publish, go on.

The order of a commit: the artifact's bytes are in the store, the event is in the log (the
generator's consumer writes it before it asks for more), the cache entry is published, and only
then a dependent starts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from zenconv import clock
from zenconv.engine.decide import Decider, ItemGone, NodeResult
from zenconv.engine.durability import Durability
from zenconv.engine.fan_out import Growth
from zenconv.engine.local_work import LocalWork, WorkersOpener
from zenconv.engine.plan_records import node_record
from zenconv.engine.publishing import changed_files, describe_discovered, make_entry, publish_entry
from zenconv.engine.quarantine import quarantine_damaged
from zenconv.engine.reserving import open_reservations
from zenconv.engine.retries import Retries
from zenconv.engine.sampling import notes_on_sample
from zenconv.engine.schedule import Schedule
from zenconv.engine.skipping import Skips
from zenconv.engine.step_records import StepRecords, describe_damage, describe_fault, describe_reuse
from zenconv.engine.task_maker import TaskMaker
from zenconv.engine.tolerance import find_broken
from zenconv.engine.verifications import Verifications
from zenconv.engine.written import places, returned_outputs
from zenconv.errors import StoreError
from zenconv.interfaces.orchestrating import Task, TaskPool, TaskResult, Workers
from zenconv.records.artifact import ActionEntry, ActionKey
from zenconv.records.events import (
    Event,
    Notice,
    StepFinished,
    StepRetried,
    StepsExpanded,
    StepsReused,
)
from zenconv.records.marks import TimeLimit
from zenconv.records.plan import Decision, Plan
from zenconv.records.step import Node

if TYPE_CHECKING:
    from zenconv.engine.async_tasks import AsyncTasks
    from zenconv.engine.interruption import Interruption
    from zenconv.engine.perform import Performer

_MOST_REPAIRS = 3
_CONTENDED_PAUSE_SECONDS = 0.05
_PATIENCE_SECONDS = 0.5
"""How long a pool may wait before signals are looked at."""
_INTERRUPTION_SECONDS = 9.0
"""How long interrupted steps get to end; a little less than the supervisor waits."""


@attrs.define(eq=False, repr=False)
class RunExecution(LocalWork):
    """Executes one plan; see `zenconv.interfaces.orchestrating.Execution`.

    `make_performer` makes what executes steps here. `ended` holds nodes that ended before this runner
    started, with their status. `writer` names this run in cache entries. `most_failures`: after so many
    nothing more is started; 0: never. `workers` opens worker processes, where the run was started with
    them, `environment_workers` those for steps that ask for other environments. `suspects` are nodes of
    which one ended an earlier runner: each is executed with nothing beside it. `to_verify` are nodes
    that an earlier runner did not come to verify. `retries` knows which attempts have failed,
    `default_limit` is the time limit of steps that have no other. `fixed` are nodes whose results are
    given: nothing can compute them.
    """

    plan: Plan
    decider: Decider
    make_performer: Callable[[], Performer]
    interruption: Interruption
    writer: str
    most_failures: int = 0
    ended: Mapping[str, str] = attrs.field(factory=dict)
    suspects: frozenset[str] = frozenset()
    to_verify: tuple[str, ...] = ()
    fixed: Collection[str] = ()
    durability: Durability | None = None
    workers: WorkersOpener | None = None
    environment_workers: Callable[[], Workers] | None = None
    retries: Retries = attrs.field(factory=Retries)
    default_limit: TimeLimit | None = None
    results: dict[str, NodeResult] = attrs.field(factory=dict)
    status: dict[str, str] = attrs.field(factory=dict)
    read: dict[str, Mapping[str, Any]] = attrs.field(factory=dict)
    _contended: list[str] = attrs.field(factory=list)
    _running: dict[str, tuple[Task, int]] = attrs.field(factory=dict)
    _forced: set[str] = attrs.field(factory=set)
    _repairs: dict[str, int] = attrs.field(factory=dict)
    _reopened: dict[str, int] = attrs.field(factory=dict)
    _reopenings: int = 0
    _failures: int = 0
    made_performer: Performer | None = None
    _async_tasks: AsyncTasks | None = None
    records: StepRecords = attrs.field(init=False)
    _tasks: TaskMaker = attrs.field(init=False)
    _skips: Skips = attrs.field(factory=Skips)
    _growths: list[Growth] = attrs.field(factory=list)
    _schedule: Schedule = attrs.field(init=False)
    _verifications: Verifications = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._schedule = Schedule(self.status)
        self.records = StepRecords(self.decider, self.retries)
        self._tasks = TaskMaker(self.decider, self._schedule, self.default_limit)
        self._verifications = Verifications(self.decider, self._tasks.limit_of, self.suspects)

    def drive(self, pool: TaskPool) -> Iterator[Event]:
        """Run the plan on `pool` until nothing is left, something interrupts, or `-x` stops it."""
        if self.decider.keys.environments is not None and self.environment_workers is not None:
            from zenconv.engine.environment_pool import EnvironmentPool
            from zenconv.engine.placing import Placement

            pool = Placement(pool, EnvironmentPool(self.environment_workers), self.decider.keys.environments)
        self._tasks.reservations = open_reservations(self.plan.pipeline, self.plan.to_execute(), pool.slots)
        yield from self._begin()
        try:
            while self._has_more():
                yield from self._submit(pool)
                yield from self._take_results(pool)
                self._retry_contended()
                for id in self.retries.take_due():
                    self._make_ready(id)
            if self.interruption.signal:
                yield from self._interrupt(pool)
            yield from self._give_up_waiting()
        finally:
            pool.close()
        yield from _as_notices(pool.notices())
        if not self.interruption.signal:
            yield from self._skip_rest()
            fan_out = self.decider.fan_out
            unmatched = fan_out.unmatched if fan_out is not None else []
            yield from _as_notices([_none_asked(id) for id in unmatched])

    def _has_more(self) -> bool:
        if self.interruption.signal:
            return False
        if self._is_stopped():
            return bool(self._running or self._verifications.running)
        return self._has_work() or bool(self._verifications)

    def _has_work(self) -> bool:
        return bool(self._running or self._contended or self.retries or self._schedule.has_ready())

    def _is_stopped(self) -> bool:
        return 0 < self.most_failures <= self._failures

    def _may_start(self) -> bool:
        if self.interruption.signal or self._is_stopped():
            return False
        return not self.suspects or self.suspects.isdisjoint(self._running)

    def _take_results(self, pool: TaskPool) -> Iterator[Event]:
        if not (self._running or self._schedule.has_ready() or self._verifications):
            if self._contended or self.retries:
                time.sleep(self.retries.patience(_CONTENDED_PAUSE_SECONDS))
            return
        most = _CONTENDED_PAUSE_SECONDS if self._contended else _PATIENCE_SECONDS
        for result in pool.results(self.retries.patience(most)):
            yield from self._finish(result, pool)
        yield from _as_notices(pool.notices())

    def _interrupt(self, pool: TaskPool) -> Iterator[Event]:
        """Let what runs end in its own way, for a while."""
        pool.interrupt(self.interruption.signal)
        deadline = clock.monotonic() + _INTERRUPTION_SECONDS
        while (self._running or self._verifications.running) and clock.monotonic() < deadline:
            for result in pool.results(_PATIENCE_SECONDS):
                yield from self._finish(result, pool)

    def _begin(self) -> Iterator[Event]:
        pipeline = self.plan.pipeline
        self._schedule.enter(pipeline)
        self.retries.resume(node for node in pipeline if node.id not in self.ended)
        reused = []
        for node in list(pipeline):
            if node.is_open:
                continue  # its branches come when the run knows their items
            decision = self.plan.decisions[node.id]
            if node.id in self.ended:
                self._close(node, self.ended[node.id])
            elif decision.action == "reuse" and decision.entry is not None:
                reused.append(self._reuse(node, decision))
            elif not node.upstream:
                self._make_ready(node.id)
        for id in self.to_verify:
            if id in self.results:
                self._verify(pipeline.nodes[id])
        if reused:
            yield StepsReused(reused, at=clock.utc_now())
        yield from self._tell_growth()

    def _grow(self, node: Node, status: str) -> None:
        """Make the branches for the items that a step with `Each` has returned, or could not return."""
        fan_out = self.decider.fan_out
        if fan_out is None or node.step.shape != "each" or fan_out.is_taken(node.id):
            return
        is_done = status in ("succeeded", "reused")
        items = list(returned_outputs(self.results[node.id].outputs)) if is_done else None
        pipelines = {id: template.pipeline for id, template in fan_out.open_ids.items()}
        growth = fan_out.take(node.id, items)
        for id in growth.complete:
            self._schedule.complete(pipelines[id])
        self._schedule.enter(growth.nodes)
        self.decider.remember(branch.id for branch in growth.nodes)
        for branch in growth.nodes:
            if branch.id in self.ended:
                self._close(branch, self.ended[branch.id])
            elif self._schedule.is_free(branch.id):
                self._make_ready(branch.id)
        self._growths.append(growth)

    def _tell_growth(self) -> Iterator[Event]:
        for growth in self._growths:
            nodes = [node_record(node) for node in growth.nodes]
            yield StepsExpanded(nodes, growth.complete, at=clock.utc_now())
        self._growths.clear()

    def _is_settled(self, id: str) -> bool:
        """Return whether a node made ready has ended, was started or has to wait again meanwhile."""
        if id in self._running or not self._schedule.is_free(id):
            return True
        return id in self.status and id not in self._forced

    def _make_ready(self, id: str) -> None:
        if self.retries.holds(id):
            return
        is_waiting = self.plan.pipeline.nodes[id].step.is_async and id not in self.suspects
        self._schedule.make_ready(id, is_async=is_waiting)

    def _submit(self, pool: TaskPool) -> Iterator[Event]:
        # Those that mostly wait come first: the others need not wait for them.
        passed: list[str] = []
        pool.expect(self._schedule.count_ready())
        for is_waiting in (True, False):
            while (id := self._schedule.first(is_async=is_waiting)) is not None and self._may_start():
                if self._is_settled(id):
                    self._schedule.pop(is_async=is_waiting)
                    continue
                node = self.plan.pipeline.nodes[id]
                # Before the pool is asked: where nothing has to be executed there may be none.
                broken = self._find_skip(node) or find_broken(node, self.status)
                if not broken and not pool.accepts(is_async=is_waiting):
                    break
                self._schedule.pop(is_async=is_waiting)
                if broken:
                    yield from self._skip(node, broken, pool)
                    continue
                fit = self._tasks.fit(node)
                if fit == "now":
                    yield from self._start(node, pool)
                    continue
                passed.append(node.id)
                if fit == "first":
                    break
        for id in passed:
            self._make_ready(id)
        # Last, when all that is reused has been settled: a repair may change it.
        if not self._has_work() and self._may_start():
            yield from self._verifications.submit(pool, self.results)

    def _verify(self, node: Node) -> None:
        self._verifications.add([node.id])
        self._schedule.hold(node.pipeline)  # its fixtures are needed until then

    def _find_skip(self, node: Node) -> str:
        reason = self._skips.reason(node)
        planned = self._planned(node)
        return reason or (planned.reason if planned.action == "skip" else "")

    def _prepare(self, node: Node, pool: TaskPool) -> Iterator[Event]:
        """Come back to a node until its environment is made, or fails to be."""
        from zenconv.engine.placing import order_environment

        events, is_over = order_environment(node, self.decider.keys)
        yield from events
        if is_over:
            self._close(node, "failed")
            yield from self._tell_growth()
            yield from self._tear_down(node, pool)
        else:
            self._contended.append(node.id)

    def _start(self, node: Node, pool: TaskPool) -> Iterator[Event]:
        if not self.decider.keys.is_complete(node):
            yield from self._prepare(node, pool)
            return
        try:
            decision = self._decide(node)
        except ItemGone as gone:
            yield from self._skip(node, str(gone), pool)
            return
        if decision is None:
            self._contended.append(node.id)
            return
        if decision.action == "reuse":
            yield StepsReused([self._reuse(node, decision)], at=clock.utc_now())
            yield from self._tell_growth()
            yield from self._tear_down(node, pool)
            return
        assert decision.key is not None
        task = self._tasks.make(node, decision.key, self.results)
        self._running[node.id] = task, self._reopenings
        yield self.records.start(node, task, decision, is_apart=pool.is_apart_for(task))
        pool.submit(task)

    def _decide(self, node: Node) -> Decision | None:
        """Return the final decision, or None while another process computes the same key."""
        planned = self._planned(node)
        if node.id in self._forced or planned.reason == "forced":
            forced = self.decider.keys.key(node, self.decider.inputs(node, self.results))
            reason = planned.reason if planned.reason == "forced" else "its stored bytes were damaged"
            return Decision(node.id, "run", reason, forced)
        decision = self.decider.decide([node], self.results)[0]
        if decision.action == "reuse" or self.decider.keys.local(node).impure:
            return decision
        key = decision.key
        assert key is not None
        if not self.decider.cache.claim(key):
            return None
        if self.decider.cache.look_up([key]):  # perhaps published before the claim, by another process
            decision = self.decider.decide([node], self.results)[0]
            if decision.action == "reuse":
                self.decider.cache.release(key)
        return decision

    def _planned(self, node: Node) -> Decision:
        return self.plan.decisions.get(node.id) or self.plan.decisions[node.grown]

    def _retry_contended(self) -> None:
        for id in self._contended:
            self._make_ready(id)
        self._contended.clear()

    def _finish(self, result: TaskResult, pool: TaskPool) -> Iterator[Event]:
        if result.node in self._verifications.running:
            node = self.plan.pipeline.nodes[result.node]
            yield from self._verifications.finish(result)
            self._schedule.complete(node.pipeline)
            yield from self._tear_down(node, pool)
            return
        task, reopenings = self._running.pop(result.node)
        self._tasks.release(result.node)
        self.read |= {result.node: result.discovered} if result.discovered else {}
        node = self.plan.pipeline.nodes[result.node]
        self._forced.discard(node.id)
        if result.status == "damaged":
            yield from self._repair(node, task, result, reopenings)
            return
        retried = self._retry(node, task, result) if result.status == "failed" else None
        if retried is not None:
            yield retried
            return
        key = ActionKey.parse(task.key)
        entry = make_entry(node, key, result, self.decider.keys, self.writer)
        if changed := changed_files(node, result, self.decider.keys):
            yield Notice(
                f"{node.id}: {changed} changed while the step ran; its result is not kept", at=clock.utc_now()
            )
        outcome = NodeResult.of(entry)
        yield self.records.finish(node, outcome.key, task, result, self._planned(node))
        yield from _as_notices(notes_on_sample(node, task, result))
        local = self.decider.keys.local(node)
        if result.status == "succeeded" and not local.impure and not changed:
            yield from self._publish(node, entry, result)
        elif not local.impure:
            self.decider.cache.release(key)
        if result.status == "succeeded":
            self.results[node.id] = outcome
        self._close(node, result.status)
        yield from self._tell_growth()
        yield from self._tear_down(node, pool)

    def _retry(self, node: Node, task: Task, result: TaskResult) -> StepRetried | None:
        if not self._may_start():
            return None
        retried = self.retries.retry(node, result)
        if retried is not None and not self.decider.keys.local(node).impure:
            self.decider.cache.release(ActionKey.parse(task.key))  # whoever else wants it need not wait
        return retried

    def _give_up_waiting(self) -> Iterator[Event]:
        for finished in self.retries.give_up("interrupted" if self.interruption.signal else "failed"):
            self._close(self.plan.pipeline.nodes[finished.node], finished.status)
            yield finished

    def _publish(self, node: Node, entry: ActionEntry, result: TaskResult) -> Iterator[Event]:
        try:
            publish_entry(entry, self.decider.cache)
        except StoreError as error:
            yield Notice(f"{node.id}: its result is not kept: {error.what}", at=clock.utc_now())
        if text := describe_discovered(node, entry.discovered, result):
            yield Notice(text, "note", at=clock.utc_now())
        if self.durability is not None:
            self.durability.note(sum(artifact.size for artifact in entry.outputs.values()))

    def _repair(self, node: Node, task: Task, result: TaskResult, reopenings: int) -> Iterator[Event]:
        """Quarantine what is damaged, and run its producers and then `node` again.

        `reopenings` is how many producers had been opened again when `task` was started: another
        consumer may have found the same damage, and had it repaired meanwhile.
        """
        if task.key and not self.decider.keys.local(node).impure:
            self.decider.cache.release(ActionKey.parse(task.key))
        self._repairs[node.id] = self._repairs.get(node.id, 0) + 1
        if self._repairs[node.id] > _MOST_REPAIRS or any(p in self.fixed for p, _ in result.damaged):
            yield self._give_up(node, task, result)
            return
        damaged = [(p, digest) for p, digest in result.damaged if self._reopened.get(p, 0) <= reopenings]
        for producer, digest in dict(damaged).items():
            quarantine_damaged(self.results[producer].outputs.values(), digest, self.decider.store)
            self.decider.cache.remove([self.results[producer].key])
            yield Notice(
                f"{producer}: its stored result {describe_fault(result)}; computing it again",
                at=clock.utc_now(),
            )
        for producer in dict.fromkeys(producer for producer, _ in damaged):
            self._reopen(producer)
        if self._schedule.is_free(node.id):
            self._make_ready(node.id)

    def _give_up(self, node: Node, task: Task, result: TaskResult) -> StepFinished:
        fixed = [producer for producer, _ in result.damaged if producer in self.fixed]
        error = describe_damage(result, fixed)
        debugger = self.made_performer.debugger if self.made_performer is not None else None
        if debugger is not None:
            debugger.examine_load_error(node, error)
        self._close(node, "failed")
        return StepFinished(node.id, "failed", key=task.key, error=error, at=clock.utc_now())

    def _reopen(self, producer: str) -> None:
        self.results.pop(producer, None)
        self.status.pop(producer, None)
        self._forced.add(producer)
        self._reopenings += 1
        self._reopened[producer] = self._reopenings
        live = {id for id, result in self.results.items() if result.live}
        self._schedule.reopen(self.plan.pipeline.nodes[producer], live)
        if self._schedule.is_free(producer):
            self._make_ready(producer)

    def _reuse(self, node: Node, decision: Decision) -> dict[str, Any]:
        entry = decision.entry
        assert entry is not None
        self.results[node.id] = NodeResult.of(entry)
        self.read |= {node.id: entry.discovered} if entry.discovered else {}
        if places(node):
            self.performer.restore(node, entry.outputs)
        self._close(node, "reused")
        if decision.verify:
            self._verify(node)
        return describe_reuse(decision, entry)

    def _tear_down(self, node: Node, pool: TaskPool) -> Iterator[Event]:
        if self._schedule.is_done(node.pipeline):
            pool.end_pipeline(node.pipeline)
            if self.made_performer is not None:
                yield from _as_notices(self.made_performer.endings.end_pipeline(node.pipeline))

    def _close(self, node: Node, status: str) -> None:
        self.status[node.id] = status
        self._failures += status == "failed"
        for id in self._schedule.close(node):
            if id not in self.status and id not in self._running:
                self._make_ready(id)
        if status != "interrupted":
            self._grow(node, status)

    def _skip(self, node: Node, reason: str, pool: TaskPool) -> Iterator[Event]:
        self._close(node, "skipped")
        yield StepFinished(node.id, "skipped", reason=reason, at=clock.utc_now())
        yield from self._tell_growth()
        yield from self._tear_down(node, pool)

    def _skip_rest(self) -> Iterator[Event]:
        stopped = "a failure" if self._failures == 1 else f"{self._failures} failures"
        left = [node for node in self.plan.pipeline if node.id not in self.status]
        for node in left:
            self.status[node.id] = "skipped"
            yield StepFinished(node.id, "skipped", reason=f"stopped after {stopped}", at=clock.utc_now())
        if left and not self._is_stopped():  # never to be taken for success
            yield Notice(f"{left[0].id} was never ready to start", "error", at=clock.utc_now())


def _none_asked(template: str) -> Notice:
    return Notice(f"{template}: no branch came into being that was asked for")


def _as_notices(notices: Sequence[Notice]) -> Iterator[Event]:
    for notice in notices:
        yield attrs.evolve(notice, at=clock.utc_now())
