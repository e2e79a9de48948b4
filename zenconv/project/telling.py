"""Tell plugins what happens in a run, and people what the plugins have to say."""

from __future__ import annotations

import io
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import redirect_stderr
from typing import Any

import attrs

from zenconv import clock
from zenconv.engine.outcome import judge_run
from zenconv.engine.runner import Channel
from zenconv.hooks.calling import HookCalls, Implementation
from zenconv.hooks.foreign import prints_aside
from zenconv.hooks.manager import Plugins
from zenconv.records.events import (
    Event,
    Notice,
    PluginPrinted,
    RunFinished,
    RunStarted,
    RunSummary,
    StepFinished,
    StepRetried,
    StepsReused,
    StepStarted,
    StepVerified,
)
from zenconv.records.plan import Plan

_BY_EVENT: Mapping[type[Event], str] = {
    StepStarted: "zenconv_step_start",
    StepRetried: "zenconv_step_retry",
    StepFinished: "zenconv_step_finish",
}


class Teller:
    """Calls the observing hooks of one runner; a failure of theirs is a warning of the run.

    `begun` is when the run began, on the monotonic clock.
    """

    def __init__(self, plugins: Plugins, channel: Channel, begun: float) -> None:
        self._plugins = plugins
        self._channel = channel
        self._begun = begun
        self._has_difference = False

    def start(self, event: RunStarted) -> None:
        """Tell that the run begins."""
        self._watch(self._plugins.calls("zenconv_run_start"), event=event)

    def start_locally(self, event: RunStarted, files: Sequence[str]) -> None:
        """Tell the same to ``zenconf.py`` files that were imported since."""
        calls = HookCalls(one for one in self._plugins.calls("zenconv_run_start") if one.plugin in files)
        self._watch(calls, event=event)

    def tell_plan(self, plan: Plan) -> None:
        """Tell what is intended."""
        self._watch(self._plugins.calls("zenconv_plan_ready"), plan=plan)

    def take(self, event: Event) -> None:
        """Tell of something that has happened to a step; other events are nobody's business here."""
        hook = _BY_EVENT.get(type(event))
        if hook is not None:
            file = event.node.partition("::")[0]  # type: ignore[attr-defined]
            self._watch(self._plugins.calls(hook, file), event=event)
        elif isinstance(event, StepsReused):
            self._take_reused(event)
        elif isinstance(event, StepVerified):
            self._has_difference |= event.outcome != "equal"

    def _take_reused(self, event: StepsReused) -> None:
        for one in self._plugins.calls("zenconv_steps_reused"):
            steps = [step for step in event.steps if _concerns(one, step["node"])]
            if steps:
                self._watch(HookCalls([one]), event=attrs.evolve(event, steps=steps))

    def finish(self, statuses: Mapping[str, str], checks: Container[str], *, signal_number: int) -> None:
        """Tell that the run has ended; `statuses` are those of its nodes, some of which are `checks`."""
        counts: dict[str, int] = {}
        for status in statuses.values():
            counts[status] = counts.get(status, 0) + 1
        failed = [node for node, status in statuses.items() if status == "failed"]
        status, exit_code = judge_run(
            failed,
            checks,
            signal_number=signal_number,
            has_error=self._channel.has_error,
            has_difference=self._has_difference,
        )
        self._finish(status, exit_code, counts)

    def finish_failed(self, exit_code: int) -> None:
        """Tell that the run has ended before any step: the project has mistakes."""
        self._finish("error", exit_code, {})

    def _finish(self, status: str, exit_code: int, counts: Mapping[str, int]) -> None:
        seconds = round(clock.monotonic() - self._begun, 6)
        event = RunFinished(status, exit_code, seconds, counts, at=clock.utc_now())
        self._watch(self._plugins.calls("zenconv_run_finish"), event=event)
        lines, warnings = gather_lines(self._plugins.calls("zenconv_terminal_summary"), event)
        self.warn(warnings)
        if lines:
            self._channel.send(RunSummary(lines, at=clock.utc_now()))

    def _watch(self, calls: HookCalls, **arguments: Any) -> None:
        """Call observers; what they print is shown, and never taken for the output of a step."""
        if not calls:
            return
        printed = io.StringIO()
        with redirect_stderr(printed):
            warnings = calls.watch(**arguments)
        if printed.tell():
            self._channel.send(PluginPrinted(printed.getvalue().rstrip("\n"), at=clock.utc_now()))
        self.warn(warnings)

    def warn(self, warnings: Iterable[str]) -> None:
        """Show warnings about plugins."""
        for text in warnings:
            self._channel.send(Notice(text, at=clock.utc_now()))


def gather_lines(calls: HookCalls, event: Event) -> tuple[list[str], list[str]]:
    """Return the lines that plugins have to show, and warnings about those that failed."""
    lines: list[str] = []
    results, warnings = calls.watch_all(event=event)
    for one, shown in results:
        try:
            with prints_aside():
                lines += [shown] if isinstance(shown, str) else [_check_line(line) for line in shown]
        except Exception as error:  # noqa: BLE001 - what is shown is no reason to fail
            warnings.append(one.describe(error))
    return lines, warnings


def _check_line(line: Any) -> str:
    if not isinstance(line, str):
        raise TypeError(f"expected lines of text, got a {type(line).__name__}")
    return line


def _concerns(one: Implementation, node: str) -> bool:
    folder = node.partition("::")[0].rpartition("/")[0]
    return not one.folder or f"{folder}/".startswith(f"{one.folder}/")
