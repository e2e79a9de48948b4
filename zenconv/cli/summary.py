"""What stands at the end of a run: the slowest steps, a line a failure, the counts."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import attrs

from zenconv.cli.output import escape, format_duration, has_screen, plural, shorten, style
from zenconv.cli.progress import WORDS, short_id
from zenconv.cli.tracebacks import summary_line
from zenconv.cli.verdicts import WORDS as VERDICT_WORDS
from zenconv.cli.verdicts import count_verdicts, summarize_verdict
from zenconv.records.events import (
    Event,
    PlanReady,
    RunFinished,
    RunSummary,
    StepFinished,
    StepsExpanded,
    StepVerified,
)


class Summary:
    """Gathers from the events of one run what is told at its end.

    Parameters
    ----------
    durations
        How many of the slowest executed steps are listed; 0: all; None: no list.
    shortest
        Steps that took less, in seconds, are left out of it.
    sample
        On how much of the data the run was: ``1%``, or ``""`` for all of it.
    """

    def __init__(
        self,
        *,
        verbosity: int = 0,
        durations: int | None = None,
        shortest: float = 0.0,
        sample: str = "",
    ) -> None:
        self._sample = sample
        self._verbosity = verbosity
        self._durations = durations
        self._shortest = shortest if verbosity < 2 else 0.0
        self._names: dict[str, str] = {}
        self._seconds: dict[str, float] = {}
        self._failures: dict[str, Mapping[str, Any] | None] = {}
        self._differing: dict[str, Mapping[str, Any]] = {}
        self._told: list[str] = []

    def __call__(self, event: Event) -> None:
        """Take one event in."""
        if isinstance(event, PlanReady | StepsExpanded):
            self._names |= {node["id"]: short_id(node) for node in event.nodes}
        elif isinstance(event, StepFinished):
            self._failures.pop(event.node, None)
            if event.status == "failed":
                self._failures[event.node] = event.error
            if event.status in ("succeeded", "failed"):
                self._seconds[event.node] = event.seconds
        elif isinstance(event, StepVerified) and event.outcome != "equal":
            self._differing[event.node] = attrs.asdict(event)
        elif isinstance(event, RunSummary):
            self._told += event.lines

    def lines(self, finished: RunFinished, run: str) -> list[str]:
        """Return the lines to print, for stdout; the last one has the counts and the run's id."""
        told = [escape(line) for line in self._told] if self._verbosity > -2 else []
        lines = [*self._slowest(), *self._failed(), *told]
        if self._verbosity > -2:
            lines.append(last_line(finished, run, self._sample))
        return lines

    def _slowest(self) -> list[str]:
        if self._durations is None:
            return []
        slow = sorted(self._seconds.items(), key=lambda item: -item[1])[: self._durations or None]
        shown = [(node, seconds) for node, seconds in slow if seconds >= self._shortest]
        count = f"{plural(self._durations, 'step')}, slowest first" if self._durations else "slowest steps"
        lines = [_head(f"slowest {plural(self._durations, 'step')}" if self._durations else count)]
        lines += [f"{format_duration(took):>8}  {self._names.get(node, node)}" for node, took in shown]
        if len(shown) < len(slow):
            hidden = plural(len(slow) - len(shown), "step")
            limit = format_duration(self._shortest)
            lines.append(f"({hidden} under {limit} hidden; -vv shows them)")
        return lines

    def _failed(self) -> list[str]:
        if not (self._failures or self._differing):
            return []
        lines = [summary_line(node, error) for node, error in self._failures.items()]
        lines += [_verdict_line(node, verdict) for node, verdict in self._differing.items()]
        if has_screen():
            import shutil

            columns = shutil.get_terminal_size().columns
            lines = [_shorten_styled(line, columns) for line in lines]
        hint = ["`zenconv show` tells more about what failed"] if self._verbosity >= 0 else []
        return [_head("short summary"), *lines, *hint]


def last_line(finished: RunFinished, run: str, sample: str = "") -> str:
    """Return the closing line of a run: counts, duration, run id, and the sample it was on."""
    order = ("failed", "succeeded", "reused", "skipped", "interrupted")
    parts = [f"{finished.counts[s]} {WORDS[s][0].lower()}" for s in order if finished.counts.get(s)]
    parts += [text] if (text := count_verdicts(finished.verified)) else []
    counts = ", ".join(parts) or finished.status
    is_plain = finished.status == "succeeded" or (finished.status == "failed" and "failed" in finished.counts)
    head = "" if is_plain else f"{finished.status}: "
    of_sample = f", sample {sample}" if sample else ""
    return f"{head}{counts} in {format_duration(finished.seconds)} (run {run}{of_sample})"


def _verdict_line(node: str, verdict: Mapping[str, Any]) -> str:
    word, colour = VERDICT_WORDS[verdict["outcome"]]
    return f"{style(word, colour, stream=sys.stdout)} {escape(node)} - {escape(summarize_verdict(verdict))}"


def _head(text: str) -> str:
    return style(text, "bold", stream=sys.stdout)


def _shorten_styled(line: str, columns: int) -> str:
    """Cut a line that begins with a styled word: its escape codes take no room."""
    word, separator, rest = line.partition(" ")
    return word + separator + shorten(rest, max(columns - len("FAILED "), 20))
