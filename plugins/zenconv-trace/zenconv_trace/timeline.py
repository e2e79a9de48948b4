"""The timeline as a file in Chrome's trace event format, of which each line stands for itself.

Lines are appended as things happen, so that a run that is killed leaves all that happened before;
readers of the format accept a list without its end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from zenconv.records.events import (
    RunFinished,
    RunStarted,
    StepFinished,
    StepRetried,
    StepsReused,
    StepStarted,
)
from zenconv.records.plan import Plan

RUN_LANE = 0
"""The first lane: the run itself, and what was reused."""


class Timeline:
    """Writes what it is told of; one lane for as many steps as ran side by side."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lanes: dict[int, str] = {}
        self._started: dict[str, tuple[int, float]] = {}
        self._begun = 0.0
        self._run = ""
        self._problem = ""

    def zenconv_run_start(self, event: RunStarted) -> None:
        """Begin the file; go on with it where a runner died and this one takes over."""
        self._run, self._begun = f"run {event.run}", _microseconds(event.at)
        first = {"name": "process_name", "ph": "M", "pid": 1, "args": {"name": self._run}}
        if self._first_line() == _line(first):
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text("[\n" + _line(first), "utf-8")

    def zenconv_plan_ready(self, plan: Plan) -> None:
        """Say what is intended."""
        counts = {action: plan.count(action) for action in ("run", "maybe", "expand", "reuse", "skip")}
        self._mark("planned", {name: count for name, count in counts.items() if count})

    def zenconv_step_start(self, event: StepStarted) -> None:
        """Give the step the first lane that is free."""
        lane = next(number for number in range(1, len(self._lanes) + 2) if number not in self._lanes)
        self._lanes[lane] = event.node
        self._started[event.node] = lane, _microseconds(event.at)

    def zenconv_step_retry(self, event: StepRetried) -> None:
        """Draw an attempt that failed."""
        attempt = {"attempt": f"{event.attempt} of {event.of}", "error": event.error.get("message", "")}
        self._draw(event.node, event.at, "retried", attempt)

    def zenconv_step_finish(self, event: StepFinished) -> None:
        """Draw a step that ended; what was skipped never began."""
        if event.status != "skipped":
            error = {"error": event.error["message"]} if event.error else {}
            self._draw(event.node, event.at, event.status, {"reason": event.reason, **error})

    def zenconv_steps_reused(self, event: StepsReused) -> None:
        """Mark what was taken over."""
        self._mark("reused", {step["node"]: step.get("reason", "") for step in event.steps}, event.at)

    def zenconv_run_finish(self, event: RunFinished) -> None:
        """Draw the run as a whole, and close the list."""
        took = _microseconds(event.at) - self._begun
        counts = {"status": event.status, **event.counts}
        end = {"name": self._run, "ph": "X", "ts": self._begun, "dur": took, "args": counts}
        self._write({**end, "pid": 1, "tid": RUN_LANE}, end="]\n")

    def zenconv_terminal_summary(self, event: RunFinished) -> str:
        """Say where the timeline is."""
        return f"timeline: {self._path}"

    def _draw(self, node: str, at: str, status: str, more: Mapping[str, Any]) -> None:
        lane, begun = self._started.pop(node, (RUN_LANE, _microseconds(at)))
        self._lanes.pop(lane, None)
        span = {"name": node, "cat": status, "ph": "X", "ts": begun, "dur": _microseconds(at) - begun}
        self._write({**span, "pid": 1, "tid": lane, "args": {"status": status, **more}})

    def _mark(self, name: str, more: Mapping[str, Any], at: str = "") -> None:
        moment = _microseconds(at) if at else self._begun
        instant = {"name": name, "ph": "i", "s": "t", "ts": moment, "pid": 1, "tid": RUN_LANE}
        self._write({**instant, "args": more})

    def _write(self, event: Mapping[str, Any], end: str = "") -> None:
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write((_line(event) if not end else _line(event).rstrip(",\n") + "\n") + end)

    def _first_line(self) -> str:
        try:
            with self._path.open(encoding="utf-8") as stream:
                return stream.readlines(1 << 10)[1]
        except (OSError, IndexError, ValueError):
            return ""


def _line(event: Mapping[str, Any]) -> str:
    return json.dumps(event) + ",\n"


def _microseconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp() * 1e6
