"""Every step in a process that has executed nothing before it, and ends with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Self

from zenconv.errors import SettingsError
from zenconv.interfaces.orchestrating import Execution, Task, TaskPool, TaskResult, end_task
from zenconv.records.events import Event, Notice
from zenconv.records.plan import Plan


class FreshOrchestrator(TaskPool):
    """Starts a worker for each task, and ends it when the task has ended."""

    capabilities = ("parallel", "live-output")
    is_apart = True

    def __init__(self, most: int) -> None:
        self._most = most
        self._tasks: dict[int, tuple[Task, float]] = {}
        self._ended: list[TaskResult] = []
        self._ready: set[int] = set()
        self._is_interrupted = False

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path, state: Path) -> Self:
        """Build from a stack's table; ``workers``: how many steps run side by side, 1 by default."""
        most = options.get("workers", 1)
        if options.keys() - {"id", "workers"} or type(most) is not int or most < 1:
            raise SettingsError(f"orchestrator 'fresh': {dict(options)}", hint='{id = "fresh", workers = 4}')
        return cls(most)

    def execute(self, plan: Plan, execution: Execution) -> Iterator[Event]:
        """Execute the plan."""
        self._workers = execution.open_workers(self._most)
        return execution.drive(self)

    def accepts(self, *, is_async: bool) -> bool:
        return len(self._tasks) < self._most

    def submit(self, task: Task) -> None:
        self._tasks[self._workers.start()] = task, monotonic()

    def results(self, timeout: float) -> Sequence[TaskResult]:
        for message in self._workers.messages(0 if self._ended else timeout):
            task, since = self._tasks[message.worker]
            if message.kind == "ready":
                self._ready.add(message.worker)
                self._workers.submit(message.worker, task)
                continue
            lost = end_task(task, message, monotonic() - since, is_interrupted=self._is_interrupted)
            self._ended.append(message.result or lost)
            del self._tasks[message.worker]
            self._ready.discard(message.worker)
            if message.result is not None:
                self._workers.end(message.worker)
        ended, self._ended = self._ended, []
        return ended

    def interrupt(self, number: int) -> None:
        self._is_interrupted = True
        self._workers.interrupt(number)
        for worker in self._tasks.keys() - self._ready:  # it has not begun
            self._ended.append(TaskResult(self._tasks.pop(worker)[0].node, "interrupted"))

    def notices(self) -> Sequence[Notice]:
        return self._workers.notices()

    def close(self) -> None:
        self._workers.close()
