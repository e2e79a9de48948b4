"""The local orchestrator: every step in the runner's own process, one after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zenconv.errors import SettingsError
from zenconv.interfaces.orchestrating import Execution, Task, TaskResult
from zenconv.records.events import Event
from zenconv.records.plan import Plan


class InProcessOrchestrator:
    """Runs steps where the project was collected.

    A crash costs the step it happens in: the supervisor starts a new runner for what is left.
    """

    capabilities = ("live-output", "pdb")

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path, state: Path) -> InProcessOrchestrator:
        """Build from a stack's table; there are no options."""
        unknown = sorted(set(options) - {"id"})
        if unknown:
            raise SettingsError(f"orchestrator: unknown option {unknown[0]!r}", hint="it has no options")
        return cls()

    def execute(self, plan: Plan, execution: Execution) -> Iterator[Event]:
        """See `zenconv.interfaces.orchestrating.Orchestrator`."""
        return execution.drive(_Inline(execution))


class _Inline:
    """A pool of one: the task runs when its result is asked for."""

    slots = 1

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._waiting: list[Task] = []

    def submit(self, task: Task) -> None:
        self._waiting.append(task)

    def results(self, timeout: float | None = None) -> Sequence[TaskResult]:
        tasks, self._waiting = self._waiting, []
        return [self._execution.perform(task) for task in tasks]

    def close(self) -> None:
        self._waiting.clear()
