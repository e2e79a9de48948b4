"""What a person sees while a run goes on: one line a step, failures in full, a last line.

Progress goes to stderr. On a terminal a status line shows what is running; elsewhere, plain
lines only.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from zenconv.cli.output import escape, format_duration, has_colors, is_terminal, plural, shorten, style
from zenconv.records import events
from zenconv.records.events import (
    Event,
    Notice,
    PlanReady,
    ProjectFailed,
    RunFinished,
    StepFinished,
    StepRetried,
    StepsExpanded,
    StepsReused,
    StepStarted,
)

_WORDS = {
    "succeeded": ("ran", "green"),
    "failed": ("FAILED", "red"),
    "skipped": ("skipped", "yellow"),
    "interrupted": ("interrupted", "yellow"),
    "reused": ("reused", "cyan"),
    "retried": ("failed", "yellow"),
}
_FEW_REUSED = 12


class Progress:
    """Prints the events of one run.

    Parameters
    ----------
    verbosity
        -1: only failures and the last line; 0: a line a step; 1: reused steps one by one too.
    is_live
        What steps print goes to the same terminal, which a status line would garble.
    """

    def __init__(self, *, verbosity: int = 0, durations: int = 0, is_live: bool = False) -> None:
        self._verbosity = verbosity
        self._durations = durations
        self._stream = sys.stderr
        self._has_status = is_terminal(self._stream) and verbosity >= 0 and not is_live
        self._total = 0
        self._done = 0
        self._width = 20
        self._names: dict[str, str] = {}
        self._seconds: list[tuple[float, str]] = []
        self._running: dict[str, None] = {}

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, PlanReady):
            self._plan(event)
        elif isinstance(event, StepsExpanded):
            self._total += len(event.nodes) - len(event.complete)
            self._names.update({node["id"]: short_id(node) for node in event.nodes})
        elif isinstance(event, StepsReused):
            self._reused(event.steps)
        elif isinstance(event, StepStarted):
            self._running[event.node] = None
            self._status()
        elif isinstance(event, events.Progress):
            self._show_status(event.text)
        elif isinstance(event, StepRetried):
            self._retried(event)
        elif isinstance(event, StepFinished):
            self._finished(event)
        elif isinstance(event, Notice):
            colour = {"warning": "yellow", "error": "red"}.get(event.level, "dim")
            text = escape(event.text, keep_lines=True)
            self._print(style(f"{event.level}: ", colour, stream=self._stream) + text)
        elif isinstance(event, ProjectFailed):
            self._print(
                style("error: ", "red", "bold", stream=self._stream) + escape(event.message, keep_lines=True)
            )
        elif isinstance(event, RunFinished):
            self.clear()

    def _plan(self, event: PlanReady) -> None:
        self._total = len(event.nodes)
        self._names = {node["id"]: short_id(node) for node in event.nodes}
        self._width = min(48, max((len(name) for name in self._names.values()), default=20))

    def _reused(self, steps: Sequence[Mapping[str, Any]]) -> None:
        self._done += len(steps)
        if self._verbosity > 0 or (self._verbosity == 0 and len(steps) <= _FEW_REUSED):
            for step in steps:
                self._line(step["node"], "reused", "", "")
        elif self._verbosity == 0 and len(steps) < self._total:
            self._print(style(f"{plural(len(steps), 'step')} reused", "cyan", stream=self._stream))
        self._status()

    def _finished(self, event: StepFinished) -> None:
        self._done += 1
        self._running.pop(event.node, None)
        if event.status == "succeeded":
            self._seconds.append((event.seconds, event.node))
        if self._verbosity >= 0 or event.status == "failed":
            took = format_duration(event.seconds) if event.status in ("succeeded", "failed") else ""
            self._line(event.node, event.status, took, event.reason)
        for warning in event.warnings:
            self._print("    " + style("warning: ", "yellow", stream=self._stream) + escape(warning))
        if event.error is not None and event.status == "failed":
            for line in error_lines(event.error):
                self._print("    " + line)
        self._status()

    def _retried(self, event: StepRetried) -> None:
        self._running.pop(event.node, None)
        if self._verbosity >= 0:
            pause = f" in {format_duration(event.wait)}" if event.wait else ""
            reason = f"attempt {event.attempt} of {event.of}; again{pause}"
            self._line(event.node, "retried", format_duration(event.seconds), reason)
            lines = error_lines(event.error) if self._verbosity > 0 else _message_lines(event.error)[:1]
            for line in lines:
                self._print("    " + line)
        self._status()

    def _line(self, node: str, status: str, took: str, reason: str) -> None:
        word, colour = _WORDS.get(status, (status, "bold"))
        name = escape(self._names.get(node, node)).ljust(self._width)
        text = f"{name}  {style(word.ljust(7), colour, stream=self._stream)}"
        if took or reason:
            text += f"  {took:>7}"
        if reason:
            text += "  " + style(escape(reason), "dim", stream=self._stream)
        self._print(text.rstrip())

    def _print(self, line: str) -> None:
        self.clear()
        self._stream.write(line + "\n")
        self._stream.flush()

    def clear(self) -> None:
        """Take the status line away."""
        if self._has_status:
            self._stream.write("\r\x1b[2K")

    def _status(self) -> None:
        if self._running:
            names = ", ".join(self._names.get(node, node) for node in self._running)
            self._show_status(f"[{self._done}/{self._total}] {names} …")

    def _show_status(self, text: str) -> None:
        if self._has_status and text:
            self._stream.write("\r\x1b[2K" + shorten(escape(text), 78))
            self._stream.flush()

    def slowest(self) -> list[str]:
        """Return the lines of the slowest executed steps, as many as asked for."""
        slow = sorted(self._seconds, reverse=True)[: self._durations]
        return [f"{format_duration(seconds):>8}  {self._names.get(node, node)}" for seconds, node in slow]


def short_id(node: Mapping[str, Any]) -> str:
    """Return ``pipeline::step`` of a planned node: shorter than its id, and accepted as a target."""
    return f"{node['pipeline']}::{node['id'].rpartition('::')[2]}"


def error_lines(error: Mapping[str, Any]) -> list[str]:
    """Return the lines that show a failure: the user's frames, type and message, the hint."""
    lines: list[str] = []
    for cause in reversed(error.get("causes", ())):
        lines += [*_frame_lines(cause["frames"]), *_message_lines(cause), "the above led to:"]
    lines += [*_frame_lines(error.get("frames", ())), *_message_lines(error)]
    if error.get("hint"):
        lines.append(f"hint: {escape(error['hint'])}")
    for other in error.get("also", ()):
        lines += ["and after that:", *error_lines(other)]
    return lines


def _frame_lines(frames: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for frame in frames:
        lines.append(f"{escape(frame['file'])}:{frame['line']} in {escape(frame['function'])}")
        if frame.get("text"):
            lines.append(f"    {escape(frame['text'])}")
    return lines


def _message_lines(error: Mapping[str, Any]) -> list[str]:
    first, *rest = escape(error["message"], keep_lines=True).split("\n") or [""]
    head = f"{escape(error['type'])}: {first}" if first else escape(error["type"])
    return [style(head, "red", stream=sys.stderr) if has_colors(sys.stderr) else head, *rest]


def last_line(finished: RunFinished, run: str) -> str:
    """Return the closing line of a run: counts, duration, run id."""
    order = ("failed", "succeeded", "reused", "skipped", "interrupted")
    parts = [f"{finished.counts[s]} {_WORDS[s][0].lower()}" for s in order if finished.counts.get(s)]
    counts = ", ".join(parts) or finished.status
    is_plain = finished.status == "succeeded" or finished.counts.get("failed")
    head = "" if is_plain else f"{finished.status}: "
    return f"{head}{counts} in {format_duration(finished.seconds)} (run {run})"
