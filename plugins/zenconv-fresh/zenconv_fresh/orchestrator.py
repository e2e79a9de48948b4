"""Every step in a process that has executed nothing before it, and ends with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from zenconv.errors import SettingsError
from zenconv.interfaces.orchestrating import Task
from zenconv.interfaces.pooling import WorkerOrchestrator


class FreshOrchestrator(WorkerOrchestrator):
    """Starts a worker for each task, and ends it when the task has ended."""

    capabilities = ("parallel", "live-output")

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path, state: Path) -> Self:
        """Build from a stack's table; ``workers``: how many steps run side by side, 1 by default."""
        most = options.get("workers", 1)
        if options.keys() - {"id", "workers"} or type(most) is not int or most < 1:
            raise SettingsError(f"orchestrator 'fresh': {dict(options)}", hint='{id = "fresh", workers = 4}')
        return cls(most)

    def submit(self, task: Task) -> None:
        self.hand(task, self.start())

    def release(self, worker: int) -> None:
        self.end(worker)
