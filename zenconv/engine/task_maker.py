"""Makes the task of a node: what a worker has to know to execute it."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from zenconv.engine.decide import Decider, NodeResult
from zenconv.engine.reserving import Fit, Reservations
from zenconv.engine.schedule import Schedule
from zenconv.interfaces.orchestrating import Task, is_async
from zenconv.records.artifact import ActionKey
from zenconv.records.marks import TimeLimit
from zenconv.records.step import Node


@attrs.define(eq=False, repr=False)
class TaskMaker:
    """Makes the tasks of one run.

    `default_limit` is the time limit of steps that have no other, `reservations` are there where
    steps take something of the machine.
    """

    decider: Decider
    schedule: Schedule
    default_limit: TimeLimit | None = None
    reservations: Reservations | None = None

    def fit(self, node: Node) -> Fit:
        """Return whether `node` may start beside what runs."""
        return self.reservations.fit(node) if self.reservations is not None else "now"

    def release(self, node: str) -> None:
        """Give back what a task that has ended had reserved."""
        if self.reservations is not None:
            self.reservations.give_back(node)

    def make(self, node: Node, key: ActionKey, results: Mapping[str, NodeResult]) -> Task:
        """Return the task of a node whose inputs are among `results`, with what it needs reserved."""
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
            gpus=self.reservations.take(node) if self.reservations is not None else (),
        )

    def limit_of(self, node: Node) -> TimeLimit | None:
        """Return how long a node may take; None: as long as it likes."""
        limit = node.marks.timeout or self.default_limit
        return limit if limit is not None and limit.seconds else None
