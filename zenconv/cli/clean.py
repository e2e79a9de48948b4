"""``zenconv clean``: remove old runs, and stored results that nothing needs any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from zenconv.cli.options import CommonOptions, common_options, json_option
from zenconv.cli.output import (
    escape,
    format_size,
    plural,
    print_json,
    print_line,
    print_note,
    print_table,
    print_warning,
)

if TYPE_CHECKING:
    from zenconv.settings.settings import Settings
    from zenconv.stack.assemble import Stack
    from zenconv.upkeep.cleaning import Cleaned, Cleaner, CleanPlan
    from zenconv.upkeep.retention import Retention

_SHOWN = 30
_REASONS = 4
_LEFTOVERS = {
    "quarantine": "found damaged, in quarantine",
    "spool": "never finished by its writer",
    "copy": "copy of a remote result",
}


@click.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--older-than", metavar="AGE", help="Only runs older than this: 12h, 30d, 8w.")
@click.option("--keep-last", type=click.IntRange(min=0), metavar="N", help="Keep the newest N runs.")
@click.option("--failed", "only_failed", is_flag=True, help="Only runs that did not succeed.")
@click.option("--others", is_flag=True, help="In a shared store, also what others left unpinned.")
@click.option("-y", "--yes", is_flag=True, help="Do it; without this, only say what would be done.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done (the default).")
@click.option("-v", "--verbose", is_flag=True, help="List every run that stays, too, and why.")
@json_option
@common_options
def command(
    common: CommonOptions,
    runs: tuple[str, ...],
    older_than: str | None,
    keep_last: int | None,
    only_failed: bool,
    others: bool,
    yes: bool,
    dry_run: bool,
    verbose: bool,
    as_json: bool,
) -> None:
    """Remove old runs, and stored results that nothing needs any more.

    Without --yes nothing is removed. RUN names runs to remove, and no others. What a kept run
    needs stays, as do the newest run and the newest successful run of each pipeline.
    """
    from zenconv.errors import UsageError
    from zenconv.upkeep.cleaning import Cleaner

    if yes and dry_run:
        raise UsageError("--yes and --dry-run contradict each other")
    settings = common.load_settings()
    stack = common.open_stack(settings, print_warning)
    try:
        retention = _retention(settings, stack, runs, older_than, keep_last, only_failed)
        cleaner = Cleaner(settings, stack, retention, others=others)
        plan = cleaner.plan()
        _tell(stack)
        done = _perform(cleaner, plan) if yes else None
    finally:
        stack.close()
    if as_json:
        print_json(_as_data(plan, done))
    else:
        _print_plan(plan, verbose=verbose)
        _print_end(plan, done)


def _perform(cleaner: Cleaner, plan: CleanPlan) -> Cleaned:
    from zenconv.upkeep.cleaning import Cleaned

    return Cleaned() if plan.is_empty else cleaner.perform(plan)


def _retention(
    settings: Settings,
    stack: Stack,
    runs: Sequence[str],
    older_than: str | None,
    keep_last: int | None,
    only_failed: bool,
) -> Retention:
    from zenconv.authoring import parse_duration
    from zenconv.errors import UsageError
    from zenconv.upkeep.retention import KEEP_LAST, OLDER_THAN, Retention

    if runs and (older_than or keep_last is not None or only_failed):
        raise UsageError(
            "runs are named, so --older-than, --keep-last and --failed have no say",
            hint="leave out either the one or the other",
        )
    if runs:
        return Retention(named=_find_runs(settings, stack, runs))
    try:
        age = settings.clean.older_than if older_than is None else parse_duration(older_than)
    except UsageError as error:
        raise UsageError(f"--older-than: {error.what}", hint=error.hint) from None
    number = settings.clean.keep_last if keep_last is None else keep_last
    if age is None and number is None and not only_failed:
        age, number = OLDER_THAN, KEEP_LAST
    return Retention(age, number, only_failed)


def _find_runs(settings: Settings, stack: Stack, names: Sequence[str]) -> frozenset[str]:
    """Return the ids of the runs that are named. `UsageError` for one of another store."""
    from zenconv.errors import UsageError
    from zenconv.queries.history import History

    history = History(settings, stack._plugins, stack, print_warning)
    found = [history.find_run(name) for name in dict.fromkeys(names)]
    for run in found:
        if not run.is_over:
            raise UsageError(f"run {run.id} is running", hint="end it first: Ctrl-C, or kill its process")
        if run.stack != stack.name and run.stack in settings.stacks:
            raise UsageError(
                f"run {run.id} ran on the stack {run.stack!r}", hint=f"zenconv clean --stack {run.stack} ..."
            )
    return frozenset(run.id for run in found)


def _tell(stack: Stack) -> None:
    store = stack.metadata_store
    notices, store.notices[:] = list(store.notices), []
    for text in notices:
        print_warning(text)


def _print_plan(plan: CleanPlan, *, verbose: bool) -> None:
    from zenconv.cli.reading import show_time

    going = [verdict for verdict in plan.verdicts if verdict.goes]
    if going:
        shown = going if verbose else going[:_SHOWN]
        rows = [
            (run.id, run.status, show_time(run.started), format_size(plan.frees.get(run.id, 0)), reason)
            for run, reason in ((verdict.run, verdict.reason) for verdict in shown)
        ]
        print_table(rows, ("run", "status", "started", "frees", "why it goes"), right=("frees",))
        if len(shown) < len(going):
            print_line(f"... and {plural(len(going) - len(shown), 'more run', 'more runs')} (-v lists them)")
        print_line()
    staying = [verdict for verdict in plan.verdicts if not verdict.goes]
    if verbose and staying:
        print_table([(v.run.id, v.run.status, v.reason) for v in staying], ("run", "status", "why it stays"))
        print_line()
    for text in [*_staying(plan), *_going(plan)]:
        print_line(escape(text))


def _staying(plan: CleanPlan) -> Iterator[str]:
    reasons = Counter(verdict.reason for verdict in plan.verdicts if not verdict.goes)
    if reasons:
        shown = reasons.most_common(_REASONS)
        why = shown[0][0] if len(reasons) == 1 else "; ".join(f"{count} {reason}" for reason, count in shown)
        more = "; ..." if len(reasons) > _REASONS else ""
        yield f"stays  {plural(sum(reasons.values()), 'run')}: {why}{more}"
    yield f"stays  {_stored(plan.kept_entries, plan.kept_blobs, plan.kept_bytes)}"


def _going(plan: CleanPlan) -> Iterator[str]:
    if plan.going:
        yield f"goes   {plural(len(plan.going), 'run')}"
    if plan.entries or plan.blobs:
        yield f"goes   {_stored(len(plan.entries), len(plan.blobs), sum(plan.blobs.values()))}"
    kinds: dict[str, list[int]] = {}
    for leftover in plan.leftovers:
        kinds.setdefault(_LEFTOVERS[leftover.kind], []).append(leftover.size)
    for remains in plan.remains:
        kinds.setdefault(remains.kind, []).append(remains.size)
    for kind, sizes in sorted(kinds.items()):
        yield f"goes   {plural(len(sizes), 'file')} ({kind}), {format_size(sum(sizes))}"


def _stored(entries: int, blobs: int, size: int) -> str:
    return f"{plural(entries, 'cached result')}, {plural(blobs, 'stored file')}, {format_size(size)}"


def _print_end(plan: CleanPlan, done: Cleaned | None) -> None:
    if done is not None:
        stored = f"{plural(done.entries, 'cached result')}, {plural(done.blobs, 'stored file')}"
        files = plural(done.files, "other file")
        freed = format_size(done.freed)
        print_line(f"removed {plural(len(done.runs), 'run')}, {stored}, {files}; {freed} freed")
        for note in done.notes:
            print_warning(note)
    elif plan.is_empty:
        print_note("nothing to remove")
    else:
        print_note("nothing was removed: add --yes to remove it")


def _as_data(plan: CleanPlan, done: Cleaned | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "dry_run": done is None,
        "runs": [
            {
                "id": verdict.run.id,
                "status": verdict.run.status,
                "started": verdict.run.started,
                "goes": verdict.goes,
                "reason": verdict.reason,
                "frees": plan.frees.get(verdict.run.id, 0),
            }
            for verdict in plan.verdicts
        ],
        "entries": len(plan.entries),
        "blobs": {"count": len(plan.blobs), "bytes": sum(plan.blobs.values())},
        "kept": {"entries": plan.kept_entries, "blobs": plan.kept_blobs, "bytes": plan.kept_bytes},
        "leftovers": [{"kind": f.kind, "name": f.name, "bytes": f.size} for f in plan.leftovers]
        + [{"kind": f.kind, "name": str(f.path), "bytes": f.size} for f in plan.remains],
    }
    if done is not None:
        data["removed"] = {
            "runs": done.runs,
            "entries": done.entries,
            "blobs": done.blobs,
            "files": done.files,
            "bytes": done.freed,
            "notes": done.notes,
        }
    return data
