"""Where steps run: `Orchestrator`, and the smaller `TaskPool` from which most are made.

Caching, retries, hooks and recording live in the engine: a back-end only places work and
watches it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import attrs

from zenconv.frozen import Frozen
from zenconv.records.artifact import Artifact
from zenconv.records.events import Event
from zenconv.records.plan import Plan

TaskStatus = Literal["succeeded", "failed", "interrupted", "damaged"]


@attrs.frozen(eq=False, repr=False)
class TaskInput(Frozen):
    """One input of a task: outputs of the node `node`, stored under its cache key `key`.

    `output` is the one output wanted, or None for the whole returned value. `live`, where the
    producer's value cannot be stored, is the task that makes it again.
    """

    node: str
    key: str
    outputs: Mapping[str, Artifact]
    output: str | None = None
    live: Task | None = None


@attrs.frozen(eq=False, repr=False)
class Task(Frozen):
    """Everything a worker that has collected the same project needs to execute one node."""

    node: str
    key: str
    inputs: Mapping[str, TaskInput]
    is_wanted: bool = True


@attrs.frozen(eq=False, repr=False)
class TaskResult(Frozen):
    """How a task ended. `damaged` lists (node, digest) of inputs whose stored bytes are wrong."""

    node: str
    status: TaskStatus
    outputs: Mapping[str, Artifact] = attrs.field(factory=dict)
    output: Artifact | None = None
    live: bool = False
    storable: bool = True
    error: Mapping[str, Any] | None = None
    inputs: Mapping[str, Any] = attrs.field(factory=dict)
    warnings: Sequence[str] = ()
    damaged: Sequence[tuple[str, str]] = ()
    seconds: float = 0.0
    cpu: float = 0.0


class TaskPool(Protocol):
    """Workers that execute tasks, `slots` at a time."""

    slots: int

    def submit(self, task: Task) -> None:
        """Take a task; called only while fewer than `slots` are unfinished. Does not block."""

    def results(self, timeout: float | None = None) -> Sequence[TaskResult]:
        """Return what has ended, waiting up to `timeout` seconds (None: until something ends).

        A worker that died yields a ``failed`` result for its task, never silence.
        """

    def close(self) -> None:
        """End all workers. Tasks still running are stopped."""


class Execution(Protocol):
    """What the engine offers to an orchestrator for one plan."""

    def perform(self, task: Task) -> TaskResult:
        """Execute one task in this process."""

    def drive(self, pool: TaskPool) -> Iterator[Event]:
        """Decide, submit and record until nothing is left; the loop of every task orchestrator."""


@runtime_checkable
class Orchestrator(Protocol):
    """Executes plans. One verb.

    `capabilities` names what it can do beyond running steps one after another:
    ``parallel``, ``remote``, ``gpu``, ``async``, ``live-output``, ``pdb``.
    """

    capabilities: tuple[str, ...]

    def execute(self, plan: Plan, execution: Execution) -> Iterator[Event]:
        """Execute `plan`, yielding events as they happen; a failed step is an event, not an error.

        Closing the iterator early stops what runs.
        """
