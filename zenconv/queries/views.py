"""Runs as Python objects: `runs()`, `Run`, `StepRun` and `load`, made for notebooks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from zenconv.authoring import Collect
from zenconv.errors import NotRecorded, UsageError
from zenconv.queries.history import LATEST, History
from zenconv.queries.html import table
from zenconv.queries.loading import load_outputs, read_output
from zenconv.queries.outputs import show_name
from zenconv.records.artifact import Artifact
from zenconv.records.run import RunRecord, StepRunRecord

if TYPE_CHECKING:
    import pandas

_SHOWN = 20
_COMPLETED = 50


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=4)


def runs(root: Path | str | None = None, *, stack: str = "") -> Runs:
    """Return the recorded runs of the project that `root` (the current folder) belongs to.

    With `stack`, only those that ran on it. Results are read from the store of the stack that a
    run names in its record. Imports nothing of the project. `UsageError` where there is no project.
    """
    return Runs(History.open(root, stack=stack, on_notice=_warn))


def load(target: str, run: str | int = LATEST, root: Path | str | None = None, *, stack: str = "") -> Any:
    """Return the recorded value of a step or of one of its outputs.

    Parameters
    ----------
    target
        ``"training::churn"``, a node id, a step's name, or an output's (``"train"``,
        ``"training::split.train"``).
    run
        ``"latest"``: the newest run in which the step has a result; else a run's number, its id
        or ``"last"``.
    root
        The project, or a folder in it; the current folder by default.
    stack
        Look only among the runs on this stack.

    Returns
    -------
    value
        A new object. For a step of several outputs, a dictionary of all; for a step of which there
        are branches, a `zenconv.Collect` of them, unless brackets name one (``"churn[C=0.1]"``).
        For a step that returns None and writes to an ``Output[Path]``, the path of a private copy
        of what it wrote.

    Raises
    ------
    NotRecorded
        There is no such run, step or output. It is a `UsageError` and a `KeyError`.
    UsageError
        The stack on which the step ran is not in the settings any more.
    UntrustedArtifact
        Loading would run code, and nobody trusted here wrote it.
    CorruptArtifact
        The stored bytes are missing or altered.
    """
    history = History.open(root, stack=stack, on_notice=_warn)
    try:
        return load_from(history, target, run)
    finally:
        history.close()


def load_from(history: History, target: str, run: str | int = LATEST) -> Any:
    """Return what `load` does, from a history that is open."""
    found = history.find_branches(target, run)
    if len(found) == 1 and not (found[0].step.branch and "[" not in target):
        return load_outputs(history, found[0].step, found[0].output)
    return Collect({f.step.branch: load_outputs(history, f.step, f.output) for f in found})


class Runs:
    """The recorded runs of a project, newest first, always up to date.

    ``runs["latest"]`` is the newest successful one, ``runs["last"]`` the newest; ``runs[42]`` is
    number 42, ``runs["42-9f"]`` the one whose id begins so, ``runs[:5]`` the newest five. What is
    not there is a `KeyError`.
    """

    def __init__(self, history: History) -> None:
        self._history = history

    def __len__(self) -> int:
        store = self._history.refresh()
        return sum(1 for _ in self._history.runs()) if self._history.only_stack else store.count()

    def __iter__(self) -> Iterator[Run]:
        self._history.refresh()
        return (Run(self._history, record) for record in self._history.runs())

    def __contains__(self, which: object) -> bool:
        if isinstance(which, Run):
            which = which.id
        return isinstance(which, str | int) and _is_there(lambda: self[which])

    @overload
    def __getitem__(self, which: slice) -> list[Run]: ...
    @overload
    def __getitem__(self, which: str | int) -> Run: ...
    def __getitem__(self, which: str | int | slice) -> Run | list[Run]:
        if isinstance(which, slice):
            return [Run(self._history, record) for record in self._slice(which)]
        self._history.refresh()
        return Run(self._history, self._history.find_run(which))

    def _slice(self, which: slice) -> Sequence[RunRecord]:
        store = self._history.refresh()
        start, stop, step = which.indices(store.count())
        if self._history.only_stack or step < 0:
            return list(self._history.runs())[which]
        return store.runs(offset=start, limit=max(0, stop - start))[::step]

    def __repr__(self) -> str:
        head = "\n".join(f"  {run!r}" for run in self[:_SHOWN])
        rest = len(self) - _SHOWN
        return f"<{len(self)} run{'s' * (len(self) != 1)}>\n{head}" + (
            f"\n  ... and {rest} more" if rest > 0 else ""
        )

    def _repr_html_(self) -> str:
        headers = ("run", "status", "started", "seconds", "pipelines", "steps", "stack")
        rows = [run._cells() for run in self[:_SHOWN]]
        rest = len(self) - _SHOWN
        return table(headers, rows, f"and {rest} more" if rest > 0 else "")

    def _ipython_key_completions_(self) -> list[str | int]:
        return ["latest", "last", *(run.id for run in self[:_COMPLETED])]

    def to_frame(self) -> pandas.DataFrame:
        """Return a pandas table with a row for each run, newest first."""
        import pandas

        rows = [_frame_row(run) for run in self._history.runs()]
        return _with_times(pandas.DataFrame(rows, columns=list(_frame_row(RunRecord("", 0, "running")))))


def _with_times(frame: pandas.DataFrame) -> pandas.DataFrame:
    import pandas

    for name in ("started", "finished"):
        frame[name] = pandas.to_datetime(frame[name].replace("", None), utc=True, format="ISO8601")
    return frame


def _step_row(step: StepRunRecord) -> dict[str, Any]:
    return {
        "step": step.step,
        "pipeline": step.pipeline,
        "status": step.status,
        "reason": step.reason or step.planned,
        "seconds": step.seconds,
        "cpu": step.cpu,
        "started": step.started,
        "finished": step.finished,
        "size": step.size,
        "error": f"{step.error.get('type', '')}: {step.error.get('message', '')}" if step.error else "",
        "node": step.node,
        "key": step.key,
    }


def _is_there(look: Callable[[], object]) -> bool:
    try:
        look()
    except NotRecorded:
        return False
    except UsageError:  # several
        return True
    return True


def _frame_row(run: RunRecord) -> dict[str, Any]:
    git = run.environment.get("git") or {}
    return {
        "number": run.number,
        "id": run.id,
        "status": run.status,
        "started": run.started,
        "finished": run.finished,
        "seconds": run.seconds,
        "pipelines": ", ".join(run.pipelines),
        **{status: run.counts.get(status, 0) for status in ("succeeded", "reused", "failed", "skipped")},
        "stack": run.stack,
        "sample": run.sample,
        "git": git.get("revision", ""),
        "dirty": bool(git.get("dirty")),
    }


class Run:
    """One recorded run; ``run["metrics"]``, ``run["training::metrics"]`` are its steps.

    A step that is not there is a `KeyError`; ``"metrics" in run`` asks.
    """

    def __init__(self, history: History, record: RunRecord) -> None:
        self._history = history
        self.record = record

    @property
    def id(self) -> str:
        """``<number>-<6 hex digits>``."""
        return self.record.id

    @property
    def number(self) -> int:
        """Counts the runs of the project."""
        return self.record.number

    @property
    def status(self) -> str:
        """``running``, ``succeeded``, ``failed``, ``interrupted`` or ``error``."""
        return self.record.status

    @property
    def started(self) -> str:
        """When it began: UTC, ISO text."""
        return self.record.started

    @property
    def seconds(self) -> float:
        """Wall time."""
        return self.record.seconds

    @property
    def counts(self) -> Mapping[str, int]:
        """How many steps are in which state."""
        return self.record.counts

    @property
    def pipelines(self) -> tuple[str, ...]:
        """The pipelines of its plan."""
        return self.record.pipelines

    @property
    def stack(self) -> str:
        """The stack it ran on."""
        return self.record.stack

    @property
    def sample(self) -> str:
        """How much of the data it had: ``1%``, a number of rows of each table, or ``""`` for all of it."""
        return self.record.sample

    @property
    def environment(self) -> Mapping[str, Any]:
        """Python, platform, packages, git revision, seed."""
        return self.record.environment

    @property
    def error(self) -> str:
        """What was wrong with the project, if it could not be collected."""
        return self.record.error

    @property
    def steps(self) -> list[StepRun]:
        """All steps, in the order of the plan."""
        return [StepRun(self._history, step) for step in self._history.store.steps(self.id)]

    def __getitem__(self, name: str) -> StepRun:
        found = self._history.find_step(self.record, name)
        return StepRun(self._history, found.step, found.output)

    def __iter__(self) -> Iterator[StepRun]:
        return iter(self.steps)

    def __contains__(self, name: object) -> bool:
        if isinstance(name, StepRun):
            return name.record.run == self.id
        return isinstance(name, str) and _is_there(lambda: self[name])

    def to_frame(self) -> pandas.DataFrame:
        """Return a pandas table with a row for each step, in the order of the plan."""
        import pandas

        rows = [_step_row(step) for step in self._history.store.steps(self.id)]
        columns = list(_step_row(StepRunRecord("", 0, "", "", "", "", "waiting")))
        return _with_times(pandas.DataFrame(rows, columns=columns))

    def __len__(self) -> int:
        return self.record.steps

    def __repr__(self) -> str:
        counts = ", ".join(f"{number} {status}" for status, number in self.counts.items())
        return f"<run {self.id} {self.status}: {counts or 'no steps'}>"

    def _cells(self) -> tuple[object, ...]:
        counts = ", ".join(f"{number} {status}" for status, number in self.counts.items())
        pipelines = ", ".join(self.pipelines)
        return self.id, self.status, self.started, f"{self.seconds:.3f}", pipelines, counts, self.stack

    def _repr_html_(self) -> str:
        steps = self._history.store.steps(self.id, limit=_COMPLETED)
        rows = [(s.node, s.status, f"{s.seconds:.3f}", s.reason or s.planned) for s in steps]
        rest = len(self) - len(steps)
        caption = f"run {self.id} {self.status}" + (f", and {rest} more steps" if rest > 0 else "")
        return table(("step", "status", "seconds", "why"), rows, caption)

    def _ipython_key_completions_(self) -> list[str]:
        return [step.node for step in self._history.store.steps(self.id, limit=1000)]


class StepRun:
    """What became of one step in one run."""

    def __init__(self, history: History, record: StepRunRecord, output: str | None = None) -> None:
        self._history = history
        self._output = output
        self.record = record

    @property
    def node(self) -> str:
        """The node id, ``<file>::<step>``."""
        return self.record.node

    @property
    def status(self) -> str:
        """``succeeded``, ``reused``, ``failed``, ``skipped``, ``interrupted``, ``running`` or ``waiting``."""
        return self.record.status

    @property
    def reason(self) -> str:
        """Why it ran, was reused or was skipped."""
        return self.record.reason or self.record.planned

    @property
    def seconds(self) -> float:
        """Wall time; 0 when it was reused."""
        return self.record.seconds

    @property
    def key(self) -> str:
        """Its cache key."""
        return self.record.key

    @property
    def outputs(self) -> Mapping[str, Artifact]:
        """The records of its outputs by name; ``""`` is the only one, or what it returned."""
        return {show_name(name): artifact for name, artifact in self.record.outputs.items()}

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What its parameters got when it was executed: types, shapes.

        Of a reused step, those of the execution that made its result; empty where that run is
        not recorded here.
        """
        if self.record.status != "reused" or self.record.inputs:
            return self.record.inputs
        made = self._history.executed(self.record)
        return made.inputs if made is not None else {}

    @property
    def parameters(self) -> dict[str, str]:
        """The values of its parameters, each as text: how Python shows it; secrets by name."""
        return {
            binding["parameter"]: binding.get("value", "")
            for binding in self.record.bindings
            if binding.get("source") == "value"
        }

    @property
    def error(self) -> Mapping[str, Any] | None:
        """What it failed with: ``type``, ``message``, ``frames``, ``hint``."""
        return self.record.error

    @property
    def attempts(self) -> Sequence[Mapping[str, Any]]:
        """The attempts that failed before the last one: ``attempt``, ``error``, ``seconds``, ``wait``."""
        return self.record.attempts

    def log(self) -> str:
        """Return what it printed, logged and warned."""
        return b"".join(read_output(self._history, self.record)).decode("utf-8", "replace")

    def load(self, output: str | None = None) -> Any:
        """Return its value, or that of one output, from the run's own stack; raises as `zenconv.load`."""
        return load_outputs(self._history, self.record, self._output if output is None else output)

    def __repr__(self) -> str:
        return f"<{self.node} {self.status} in run {self.record.run}>"

    def _repr_html_(self) -> str:
        record = self.record
        rows: list[tuple[object, object]] = [("status", self.status), ("reason", self.reason)]
        rows.append(("seconds", f"{self.seconds:.3f}"))
        rows += [(f"parameter {name}", value) for name, value in self.parameters.items()]
        rows += [(f"output {name}".strip(), f"{a.type}, {a.size} bytes") for name, a in self.outputs.items()]
        if record.error:
            rows.append(("error", f"{record.error.get('type', '')}: {record.error.get('message', '')}"))
        return table((self.node, f"run {record.run}"), rows)
