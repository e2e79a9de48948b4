"""Makes the task of a node: what a worker has to know to execute it."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from zenconv.engine.decide import Decider, NodeResult
from zenconv.engine.schedule import Schedule
from zenconv.interfaces.orchestrating import Task, is_async
from zenconv.records.artifact import ActionKey
from zenconv.records.marks import TimeLimit
from zenconv.records.step import Node


@attrs.define(eq=False, repr=False)
class TaskMaker:
    """Makes the tasks of one run; `default_limit` is the time limit of steps that have no other."""

    decider: Decider
    schedule: Schedule
    default_limit: TimeLimit | None = None

    def make(self, node: Node, key: ActionKey, results: Mapping[str, NodeResult]) -> Task:
        """Return the task of a node whose inputs are among `results`."""
        inputs = self.decider.inputs(node, results)
        return Task(
            node.id,
            str(key),
            inputs,
            is_wanted=self.schedule.is_wanted(node.id),
            is_async=is_async(node.step.is_async, inputs),
            template=node.grown,
            limit=self.limit_of(node),
            python=self.decider.keys.python_of(node),
        )

    def limit_of(self, node: Node) -> TimeLimit | None:
        """Return how long a node may take; None: as long as it likes."""
        limit = node.marks.timeout or self.default_limit
        return limit if limit is not None and limit.seconds else None
