"""Async steps: several under way in one event loop, which turns only while somebody waits."""

from __future__ import annotations

import asyncio
import warnings
from contextlib import ExitStack
from pathlib import Path

from zenconv.engine.capture import Spool
from zenconv.engine.perform import Performer
from zenconv.engine.separate import SeparateOutput, open_record
from zenconv.interfaces.orchestrating import Task, TaskResult


class AsyncTasks:
    """Executes async tasks with `performer`; what they print gathers in files in `folder`.

    The loop lives while any task does. What a step left running in it ends with it.
    """

    def __init__(self, performer: Performer, folder: Path) -> None:
        self._performer = performer
        self._folder = folder
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: dict[asyncio.Task[TaskResult], Spool] = {}
        self._around = ExitStack()
        self._cancelled: set[asyncio.Task[TaskResult]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, task: Task) -> None:
        """Begin `task`."""
        loop = self._loop or self._open()
        context, spool = open_record(self._folder, task.node)
        coroutine = self._performer.execute(task, spool)
        self._tasks[loop.create_task(coroutine, context=context)] = spool

    def wait(self, timeout: float | None, descriptor: int | None = None) -> list[TaskResult]:
        """Let the tasks go on until some have ended, `descriptor` is readable or time is up.

        Returns the results of those that ended. A signal cancels all tasks that had begun, each once.
        """
        if self._loop is None:
            return []
        interruption = self._performer.interruption
        loop = self._loop
        interruption.on_signal = lambda: loop.call_soon_threadsafe(self._cancel)
        if interruption.signal:
            self._cancel()
        try:
            self._turn(loop, timeout, descriptor)
        finally:
            interruption.on_signal = None
        results = self._take_ended()
        if not self._tasks:
            self._close(loop)
        return results

    def _open(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._around.enter_context(warnings.catch_warnings())
        self._around.enter_context(SeparateOutput(self._performer.capture))
        return self._loop

    def _turn(self, loop: asyncio.AbstractEventLoop, timeout: float | None, descriptor: int | None) -> None:
        waiting = loop.create_task(self._until_something(descriptor, timeout))
        try:
            loop.run_until_complete(waiting)
        except (KeyboardInterrupt, SystemExit):
            # Raised in a task that a step started: the step gets it too, if it waits for that task.
            waiting.cancel()

    async def _until_something(self, descriptor: int | None, seconds: float | None) -> None:
        loop = asyncio.get_running_loop()
        readable = loop.create_future()
        if descriptor is not None:
            loop.add_reader(descriptor, _settle, readable)
        try:
            waited = {*self._tasks, readable}
            await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if descriptor is not None:
                loop.remove_reader(descriptor)

    def _cancel(self) -> None:
        for task in self._tasks.keys() - self._cancelled:
            task.cancel()
        self._cancelled.update(self._tasks)

    def _take_ended(self) -> list[TaskResult]:
        ended = [task for task in self._tasks if task.done()]
        for task in ended:
            self._tasks.pop(task).close()
            self._cancelled.discard(task)
        return [task.result() for task in ended]

    def _close(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = None
        try:
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            if left:
                loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            asyncio.set_event_loop(None)
            loop.close()
            self._around.close()


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
