"""What an execution offers to orchestrators that work here: this process, and worker processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from zenconv.errors import UsageError
from zenconv.interfaces.orchestrating import Task, TaskResult, Workers

if TYPE_CHECKING:
    from zenconv.engine.async_tasks import AsyncTasks
    from zenconv.engine.perform import Performer

WorkersOpener = Callable[[int], Workers]


class LocalWork:
    """The part of `zenconv.interfaces.orchestrating.Execution` that places work."""

    make_performer: Callable[[], Performer]
    made_performer: Performer | None
    workers: WorkersOpener | None
    _async_tasks: AsyncTasks | None

    @property
    def performer(self) -> Performer:
        """What executes steps in this process; a run in which nothing is executed has no use for it."""
        if self.made_performer is None:
            self.made_performer = self.make_performer()
        return self.made_performer

    def perform(self, task: Task) -> TaskResult:
        """Execute one task in this process."""
        return self.performer.perform(task)

    def start(self, task: Task) -> None:
        """Begin an async task in this process; it goes on whenever `wait` is called."""
        if self._async_tasks is None:
            from zenconv.engine.async_tasks import AsyncTasks

            self._async_tasks = AsyncTasks(self.performer, self.performer.scratch.parent)
        self._async_tasks.start(task)

    def wait(self, timeout: float) -> Sequence[TaskResult]:
        """Let the tasks begun go on until some have ended; return those."""
        return self._async_tasks.wait(timeout) if self._async_tasks is not None else []

    def open_workers(self, most: int) -> Workers:
        """Prepare for up to `most` processes at a time. `UsageError` if the run has none."""
        if self.workers is None:
            raise UsageError(
                "this run was started without worker processes", hint="`-n 4`, or `workers = 4` in the stack"
            )
        return self.workers(most)
