"""``zenconv get``: a recorded result as a file, or on the terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zenconv.cli.options import common_options
from zenconv.cli.output import escape, format_size, is_terminal, print_line, print_note

if TYPE_CHECKING:
    from zenconv.cli.options import CommonOptions
    from zenconv.queries.history import Found, History
    from zenconv.records.artifact import Artifact

_LARGEST_SHOWN = 100_000_000
_CONVERTED = ("json/", "numpy/", "pandas/", "paths/")
"""Formats that become one file of another kind, however many files store them."""


@click.command()
@click.argument("target", metavar="STEP[.OUTPUT]")
@click.option("-o", "--output", "output", metavar="FILE", help="Write it there; - is stdout.")
@click.option("--run", "run", default="latest", help="A run's number or id, latest or last.")
@common_options
def command(common: CommonOptions, target: str, output: str | None, run: str) -> None:
    """Print a recorded result, or write it to a file.

    The extension says how: .csv .json .npy .parquet .txt; with any other, the bytes as they are
    stored. Taken from the newest run in which the step has a result.
    """
    from zenconv.cli.reading import open_history

    sys.set_int_max_str_digits(0)  # the limit guards against strangers' input; this is the user's result
    history = open_history(common)
    found = history.find_result(target, run)
    if output is None:
        _print(history, found)
    elif output == "-":
        from zenconv.queries.exporting import write_to

        sys.stdout.flush()
        write_to(sys.stdout.buffer, history, found)
        sys.stdout.buffer.flush()
    else:
        from zenconv.queries.exporting import export

        size = export(history, found, Path(output))
        print_note(f"{escape(output)}: {format_size(size)}, {escape(found.step.node)} of run {found.run.id}")


def _print(history: History, found: Found) -> None:
    from zenconv.queries.exporting import to_text
    from zenconv.queries.loading import choose_outputs, load_outputs

    chosen = choose_outputs(found.step, found.output)
    for name, artifact in chosen.items():
        if len(chosen) > 1:
            print_line(f"{escape(found.step.step)}.{escape(name)}  {_describe(artifact)}")
        elif _is_shown(artifact):
            text = to_text(load_outputs(history, found.step, name))
            print_line(escape(text, keep_lines=True) if is_terminal() else text)
        else:
            print_line(_describe(artifact))
            if len(artifact.files) == 1 or artifact.materializer.startswith(_CONVERTED):
                print_note(f"write it to a file: zenconv get {escape(found.step.node)} -o FILE")
            else:
                print_note(f"load it in Python: zenconv.load({found.step.node!r})")


def _is_shown(artifact: Artifact) -> bool:
    """Whether the value is safe and small enough to be loaded for the terminal."""
    if artifact.needs_trust or artifact.size > _LARGEST_SHOWN:
        return False
    return artifact.materializer.startswith(("json/", "numpy/", "pandas/"))


def _describe(artifact: Artifact) -> str:
    from zenconv.queries.describing import summarize_facts

    facts = summarize_facts({"type": artifact.type, **artifact.summary})
    return f"{escape(facts)}  {format_size(artifact.size)}, stored by {escape(artifact.materializer)}"
