"""``zenconv logs``: what steps printed, logged and warned, as they did."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from zenconv.cli.options import common_options, json_option
from zenconv.cli.output import escape, is_terminal, print_json, print_line, print_note, style

if TYPE_CHECKING:
    from zenconv.cli.options import CommonOptions
    from zenconv.queries.history import History
    from zenconv.records.run import StepRunRecord


@click.command()
@click.argument("words", nargs=-1, metavar="[RUN] STEP")
@click.option("--all", "show_all", is_flag=True, help="Every step of the run.")
@json_option
@common_options
def command(common: CommonOptions, words: tuple[str, ...], show_all: bool, as_json: bool) -> None:
    """Print what a step printed, in RUN or in the newest run that has such a step."""
    from zenconv.cli.reading import find_step, open_history, split_arguments
    from zenconv.errors import UsageError

    run, step = split_arguments(words)
    if bool(step) == show_all:
        raise UsageError("name one step, or ask for --all", hint="`zenconv show` lists the steps of a run")
    history = open_history(common)
    if show_all:
        steps = list(history.store.steps(history.find_run(run or "last").id))
    else:
        steps = [find_step(history, run, step).step]
    if as_json:
        _print_json(history, steps)
    elif show_all:
        _print_all(history, steps)
    else:
        _print_one(history, steps[0])


def _print_json(history: History, steps: list[StepRunRecord]) -> None:
    from zenconv.queries.loading import read_output

    facts = [
        {
            "run": step.run,
            "node": step.node,
            "status": step.status,
            "size": step.output.size if step.output is not None else 0,
            "text": b"".join(read_output(history, step)).decode("utf-8", "replace"),
        }
        for step in steps
    ]
    print_json({"logs": facts})


def _print_all(history: History, steps: list[StepRunRecord]) -> None:
    for step in steps:
        if step.output is not None:
            print_line(style(f"==> {escape(step.node)} <==", "bold"))
            write_output(history, step)


def _print_one(history: History, step: StepRunRecord) -> None:
    if step.output is None:
        why = " yet: it is still running" if step.status == "running" else f": it is {step.status}"
        printed_nothing = step.status in ("succeeded", "reused", "failed")
        print_note(f"{step.node} printed nothing" + ("" if printed_nothing else why))
        return
    write_output(history, step)


def write_output(history: History, step: StepRunRecord) -> None:
    """Write the captured output to stdout in constant memory; made safe for a terminal."""
    from zenconv.queries.loading import read_output

    sys.stdout.flush()
    if is_terminal():
        _write_safely(read_output(history, step))
        return
    last = b"\n"
    for block in read_output(history, step):
        sys.stdout.buffer.write(block)
        last = block[-1:] or last
    sys.stdout.buffer.write(b"" if last == b"\n" else b"\n")
    sys.stdout.buffer.flush()


def _write_safely(blocks: Iterable[bytes]) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    last = "\n"
    for block in blocks:
        text = escape(decoder.decode(block).replace("\r\n", "\n"), keep_lines=True)
        sys.stdout.write(text)
        last = text[-1:] or last
    sys.stdout.write("" if last == "\n" else "\n")
