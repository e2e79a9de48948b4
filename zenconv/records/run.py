"""What is known about a run and its steps, once its events are put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs

from zenconv.frozen import Frozen
from zenconv.records.artifact import Artifact

RunStatus = Literal["running", "succeeded", "failed", "interrupted", "error"]
"""``error``: the project could not be collected, or zenconv itself failed.
``interrupted``: stopped by a person or a signal, or its process is gone."""

StepStatus = Literal["waiting", "running", "succeeded", "reused", "failed", "skipped", "interrupted"]
"""``waiting``: planned, in a run that is still alive. What such a run leaves behind is ``skipped``."""

STEP_STATUSES: tuple[StepStatus, ...] = (
    "succeeded",
    "reused",
    "failed",
    "interrupted",
    "skipped",
    "running",
    "waiting",
)
HAS_RESULT: tuple[StepStatus, ...] = ("succeeded", "reused")
"""The states in which a step has outputs to load."""


@attrs.frozen(eq=False, repr=False)
class RunRecord(Frozen):
    """One recorded execution of one plan.

    `started` and `finished` are UTC as ISO text (``""`` when unknown), `seconds` is wall time.
    `counts` maps each `StepStatus` that occurs to a number of steps. `pipelines` are those the
    plan touched. `verified` maps the outcomes of verified steps to their numbers. `error` is the
    message of a project that could not be collected. `notices` are (level, text). `environment` and
    `sample` are those of `zenconv.records.events.RunStarted`.
    """

    id: str
    number: int
    status: RunStatus
    exit_code: int | None = None
    started: str = ""
    finished: str = ""
    seconds: float = 0.0
    arguments: Sequence[str] = ()
    root: str = ""
    stack: str = ""
    pipelines: tuple[str, ...] = ()
    counts: Mapping[str, int] = attrs.field(factory=dict)
    verified: Mapping[str, int] = attrs.field(factory=dict)
    error: str = ""
    notices: tuple[tuple[str, str], ...] = ()
    environment: Mapping[str, Any] = attrs.field(factory=dict)
    sample: str = ""

    @property
    def steps(self) -> int:
        """How many steps the plan had."""
        return sum(self.counts.values())

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen in this run."""
        return self.status != "running"


@attrs.frozen(eq=False, repr=False)
class StepRunRecord(Frozen):
    """What became of one node in one run.

    `action` and `planned` are the plan's decision and its reason; `reason` is why it finally
    ran, was reused or skipped. `outputs` maps names to artifacts (``""``: the only output) and
    `output_names` those it declares. `output` is the artifact of the captured text. `error` and
    `inputs` are those of `zenconv.records.events.StepFinished`, `bindings` those of ``PlanReady``.
    `attempts` are those that failed before the last one, as ``StepFinished`` has them.
    `live`: the value cannot be stored, it is made again wherever it is needed.
    `verdict`, of a reused step that was executed again to compare, are the fields of
    `zenconv.records.events.StepVerified`; what is empty is left out.
    `seconds` is wall time, `cpu` CPU seconds; of a reused step both are 0.
    """

    run: str
    number: int
    node: str
    pipeline: str
    step: str
    file: str
    status: StepStatus
    line: int = 0
    position: int = 0
    action: str = ""
    planned: str = ""
    reason: str = ""
    key: str = ""
    output_names: tuple[str, ...] = ()
    outputs: Mapping[str, Artifact] = attrs.field(factory=dict)
    output: Artifact | None = None
    error: Mapping[str, Any] | None = None
    inputs: Mapping[str, Any] = attrs.field(factory=dict)
    bindings: Sequence[Mapping[str, Any]] = ()
    warnings: Sequence[str] = ()
    live: bool = False
    verdict: Mapping[str, Any] | None = None
    started: str = ""
    finished: str = ""
    seconds: float = 0.0
    cpu: float = 0.0
    attempts: Sequence[Mapping[str, Any]] = ()

    @property
    def where(self) -> str:
        """``file:line``."""
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def branch(self) -> str:
        """What stands in the brackets of its node id: ``C=0.1``; ``""`` where it is no branch."""
        return self.node[len(self.template) + 1 : -1]

    @property
    def template(self) -> str:
        """The node id without brackets: what all branches of the step have in common."""
        end = self.node.find(f"::{self.step}[")
        return self.node if end < 0 else self.node[: end + 2 + len(self.step)]

    @property
    def size(self) -> int:
        """Stored size of all outputs, in bytes."""
        return sum(artifact.size for artifact in self.outputs.values())
