"""``zenconv steps``: every step by pipeline, and where each of its parameters comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from zenconv.cli.options import CommonOptions, common_options, json_option
from zenconv.cli.output import escape, plural, print_json, print_line, print_note, print_warning, style


@click.command()
@click.argument("targets", nargs=-1)
@click.option("-k", "keyword", default="", metavar="EXPRESSION", help="Only steps whose id matches.")
@click.option("-m", "marks", default="", metavar="EXPRESSION", help="Only steps with these marks.")
@click.option("-v", "--verbose", is_flag=True, help="Types, fixtures and whole descriptions too.")
@click.option("--overrides", "only_overrides", is_flag=True, help="Who overrides whom instead.")
@json_option
@common_options
def command(
    common: CommonOptions,
    targets: tuple[str, ...],
    keyword: str,
    marks: str,
    verbose: bool,
    only_overrides: bool,
    as_json: bool,
) -> None:
    """List the steps by pipeline, and where each parameter comes from.

    TARGETS as for `zenconv run`; without any, every step.

    With --overrides: every step, template and fixture that takes the place of another one of its name.
    """
    from zenconv.engine.guard import ask_child

    settings = common.load_settings()

    def ask(tell: Callable[[str], None]) -> Any:
        from zenconv.project.describe import describe_overrides, describe_steps
        from zenconv.project.indexed import IndexedProject
        from zenconv.project.planning import consult_project
        from zenconv.project.project import Project
        from zenconv.project.select import Narrowing

        def question(project: Project | IndexedProject) -> dict[str, Any]:
            selected = project.checked(targets, Narrowing(keyword, marks))
            warnings = [str(w) for w in project.warnings]
            if only_overrides:
                names = {selected.pipeline.nodes[id].pipeline for id in selected.ids}
                return {"overrides": describe_overrides(project.overrides, names), "warnings": warnings}
            return {
                "steps": describe_steps(selected, settings.root),
                "warnings": warnings,
            }

        return consult_project(settings, tell, common.load_plugins(settings), question)

    answer = ask_child(ask, settings.root)
    if as_json:
        print_json(answer)
        return
    for warning in answer["warnings"]:
        print_warning(warning)
    if only_overrides:
        _print_overrides(answer["overrides"])
    else:
        _print_steps(answer["steps"], verbose=verbose)


def _print_overrides(overrides: Sequence[Mapping[str, Any]]) -> None:
    if not overrides:
        print_note("nothing is overridden")
    names: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for override in overrides:
        names.setdefault((override["name"], override["kind"]), []).append(override)
    for (name, kind), found in names.items():
        print_line(f"{style(escape(name), 'bold')}  {style(kind, 'dim')}")
        for override in found:
            text = f"{override['where']} overrides {override['overridden']}"
            text += ", and asks for it" if override["wraps"] else ""
            print_line(f"  {escape(text)}  {style(escape('in ' + ', '.join(override['pipelines'])), 'dim')}")


def _print_steps(steps: Sequence[Mapping[str, Any]], *, verbose: bool) -> None:
    pipelines: dict[str, list[Mapping[str, Any]]] = {}
    for step in steps:
        pipelines.setdefault(step["pipeline"], []).append(step)
    for pipeline, members in pipelines.items():
        file = members[0]["node"].partition("::")[0]
        count = style(f"{escape(file)}, {plural(len(members), 'step')}", "dim")
        print_line(f"{style(escape(pipeline), 'bold')}  {count}")
        for step in members:
            _print_step(step, verbose=verbose)
        print_line()


def _print_step(step: Mapping[str, Any], *, verbose: bool) -> None:
    name = step["node"].partition("::")[2]
    outputs = [_typed(o["name"], o["type"] if verbose else "") for o in step["outputs"] if o["name"]]
    arrow = f" -> {', '.join(outputs)}" if outputs else ""
    if verbose and not outputs and step["outputs"][0]["type"]:
        arrow = f" -> {step['outputs'][0]['type']}"
    print_line(f"  {style(escape(name), 'green')}{escape(arrow)}  {style(escape(step['where']), 'dim')}")
    lines = step["doc"].splitlines() if verbose else step["doc"].splitlines()[:1]
    for line in lines:
        print_line(f"      {style(escape(line.strip()), 'dim')}".rstrip())
    for parameter in step["parameters"]:
        print_line("      " + _parameter_line(parameter, verbose=verbose))
    if step["marks"]:
        print_line(f"      {style(escape('marked ' + ', '.join(map(_mark_text, step['marks']))), 'dim')}")
    for fixture in step["fixtures"] if verbose else ():
        param = f" with {fixture['param']}" if fixture["param"] else ""
        text = f"{fixture['name']}: {fixture['scope']} fixture{param}, {fixture['where']}"
        print_line(f"      {escape(text)}")
        for parameter in fixture["parameters"]:
            print_line("          " + _parameter_line(parameter, verbose=True))


def _mark_text(mark: Mapping[str, Any]) -> str:
    given = [*mark["args"], *(f"{name}={value}" for name, value in mark["kwargs"].items())]
    return f"{mark['name']}({', '.join(given)})" if given else str(mark["name"])


def _typed(name: str, kind: str) -> str:
    return f"{name}: {kind}" if kind else name


def _parameter_line(parameter: Mapping[str, Any], *, verbose: bool) -> str:
    text = _typed(parameter["name"], parameter["type"] if verbose else "")
    if "value" in parameter:
        text += f"={parameter['value']}" if text == parameter["name"] else f" = {parameter['value']}"
    line = escape(text)
    origin = parameter["origin"]
    return f"{line} {style('<- ' + escape(origin), 'dim')}" if origin else line
