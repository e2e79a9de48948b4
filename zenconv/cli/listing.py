"""What ``zenconv run`` lists instead of running: ``--collect-only``, ``--fixtures``, ``--markers``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zenconv.cli.output import escape, plural, print_json, print_line, style

if TYPE_CHECKING:
    from zenconv.cli.options import CommonOptions
    from zenconv.cli.run_flags import RunFlags

Row = Mapping[str, Any]


def show_selected(common: CommonOptions, flags: RunFlags) -> int:
    """Print the steps that a run would ask for, and what they need; return the exit code."""
    from zenconv.engine.guard import ask_child

    settings, selection = common.load_settings(), flags.selection(common)

    def ask(tell: Any) -> Any:
        from zenconv.project.planning import Planner, consult

        def question(planner: Planner) -> list[dict[str, Any]]:
            planner.save_index()
            return [
                {
                    "node": node.id,
                    "pipeline": node.pipeline,
                    "where": node.step.where,
                    "is_selected": node.id in planner.selected,
                }
                for node in planner.pipeline
            ]

        return consult(settings, selection, common.load_plugins(settings), tell, question)

    rows: Sequence[Row] = ask_child(ask, settings.root)
    if flags.as_json:
        print_json({"steps": rows})
        return 0
    for line in _selected_lines(rows, flags.verbosity):
        print_line(line)
    return 0


def _selected_lines(rows: Sequence[Row], verbosity: int) -> Iterator[str]:
    selected = [row for row in rows if row["is_selected"]]
    files: dict[str, list[Row]] = {}
    for row in rows if verbosity >= 0 else selected:
        files.setdefault(row["node"].partition("::")[0], []).append(row)
    if verbosity < -1:
        yield from (f"{escape(file)}: {len(found)}" for file, found in files.items())
        return
    if verbosity == -1:
        yield from (escape(row["node"]) for row in selected)
        yield ""
    else:
        for file, found in files.items():
            yield style(escape(file), "bold")
            yield from (f"  {_name(row, verbosity)}" for row in found)
    needed = len(rows) - len(selected)
    more = f", and {needed} that they need" if needed else ""
    yield f"{plural(len(selected), 'step')} collected{more}"


def _name(row: Row, verbosity: int) -> str:
    text = escape(row["node"].partition("::")[2])
    if verbosity > 0:
        text += style(f" -- {escape(row['where'])}", "dim")
    return text if row["is_selected"] else f"{style(text, 'dim')} (needed)"


def show_fixtures(common: CommonOptions, flags: RunFlags) -> int:
    """Print the fixtures that steps may ask for; return the exit code."""
    from zenconv.engine.guard import ask_child

    settings = common.load_settings()

    def ask(tell: Any) -> Any:
        from zenconv.project.fixture_list import list_fixtures
        from zenconv.project.project import open_project

        return list_fixtures(open_project(settings, tell, common.load_plugins(settings)), flags.targets)

    rows: Sequence[Row] = ask_child(ask, settings.root)
    if flags.as_json:
        print_json({"fixtures": rows})
        return 0
    place = None
    for row in rows:
        if row["name"].startswith("_") and flags.verbosity < 1:
            continue
        if row["file"] != place:
            place = row["file"]
            print_line(style(f"fixtures of {escape(place)}" if place else "built in", "bold"))
        for line in _fixture_lines(row, is_verbose=flags.verbosity > 0):
            print_line(line)
    return 0


def _fixture_lines(row: Row, *, is_verbose: bool) -> Iterator[str]:
    marks = [f"{row['scope']} scope"] if row["scope"] != "step" else []
    marks += ["autouse"] * row["autouse"]
    head = style(escape(row["name"]), "green")
    if is_verbose and row["parameters"]:
        head += f"({escape(', '.join(row['parameters']))})"
    if marks:
        head += style(f" [{', '.join(marks)}]", "cyan")
    if row["file"]:
        head += style(f" -- {escape(row['file'])}:{row['line']}", "dim")
    yield head
    doc = escape(row["doc"], keep_lines=True)
    for line in (doc if is_verbose else doc.split("\n\n")[0]).split("\n") if doc else ["no docstring"]:
        yield f"    {line}".rstrip()


def show_markers(common: CommonOptions, flags: RunFlags) -> int:
    """Print the marks there are; return the exit code."""
    from zenconv.project.marks import list_markers

    rows = list_markers(common.load_settings())
    if flags.as_json:
        print_json({"markers": [row._asdict() for row in rows]})
        return 0
    for row in rows:
        print_line(f"{style(escape('zenconv.mark.' + row.usage), 'bold')}: {escape(row.text)}".rstrip(": "))
    return 0
