"""A step under a time limit, seen from its own process: what it started ends with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self

from zenconv.engine.descendants import (
    NOBODY,
    Adoption,
    Started,
    has_children,
    kill_own,
    list_descendants,
    now_in_ticks,
)
from zenconv.engine.failures import definition_frame
from zenconv.engine.interruption import Interruption, TimedOut
from zenconv.engine.resources import Resources
from zenconv.engine.time_limits import describe_timeout
from zenconv.interfaces.orchestrating import TaskResult
from zenconv.records.marks import TimeLimit
from zenconv.records.step import Node

if TYPE_CHECKING:
    import asyncio

_LONG_SECONDS = 3600.0


class Limited:
    """Entered for the whole of one task; without a limit it does nothing.

    A task that waits is asked to end here, in its event loop; any other by the signal that
    `Interruption` takes.
    """

    def __init__(self, limit: TimeLimit | None, interruption: Interruption, *, is_async: bool) -> None:
        self._limit = limit
        self._interruption = interruption
        self._is_async = is_async
        self._adoption = Adoption()
        self._spare = NOBODY
        self._is_called = False
        self._timer: asyncio.TimerHandle | None = None
        self._is_late = False

    def __enter__(self) -> Self:
        if self._limit is None:
            return self
        self._adoption.__enter__()
        if self._is_async:
            import asyncio

            task = asyncio.current_task()
            self._timer = asyncio.get_running_loop().call_later(self._limit.seconds, self._expire, task)
        else:
            self._interruption.limit(self._limit.seconds)
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._limit is None:
            return
        self._adoption.__exit__()
        if self._timer is not None:
            self._timer.cancel()
        else:
            self._interruption.limit(0)

    def _expire(self, task: asyncio.Task[Any] | None) -> None:
        self._is_late = True
        if task is not None:
            task.cancel()

    @property
    def has_timed_out(self) -> bool:
        """Whether the time is up."""
        return self._is_late or (not self._is_async and self._interruption.has_timed_out)

    def begin_call(self, *, is_fresh: bool) -> None:
        """Take down what is there before the step's own code: what its fixtures started is not its own.

        `is_fresh`: fixtures were set up for it just now. When a process began is known to a few
        milliseconds; only then is the table of processes looked at, which takes as long.
        """
        if self._limit is not None:
            self._is_called = True
            pids = _list_own() if is_fresh else frozenset()
            self._spare = Started(pids, now_in_ticks())

    async def end(self, node: Node, result: TaskResult, resources: Resources, under_way: int) -> TaskResult:
        """Return the failure that a step past its time is, once everything it started has ended.

        `under_way` is how many async tasks this process has, with this one.
        """
        assert self._limit is not None
        failures = await self._end_started(resources, under_way - 1)
        own = result.error or {}
        error = describe_timeout(self._limit, own.get("frames") or [definition_frame(node.step)])
        if own.get("type", "").rpartition(".")[2] not in ("", TimedOut.__name__, "CancelledError"):
            error["causes"] = [own]
        told = [f"a teardown failed: {type(failure).__name__}" for failure in failures]
        warnings = [*result.warnings, *told]
        return TaskResult(node.id, "failed", error=error, warnings=warnings, ending="timeout")

    async def _end_started(self, resources: Resources, others: int) -> list[BaseException]:
        """End what the step has started; return what failed when fixtures were torn down for that.

        A step that timed out while its fixtures were made may have left any of them half made:
        all are ended, and made again for whoever asks next. With `others` under way beside it, an
        async step cannot tell what it started from what they did: if there is anything, it waits
        for the end of the whole process, which is near.
        """
        failures = [] if self._is_called else resources.end_run()
        if others > 0 and has_children() and list_descendants(os.getpid(), self._spare):
            import asyncio

            await asyncio.sleep(_LONG_SECONDS)
        if has_children():
            kill_own(self._spare)
        return failures


def _list_own() -> frozenset[int]:
    return frozenset(list_descendants(os.getpid())) if has_children() else frozenset()
