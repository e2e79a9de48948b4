"""Most of an orchestrator with worker processes: `WorkerOrchestrator`; left to say is who gets a task.

::

    class FreshOrchestrator(WorkerOrchestrator):  # a worker for each task, which ends with it
        capabilities = ("parallel", "live-output")

        def submit(self, task):
            self.hand(task, self.start())

        def release(self, worker):
            self.end(worker)

What is still missing is the class method `from_options`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zenconv import clock
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


class WorkerOrchestrator(TaskPool):
    """An orchestrator, and its pool, of up to `most` processes on this machine with a task each.

    Inherit, and write `submit`, which starts or chooses a worker and hands it the task; where needed,
    `release` and `accepts`. `tasks` is what each worker has been handed, by its number.
    """

    capabilities: tuple[str, ...] = ("parallel", "live-output")
    is_apart = True

    def __init__(self, most: int) -> None:
        self.most = self.slots = most
        self.tasks: dict[int, Task] = {}
        self._begun: dict[int, float] = {}
        self._ready: set[int] = set()
        self._ended: list[TaskResult] = []
        self._is_interrupted = False

    def execute(self, plan: Plan, execution: Execution) -> Iterator[Event]:
        """See `Orchestrator`."""
        self._workers: Workers = execution.open_workers(self.most)
        return execution.drive(self)

    def accepts(self, *, is_async: bool) -> bool:
        return len(self.tasks) < self.most

    @property
    def idle(self) -> list[int]:
        """The workers that are ready and have no task, by number."""
        return sorted(self._ready - self.tasks.keys())

    def start(self) -> int:
        """Start a worker and return its number."""
        worker = self._workers.start()
        self._ready.discard(worker)  # another one had the number before
        return worker

    def end(self, worker: int) -> None:
        """Have a worker that has no task end, and tear its fixtures down."""
        self._workers.end(worker)

    def hand(self, task: Task, worker: int) -> None:
        """Give a task to a worker that has none; it begins when the worker is ready."""
        self.tasks[worker] = task
        if worker in self._ready:
            self._begin(worker)

    def release(self, worker: int) -> None:
        """Be told that a worker has ended its task: it can be handed another one, or be ended."""
        return

    def results(self, timeout: float) -> Sequence[TaskResult]:
        for message in self._workers.messages(0 if self._ended else timeout):
            self._take(message)
        ended, self._ended = self._ended, []
        return ended

    def end_pipeline(self, pipeline: str) -> None:
        self._workers.end_pipeline(pipeline)

    def interrupt(self, number: int) -> None:
        self._is_interrupted = True
        self._workers.interrupt(number)
        for worker in self.tasks.keys() - self._begun.keys():
            self._ended.append(TaskResult(self.tasks.pop(worker).node, "interrupted"))

    def notices(self) -> Sequence[Notice]:
        return self._workers.notices()

    def close(self) -> None:
        self._workers.close()

    def _begin(self, worker: int) -> None:
        self._begun[worker] = clock.monotonic()
        self._workers.submit(worker, self.tasks[worker])

    def _take(self, message: WorkerMessage) -> None:
        worker = message.worker
        if message.kind == "ready":
            self._ready.add(worker)
            if worker in self.tasks:
                self._begin(worker)
            return
        task, since = self.tasks.pop(worker, None), self._begun.pop(worker, clock.monotonic())
        if message.result is not None:
            self._ended.append(message.result)
            self.release(worker)
            return
        self._ready.discard(worker)
        if task is not None:
            seconds = clock.monotonic() - since
            self._ended.append(end_task(task, message, seconds, is_interrupted=self._is_interrupted))
