"""``zenconv runs``: what was run, when, and how it went."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from zenconv.cli.options import common_options, json_option
from zenconv.cli.output import format_duration, print_json, print_note, print_table

if TYPE_CHECKING:
    from zenconv.cli.options import CommonOptions
    from zenconv.records.run import RunRecord


@click.command()
@click.argument("pipeline", default="")
@click.option(
    "-n", "limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many."
)
@click.option("--failed", "only_failed", is_flag=True, help="Only those that did not succeed.")
@json_option
@common_options
def command(common: CommonOptions, pipeline: str, limit: int, only_failed: bool, as_json: bool) -> None:
    """List runs, newest first; with PIPELINE, those that touched it."""
    from zenconv.cli.reading import open_history

    history = open_history(common)
    statuses: Any = ("failed", "error", "interrupted") if only_failed else ()
    filters = {"statuses": statuses, "pipeline": pipeline}
    runs = list(islice(history.runs(**filters), limit + 1))
    history.tell()
    if as_json:
        from zenconv.queries.describing import describe_run

        print_json({"runs": [describe_run(run) for run in runs[:limit]], "total": history.store.count()})
    elif not runs:
        print_note(_nothing(history.store.count(), pipeline))
    else:
        _print(runs[:limit])
        if len(runs) > limit:
            print_note(f"... and older ones: zenconv runs -n {limit * 5}")


def _nothing(total: int, pipeline: str) -> str:
    if not total:
        return "no run yet: zenconv run"
    what = f" of a pipeline {pipeline!r}" if pipeline else ""
    return f"no such run{what} among {total}: zenconv runs"


def _print(runs: list[RunRecord]) -> None:
    headers = ["run", "status", "started", "took", "steps", "pipelines", "git", "stack"]
    rows = [_row(run) for run in runs]
    if any(run.sample for run in runs):
        headers.append("sample")
        rows = [[*row, run.sample] for row, run in zip(rows, runs, strict=True)]
    print_table(rows, headers, right=("took",))


def _row(run: RunRecord) -> list[object]:
    from zenconv.cli.reading import show_counts, show_revision, show_time

    took = format_duration(run.seconds) if run.is_over else ""
    pipelines = ", ".join(run.pipelines[:4]) + (", ..." if len(run.pipelines) > 4 else "")
    counts = show_counts(run.counts)
    revision = show_revision(run.environment)
    return [run.id, run.status, show_time(run.started), took, counts, pipelines, revision, run.stack]
