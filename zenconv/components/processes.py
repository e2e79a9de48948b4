"""The orchestrator behind ``-n 4``: steps in worker processes on this machine."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs

from zenconv import clock
from zenconv.components.in_process import MOST_ASYNC
from zenconv.components.options import check_options
from zenconv.errors import WorkerError
from zenconv.interfaces.orchestrating import (
    Execution,
    Task,
    TaskPool,
    TaskResult,
    WorkerMessage,
    Workers,
    end_task,
)
from zenconv.records.events import Event, Notice
from zenconv.records.plan import Plan
from zenconv.settings.cores import count_cores

_MOST_FAILED_STARTS = 3


class ProcessesOrchestrator:
    """Runs steps in up to `workers` processes, each of which has collected the project itself.

    A crash costs the step it happens in and the fixtures of that process; another one takes its
    place. Fixtures of a run's or a pipeline's scope are made once in each process that needs them.
    """

    capabilities = ("parallel", "async", "live-output")

    def __init__(self, workers: int) -> None:
        self.workers = workers

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path, state: Path) -> ProcessesOrchestrator:
        """Build from a stack's table; ``workers``: how many processes, default one per physical core."""
        workers = options.get("workers", "auto")
        if workers == "auto":
            workers = count_cores()
        check_options("orchestrator 'processes'", {**options, "workers": workers}, {"workers": int})
        return cls(max(1, workers))

    def execute(self, plan: Plan, execution: Execution) -> Iterator[Event]:
        """See `zenconv.interfaces.orchestrating.Orchestrator`."""
        wanted = sum(decision.action != "reuse" or decision.verify for decision in plan.decisions.values())
        most = max(1, min(self.workers, wanted))
        return execution.drive(_Pool(lambda: execution.open_workers(most), most, self.workers))


@attrs.define(eq=False, repr=False)
class _Seat:
    """A worker and what it is executing: node to task and the moment it was handed over."""

    number: int
    is_ready: bool = False
    is_alone: bool = False
    tasks: dict[str, tuple[Task, float]] = attrs.field(factory=dict)

    def accepts(self, *, is_async: bool) -> bool:
        if not self.is_ready:
            return False
        if not self.tasks:
            return True
        if not is_async or self.is_alone or len(self.tasks) >= MOST_ASYNC:
            return False
        return all(task.is_async for task, _ in self.tasks.values())


class _Pool(TaskPool):
    """Hands each task to a worker that is free, and answers for those that die.

    Where several async tasks were under way in a process that died, nobody knows which of them
    ended it: each is executed again, alone, before anything else starts.
    """

    is_apart = True

    def __init__(self, open_workers: Callable[[], Workers], most: int, slots: int = 0) -> None:
        self.slots = slots or most
        self._open_workers = open_workers
        self._most = most
        self._seats: dict[int, _Seat] = {}
        self._suspects: deque[Task] = deque()
        self._settled: list[TaskResult] = []
        self._failed_starts = 0
        self._is_interrupted = False
        self._expected = 0

    def expect(self, count: int) -> None:
        self._expected = count

    def accepts(self, *, is_async: bool) -> bool:
        self._fill_seats()
        return not self._suspects and self._choose(is_async=is_async) is not None

    def submit(self, task: Task) -> None:
        seat = self._choose(is_async=task.is_async)
        assert seat is not None, "a task is submitted only when it is accepted"
        self._hand(task, seat)

    @cached_property
    def _workers(self) -> Workers:
        # Where everything turns out to be reused, nothing is ever started.
        return self._open_workers()

    def results(self, timeout: float) -> Sequence[TaskResult]:
        if not self._has_begun:
            return []
        self._try_suspects()
        messages = self._workers.messages(0 if self._settled else timeout)
        for message in messages:
            self._take(message)
        settled, self._settled = self._settled, []
        return settled

    def end_pipeline(self, pipeline: str) -> None:
        if self._has_begun:
            self._workers.end_pipeline(pipeline)

    def interrupt(self, number: int) -> None:
        self._is_interrupted = True
        self._settled += [TaskResult(task.node, "interrupted") for task in self._suspects]
        self._suspects.clear()
        if self._has_begun:
            self._workers.interrupt(number)

    def notices(self) -> Sequence[Notice]:
        return self._workers.notices() if self._has_begun else ()

    def close(self) -> None:
        if self._has_begun:
            self._workers.close()

    @property
    def _has_begun(self) -> bool:
        return "_workers" in self.__dict__

    def _fill_seats(self) -> None:
        """Start workers: as many as there is work for, and one at a time what may be needed later.

        While a worker imports the project, nobody else is to take its cores without need.
        """
        starting = sum(not seat.is_ready for seat in self._seats.values())
        free = starting + sum(seat.is_ready and not seat.tasks for seat in self._seats.values())
        while len(self._seats) < self._most and (free < self._expected or not starting):
            number = self._workers.start()
            self._seats[number] = _Seat(number)
            starting, free = starting + 1, free + 1

    def _choose(self, *, is_async: bool) -> _Seat | None:
        """Return a free worker; for an async task, rather one that is waiting already."""
        free = [seat for seat in self._seats.values() if seat.accepts(is_async=is_async)]
        return max(free, key=lambda seat: len(seat.tasks), default=None)

    def _hand(self, task: Task, seat: _Seat) -> None:
        seat.tasks[task.node] = task, clock.monotonic()
        self._workers.submit(seat.number, task)

    def _try_suspects(self) -> None:
        if not self._suspects:
            return
        self._fill_seats()
        seat = next((seat for seat in self._seats.values() if seat.is_ready and not seat.tasks), None)
        if seat is not None:
            seat.is_alone = True
            self._hand(self._suspects.popleft(), seat)

    def _take(self, message: WorkerMessage) -> None:
        seat = self._seats[message.worker]
        if message.kind == "failed":
            error = message.error or {}
            raise WorkerError(str(error.get("message")), exit_code=error.get("exit_code", 2))
        if message.kind == "ready":
            seat.is_ready = True
            self._failed_starts = 0
            if not self._is_interrupted:
                self._fill_seats()
        elif message.result is not None:
            seat.is_alone = False
            del seat.tasks[message.result.node]
            self._settled.append(message.result)
        else:
            self._bury(seat, message)

    def _bury(self, seat: _Seat, message: WorkerMessage) -> None:
        del self._seats[seat.number]
        if not seat.is_ready:
            self._failed_starts += 1
            if self._failed_starts >= _MOST_FAILED_STARTS and not self._is_interrupted:
                raise WorkerError(str((message.error or {}).get("message", "workers end as they start")))
        late = message.late
        others = [task for task, _ in seat.tasks.values() if task.node not in late]
        if not self._is_interrupted and (late or len(others) > 1 or message.is_innocent):
            # With a late one to blame nobody is suspect, but here they have their turn as well.
            self._suspects += others
            others = []
        for task, started in seat.tasks.values():
            if task.node in late or task in others:
                seconds = clock.monotonic() - started
                self._settled.append(end_task(task, message, seconds, is_interrupted=self._is_interrupted))
