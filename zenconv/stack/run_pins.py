"""What a project's runs need of a store that others use, too: pinned in the name of the project."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from zenconv.errors import StoreError
from zenconv.records.artifact import ActionKey
from zenconv.records.layout import RunFolder, StateFolder
from zenconv.records.mentioned import find_stored
from zenconv.stack.assemble import Stack
from zenconv.stack.pins import pin, pin_key

_IDENTITY = "identity"
_PINNED = "pinned"


def identify_project(state: StateFolder) -> str:
    """Return a name for this state folder that no other has, made when first asked for. `StoreError`."""
    known = known_identity(state)
    if known:
        return known
    path = state.path / _IDENTITY
    draft = state.path / f"{_IDENTITY}.{os.getpid()}-{os.urandom(4).hex()}"
    try:
        draft.write_text(f"{os.urandom(8).hex()} {_inode(state)}", "ascii")
        try:
            os.link(draft, path)  # unlike a rename, never replaces what another process made
        except FileExistsError:
            if not known_identity(state):  # that of the folder this one was copied from
                os.replace(draft, path)
        draft.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
    return known_identity(state)


def known_identity(state: StateFolder) -> str:
    """Return the name of this state folder, ``""`` where it has none yet. `StoreError`.

    A copy of a folder is another folder: what it gives up, the first may still need.
    """
    path = state.path / _IDENTITY
    try:
        name, _, inode = path.read_text("ascii").strip().partition(" ")
        return name if name.isalnum() and inode == _inode(state) else ""
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot read {path}: {error}") from error


def _inode(state: StateFolder) -> str:
    return str(os.stat(state.path).st_ino)


def run_pins(state: StateFolder, runs: Iterable[str]) -> set[ActionKey]:
    """Return the keys of the pins that those runs have, if any were made. `StoreError`."""
    identity = known_identity(state)
    return {pin_key("run", f"{identity} {run}") for run in runs} if identity else set()


def pin_runs(state: StateFolder, stack: Stack, runs: Iterable[str], host: str) -> None:
    """Pin what those of `runs` need that ran on `stack` and have not done so. `StoreError`."""
    identity = identify_project(state)
    for run in runs:
        folder = state.run(run)
        if _is_pinned(folder) or _stack_of(folder.log) != stack.name:
            continue
        size = folder.log.stat().st_size
        needs = find_stored(folder.log)
        name, owner = f"{identity} {run}", f"run {run} on {host}"
        pin(stack.action_cache, "run", name, needs.digests, owner, keys=needs.keys)
        try:
            (folder.path / _PINNED).write_text(str(size), "ascii")
        except OSError:
            pass  # pinned again next time


def unpin_runs(state: StateFolder, stack: Stack, runs: Sequence[str]) -> None:
    """Give up what runs that are no longer recorded had pinned. `StoreError`."""
    stack.action_cache.remove(run_pins(state, runs))


def _is_pinned(folder: RunFolder) -> bool:
    """Whether a run has pinned what it needs, and its log names nothing more since."""
    try:
        size = int((folder.path / _PINNED).read_text("ascii"))
        return not find_stored(folder.log, size).digests
    except (OSError, ValueError, StoreError):
        return not folder.log.exists()


def _stack_of(log: Path) -> str:
    from zenconv.records.events import RunStarted
    from zenconv.records.log import read_events

    for event, _ in read_events(log):
        return event.stack if isinstance(event, RunStarted) else ""
    return ""
