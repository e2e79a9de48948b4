"""Runs as Python objects: `runs()`, `Run`, `StepRun` and `load`, made for notebooks."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from zenconv.queries.history import LATEST, History
from zenconv.queries.html import table
from zenconv.queries.loading import load_outputs, read_output
from zenconv.records.artifact import Artifact
from zenconv.records.run import RunRecord, StepRunRecord

if TYPE_CHECKING:
    import pandas

_SHOWN = 20
_COMPLETED = 50


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=4)


def runs(root: Path | str | None = None) -> Runs:
    """Return the recorded runs of the project that `root` (the current folder) belongs to.

    Imports nothing of the project. `UsageError` where there is no project.
    """
    return Runs(History.open(root, on_notice=_warn))


def load(target: str, run: str | int = LATEST, root: Path | str | None = None) -> Any:
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

    Returns
    -------
    value
        A new object. For a step of several outputs, a dictionary of all.

    Raises
    ------
    UsageError
        There is no such run, step or output.
    UntrustedArtifact
        Loading would run code, and nobody trusted here wrote it.
    CorruptArtifact
        The stored bytes are missing or altered.
    """
    history = History.open(root, on_notice=_warn)
    try:
        found = history.find_result(target, run)
        return load_outputs(history, found.step, found.output)
    finally:
        history.stack.close()


class Runs:
    """The recorded runs of a project, newest first, always up to date.

    ``runs["latest"]`` is the newest successful one, ``runs["last"]`` the newest; ``runs[42]`` is
    number 42, ``runs["42-9f"]`` the one whose id begins so, ``runs[:5]`` the newest five.
    """

    def __init__(self, history: History) -> None:
        self._history = history

    def __len__(self) -> int:
        return self._history.refresh().count()

    def __iter__(self) -> Iterator[Run]:
        self._history.refresh()
        return (Run(self._history, record) for record in self._history.runs())

    @overload
    def __getitem__(self, which: slice) -> list[Run]: ...
    @overload
    def __getitem__(self, which: str | int) -> Run: ...
    def __getitem__(self, which: str | int | slice) -> Run | list[Run]:
        store = self._history.refresh()
        if isinstance(which, slice):
            start, stop, step = which.indices(store.count())
            if step > 0:
                records = store.runs(offset=start, limit=max(0, stop - start))[::step]
            else:
                records = store.runs()[which]
            return [Run(self._history, record) for record in records]
        return Run(self._history, self._history.find_run(which))

    def __repr__(self) -> str:
        head = "\n".join(f"  {run!r}" for run in self[:_SHOWN])
        rest = len(self) - _SHOWN
        return f"<{len(self)} runs>\n{head}" + (f"\n  ... and {rest} more" if rest > 0 else "")

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
        frame = pandas.DataFrame(rows, columns=list(_frame_row(RunRecord("", 0, "running"))))
        for name in ("started", "finished"):
            frame[name] = pandas.to_datetime(frame[name].replace("", None), utc=True, format="ISO8601")
        return frame


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
        "git": git.get("revision", ""),
        "dirty": bool(git.get("dirty")),
    }


class Run:
    """One recorded run; ``run["metrics"]``, ``run["training::metrics"]`` are its steps."""

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
        """The records of its outputs by name; ``""`` is the only one."""
        return self.record.outputs

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What its parameters got: types, shapes."""
        return self.record.inputs

    @property
    def parameters(self) -> dict[str, str]:
        """The values of its parameters, as text; secrets by name."""
        return {
            binding["parameter"]: binding.get("value", "")
            for binding in self.record.bindings
            if binding.get("source") == "value"
        }

    @property
    def error(self) -> Mapping[str, Any] | None:
        """What it failed with: ``type``, ``message``, ``frames``, ``hint``."""
        return self.record.error

    def log(self) -> str:
        """Return what it printed, logged and warned."""
        return b"".join(read_output(self._history, self.record)).decode("utf-8", "replace")

    def load(self, output: str | None = None) -> Any:
        """Return its value, or that of one output; raises as `zenconv.load` does."""
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
