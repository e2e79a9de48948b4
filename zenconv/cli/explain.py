"""``zenconv explain``: why a step runs or is reused, down to the changed line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from zenconv.cli.options import CommonOptions, common_options
from zenconv.cli.output import escape, print_json, print_line, style
from zenconv.cli.run_flags import read_sample

_COLOURS = {"reuse": "cyan", "run": "green", "maybe": "yellow", "expand": "yellow", "skip": "yellow"}


@click.command()
@click.argument("targets", nargs=-1)
@click.option("-k", "keyword", default="", metavar="EXPRESSION", help="Only steps whose id matches.")
@click.option("--sample", metavar="SIZE", callback=read_sample, help="As for `zenconv run --sample`.")
@click.option("-v", "--verbose", is_flag=True, help="Everything the cache key is made of.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@common_options
def command(
    common: CommonOptions,
    targets: tuple[str, ...],
    keyword: str,
    sample: str,
    verbose: bool,
    as_json: bool,
) -> int:
    """Say why a step runs or is reused, down to the changed line.

    TARGETS as for `zenconv run`; without any, every step.
    """
    from zenconv.engine.guard import ask_child
    from zenconv.project.planning import Selection

    settings = common.load_settings()
    selection = Selection(targets, keyword, sample=sample)

    def ask(tell: Any) -> Any:
        from zenconv.project.explaining import explain_steps
        from zenconv.project.planning import Planner, consult

        def question(planner: Planner) -> list[dict[str, Any]]:
            steps = explain_steps(planner, selection)
            planner.save_index()
            return steps

        return consult(settings, selection, common.load_plugins(settings), tell, question)

    steps = ask_child(ask, settings.root)
    if as_json:
        print_json({"steps": steps})
        return 0
    for step in steps:
        _print_step(step, verbose=verbose)
    return 0


def _print_step(step: Mapping[str, Any], *, verbose: bool) -> None:
    action = style(step["action"], _COLOURS[step["action"]], "bold")
    print_line(f"{style(escape(step['node']), 'bold')}  ({escape(step['where'])})")
    print_line(f"  {action}: {escape(step['reason'])}")
    if step["last"]:
        print_line(escape(f"  last executed in run {step['last']['run']}: {step['last']['reason']}"))
    for change in step["changes"]:
        print_line(f"  {escape(change['text'])}")
        for line in change["diff"]:
            colour = {"+": "green", "-": "red"}.get(line[:1], "dim")
            print_line("      " + style(escape(line), colour))
    if step["waits_for"] and step["changes"]:
        print_line(f"  its inputs are not known yet: waits for {escape(', '.join(step['waits_for']))}")
    if verbose:
        for name, part in step["parts"].items():
            where = f"  ({part['where']})" if part["where"] else ""
            print_line(style(escape(f"    {name} = {part['digest'][:23]}{where}"), "dim"))
