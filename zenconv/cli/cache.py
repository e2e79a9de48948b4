"""``zenconv cache``: what results are stored, and copying them from and to another store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zenconv.cli.options import CommonOptions, common_options, json_option
from zenconv.cli.output import (
    escape,
    format_size,
    has_screen,
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
    from zenconv.trust import Trust
    from zenconv.upkeep.copying import Copied, Side
    from zenconv.upkeep.listing import CachedResult

_VERBS = ("push", "pull")
_SHOWN_PROBLEMS = 10


@click.command()
@click.argument("arguments", nargs=-1, metavar="[push|pull [STACK|URL] [TARGET]...]")
@json_option
@common_options
def command(common: CommonOptions, arguments: tuple[str, ...], as_json: bool) -> int:
    """List stored results; copy them to or from another store.

    \b
    zenconv cache                     what is stored, by step
    zenconv cache push [STACK|URL]    copy what is missing there
    zenconv cache pull [STACK|URL]    copy what is missing here
    TARGETs, as for `zenconv run`: only what these would reuse as the project is now.

    What was copied is reused as if it had been computed here; what would have to be unpickled,
    only if it is trusted here.
    """  # noqa: D301 - click takes the backspace for "leave these lines as they are"
    from zenconv.errors import UsageError, did_you_mean

    if not arguments:
        _list(common, as_json=as_json)
        return 0
    if arguments[0] not in _VERBS:
        hint = did_you_mean(arguments[0], _VERBS)
        raise UsageError(f"zenconv cache cannot {arguments[0]!r}", hint=hint)
    verb, *rest = arguments
    return _copy(common, verb, rest[0] if rest else "", rest[1:], as_json=as_json)


def _list(common: CommonOptions, *, as_json: bool) -> None:
    from zenconv.upkeep.listing import list_results, total_size

    stack = common.open_stack(common.load_settings(), print_warning)
    try:
        results = list_results(stack.action_cache, stack.metadata_store)
        url = stack.artifact_store.url
    finally:
        stack.close()
    files, size = total_size(result.entry for result in results)
    if as_json:
        rows = [_describe(result) for result in results]
        print_json({"store": url, "files": files, "bytes": size, "results": rows})
    elif not results:
        print_note(f"no results are stored in {escape(url)}: zenconv run")
    else:
        _print_results(results)
        print_line()
        stored = f"{plural(files, 'stored file')}, {format_size(size)}"
        print_line(f"{plural(len(results), 'result')}, {stored} in {escape(url)}")


def _print_results(results: Sequence[CachedResult]) -> None:
    from zenconv.cli.reading import show_time

    groups: dict[str, list[CachedResult]] = {}
    for result in results:
        groups.setdefault(result.node, []).append(result)
    rows = []
    for node, members in groups.items():
        newest = max(member.entry.created for member in members)
        size = sum(member.size for member in members)
        rows.append((size, node or "(no recorded run)", len(members), format_size(size), show_time(newest)))
    rows.sort(key=lambda row: (-row[0], row[1]))
    print_table([row[1:] for row in rows], ("step", "results", "size", "newest"), right=("results", "size"))


def _describe(result: CachedResult) -> dict[str, Any]:

    entry = result.entry
    return {
        "key": str(entry.key),
        "node": result.node,
        "created": entry.created,
        "seconds": entry.seconds,
        "writer": entry.writer,
        "bytes": result.size,
        "outputs": {
            name: {
                "type": a.type,
                "materializer": a.materializer,
                "bytes": a.size,
                "runs_code": a.needs_trust,
            }
            for name, a in entry.outputs.items()
        },
    }


def _copy(common: CommonOptions, verb: str, place: str, targets: Sequence[str], *, as_json: bool) -> int:
    from zenconv.upkeep.copying import copy_results
    from zenconv.upkeep.places import open_place

    settings = common.load_settings()
    plugins = common.load_plugins(settings)
    local_parts = _local_parts(common, settings, targets) if targets else None
    with _scratch(settings) as (scratch, guard), ExitStack() as opened:
        here = common.open_stack(settings, print_warning)
        opened.callback(here.close)
        there = open_place(settings, plugins, place, scratch, print_warning)
        opened.callback(there.close)
        if verb == "pull":
            _check_there(there.artifact_store.url)
        # What is being copied must survive a clean, on both sides, until all of it is published.
        for stack in (here, there):
            stack.protect(guard, f"cache {verb}")
            opened.callback(stack.unprotect)
        sides = _side(here, is_written=verb == "pull"), _side(there, is_written=verb == "push")
        source, target = sides if verb == "push" else sides[::-1]
        done = copy_results(source, target, local_parts=local_parts, on_batch=_show_progress)
        source_url, target_url = source.store.url, target.store.url
    _report(done, verb, source_url, target_url, as_json=as_json)
    return 1 if done.problems else 0


def _check_there(url: str) -> None:
    """Raise `UsageError` for a folder that does not exist: to pull nothing from it helps nobody."""
    import os

    from zenconv.errors import UsageError

    folder = url.removeprefix("file://")
    if folder != url and not os.path.isdir(folder):
        raise UsageError(f"there is no store in {folder}", hint="`zenconv cache push` makes one")


@contextmanager
def _scratch(settings: Settings) -> Iterator[tuple[Path, Path]]:
    """Give a folder for what is written in passing, and a lock file that is held meanwhile."""
    import os
    import shutil
    import tempfile

    from zenconv.locks import FileLock

    # A project on read-only media can be pushed, too.
    home = settings.state if os.access(settings.state, os.W_OK) else Path(tempfile.gettempdir())
    folder = home / "copying" / f"{os.getpid()}-{os.urandom(4).hex()}"
    lock = FileLock(folder / "lock")
    lock.acquire(timeout=None)
    try:
        yield folder, folder / "lock"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.close()


def _side(stack: Stack, *, is_written: bool) -> Side:
    from zenconv.stack.assemble import choose_component
    from zenconv.upkeep.copying import Side

    chosen = choose_component(stack.settings, "artifact_store")
    is_remote = chosen is not None and chosen.id != "local"
    if hasattr(stack.artifact_store, "keeps_copies"):
        stack.artifact_store.keeps_copies = False
    return Side(stack.artifact_store, stack.action_cache, _find_trust(stack, must=is_written), is_remote)


def _find_trust(stack: Stack, *, must: bool) -> Trust | None:
    """Return whose bytes count for `stack`; None where its key is not at hand, and need not be."""
    from zenconv.errors import SettingsError

    is_named = stack.settings.where != "" or stack.name == "local"
    try:
        return stack.trust
    except SettingsError:
        if must and is_named:
            raise
        return None


def _local_parts(common: CommonOptions, settings: Settings, targets: Sequence[str]) -> frozenset[str]:
    """Return the local key parts of `targets`, and of all they need, as the project is now."""
    from collections.abc import Callable

    from zenconv.engine.guard import ask_child
    from zenconv.project.planning import Planner, Selection, consult

    def ask(tell: Callable[[str], None]) -> Any:
        def question(planner: Planner) -> list[str]:
            return [planner.decider.keys.local(node).digest for node in planner.pipeline]

        selection = Selection(tuple(targets))
        return consult(settings, selection, common.load_plugins(settings), tell, question)

    return frozenset(ask_child(ask, settings.root))


def _show_progress(done: Copied) -> None:
    import sys

    if has_screen(sys.stderr):
        click.echo(f"\r{plural(done.blobs, 'file')}, {format_size(done.size)} ", nl=False, err=True)


def _report(done: Copied, verb: str, source: str, target: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"from": source, "to": target, **_as_data(done)})
        return
    import sys

    if has_screen(sys.stderr):
        click.echo("\r\x1b[K", nl=False, err=True)
    verbs = {"push": "pushed", "pull": "pulled"}
    where = f"to {escape(target)}" if verb == "push" else f"from {escape(source)}"
    print_line(
        f"{verbs[verb]} {plural(done.entries, 'result')}, {plural(done.blobs, 'stored file')}, "
        f"{format_size(done.size)} {where}; {done.present} were there already"
    )
    if verb == "pull" and not (done.entries or done.present or done.problems):
        print_note("nothing is stored there that is asked for")
    if done.signed:
        print_line(f"signed {plural(done.signed, 'result')} that were there")
    if done.untrusted and verb == "pull":
        print_note(
            f"{plural(done.untrusted, 'result')} would have to be unpickled, which is not trusted here: "
            "computed again when needed"
        )
    elif done.untrusted:
        print_note(
            f"{plural(done.untrusted, 'result')} would have to be unpickled: without a signing key for that "
            "store nobody else trusts such results (`zenconv stack trust NAME`)"
        )
    for text in done.problems[:_SHOWN_PROBLEMS]:
        print_warning(f"not copied: {text}")
    if len(done.problems) > _SHOWN_PROBLEMS:
        print_warning(f"and {len(done.problems) - _SHOWN_PROBLEMS} more not copied")


def _as_data(done: Copied) -> Mapping[str, Any]:
    return {
        "results": done.entries,
        "files": done.blobs,
        "bytes": done.size,
        "present": done.present,
        "signed": done.signed,
        "untrusted": done.untrusted,
        "problems": done.problems,
    }
