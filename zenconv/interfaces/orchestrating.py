"""Where steps run: `Orchestrator`, and the smaller `TaskPool` from which most are made.

Caching, retries, hooks and recording live in the engine: a back-end only places work and
watches it. Tasks and their results are plain JSON data when they travel; values never do, they
go through the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import attrs

from zenconv.errors import WorkerError
from zenconv.frozen import Frozen
from zenconv.records.artifact import Artifact
from zenconv.records.events import Event, Notice
from zenconv.records.marks import TimeLimit
from zenconv.records.plan import Plan

TaskStatus = Literal["succeeded", "failed", "interrupted", "damaged"]


@attrs.frozen(eq=False, repr=False)
class TaskInput(Frozen):
    """One input of a task: outputs of the node `node`, stored under its cache key `key`.

    `output` is the one output wanted, or None for the whole returned value. `live`, where the
    producer's value cannot be stored, is the task that makes it again. Where a parameter collects
    branches, `branches` are those by id, `failed` the ids of the tolerated failures, and the rest
    is empty.
    """

    node: str
    key: str
    outputs: Mapping[str, Artifact]
    output: str | None = None
    live: Task | None = None
    branches: Mapping[str, TaskInput] | None = None
    failed: tuple[str, ...] = ()
    template: str = ""

    def to_json(self) -> list[Any]:
        """Return plain JSON data."""
        if self.branches is not None:
            return [[[id, given.to_json()] for id, given in self.branches.items()], list(self.failed)]
        outputs = {name: artifact.to_json() for name, artifact in self.outputs.items()}
        live = self.live.to_json() if self.live is not None else None
        return [self.node, self.key, outputs, self.output, live, self.template]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> TaskInput:
        """Rebuild from `to_json` data."""
        if len(data) == 2:
            branches, failed = data
            given = {id: cls.from_json(item) for id, item in branches}
            return cls("", "", {}, branches=given, failed=tuple(failed))
        node, key, outputs, output, live, template = data
        artifacts = {name: Artifact.from_json(artifact) for name, artifact in outputs.items()}
        made = Task.from_json(live) if live else None
        return cls(node, key, artifacts, output, made, template=template)


@attrs.frozen(eq=False, repr=False)
class Task(Frozen):
    """Everything a worker that has collected the same project needs to execute one node.

    `is_async`: it waits more than it works, so that several can be under way in one process.
    `template` is the node that the project has where this one is a branch that came into being in
    the run. `limit` is the time it may take, counted from when it is handed to a worker.
    `expected`, for a task that verifies, are the stored outputs that its own are compared with.
    `python` is the interpreter it needs, where that is not the one of the run, `gpus` the numbers of
    the GPUs it has to itself.
    """

    node: str
    key: str
    inputs: Mapping[str, TaskInput]
    is_wanted: bool = True
    is_async: bool = False
    template: str = ""
    limit: TimeLimit | None = None
    expected: Mapping[str, Artifact] | None = None
    python: str = ""
    gpus: tuple[int, ...] = ()

    def to_json(self) -> list[Any]:
        """Return plain JSON data."""
        inputs = {parameter: given.to_json() for parameter, given in self.inputs.items()}
        limit = self.limit.to_json() if self.limit is not None else None
        expected = None
        if self.expected is not None:
            expected = {name: artifact.to_json() for name, artifact in self.expected.items()}
        flags = [self.is_wanted, self.is_async, self.template]
        return [self.node, self.key, inputs, *flags, limit, expected, self.python, self.gpus]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> Task:
        """Rebuild from `to_json` data."""
        node, key, inputs, is_wanted, is_async, template, limit, expected, python, gpus = data
        given = {parameter: TaskInput.from_json(item) for parameter, item in inputs.items()}
        stored = None
        if expected is not None:
            stored = {name: Artifact.from_json(artifact) for name, artifact in expected.items()}
        limit = TimeLimit.from_json(limit)
        return cls(node, key, given, is_wanted, is_async, template, limit, stored, python, tuple(gpus))


def is_async(own: bool, inputs: Mapping[str, TaskInput]) -> bool:
    """Return whether a task is async: its step is (`own`), or one whose live value it makes again."""
    return own or any(_waits(given) for given in inputs.values())


def _waits(given: TaskInput) -> bool:
    if given.branches is not None:
        return any(_waits(branch) for branch in given.branches.values())
    return given.live is not None and given.live.is_async


@attrs.frozen(eq=False, repr=False)
class TaskResult(Frozen):
    """How a task ended.

    `damaged` lists (node, digest) of inputs whose stored bytes are wrong, `discovered` the files
    and folders that it read without having asked for them: by name, the line that does and what
    the file was like then, as `zenconv.engine.discovery` says it. `retry`: it failed with an
    exception after which its marks ask for another attempt. `ending` is ``crash`` or ``timeout``
    where it did not end by itself. `verdict`, of a task that verifies, is what
    `zenconv.engine.comparing` says.
    """

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
    discovered: Mapping[str, tuple[str, list[int]]] = attrs.field(factory=dict)
    verdict: Mapping[str, Any] | None = None
    seconds: float = 0.0
    cpu: float = 0.0
    retry: bool = False
    ending: Literal["", "crash", "timeout"] = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        data = {name: getattr(self, name) for name in attrs.fields_dict(type(self))}
        data["outputs"] = {name: artifact.to_json() for name, artifact in self.outputs.items()}
        data["output"] = self.output.to_json() if self.output else None
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TaskResult:
        """Rebuild from `to_json` data."""
        fields = dict(data)
        fields["outputs"] = {name: Artifact.from_json(a) for name, a in data["outputs"].items()}
        fields["output"] = Artifact.from_json(data["output"]) if data["output"] else None
        fields["discovered"] = {name: (where, was) for name, (where, was) in data["discovered"].items()}
        fields["damaged"] = [(node, digest) for node, digest in data["damaged"]]
        return cls(**fields)


class TaskPool(Protocol):
    """Workers that execute tasks. A pool inherits from this class to get what it has no use for."""

    is_apart: bool = False
    """Tasks run in other processes: the end of this one is not the end of theirs."""

    slots: int = 0
    """How many tasks run at a time on this machine, async ones aside; 0: that is not for it to say."""

    def is_apart_for(self, task: Task) -> bool:
        """Return whether this task runs in another process."""
        return self.is_apart

    def expect(self, count: int) -> None:
        """Be told how many tasks could start now, before the first of them is offered."""
        return

    def accepts(self, *, is_async: bool) -> bool:
        """Return whether one more task, an async one or another, would start at once."""

    def submit(self, task: Task) -> None:
        """Take a task; called only when it is accepted. Does not block."""

    def results(self, timeout: float) -> Sequence[TaskResult]:
        """Return what has ended, waiting up to `timeout` seconds for something to happen.

        Also returns early, with nothing, when another task would be accepted now. A worker that
        died yields a ``failed`` result for its task, never silence.
        """

    def end_pipeline(self, pipeline: str) -> None:
        """Be told that no more tasks of `pipeline` will come: its fixtures can be torn down."""
        return

    def interrupt(self, number: int) -> None:
        """Pass the signal `number` on to what runs, which then ends as ``interrupted``."""
        return

    def notices(self) -> Sequence[Notice]:
        """Return, once, what went wrong outside of any task."""
        return ()

    def close(self) -> None:
        """End all workers. Tasks still running are stopped; fixtures are torn down."""


@attrs.frozen(eq=False, repr=False)
class WorkerMessage(Frozen):
    """What a worker process has to say.

    ``ready``: it has collected the project. ``failed``: it cannot; `error` has the whole message
    and the ``exit_code``. ``result``: a task has ended. ``ended``: the process has; `error` tells
    how, `output` is what was printed last. `late` are the errors of tasks that took too long, so
    that it had to be killed: of these alone, whatever else it was executing. `is_innocent`: it
    ended beside its tasks, none of which is to blame.
    """

    worker: int
    kind: Literal["ready", "failed", "result", "ended"]
    result: TaskResult | None = None
    error: Mapping[str, Any] | None = None
    output: Artifact | None = None
    late: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    is_innocent: bool = False


def end_task(
    task: Task, message: WorkerMessage, seconds: float, *, is_interrupted: bool = False
) -> TaskResult:
    """Return what became of a task whose worker has ended, as `message` says, `seconds` after its start.

    Raises
    ------
    WorkerError
        The worker could not even collect the project.
    """
    if message.kind == "failed":
        error = message.error or {}
        raise WorkerError(error.get("message", ""), exit_code=error.get("exit_code", 2))
    is_late = task.node in message.late
    return TaskResult(
        task.node,
        "interrupted" if is_interrupted else "failed",
        output=message.output,
        error=message.late.get(task.node, message.error),
        seconds=seconds,
        ending="timeout" if is_late else "crash",
    )


class Workers(Protocol):
    """Processes on this machine that have collected the project and execute tasks one by one."""

    def start(self, python: str = "") -> int:
        """Start a process and return its number; it says when it is ready. `StoreError`: it cannot be.

        `python` is the interpreter to start it with, where there is a choice.
        """

    def submit(self, worker: int, task: Task) -> None:
        """Hand a task to a worker that is ready. Past its time limit it is ended, with its process."""

    def end(self, worker: int) -> None:
        """Have a worker tear its fixtures down and end, once it has nothing more to do.

        It says no more; another one may get its number.
        """

    def messages(self, timeout: float) -> Sequence[WorkerMessage]:
        """Return what the workers said, waiting up to `timeout` seconds."""

    def end_pipeline(self, pipeline: str) -> None:
        """Tell every worker that no more tasks of `pipeline` will come."""

    def interrupt(self, number: int) -> None:
        """Send a signal to every worker."""

    def notices(self) -> Sequence[Notice]:
        """Return, once, what workers reported outside of any task."""

    def close(self) -> None:
        """End them all and everything they started, tearing fixtures down first."""


class Execution(Protocol):
    """What the engine offers to an orchestrator for one plan."""

    def drive(self, pool: TaskPool) -> Iterator[Event]:
        """Decide, submit and record until nothing is left; the loop of every task orchestrator."""

    def perform(self, task: Task) -> TaskResult:
        """Execute one task in this process."""

    def start(self, task: Task) -> None:
        """Begin an async task in this process; it goes on whenever `wait` is called."""

    def wait(self, timeout: float) -> Sequence[TaskResult]:
        """Let the tasks begun go on until some have ended; return those."""

    def open_workers(self, most: int) -> Workers:
        """Prepare for up to `most` processes at a time; none is started yet.

        Raises
        ------
        UsageError
            The run was not started with worker processes in mind.
        """


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
