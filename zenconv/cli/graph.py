"""``zenconv graph``: which step waits for which; of the project, or of a recorded run."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from zenconv.cli.options import CommonOptions, common_options, json_option
from zenconv.cli.output import escape, print_json, print_line, style

_RUN_WORDS = ("latest", "last")


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET|RUN]...")
@click.option("-k", "keyword", default="", metavar="EXPRESSION", help="Only steps whose id matches.")
@click.option("--dot", "form", flag_value="dot", help="For Graphviz.")
@click.option("--mermaid", "form", flag_value="mermaid", help="For Mermaid.")
@json_option
@common_options
def command(
    common: CommonOptions, targets: tuple[str, ...], keyword: str, form: str | None, as_json: bool
) -> None:
    """Draw which step waits for which.

    TARGETS as for `zenconv run`, shown with everything they need. A RUN (its id, `latest`,
    `last`) is drawn from the records, without importing the project.
    """
    if len(targets) == 1 and _names_a_run(targets[0]):
        rows = _recorded_rows(common, targets[0])
    else:
        rows = _project_rows(common, targets, keyword)
    if as_json:
        print_json({"nodes": rows})
    else:
        _print_rows(rows, form)


def _names_a_run(text: str) -> bool:
    # No step, file or pipeline that can be asked for begins like a run's number alone.
    return text in _RUN_WORDS or re.fullmatch(r"[0-9]{1,9}(-[0-9a-f]{0,6})?", text) is not None


def _project_rows(common: CommonOptions, targets: Sequence[str], keyword: str) -> list[dict[str, Any]]:
    from zenconv.engine.guard import ask_child

    settings = common.load_settings()

    def ask(tell: Callable[[str], None]) -> Any:
        from zenconv.project.describe import describe_graph
        from zenconv.project.indexed import IndexedProject
        from zenconv.project.planning import consult_project
        from zenconv.project.project import Project
        from zenconv.project.select import Narrowing

        def question(project: Project | IndexedProject) -> list[dict[str, Any]]:
            return describe_graph(project.checked(targets, Narrowing(keyword)).pipeline)

        return consult_project(settings, tell, common.load_plugins(settings), question)

    rows: list[dict[str, Any]] = ask_child(ask, settings.root)
    return rows


def _recorded_rows(common: CommonOptions, run: str) -> list[dict[str, Any]]:
    from zenconv.cli.output import print_note
    from zenconv.project.order import order_graph
    from zenconv.queries.history import History

    settings = common.load_settings()
    plugins = common.load_plugins(settings)
    from zenconv.stack.assemble import assemble

    history = History(settings, plugins, assemble(settings, plugins), print_note)
    record = history.find_run(run)
    steps = sorted(history.store.steps(record.id), key=lambda step: step.position)
    rows: list[dict[str, Any]] = [
        {
            "node": step.node,
            "pipeline": step.pipeline,
            "step": step.step,
            "where": step.where,
            "status": step.status,
            "outputs": [name for name in step.output_names if name],
            "inputs": [edge for binding in step.bindings for edge in _edges(binding)],
        }
        for step in steps
    ]
    # Branches that came into being in the run are recorded behind what waits for them.
    by_node = {row["node"]: row for row in rows}
    order, _ = order_graph({node: [edge["node"] for edge in row["inputs"]] for node, row in by_node.items()})
    return [by_node[node] for node in order]


def _edges(binding: Mapping[str, Any]) -> list[dict[str, str]]:
    name = binding["parameter"]
    if binding["source"] == "node":
        return [{"parameter": name, "node": binding["node"], "output": binding.get("output") or ""}]
    given = dict.fromkeys((node, output) for _, node, output in binding.get("branches", ()))
    return [{"parameter": name, "node": node, "output": output} for node, output in given]


def _print_rows(rows: Sequence[dict[str, Any]], form: str | None) -> None:
    from zenconv.cli import drawing

    if form is not None:
        for line in drawing.draw_dot(rows) if form == "dot" else drawing.draw_mermaid(rows):
            print_line(escape(line))
        return
    encoding = (getattr(sys.stdout, "encoding", "") or "ascii").lower().replace("-", "")
    signs = drawing.UNICODE if encoding.startswith("utf") else drawing.ASCII
    statuses = {row["node"]: row.get("status", "") for row in rows}
    for (lines, name, remark), node in zip(drawing.draw_text(rows, signs), statuses, strict=True):
        status = f"  [{statuses[node]}]" if statuses[node] else ""
        print_line(f"{lines}  {escape(name)}{escape(status)}  {style(escape(remark), 'dim')}".rstrip())
