"""What is kept of an execution: its cache entry, with the files that it read without asking."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import attrs

from zenconv import clock
from zenconv.engine.discovery import LOOK, digest_discovered, find_changed, variant_of
from zenconv.engine.files import FileDigests
from zenconv.engine.keys import KeyMaker
from zenconv.errors import StoreError
from zenconv.interfaces.orchestrating import TaskResult
from zenconv.interfaces.storing import ActionCache
from zenconv.records.artifact import ActionEntry, ActionKey
from zenconv.records.step import Node


def make_entry(node: Node, key: ActionKey, result: TaskResult, keys: KeyMaker, writer: str) -> ActionEntry:
    """Return the cache entry of an execution. `writer` names the run."""
    return ActionEntry(
        key=key,
        discovered=_digest_discovered(node, result, keys),
        outputs=result.outputs,
        output=result.output,
        live=result.live,
        seconds=result.seconds,
        created=clock.utc_now(),
        writer=writer,
    )


def publish_entry(entry: ActionEntry, cache: ActionCache) -> None:
    """Put an entry into the cache. `StoreError` where that cannot be."""
    cache.publish(entry)
    if entry.discovered:  # and once more, to be found when the files are as they are now
        cache.publish(attrs.evolve(entry, key=variant_of(entry.key, entry.discovered)))


def changed_files(node: Node, result: TaskResult, keys: KeyMaker) -> str:
    """Return the names of the files that changed while the step ran; nothing if none did.

    To be called after the entry was made: then those that are in order were read as digested.
    """
    if result.status != "succeeded":
        return ""
    fresh = FileDigests()
    try:
        declared = keys.local(node).files
        changed = [path.name for path, digest in declared.items() if fresh.digest(path) != digest]
    except StoreError as error:
        return error.what
    signatures = {name: was for name, (_, was) in result.discovered.items()}
    return ", ".join([*changed, *find_changed(signatures, keys.root)])


def describe_discovered(node: Node, discovered: Mapping[str, str], result: TaskResult) -> str:
    """Return the hint to declare the files that a step reads without asking; nothing if it reads none."""
    read = [name for name in discovered if not name.endswith(LOOK)]
    if not read:
        return ""
    where = result.discovered[read[0]][0] or node.step.where
    names = ", ".join(repr(name) for name in read[:3])
    remedy = "`@zenconv.step(also=[...])`" if read[0].endswith(".py") else "a parameter, `file: Path`,"
    more = f" and {len(read) - 3} more" if len(read) > 3 else ""
    count = "it counts" if len(read) == 1 else "they count"
    return (
        f"{where}: {node.step.name!r} reads {names}{more} without asking: "
        f"{count} from now on; {remedy} would show it"
    )


def _digest_discovered(node: Node, result: TaskResult, keys: KeyMaker) -> dict[str, str]:
    if not result.discovered:
        return {}
    declared = [os.path.abspath(path) for path in keys.local(node).files]
    names = [name for name in result.discovered if not _is_within(str(keys.root / name), declared)]
    return digest_discovered(names, keys.root, keys.files)


def _is_within(path: str, declared: Iterable[str]) -> bool:
    return any(path.rstrip("/") == place or path.startswith(place + os.sep) for place in declared)
