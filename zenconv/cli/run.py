"""``zenconv run``: run whatever changed; ``--plan`` says what that would be."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import click

from zenconv.cli.options import CommonOptions, common_options
from zenconv.cli.output import escape, plural, print_json, print_line, print_table, style


@click.command()
@click.argument("targets", nargs=-1)
@click.option("--plan", "only_plan", is_flag=True, help="Say what would run and why; run nothing.")
@click.option("-k", "keyword", default="", metavar="EXPRESSION", help="Only steps whose id matches.")
@click.option("-m", "marks", default="", metavar="EXPRESSION", help="Only steps with these marks.")
@click.option("--lf", "--last-failed", "last_failed", is_flag=True, help="Only what failed last time.")
@click.option("-x", "stop_on_failure", is_flag=True, help="Stop at the first failure.")
@click.option("-s", "live_output", is_flag=True, help="Show what steps print, as they print it.")
@click.option("--pdb", "debug", is_flag=True, help="Open the debugger where a step fails; -n 0 -s.")
@click.option("--pdbcls", "debugger", default="", metavar="MODULE:CLASS", help="Another debugger.")
@click.option("--force", multiple=True, metavar="STEP", help="Run this step even if nothing changed.")
@click.option("--timeout", metavar="TIME", help="For steps that say nothing of theirs: 10m, 90s.")
@click.option("--strict-markers", is_flag=True, help="A mark that is not declared is an error.")
@click.option("--markers", "only_markers", is_flag=True, help="List the marks there are; run nothing.")
@click.option("-n", "workers", metavar="N", help="Worker processes; auto: one per core; 0: none.")
@click.option("--watch", is_flag=True, help="Run again whenever something changes, until Ctrl-C.")
@click.option("-v", "--verbose", count=True, help="Reused steps one by one.")
@click.option("-q", "--quiet", is_flag=True, help="Only failures and the last line.")
@click.option("--durations", type=int, default=0, metavar="N", help="The N slowest steps.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON on stdout.")
@common_options
def command(
    common: CommonOptions,
    targets: tuple[str, ...],
    only_plan: bool,
    keyword: str,
    marks: str,
    last_failed: bool,
    stop_on_failure: bool,
    live_output: bool,
    debug: bool,
    debugger: str,
    force: tuple[str, ...],
    timeout: str | None,
    strict_markers: bool,
    only_markers: bool,
    workers: str | None,
    watch: bool,
    verbose: int,
    quiet: bool,
    durations: int,
    as_json: bool,
) -> int:
    """Run pipelines: whatever changed, and nothing else.

    TARGETS are node ids, files, folders, pipelines or step names; without any, everything runs.
    """
    if only_markers:
        return _show_markers(common, as_json=as_json)
    from zenconv.errors import UsageError
    from zenconv.project.planning import Selection
    from zenconv.project.running import RunOptions
    from zenconv.stack.workers import parse_workers

    common = attrs.evolve(common, changes=_read_changes(timeout, strict_markers=strict_markers))
    number = parse_workers(workers) if workers is not None else None
    selection = Selection(targets, keyword, last_failed, force, marks)
    if watch and only_plan:
        raise UsageError("--watch runs, and --plan does not", hint="leave one of them out")
    if only_plan:
        return _show_plan(common, selection, verbosity=verbose, as_json=as_json)
    if debug and as_json:
        raise click.UsageError("--pdb talks on stdout, where --json prints")
    debugging = None
    if debug or live_output:
        from zenconv.cli.debugging import request_debugger

        debugging = request_debugger(on_failure=debug, class_name=debugger)
    options = RunOptions(selection, tuple(sys.argv[1:]), stop_on_failure, live_output or debug, debugging)
    verbosity = -1 if quiet else verbose
    if watch:
        return _watch(common, options, number, verbosity=verbosity, durations=durations, as_json=as_json)
    return _run(common, options, number, verbosity=verbosity, durations=durations, as_json=as_json)


def _read_changes(timeout: str | None, *, strict_markers: bool) -> dict[str, Any]:
    """Return the settings that flags of this command change."""
    changes: dict[str, Any] = {"strict_markers": True} if strict_markers else {}
    if timeout is not None:
        from zenconv.authoring import parse_duration
        from zenconv.errors import UsageError
        from zenconv.settings.text import parse_text

        try:
            changes["timeout"] = parse_duration(parse_text(timeout))
        except UsageError as error:
            raise UsageError(f"--timeout: {error.what}", hint=error.hint) from None
    return changes


def _show_markers(common: CommonOptions, *, as_json: bool) -> int:
    from zenconv.project.marks import list_markers

    rows = list_markers(common.load_settings())
    if as_json:
        print_json({"markers": [row._asdict() for row in rows]})
        return 0
    for row in rows:
        print_line(f"{style(escape('zenconv.mark.' + row.usage), 'bold')}: {escape(row.text)}".rstrip(": "))
    return 0


def _run(
    common: CommonOptions,
    options: Any,
    workers: int | None,
    *,
    verbosity: int,
    durations: int,
    as_json: bool,
) -> int:
    from zenconv.cli.progress import Progress
    from zenconv.project.running import run_project

    settings = _load_settings(common, options, workers)
    progress = Progress(verbosity=verbosity, durations=durations, is_live=options.live_output)
    run, finished = run_project(settings, options, lambda: common.load_plugins(settings), progress)
    _show_end(run, finished, progress, as_json=as_json, verbosity=verbosity)
    return finished.exit_code


def _watch(
    common: CommonOptions,
    options: Any,
    workers: int | None,
    *,
    verbosity: int,
    durations: int,
    as_json: bool,
) -> int:
    from zenconv.cli.watch import WatchOptions, watch_project

    def show_end(run: str, finished: Any, progress: Any) -> None:
        _show_end(run, finished, progress, as_json=as_json, verbosity=verbosity)

    def load_settings() -> Any:
        return _load_settings(common, options, workers)

    return watch_project(WatchOptions(common, options, load_settings, show_end, verbosity, durations))


def _load_settings(common: CommonOptions, options: Any, workers: int | None) -> Any:
    from zenconv.stack.workers import with_workers

    settings = common.load_settings()
    if options.debugging is not None and options.debugging.on_failure:
        from zenconv.cli.debugging import without_workers

        return without_workers(common, settings, workers)
    return with_workers(settings, workers)


def _show_end(run: str, finished: Any, progress: Any, *, as_json: bool, verbosity: int) -> None:
    from zenconv.cli.progress import last_line

    for line in progress.slowest():
        print_line(line)
    if as_json:
        print_json(
            {
                "run": run,
                "status": finished.status,
                "exit_code": finished.exit_code,
                "counts": dict(finished.counts),
                "seconds": finished.seconds,
            }
        )
    elif finished.status != "error":
        print_line(last_line(finished, run))
        if finished.status == "failed" and verbosity >= 0:
            print_line("`zenconv show` tells more about what failed")


def _show_plan(common: CommonOptions, selection: Any, *, verbosity: int, as_json: bool) -> int:
    from zenconv.engine.guard import ask_child

    settings = common.load_settings()

    def ask(tell: Any) -> Any:
        from zenconv.engine.plan_records import plan_event
        from zenconv.project.planning import Planner, consult

        def question(planner: Planner) -> dict[str, Any]:
            nodes = plan_event(planner.plan(selection)).nodes
            planner.save_index()
            warnings = [str(w) for w in planner.project.warnings]
            return {"nodes": list(nodes), "warnings": warnings, "not_indexed": planner.not_indexed}

        return consult(settings, selection, common.load_plugins(settings), tell, question)

    answer = ask_child(ask, settings.root)
    if as_json:
        print_json(answer)
        return 0
    _print_plan(answer["nodes"])
    for reason in answer["not_indexed"] if verbosity else ():
        print_line(f"every command imports the project: {escape(reason)}")
    return 0


def _print_plan(nodes: Sequence[Mapping[str, Any]]) -> None:
    from zenconv.cli.progress import short_id

    print_table([(short_id(n), n["action"], n["reason"]) for n in nodes], ["step", "action", "reason"])
    counts = {
        action: sum(n["action"] == action for n in nodes)
        for action in ("run", "maybe", "expand", "reuse", "skip")
    }
    text = ", ".join(f"{count} {action}" for action, count in counts.items() if count)
    print_line(escape(f"{plural(len(nodes), 'step')}: {text or 'nothing to do'}"))
