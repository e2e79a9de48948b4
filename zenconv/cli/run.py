"""``zenconv run``: run whatever changed; ``--plan`` says what that would be."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
import click

from zenconv.cli.main import ARGUMENTS
from zenconv.cli.options import CommonOptions, common_options
from zenconv.cli.output import escape, plural, print_json, print_line, print_table
from zenconv.cli.plugin_options import RunCommand
from zenconv.cli.run_flags import RunFlags, run_flags

if TYPE_CHECKING:
    from zenconv.project.planning import Selection
    from zenconv.project.running import RunOptions
    from zenconv.settings import Settings


@click.command(cls=RunCommand)
@run_flags
@common_options
def command(common: CommonOptions, flags: RunFlags) -> int:
    """Run pipelines: whatever changed, and nothing else.

    TARGETS are node ids, files, folders, pipelines or step names; without any, everything runs.
    """
    from zenconv.errors import UsageError

    gc.disable()  # until all is imported and read: that makes many objects and no garbage
    changes = _read_changes(flags.timeout, strict_markers=flags.strict_markers)
    common = attrs.evolve(common, changes=changes)
    show = _find_listing(flags)
    if show is not None:
        return show(common, flags)
    selection = flags.selection(common)
    if flags.watch and flags.only_plan:
        raise UsageError("--watch runs, and --plan does not", hint="leave one of them out")
    if flags.only_plan:
        return _show_plan(common, selection, verbosity=flags.verbosity, as_json=flags.as_json)
    options = _read_options(flags, selection)
    return _watch(common, flags, options) if flags.watch else _run(common, flags, options)


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


def _find_listing(flags: RunFlags) -> Callable[[CommonOptions, RunFlags], int] | None:
    """Return what prints a list instead of running, if a flag asks for one."""
    if not (flags.only_markers or flags.only_fixtures or flags.only_collect):
        return None
    from zenconv.cli.listing import show_fixtures, show_markers, show_selected

    if flags.only_markers:
        return show_markers
    return show_fixtures if flags.only_fixtures else show_selected


def _run(common: CommonOptions, flags: RunFlags, options: RunOptions) -> int:
    from zenconv.cli.exports import Exports
    from zenconv.cli.report import RunReport
    from zenconv.project.running import run_project

    settings = _load_settings(common, flags)
    report = RunReport(flags, settings.root)
    exports = Exports(settings, report, options.selection.sample)
    gc.enable()
    run, finished = run_project(settings, options, partial(common.load_plugins, settings), exports)
    failed = exports.write(common, run, finished)
    report.show_end(run, finished, exports.written)
    return finished.exit_code or failed


def _watch(common: CommonOptions, flags: RunFlags, options: RunOptions) -> int:
    from zenconv.cli.watch import WatchOptions, watch_project

    gc.enable()
    return watch_project(WatchOptions(common, options, lambda: _load_settings(common, flags), flags))


def _read_options(flags: RunFlags, selection: Selection) -> RunOptions:
    from zenconv.project.running import RunOptions

    if flags.debug and flags.as_json:
        raise click.UsageError("--pdb talks on stdout, where --json prints")
    debugging = None
    if flags.is_live:
        from zenconv.cli.debugging import request_debugger

        debugging = request_debugger(on_failure=flags.debug, class_name=flags.debugger)
    arguments = click.get_current_context().meta.get(ARGUMENTS, ())
    return RunOptions(selection, arguments, flags.failure_limit, flags.is_live, debugging)


def _load_settings(common: CommonOptions, flags: RunFlags) -> Settings:
    """Return the settings, with the processes that ``-n`` asks for; a debugger leaves just one."""
    from zenconv.stack.workers import parse_workers, with_workers

    settings = common.load_settings()
    workers = parse_workers(flags.workers) if flags.workers is not None else None
    if not flags.debug:
        return with_workers(settings, workers)
    from zenconv.cli.debugging import without_workers

    return without_workers(common, settings, workers)


def _show_plan(common: CommonOptions, selection: Selection, *, verbosity: int, as_json: bool) -> int:
    from zenconv.engine.guard import ask_child

    settings = common.load_settings()

    def ask(tell: Any) -> Any:
        from zenconv.project.planning import Planner, consult

        def question(planner: Planner) -> dict[str, Any]:
            nodes = planner.describe(planner.plan(selection))
            planner.save_index()
            warnings = [str(w) for w in planner.project.warnings]
            return {"nodes": nodes, "warnings": warnings, "not_indexed": planner.not_indexed}

        return consult(settings, selection, common.load_plugins(settings), tell, question)

    answer = ask_child(ask, settings.root)
    if as_json:
        print_json(answer)
        return 0
    _print_plan(answer["nodes"])
    for reason in answer["not_indexed"] if verbosity > 0 else ():
        print_line(f"every command imports the project: {escape(reason)}")
    return 0


def _print_plan(nodes: Sequence[Mapping[str, Any]]) -> None:
    from zenconv.cli.progress import short_id

    rows = []
    for node in nodes:
        rows.append((short_id(node), node["action"], node["reason"]))
        guessed = [short_id({**node, "id": id}) for id in node.get("guessed", ())]
        rows += [(f"~{name}", "expand", "in the newest run") for name in guessed]
    print_table(rows, ["step", "action", "reason"])
    counts = {
        action: sum(n["action"] == action for n in nodes)
        for action in ("run", "maybe", "expand", "reuse", "skip")
    }
    text = ", ".join(f"{count} {action}" for action, count in counts.items() if count)
    print_line(escape(f"{plural(len(nodes), 'step')}: {text or 'nothing to do'}"))
