"""``zenconv get``: a recorded result as a file, or on the terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zenconv.cli.options import common_options, json_option
from zenconv.cli.output import escape, format_size, is_terminal, print_json, print_line, print_note

if TYPE_CHECKING:
    from zenconv.cli.options import CommonOptions
    from zenconv.queries.history import Found, History
    from zenconv.records.artifact import Artifact

_LARGEST_SHOWN = 100_000_000
_CONVERTED = ("json/", "numpy/", "pandas/", "paths/")
"""Formats that become one file of another kind, however many files store them."""


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[RUN] STEP[.OUTPUT]")
@click.option("-o", "--output", "output", metavar="FILE", help="Write it there; - is stdout.")
@click.option("--run", "run", default="", help="A run's number or id, latest or last.")
@json_option
@common_options(without="-o")
def command(
    common: CommonOptions, words: tuple[str, ...], output: str | None, run: str, as_json: bool
) -> None:
    """Print a recorded result, or write it to a file.

    The extension says how: .csv .json .npy .parquet .pkl .txt ...; with any other, the bytes as they are
    stored. Taken from the newest run in which the step has a result, and from the stack on which
    that run ran. With --json: the value and what is recorded about it.
    """
    from zenconv.cli.reading import open_history

    run, target = _read_words(words, run)
    if as_json and output is not None:
        raise click.UsageError("--json is printed; -o FILE.json writes the value alone")
    sys.set_int_max_str_digits(0)  # the limit guards against strangers' input; this is the user's result
    history = open_history(common)
    found = history.find_result(target, run)
    if as_json:
        _print_json(history, found)
    elif output is None:
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


def _read_words(words: tuple[str, ...], run: str) -> tuple[str, str]:
    from zenconv.cli.reading import split_arguments
    from zenconv.errors import UsageError

    named, target = split_arguments(words)
    if not target:
        raise UsageError(f"{words[0]!r} names a run, but no step", hint=f"zenconv get {words[0]} STEP")
    if named and run:
        raise UsageError(f"two runs are named: {named} and {run}", hint="leave one out")
    return named or run or "latest", target


def _print_json(history: History, found: Found) -> None:
    from zenconv.queries.describing import describe_artifact
    from zenconv.queries.outputs import choose_outputs, show_name

    outputs = {
        show_name(name): describe_artifact(artifact) | _value(history, found, name, artifact)
        for name, artifact in choose_outputs(found.step, found.output).items()
    }
    step = found.step
    print_json({"run": step.run, "node": step.node, "status": step.status, "outputs": outputs})


def _value(history: History, found: Found, name: str, artifact: Artifact) -> dict[str, Any]:
    """Return the value as JSON, or why it is not shown."""
    from zenconv.errors import UsageError
    from zenconv.queries.loading import load_outputs
    from zenconv.queries.plain_data import to_json

    if not _is_shown(artifact):
        return {"no_value": "it is no plain value; -o FILE writes it"}
    try:
        return {"value": to_json(load_outputs(history, found.step, name))}
    except UsageError as error:
        return {"no_value": error.what}


def _print(history: History, found: Found) -> None:
    from zenconv.queries.outputs import choose_outputs, show_name

    chosen = choose_outputs(found.step, found.output)
    if not chosen:
        print_note(f"{escape(found.step.node)} returned no items")
    for name, artifact in chosen.items():
        if len(chosen) > 1:
            print_line(f"{escape(found.step.step)}.{escape(show_name(name))}  {_describe(artifact)}")
        elif (text := _render(history, found, name, artifact)) is not None:
            print_line(escape(text, keep_lines=True) if is_terminal() else text)
        else:
            print_line(_describe(artifact))
            if len(artifact.files) == 1 or artifact.materializer.startswith(_CONVERTED):
                print_note(f"write it to a file: zenconv get {escape(found.step.node)} -o FILE")
            else:
                print_note(f"load it in Python: zenconv.load({found.step.node!r})")


def _render(history: History, found: Found, name: str, artifact: Artifact) -> str | None:
    """Return a value as text, None where it is unsafe or too large to load, or no plugin knows how."""
    from zenconv.queries.loading import load_outputs

    if artifact.needs_trust or artifact.size > _LARGEST_SHOWN:
        return None
    calls = history.plugins.calls("zenconv_render")
    text = calls.ask(artifact=artifact, load=lambda: load_outputs(history, found.step, name))
    return None if text is None else str(text)


def _is_shown(artifact: Artifact) -> bool:
    """Whether the value is safe and small enough to be loaded for the terminal."""
    if artifact.needs_trust or artifact.size > _LARGEST_SHOWN:
        return False
    return artifact.materializer.startswith(("json/", "numpy/", "pandas/"))


def _describe(artifact: Artifact) -> str:
    from zenconv.queries.describing import summarize_output

    stored = f"{format_size(artifact.size)}, stored by {artifact.materializer}"
    return f"{escape(summarize_output(artifact))}  {escape(stored)}"
