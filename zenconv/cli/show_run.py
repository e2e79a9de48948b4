"""How ``zenconv show`` draws a run: what failed first, then steps, parameters, environment."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zenconv.cli.output import escape, format_duration, plural, print_line, print_table, style
from zenconv.cli.reading import WORDS, show_counts, show_revision, show_status, show_time, show_value
from zenconv.cli.show_step import print_facts, print_failure, print_heading, print_verdict
from zenconv.cli.verdicts import count_verdicts
from zenconv.records.run import RunRecord, StepRunRecord

if TYPE_CHECKING:
    from zenconv.queries.history import History

_MOST_FAILURES = 5
_MOST_STEPS = 40
_MOST_REUSED = 12
"""More reused steps than that are one line: they say nothing new."""
_MOST_PARAMETERS = 40
_MOST_WARNINGS = 10
_MANY = 10**9


def print_run(history: History, run: RunRecord, *, verbose: bool) -> None:
    """Print one run, the answer to "why did it fail" at the top; bounded unless `verbose`."""
    _print_status(run)
    if run.error:
        print_line()
        print_line(escape(run.error, keep_lines=True))
    _print_failures(history, run, _MANY if verbose else _MOST_FAILURES)
    steps = history.store.steps(run.id, limit=None if verbose else 2000)
    _print_verdicts(run, steps, _MANY if verbose else _MOST_FAILURES)
    _print_steps(run, steps, verbose=verbose)
    _print_parameters(run, steps, _MANY if verbose else _MOST_PARAMETERS)
    _print_warnings(run, steps, _MANY if verbose else _MOST_WARNINGS)
    for level, text in run.notices[: None if verbose else 10]:
        print_line(f"{style(escape(level) + ':', 'yellow')} {escape(text, keep_lines=True)}")
    _print_environment(run, verbose=verbose)


def _print_status(run: RunRecord) -> None:
    took = f" in {format_duration(run.seconds)}" if run.is_over else ""
    counts = show_counts(run.counts)
    print_line(
        f"run {style(run.id, 'bold')} {show_status(run.status)}{took}" + (f": {counts}" if counts else "")
    )
    command = shlex.join(["zenconv", *run.arguments])
    sample = f", sample {escape(run.sample)}" if run.sample else ""
    print_line(f"  {escape(command)}    {show_time(run.started)}, stack {escape(run.stack)}{sample}")


def _print_failures(history: History, run: RunRecord, limit: int) -> None:
    failed = history.store.steps(run.id, statuses=["failed"], limit=limit)
    for step in failed:
        print_failure(history, run, step)
    left = run.counts.get("failed", 0) - len(failed)
    if left > 0:
        print_line(f"\n... and {plural(left, 'step')} more failed: zenconv show {run.number} -v")
    for step in history.store.steps(run.id, statuses=["interrupted"], limit=limit):
        print_line(f"\n{style('interrupted', 'yellow')} in {escape(step.node)}  ({escape(step.where)})")


def _print_verdicts(run: RunRecord, steps: Sequence[StepRunRecord], limit: int) -> None:
    if not run.verified:
        return
    print_line(f"\n{count_verdicts(run.verified)}")
    odd = [step for step in steps if step.verdict is not None and step.verdict["outcome"] != "equal"]
    for step in odd[:limit]:
        print_line(f"\n{style(escape(step.node), 'bold')}  ({escape(step.where)})")
        print_verdict(step)
    if len(odd) > limit:
        print_line(f"... and {len(odd) - limit} more: zenconv show {run.number} -v")


def _print_steps(run: RunRecord, steps: Sequence[StepRunRecord], *, verbose: bool) -> None:
    """Print a table of the steps; many reused ones are one line, unless `verbose`."""
    if not steps:
        return
    reused = run.counts.get("reused", 0)
    is_folded = reused > _MOST_REUSED and not verbose
    shown = [step for step in steps if not (is_folded and step.status == "reused")]
    rows = [_step_row(step) for step in shown[: _MANY if verbose else _MOST_STEPS]]
    print_line()
    if rows:
        print_table(rows, ("step", "status", "took", "why"), right=("took",))
    left = run.steps - len(rows) - (reused if is_folded else 0)
    all_of_them = f"zenconv show {run.number} -v"
    if left > 0:
        print_line(f"... and {plural(left, 'step')} more: {all_of_them}")
    if is_folded:
        print_line(f"{'and ' if rows else ''}{plural(reused, 'step')} reused: {all_of_them}")


def _step_row(step: StepRunRecord) -> tuple[object, ...]:
    took = format_duration(step.seconds) if step.status in ("succeeded", "failed") else ""
    name = f"{step.pipeline}::{step.node.rpartition('::')[2]}"
    return name, WORDS.get(step.status, step.status), took, step.reason or step.planned


def _print_warnings(run: RunRecord, steps: Sequence[StepRunRecord], limit: int) -> None:
    warnings = [warning for step in steps for warning in step.warnings]
    for warning in warnings[:limit]:
        print_line(f"{style('warning:', 'yellow')} {escape(str(warning))}")
    if len(warnings) > limit:
        print_line(f"... and {plural(len(warnings) - limit, 'warning')} more: zenconv show {run.number} -v")


def _print_parameters(run: RunRecord, steps: Sequence[StepRunRecord], limit: int) -> None:
    found: dict[tuple[str, str, str], dict[str, None]] = {}
    for step in steps:
        for binding in step.bindings:
            if binding.get("source") == "value":
                names = ("parameter", "value", "origin")
                parameter = tuple(show_value(str(binding.get(name, "")), run.root) for name in names)
                users = found.setdefault((parameter[0], parameter[1], parameter[2]), {})
                users[step.step] = None  # once, however many branches it has
    if not found:
        return
    print_line()
    print_heading("parameters")
    for (name, value, origin), users in list(found.items())[:limit]:
        source = f"  <- {escape(origin)}" if origin else ""
        print_line(f"  {escape(name)}={escape(value)}{source}  {style(_users([*users]), 'dim')}")
    if len(found) > limit:
        print_line(f"  ... and {len(found) - limit} more: -v shows all")


def _users(names: Sequence[str]) -> str:
    shown = ", ".join(escape(name) for name in names[:3])
    return f"({shown}{f' and {len(names) - 3} more' if len(names) > 3 else ''})"


def _print_environment(run: RunRecord, *, verbose: bool) -> None:
    environment = run.environment
    if not environment:
        return
    packages: Mapping[str, Any] = environment.get("packages") or {}
    print_line()
    print_heading("environment")
    git = environment.get("git") or {}
    changes = ", with uncommitted changes" if git.get("dirty") else ""
    branch = f" ({escape(str(git['branch']))})" if git.get("branch") else ""
    facts = {
        "git": f"{show_revision(environment).rstrip('+')}{branch}{changes}" if git.get("revision") else ""
    }
    for name in ("python", "platform", "zenconv", "host", "seed"):
        facts[name] = escape(str(environment.get(name, "")))
    facts["packages"] = f"{len(packages)}" + ("" if verbose else " (-v lists them)") if packages else ""
    if verbose:
        facts |= {f"  {escape(name)}": escape(str(version)) for name, version in packages.items()}
    print_facts(facts)
