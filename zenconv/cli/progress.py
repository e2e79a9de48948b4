"""What a person sees while a run goes on: a header, one line a step, failures.

Progress goes to stderr. On a terminal a status line shows what is running; elsewhere, plain
lines only.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from zenconv.cli import verdicts
from zenconv.cli.output import (
    escape,
    format_duration,
    format_size,
    has_colors,
    has_screen,
    paint,
    plural,
    shorten,
)
from zenconv.cli.tracebacks import error_lines, message_lines, traceback_lines
from zenconv.records import events
from zenconv.records.events import (
    Event,
    Notice,
    PlanReady,
    ProjectFailed,
    RunFinished,
    RunHeader,
    StepFinished,
    StepRetried,
    StepsExpanded,
    StepsReused,
    StepStarted,
    StepVerified,
    VerificationStarted,
)

WORDS = {
    "succeeded": ("ran", "green"),
    "failed": ("FAILED", "red"),
    "skipped": ("skipped", "yellow"),
    "interrupted": ("interrupted", "yellow"),
    "passed": ("passed", "green"),
    "reused": ("reused", "cyan"),
    "retried": ("failed", "yellow"),
    **{f"verified {outcome}": shown for outcome, shown in verdicts.WORDS.items()},
}
_FEW_REUSED = 12


class Progress:
    """Prints the events of one run.

    Parameters
    ----------
    root
        The project's.
    verbosity
        -1: only failures; 0: the header and a line a step; 1: whole ids, and reused steps one by
        one; 2: results too.
    traceback
        How failures are shown: a style of ``--tb``.
    is_live
        What steps print is shown already, on the same terminal, which a status line would garble.
    """

    def __init__(
        self, root: Path, *, verbosity: int = 0, traceback: str = "auto", is_live: bool = False
    ) -> None:
        self._root = root
        self._verbosity = verbosity
        self._traceback = traceback
        self._stream = sys.stderr
        self._has_colors = has_colors(self._stream)
        self._is_full = False
        self._is_live = is_live
        self._has_status = has_screen(self._stream) and verbosity >= 0 and not is_live
        self._total = 0
        self._done = 0
        self._width = 20
        self._names: dict[str, str] = {}
        self._running: dict[str, None] = {}
        self._checks: set[str] = set()
        self._has_header = verbosity < 0

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, RunHeader):
            self._header(event)
        elif isinstance(event, PlanReady | StepsExpanded):
            self._plan(event)
        elif isinstance(event, StepsReused):
            self._reused(event.steps)
        elif isinstance(event, StepStarted | VerificationStarted):
            self._running[event.node] = None
            self._status()
        elif isinstance(event, events.Progress):
            self._show_status(event.text)
        elif isinstance(event, StepRetried):
            self._retried(event)
        elif isinstance(event, StepFinished):
            self._finished(event)
        elif isinstance(event, StepVerified):
            self._verified(event)
        elif isinstance(event, Notice | ProjectFailed | events.PluginPrinted):
            self._say(event)
        elif isinstance(event, RunFinished):
            self.clear()

    def _say(self, event: Notice | ProjectFailed | events.PluginPrinted) -> None:
        if isinstance(event, events.PluginPrinted):
            self._print(escape(event.text, keep_lines=True))
        elif isinstance(event, Notice):
            self._tell(event.level, event.text)
        else:
            self._tell("error", event.message)

    def _tell(self, level: str, text: str) -> None:
        colour = {"warning": "yellow", "error": "red"}.get(level, "dim")
        bold = ("bold",) if level == "error" else ()
        head = self._style(f"{level}: ", colour, *bold)
        self._print(head + escape(text, keep_lines=True))

    def _header(self, event: RunHeader) -> None:
        for line in () if self._has_header else event.lines:
            self._print(self._style(escape(line), "dim"))
        self._has_header = True  # a second runner of the run says it again

    def _plan(self, event: PlanReady | StepsExpanded) -> None:
        self._checks.update(node["id"] for node in event.nodes if node.get("check"))
        if isinstance(event, StepsExpanded):
            self._total += len(event.nodes) - len(event.complete)
            self._names.update({node["id"]: self._name(node) for node in event.nodes})
            return
        if not event.start:
            self._names, self._width = {}, 0
        names = {node["id"]: self._name(node) for node in event.nodes}
        self._names.update(names)
        self._total = len(self._names)
        longest = max(map(len, names.values()), default=20)
        self._width = max(self._width, min(72 if self._verbosity > 0 else 48, longest))

    def _name(self, node: Mapping[str, Any]) -> str:
        return str(node["id"]) if self._verbosity > 0 else short_id(node)

    def _reused(self, steps: Sequence[Mapping[str, Any]]) -> None:
        self._done += len(steps)
        if self._verbosity > 0 or (self._verbosity == 0 and len(steps) <= _FEW_REUSED):
            for step in steps:
                self._line(step["node"], "reused", "", _override_reason(step))
        elif self._verbosity == 0 and len(steps) < self._total:
            self._print(self._style(f"{plural(len(steps), 'step')} reused", "cyan"))
        self._status()

    def _finished(self, event: StepFinished) -> None:
        self._done += 1
        self._running.pop(event.node, None)
        if self._verbosity >= 0 or event.status == "failed":
            took = format_duration(event.seconds) if event.status in ("succeeded", "failed") else ""
            is_passed = event.node in self._checks and event.status == "succeeded"
            self._line(event.node, "passed" if is_passed else event.status, took, event.reason)
        for warning in event.warnings:
            self._print("    " + self._style("warning: ", "yellow") + escape(warning))
        if self._verbosity > 1:
            for line in _output_lines(event):
                self._print("    " + line)
        if event.error is not None and event.status == "failed":
            self._failure(event.error, event)
        self._status()

    def _failure(self, error: Mapping[str, Any], event: StepFinished) -> None:
        lines = traceback_lines(error, self._traceback, root=self._root, inputs=event.inputs)
        if self._traceback not in ("line", "no") and not self._is_live:
            lines += _printed_lines(event)
        for line in lines:
            self._print(f"    {line}".rstrip())

    def _retried(self, event: StepRetried) -> None:
        self._running.pop(event.node, None)
        if self._verbosity >= 0:
            pause = f" in {format_duration(event.wait)}" if event.wait else ""
            reason = f"attempt {event.attempt} of {event.of}; again{pause}"
            self._line(event.node, "retried", format_duration(event.seconds), reason)
            lines = error_lines(event.error) if self._verbosity > 0 else message_lines(event.error)[:1]
            for line in lines:
                self._print("    " + line)
        self._status()

    def _verified(self, event: StepVerified) -> None:
        self._running.pop(event.node, None)
        verdict = attrs.asdict(event)
        if self._verbosity >= 0 or event.outcome != "equal":
            took = format_duration(event.seconds)
            self._line(event.node, f"verified {event.outcome}", took, verdicts.summarize_verdict(verdict))
        for line in verdicts.describe_verdict(verdict):
            self._print("    " + escape(line))
        for line in error_lines(event.error) if event.error is not None else ():
            self._print("    " + line)
        self._status()

    def _line(self, node: str, status: str, took: str, reason: str) -> None:
        word, colour = WORDS.get(status, (status, "bold"))
        name = escape(self._names.get(node, node)).ljust(self._width)
        text = f"{name}  {self._style(word.ljust(7), colour)}"
        if took or reason:
            text += f"  {took:>7}"
        if reason:
            text += "  " + self._style(escape(reason), "dim")
        self._print(text.rstrip())

    def _style(self, text: str, *styles: str) -> str:
        return paint(text, *styles) if text and self._has_colors else text

    def _print(self, line: str) -> None:
        self.clear()
        self._write(line + "\n")

    def _write(self, text: str) -> None:
        if self._is_full:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except BrokenPipeError:
            raise  # whoever asked for it has gone
        except OSError:  # a full disk, where stderr is a file: the run goes on
            self._is_full = True

    def clear(self) -> None:
        """Take the status line away."""
        if self._has_status:
            self._write("\r\x1b[2K")

    def _status(self) -> None:
        if self._running:
            names = ", ".join(self._names.get(node, node) for node in self._running)
            self._show_status(f"[{self._done}/{self._total}] {names} …")

    def _show_status(self, text: str) -> None:
        if self._has_status and text:
            self._write("\r\x1b[2K" + shorten(escape(text), 78))


def _override_reason(step: Mapping[str, Any]) -> str:
    """Return why a step was reused if that is no matter of course: ``--override``."""
    reason = str(step.get("reason", ""))
    return reason if reason.startswith("overridden by ") else ""


def short_id(node: Mapping[str, Any]) -> str:
    """Return ``pipeline::step`` of a planned node: shorter than its id, and accepted as a target."""
    return f"{node['pipeline']}::{node['id'].rpartition('::')[2]}"


def _output_lines(event: StepFinished) -> list[str]:
    """Return a line for each result of a step: its name, type, shape and size."""
    from zenconv.queries.describing import summarize_output
    from zenconv.queries.outputs import show_name
    from zenconv.records.artifact import Artifact

    if event.live:
        return ["-> a live value, never stored"]
    artifacts = {name: Artifact.from_json(data) for name, data in event.outputs.items()}
    return [
        f"-> {escape(' '.join(filter(None, [show_name(name), summarize_output(artifact)])))}"
        f"  {format_size(artifact.size)}"
        for name, artifact in artifacts.items()
    ]


def _printed_lines(event: StepFinished) -> list[str]:
    """Return what the step printed, as far as the record itself holds it."""
    from zenconv.records.artifact import Artifact

    if event.output is None:
        return []
    output = Artifact.from_json(event.output)
    data = output.files[0].inline
    if data is None:
        return [f"it printed {format_size(output.size)}: zenconv logs {escape(event.node)}"]
    text = escape(data.decode("utf-8", "replace").rstrip("\n"), keep_lines=True)
    return ["--- captured output", *text.split("\n")]
