"""``zenconv show``: one run, or one step of it; alone it answers why the last run failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from zenconv.cli.options import common_options, json_option

if TYPE_CHECKING:
    from zenconv.cli.options import CommonOptions
    from zenconv.queries.history import History
    from zenconv.records.plan import KeyParts
    from zenconv.records.run import RunRecord, StepRunRecord


@click.command()
@click.argument("words", nargs=-1, metavar="[RUN] [STEP]")
@click.option("-v", "--verbose", is_flag=True, help="Everything: all steps, key parts, packages.")
@json_option
@common_options
def command(common: CommonOptions, words: tuple[str, ...], verbose: bool, as_json: bool) -> None:
    """Show the last run, or RUN: what failed and why, the steps, parameters, environment.

    With STEP, everything about that step, in RUN or in the newest run that has such a step. RUN
    is a number, an id, latest or last.
    """
    from zenconv.cli.reading import find_step, open_history, split_arguments

    run, step = split_arguments(words)
    history = open_history(common)
    if step:
        match = find_step(history, run, step)
        record, found = match.run, match.step
        parts = history.store.key_parts([found.key]).get(found.key) if found.key else None
        if as_json:
            _print_step_json(found, parts)
        else:
            _print_step(history, record, found, parts, verbose=verbose)
    elif as_json:
        _print_run_json(history, history.find_run(run or "last"))
    else:
        _print_run(history, history.find_run(run or "last"), verbose=verbose)
    history.tell()


def _print_run_json(history: History, run: RunRecord) -> None:
    from zenconv.cli.output import print_json
    from zenconv.queries.describing import describe_run, describe_step

    facts: dict[str, Any] = {"run": describe_run(run, with_environment=True)}
    facts["steps"] = [describe_step(step) for step in history.store.steps(run.id)]
    print_json(facts)


def _print_step_json(step: StepRunRecord, parts: KeyParts | None) -> None:
    from zenconv.cli.output import print_json
    from zenconv.queries.describing import describe_step

    print_json({"step": describe_step(step, parts)})


def _print_run(history: History, run: RunRecord, *, verbose: bool) -> None:
    from zenconv.cli import show_run

    show_run.print_run(history, run, verbose=verbose)


def _print_step(
    history: History, run: RunRecord, step: StepRunRecord, parts: KeyParts | None, *, verbose: bool
) -> None:
    from zenconv.cli import show_step

    show_step.print_step(history, run, step, parts, verbose=verbose)
