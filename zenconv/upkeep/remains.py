"""Files of a state folder that nothing needs any more: drafts, copies of damaged files, dead runs' spools."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import attrs

from zenconv.errors import StoreError
from zenconv.frozen import Frozen
from zenconv.locks import FileLock, is_held
from zenconv.records.layout import StateFolder

REMOVED = "removed"
"""The folder into which runs are moved before their files are deleted."""

_DRAFT_SECONDS = 3600.0
_ASIDE = re.compile(r"(index\.sqlite|actions\.db)\.(damaged|newer)-\d+(-wal|-shm)?")
_BACKUP = re.compile(r"(index\.sqlite|actions\.db)\.backup-v\d+")
_DRAFT = re.compile(
    r"(index\.sqlite|actions\.db)\.new-.+|files\.json\.\d+|last_run\.new|doomed\.\d+-[0-9a-f]+"
)
_COLLECTION = re.compile(r"[0-9a-f]{24}\.json")
_COLLECTION_DRAFT = re.compile(r"[0-9a-f]{24}\.json\.\d+")
_ENVIRONMENT = re.compile(r"[0-9a-f]{20}")
_HEX = re.compile(r"[0-9a-f]{32}")
_LOCK_OF_COPY = re.compile(r"\d+-[0-9a-f]{8}")
_RUN_SPOOL = re.compile(r"spool-[0-9a-f]{8}|inputs(-\d+)?")


@attrs.frozen(eq=False, repr=False)
class Remains(Frozen):
    """A file or folder to be removed: what it is, in a word or two, and its size in bytes."""

    path: Path
    kind: str
    size: int


CHECKPOINT = "checkpoint"
ENVIRONMENT = "environment of steps"


def find_remains(state: StateFolder, age: float) -> Iterator[Remains]:
    """Yield what can go; collection indexes, checkpoints and environments if not used for `age` seconds."""
    yield from _in_folder(state.path / REMOVED, "half-removed run", re.compile(".+"), 0.0)
    for folder in (state.path, state.store):
        yield from _in_folder(folder, "damaged database, kept aside", _ASIDE, 0.0)
        yield from _in_folder(folder, "backup of a database", _BACKUP, 0.0)
        yield from _in_folder(folder, "draft", _DRAFT, _DRAFT_SECONDS)
    collection = state.path / "collection"
    yield from _in_folder(collection, "draft", _COLLECTION_DRAFT, _DRAFT_SECONDS)
    yield from _in_folder(collection, "collection index", _COLLECTION, age)
    yield from _find_checkpoints(state.checkpoints, age)
    copying = _in_folder(state.path / "copying", "draft", _LOCK_OF_COPY, 0.0)
    yield from (found for found in copying if _has_ended(found.path / "lock"))
    is_running = False
    for run in state.run_ids():
        place = state.run(run)
        if not _has_ended(place.lock):
            is_running = True
        else:
            yield from _in_folder(place.path, "scratch of a run", _RUN_SPOOL, 0.0)
            if _has_no_log(place.log):
                yield from _in_folder(state.runs, "run that never began", re.compile(run), _DRAFT_SECONDS)
    if not is_running:  # which of them a run has workers in is not told
        found = _in_folder(state.path / "environments", ENVIRONMENT, _ENVIRONMENT, age)
        yield from (environment for environment in found if _has_ended(_lock_of(environment.path)))


def _find_checkpoints(folder: Path, age: float) -> Iterator[Remains]:
    """Yield what steps that did not succeed saved of their progress, where none of them is running."""
    with suppress(OSError), os.scandir(folder) as nodes:
        for node in sorted(nodes, key=lambda entry: entry.name):
            found = _in_folder(Path(node.path), CHECKPOINT, _HEX, age) if not node.is_symlink() else ()
            yield from (checkpoint for checkpoint in found if _has_ended(_lock_of(checkpoint.path)))


def _lock_of(folder: Path) -> Path:
    """Return the lock of whoever writes into the folder."""
    return folder.with_name(f"{folder.name}.lock")


def remove(remains: Remains) -> None:
    """Delete what was found. What is gone already, or in use by now, is no error.

    Raises
    ------
    StoreError
        It cannot be deleted.
    """
    if remains.kind not in (CHECKPOINT, ENVIRONMENT):
        _delete(remains)
        return
    lock = FileLock(_lock_of(remains.path))
    try:
        if lock.acquire():
            _delete(remains)
    finally:
        lock.close(remove=lock.is_held and remains.kind == CHECKPOINT)


def _delete(remains: Remains) -> None:
    try:
        if remains.path.is_dir() and not remains.path.is_symlink():
            shutil.rmtree(remains.path)
        else:
            remains.path.unlink(missing_ok=True)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise StoreError(f"cannot remove {remains.path}: {error.strerror or error}") from error


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder, without following links."""
    try:
        if path.is_symlink() or not path.is_dir():
            return path.lstat().st_size
        with os.scandir(path) as entries:
            return sum(size_of(Path(entry.path)) for entry in entries)
    except OSError:
        return 0


def _in_folder(folder: Path, kind: str, pattern: re.Pattern[str], age: float) -> Iterator[Remains]:
    if folder.is_symlink():
        return
    with suppress(OSError), os.scandir(folder) as scan:
        for entry in sorted(scan, key=lambda entry: entry.name):
            if pattern.fullmatch(entry.name) and _is_older(entry, age):
                yield Remains(Path(entry.path), kind, size_of(Path(entry.path)))


def _is_older(entry: os.DirEntry[str], age: float) -> bool:
    try:
        return not age or time.time() - entry.stat(follow_symlinks=False).st_mtime > age
    except OSError:
        return False


def _has_ended(lock: Path) -> bool:
    try:
        return not is_held(lock)
    except StoreError:
        return False


def _has_no_log(log: Path) -> bool:
    try:
        return log.stat().st_size == 0
    except FileNotFoundError:
        return True
    except OSError:
        return False
