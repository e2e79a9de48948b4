"""``zenconv profile``: steps by the time they took, or the functions of one step."""

from __future__ import annotations

import io
import json
import pstats
from pathlib import Path
from typing import Any

import click

from zenconv.errors import UsageError, did_you_mean
from zenconv.hooks import CommandPlace
from zenconv.records.layout import StateFolder
from zenconv_profile.profiler import FOLDER, profile_path

Function = tuple[str, int, str]
"""What a profile knows a function by: file, line, name."""


@click.command()
@click.argument("step", required=False)
@click.option("--run", "run", default="", metavar="RUN", help="A run's number or id; the newest by default.")
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="So many functions.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(place: CommandPlace, step: str | None, run: str, top: int, as_json: bool) -> None:
    """Show where the time of steps went, in a run with --profile.

    Without STEP: every step that ran, slowest first. With it: the functions in which its time went.
    """
    folder = _find_folder(StateFolder(place.state), run)
    rows = sorted(_read_rows(folder), key=lambda row: -row["seconds"])
    if step is not None:
        row = _find_row(rows, step)
        functions = _read_functions(folder, row, top)
        if as_json:
            click.echo(json.dumps({"schema": 1, **row, "functions": functions}))
            return
        for function in functions:
            click.echo(f"{function['seconds']:9.3f} s  {function['calls']:>9}  {function['where']}")
        return
    if as_json:
        click.echo(json.dumps({"schema": 1, "steps": rows}))
        return
    for row in rows:
        stored = sum(row["outputs"].values())
        click.echo(f"{row['seconds']:9.3f} s  {stored:>11} bytes  {row['node']}")


def _find_folder(state: StateFolder, run: str) -> Path:
    runs = sorted(state.run_ids(), key=lambda run: int(run.partition("-")[0]), reverse=True)
    wanted = [one for one in runs if run in ("", one, one.partition("-")[0])]
    found = [folder for one in wanted if (folder := state.run(one).path / FOLDER).is_dir()]
    if not found:
        what = f"run {run} has no profile" if run else "no run has a profile"
        raise UsageError(what, hint="zenconv run --profile")
    return found[0]


def _read_rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")]


def _find_row(rows: list[dict[str, Any]], step: str) -> dict[str, Any]:
    names = {row["node"]: row for row in rows}
    if step in names:
        return names[step]
    found = [row for node, row in names.items() if node.rpartition("::")[2] == step]
    if len(found) != 1:
        known = names if found else [*names, *(node.rpartition("::")[2] for node in names)]
        what = f"{step!r} is several steps" if found else f"there is no profile of {step!r}"
        raise UsageError(what, hint=did_you_mean(step, known))
    return found[0]


def _read_functions(folder: Path, row: dict[str, Any], top: int) -> list[dict[str, Any]]:
    path = profile_path(folder, row["node"], ".prof")
    if not path.exists():
        raise UsageError(f"of {row['node']} only the time was taken: it is async")
    stats: dict[Function, Any] = pstats.Stats(str(path), stream=io.StringIO()).stats  # type: ignore[attr-defined]
    inside = _reach(stats, tuple(row["code"]))
    slowest = sorted(inside, key=lambda function: -stats[function][3])[:top]
    return [
        {
            "where": name if file == "~" else f"{file}:{line} {name}",
            "calls": stats[file, line, name][1],
            "seconds": round(stats[file, line, name][3], 6),
        }
        for file, line, name in slowest
    ]


def _reach(stats: dict[Function, Any], start: Any) -> set[Function]:
    """Return the function `start` and all that it calls; everything, where it is not there."""
    if start not in stats:
        return set(stats)
    called: dict[Function, set[Function]] = {}
    for function, (*_, callers) in stats.items():
        for caller in callers:
            called.setdefault(caller, set()).add(function)
    found, waiting = {start}, [start]
    while waiting:
        more = called.get(waiting.pop(), set()) - found
        found |= more
        waiting += more
    return found
