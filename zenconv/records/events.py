r"""What happens in a run, one record each; together they are the run.

Every field holds plain JSON data, so an event is a line of a log and a frame of a stream alike:
``<crc32 in 8 hex digits> <json>\n``. Unknown events and fields of a newer version are skipped.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import attrs

from zenconv.frozen import Frozen

Json = Mapping[str, Any]


@attrs.frozen(eq=False, repr=False)
class Event(Frozen):
    """Something that happened. `at` is the UTC time as ISO text; order is that of the log."""

    name: ClassVar[str] = ""
    at: str = attrs.field(default="", kw_only=True)


@attrs.frozen(eq=False, repr=False)
class RunStarted(Event):
    """First event of a log: everything known before the project is imported.

    `environment` holds ``python``, ``platform``, ``zenconv``, ``host``, ``packages`` (name to
    version), ``git`` (``revision``, ``branch``, ``dirty``; empty outside a repository), ``seed``.
    `sample` is how much of the data there is: ``1%``, a number of rows, or ``""`` for all of it.
    """

    name: ClassVar[str] = "run_started"
    run: str
    number: int
    arguments: Sequence[str]
    root: str
    stack: str
    environment: Json
    sample: str = ""


@attrs.frozen(eq=False, repr=False)
class PlanReady(Event):
    """The graph and what is intended; `nodes` are in execution order.

    Each node: ``id``, ``pipeline``, ``step``, ``file``, ``line``, ``action``, ``reason``,
    ``outputs`` (names), ``bindings`` (list of ``{parameter, source, node, output, value, origin}``,
    values as short text, secrets by name), ``check`` (true) where it is one.
    A long plan comes in pieces: `start` says how many nodes came before. Planned again after a
    runner died, it begins at 0 again, and the newest counts.
    """

    name: ClassVar[str] = "plan_ready"
    nodes: Sequence[Json]
    start: int = 0


@attrs.frozen(eq=False, repr=False)
class StepsExpanded(Event):
    """Branches of a run-time fan-out came into being: `nodes` as in `PlanReady`.

    `complete` are the ids of the planned nodes that they stand for, once all of them are there.
    """

    name: ClassVar[str] = "steps_expanded"
    nodes: Sequence[Json]
    complete: Sequence[str] = ()


@attrs.frozen(eq=False, repr=False)
class StepsReused(Event):
    """Nodes whose stored results were taken over.

    Each has ``node``, ``key``, ``outputs`` (name to artifact), ``output`` (artifact of the
    captured text or None), ``reason``, ``live``, and ``verify`` if it will be verified.
    """

    name: ClassVar[str] = "steps_reused"
    steps: Sequence[Json]


@attrs.frozen(eq=False, repr=False)
class StepStarted(Event):
    """A step begins. `apart`: in another process than the runner, whose end is not the step's.

    `earlier` is how many attempts have failed. `again` maps ways in which its process may end
    (``crash``, ``timeout``) to the seconds after which it is then executed again, and ``of`` to
    the number of attempts there can be. `limit`, of a step that has one: seconds, seconds of grace,
    and where that is written. `waits`: it is an async step. `key` and `reason`, as far as they are
    known by then, are those of `StepFinished`: of a step that is not `apart`, and may end its runner.
    """

    name: ClassVar[str] = "step_started"
    node: str
    apart: bool = False
    earlier: int = 0
    again: Json = attrs.field(factory=dict)
    limit: Sequence[Any] = ()
    waits: bool = False
    key: str = ""
    reason: str = ""


@attrs.frozen(eq=False, repr=False)
class StepRetried(Event):
    """Attempt number `attempt` of `of` has failed; after `wait` seconds there is another.

    `error`, `output` and `seconds` are those of `StepFinished`.
    """

    name: ClassVar[str] = "step_retried"
    node: str
    attempt: int
    of: int
    error: Json = attrs.field(factory=dict)
    output: Json | None = None
    seconds: float = 0.0
    wait: float = 0.0


@attrs.frozen(eq=False, repr=False)
class StepFinished(Event):
    """A step ended.

    `status` is ``succeeded``, ``failed``, ``skipped`` or ``interrupted``. `outputs` maps output
    names to artifacts. `output` is the artifact of the captured text. `error`, of a failure:
    ``type``, ``message``, ``frames`` (list of ``{file, line, function, text}``, the user's only;
    ``repeats`` counts those like the last that were left out),
    ``hint``, ``causes`` and ``also`` (lists of the same; what else failed, in teardowns).
    `inputs` maps parameters to ``{type, shape, ...}`` summaries. `parts` and `sources`
    are those of `KeyParts`; a source text already told in this run, for the same part and digest,
    is left out. `live`: the value cannot be stored, `outputs` is empty. `seconds` is wall time,
    `cpu` CPU seconds. `attempts` are those that failed before: ``attempt``, ``error``, ``output``,
    ``seconds``, ``wait``, ``at``.
    """

    name: ClassVar[str] = "step_finished"
    node: str
    status: str
    reason: str = ""
    key: str = ""
    outputs: Json = attrs.field(factory=dict)
    output: Json | None = None
    error: Json | None = None
    inputs: Json = attrs.field(factory=dict)
    parts: Json = attrs.field(factory=dict)
    sources: Json = attrs.field(factory=dict)
    warnings: Sequence[str] = ()
    live: bool = False
    seconds: float = 0.0
    cpu: float = 0.0
    attempts: Sequence[Json] = ()


@attrs.frozen(eq=False, repr=False)
class VerificationStarted(Event):
    """A reused step begins to be executed again, to compare what comes out.

    `apart`, `limit` and `waits` are those of `StepStarted`.
    """

    name: ClassVar[str] = "verification_started"
    node: str
    apart: bool = False
    limit: Sequence[Any] = ()
    waits: bool = False


@attrs.frozen(eq=False, repr=False)
class StepVerified(Event):
    """A reused step was executed again; its stored result stays what it is.

    `outcome` is ``equal``, ``differs`` or ``failed``. Where it differs, `cause` is what is not
    deterministic, ``step`` or ``serialiser``; `output` is the first output that differs, stored by
    `materializer`, and `difference` a short description or empty. `error` is that of a failure, as
    in `StepFinished`. `warnings` tell of side effects, which may explain a difference.
    """

    name: ClassVar[str] = "step_verified"
    node: str
    outcome: str
    cause: str = ""
    output: str = ""
    materializer: str = ""
    difference: str = ""
    error: Json | None = None
    warnings: Sequence[str] = ()
    seconds: float = 0.0
    cpu: float = 0.0


@attrs.frozen(eq=False, repr=False)
class Notice(Event):
    """What people should see: ``level`` is ``note``, ``warning``, or ``error``, of which a run fails."""

    name: ClassVar[str] = "notice"
    text: str
    level: str = "warning"


@attrs.frozen(eq=False, repr=False)
class ProjectFailed(Event):
    """The project could not be collected or planned: the message as shown, and the exit code."""

    name: ClassVar[str] = "project_failed"
    message: str
    exit_code: int


@attrs.frozen(eq=False, repr=False)
class RunnerDied(Event):
    """A runner ended without finishing; `node` is the step it was executing, if any."""

    name: ClassVar[str] = "runner_died"
    cause: str
    node: str = ""


OVER = "-"
"""Stands for the names of fixtures that are being torn down, when none is any more."""


@attrs.frozen(eq=False, repr=False)
class Progress(Event):
    """What the runner is doing outside of any step: ``importing steps_training.py``. Not logged.

    Or the name of an environment variable whose value is `secret` from now on. `is_unlimited`: a
    person debugs what runs now, which may take any time. `ending`: fixtures that are being torn down,
    or `OVER`.
    """

    name: ClassVar[str] = "progress"
    text: str = ""
    secret: str = ""
    is_unlimited: bool = False
    ending: str = ""


@attrs.frozen(eq=False, repr=False)
class RunHeader(Event):
    """What people are told first: versions, place, stack, plugins. Not logged."""

    name: ClassVar[str] = "run_header"
    lines: Sequence[str]


@attrs.frozen(eq=False, repr=False)
class PluginPrinted(Event):
    """What a hook printed that watches the run. Not logged."""

    name: ClassVar[str] = "plugin_printed"
    text: str


@attrs.frozen(eq=False, repr=False)
class RunSummary(Event):
    """What plugins have to tell people last, before the line with the counts. Not logged."""

    name: ClassVar[str] = "run_summary"
    lines: Sequence[str]


@attrs.frozen(eq=False, repr=False)
class Answer(Event):
    """What a forked process was asked for: plain JSON data. Not logged."""

    name: ClassVar[str] = "answer"
    data: Any


@attrs.frozen(eq=False, repr=False)
class RunnerFinished(Event):
    """A runner did all it could. Without this message its end is a crash, whatever its exit code."""

    name: ClassVar[str] = "runner_finished"
    interrupted: bool = False


@attrs.frozen(eq=False, repr=False)
class RunFinished(Event):
    """Last event of a log. `status`: ``succeeded``, ``failed``, ``interrupted``, ``error``.

    `counts` are the numbers of steps in each state, `verified` those of each outcome.
    """

    name: ClassVar[str] = "run_finished"
    status: str
    exit_code: int
    seconds: float
    counts: Json = attrs.field(factory=dict)
    verified: Json = attrs.field(factory=dict)


EVENTS: dict[str, type[Event]] = {
    cls.name: cls
    for cls in (
        RunStarted,
        PlanReady,
        StepsExpanded,
        StepsReused,
        StepStarted,
        StepRetried,
        StepFinished,
        VerificationStarted,
        StepVerified,
        Notice,
        ProjectFailed,
        Progress,
        Answer,
        RunHeader,
        PluginPrinted,
        RunSummary,
        RunnerDied,
        RunnerFinished,
        RunFinished,
    )
}
_FIELDS = {cls: tuple(attrs.fields_dict(cls)) for cls in EVENTS.values()}
_REQUIRED = {
    cls: {f.name for f in attrs.fields(cls) if f.default is attrs.NOTHING} for cls in EVENTS.values()
}
_encoder = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, check_circular=False)


def encode(event: Event) -> bytes:
    """Return `event` as one line, checksum first."""
    data: dict[str, Any] = {"event": event.name}
    required = _REQUIRED[type(event)]
    for field in _FIELDS[type(event)]:
        value = getattr(event, field)
        if value or field in required:
            data[field] = value
    text = _encoder.encode(data).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(text), text)


def decode(line: bytes) -> Event | None:
    """Return the event of one line, or None if this version does not know it.

    Raises `ValueError` when the line is torn or damaged.
    """
    if len(line) < 10 or not line.endswith(b"\n"):
        raise ValueError("torn line")
    text = line[9:-1]
    if int(line[:8], 16) != zlib.crc32(text):
        raise ValueError("checksum differs")
    data = json.loads(text)
    cls = EVENTS.get(data.pop("event", ""))
    if cls is None:
        return None
    known = _FIELDS[cls]
    return cls(**{name: value for name, value in data.items() if name in known})
