"""Where the tasks of a run go: to the orchestrator's pool, or to workers in other environments."""

from __future__ import annotations

from collections.abc import Sequence

from zenconv import clock
from zenconv.engine.environment_pool import EnvironmentPool
from zenconv.engine.environments import Environments, describe_problem
from zenconv.engine.keys import KeyMaker
from zenconv.interfaces.orchestrating import Task, TaskPool, TaskResult
from zenconv.records.events import Event, Notice, StepFinished
from zenconv.records.step import Node


def order_environment(node: Node, keys: KeyMaker) -> tuple[list[Event], bool]:
    """Have the environment of a node made, which is not yet; asked again and again while one waits.

    Returns what there is to tell, and whether that is the end: it cannot be made.
    """
    environments, environment = keys.environments, keys.environment_of(node)
    assert environments is not None
    assert environment is not None
    is_news = not environments.is_ordered(environment)
    problem = environments.prepare(environment)
    if problem:
        error = describe_problem(environment, problem)
        reason = "its environment cannot be made"
        return [StepFinished(node.id, "failed", reason, error=error, at=clock.utc_now())], True
    text = f"an environment is made for {node.short_id}: {environment.requirements}"
    return [Notice(text, "note", at=clock.utc_now())] if is_news else [], False


_TURN_SECONDS = 0.05
"""How long one pool may wait while the other has tasks too."""


class Placement(TaskPool):
    """One pool made of two: `pool` for tasks of this environment, `elsewhere` for all others.

    With it end those of `environments` that are being made.
    """

    def __init__(self, pool: TaskPool, elsewhere: EnvironmentPool, environments: Environments) -> None:
        self._environments = environments
        self._pool = pool
        self._elsewhere = elsewhere
        self._here: dict[str, Task] = {}
        self.slots = pool.slots

    def is_apart_for(self, task: Task) -> bool:
        return bool(task.python) or self._pool.is_apart

    def expect(self, count: int) -> None:
        self._pool.expect(count)

    def accepts(self, *, is_async: bool) -> bool:
        busy = len(self._elsewhere) + sum(not task.is_async for task in self._here.values())
        return (not self.slots or busy < self.slots) and self._pool.accepts(is_async=is_async)

    def submit(self, task: Task) -> None:
        if task.python:
            self._elsewhere.submit(task)
            return
        self._here[task.node] = task
        self._pool.submit(task)

    def results(self, timeout: float) -> Sequence[TaskResult]:
        if not len(self._elsewhere):
            return self._take(timeout)
        if not self._here:
            return self._elsewhere.results(timeout)
        return [*self._elsewhere.results(0), *self._take(min(timeout, _TURN_SECONDS))]

    def _take(self, timeout: float) -> Sequence[TaskResult]:
        results = self._pool.results(timeout)
        for result in results:
            self._here.pop(result.node, None)
        return results

    def end_pipeline(self, pipeline: str) -> None:
        self._pool.end_pipeline(pipeline)
        self._elsewhere.end_pipeline(pipeline)

    def interrupt(self, number: int) -> None:
        self._pool.interrupt(number)
        self._elsewhere.interrupt(number)

    def notices(self) -> Sequence[Notice]:
        return [*self._pool.notices(), *self._elsewhere.notices()]

    def close(self) -> None:
        try:
            self._pool.close()
        finally:
            self._elsewhere.close()
            self._environments.close()
