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
from zenconv.locks import is_held
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
_CHECKPOINT = re.compile(r"[0-9a-f]{32}")
_RUN_SPOOL = re.compile(r"spool-[0-9a-f]{8}|inputs(-\d+)?")


@attrs.frozen(eq=False, repr=False)
class Remains(Frozen):
    """A file or folder to be removed: what it is, in a word or two, and its size in bytes."""

    path: Path
    kind: str
    size: int


def find_remains(state: StateFolder, age: float) -> Iterator[Remains]:
    """Yield what can go; collection indexes and checkpoints only when unused for `age` seconds."""
    yield from _in_folder(state.path / REMOVED, "half-removed run", re.compile(".+"), 0.0)
    for folder in (state.path, state.store):
        yield from _in_folder(folder, "damaged database, kept aside", _ASIDE, 0.0)
        yield from _in_folder(folder, "backup of a database", _BACKUP, 0.0)
        yield from _in_folder(folder, "draft", _DRAFT, _DRAFT_SECONDS)
    collection = state.path / "collection"
    yield from _in_folder(collection, "draft", _COLLECTION_DRAFT, _DRAFT_SECONDS)
    yield from _in_folder(collection, "collection index", _COLLECTION, age)
    yield from _find_checkpoints(state.checkpoints, age)
    for run in state.run_ids():
        place = state.run(run)
        if _has_ended(place.lock):
            yield from _in_folder(place.path, "scratch of a run", _RUN_SPOOL, 0.0)
            if _has_no_log(place.log):
                yield from _in_folder(state.runs, "run that never began", re.compile(run), _DRAFT_SECONDS)


def _find_checkpoints(folder: Path, age: float) -> Iterator[Remains]:
    """Yield what steps that did not succeed saved of their progress, where none of them is running."""
    with suppress(OSError), os.scandir(folder) as scan:
        for node in sorted(scan, key=lambda entry: entry.name):
            for found in _in_folder(Path(node.path), "checkpoint", _CHECKPOINT, age):
                lock = found.path.with_name(f"{found.path.name}.lock")
                if _has_ended(lock):
                    yield found
                    yield Remains(lock, "checkpoint", 0)


def remove(remains: Remains) -> None:
    """Delete what was found. What is gone already is no error.

    Raises
    ------
    StoreError
        It cannot be deleted.
    """
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
