"""Workers in environments of their own, for the steps that ask for one; others run elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import attrs

from zenconv import clock
from zenconv.engine.environments import describe_refusal
from zenconv.interfaces.orchestrating import Task, TaskPool, TaskResult, WorkerMessage, Workers
from zenconv.records.events import Notice


@attrs.define(eq=False, repr=False)
class _Seat:
    """A worker, its interpreter, and the task it has, handed over once it is ready."""

    number: int
    python: str
    is_ready: bool = False
    task: Task | None = None
    started: float = 0.0


class EnvironmentPool(TaskPool):
    """Takes any number of tasks; each gets a worker of its environment to itself.

    A worker that cannot collect the project in its environment fails its step, not the run.
    """

    is_apart = True

    def __init__(self, open_workers: Callable[[], Workers]) -> None:
        self._open_workers = open_workers
        self._seats: dict[int, _Seat] = {}
        self._is_interrupted = False

    def __len__(self) -> int:
        return sum(seat.task is not None for seat in self._seats.values())

    @cached_property
    def _workers(self) -> Workers:
        return self._open_workers()

    @property
    def _has_begun(self) -> bool:
        return "_workers" in self.__dict__

    def accepts(self, *, is_async: bool) -> bool:
        return True

    def submit(self, task: Task) -> None:
        free = (s for s in self._seats.values() if s.python == task.python and s.task is None)
        seat = next(free, None)
        if seat is None:
            number = self._workers.start(task.python)
            seat = self._seats[number] = _Seat(number, task.python)
        seat.task = task
        if seat.is_ready:
            self._hand(seat, task)

    def _hand(self, seat: _Seat, task: Task) -> None:
        seat.started = clock.monotonic()
        self._workers.submit(seat.number, task)

    def results(self, timeout: float) -> Sequence[TaskResult]:
        if not self._has_begun:
            return []
        found = [self._take(message) for message in self._workers.messages(timeout)]
        return [result for result in found if result is not None]

    def _take(self, message: WorkerMessage) -> TaskResult | None:
        seat = self._seats.get(message.worker)
        if seat is None:
            return None
        if message.kind == "ready":
            seat.is_ready = True
            if seat.task is not None:
                self._hand(seat, seat.task)
            return None
        task, seat.task = seat.task, None
        if message.kind != "result":
            del self._seats[seat.number]
        if message.result is not None or task is None:
            return message.result
        late = message.late.get(task.node)
        is_at_fault = message.kind == "ended" and seat.is_ready
        error = message.error or {}
        if not is_at_fault:
            error = describe_refusal(str(error.get("message", "")))
        return TaskResult(
            task.node,
            "interrupted" if self._is_interrupted else "failed",
            output=message.output,
            error=late
            or (
                message.error
                if is_at_fault
                else describe_refusal(str((message.error or {}).get("message", "")))
            ),
            seconds=clock.monotonic() - seat.started if seat.is_ready else 0.0,
            ending="timeout" if late else "crash" if is_at_fault else "",
        )

    def end_pipeline(self, pipeline: str) -> None:
        if self._has_begun:
            self._workers.end_pipeline(pipeline)

    def interrupt(self, number: int) -> None:
        self._is_interrupted = True
        if self._has_begun:
            self._workers.interrupt(number)

    def notices(self) -> Sequence[Notice]:
        return self._workers.notices() if self._has_begun else ()

    def close(self) -> None:
        if self._has_begun:
            self._workers.close()
