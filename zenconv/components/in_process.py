"""The local orchestrator: every step in the runner's own process, one after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zenconv.components.options import check_options
from zenconv.interfaces.orchestrating import Execution, Task, TaskPool, TaskResult
from zenconv.records.events import Event
from zenconv.records.plan import Plan

MOST_ASYNC = 16
"""So many async steps are under way in one process at a time."""


class InProcessOrchestrator:
    """Runs steps where the project was collected.

    Async steps that are ready at the same time run together; any other step runs alone. A crash
    costs the step it happens in: the supervisor starts a new runner for what is left.
    """

    capabilities = ("async", "live-output", "pdb")

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path, state: Path) -> InProcessOrchestrator:
        """Build from a stack's table; there are no options."""
        check_options(f"orchestrator {options.get('id', 'in-process')!r}", options, {})
        return cls()

    def execute(self, plan: Plan, execution: Execution) -> Iterator[Event]:
        """See `zenconv.interfaces.orchestrating.Orchestrator`."""
        return execution.drive(_Inline(execution))


class _Inline(TaskPool):
    """A pool without processes: a task runs when its result is asked for."""

    slots = 1

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._waiting: Task | None = None
        self._begun = 0

    def accepts(self, *, is_async: bool) -> bool:
        return self._waiting is None and self._begun < (MOST_ASYNC if is_async else 1)

    def submit(self, task: Task) -> None:
        if task.is_async:
            self._execution.start(task)
            self._begun += 1
        else:
            self._waiting = task

    def results(self, timeout: float) -> Sequence[TaskResult]:
        task, self._waiting = self._waiting, None
        if task is not None:
            return [self._execution.perform(task)]
        ended = self._execution.wait(timeout)
        self._begun -= len(ended)
        return ended

    def close(self) -> None:
        self._waiting = None
