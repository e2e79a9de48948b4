"""Folders for steps that save their progress: kept until the step succeeds, for the same key only."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import attrs

from zenconv import hashing
from zenconv.errors import StoreError
from zenconv.frozen import Frozen
from zenconv.locks import FileLock

_LOCK = ".lock"


@attrs.frozen(eq=False, repr=False)
class _Open(Frozen):
    folder: Path
    lock: FileLock


class Checkpoints:
    """The folder of checkpoints of one project, as one process uses it.

    Below `folder` there is a folder for each node, and in it one for each key, beside the lock that
    whoever uses it holds. Nothing is made before a step asks.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, list[_Open]] = {}

    def open(self, owner: str, node: str, key: str) -> Path:
        """Return the folder for `node` and `key`, with what an attempt that did not succeed left there.

        It is the step's until `close` is called with `owner`. Where another process uses it at this
        moment, an empty one is returned instead.

        Raises
        ------
        StoreError
            It cannot be made.
        """
        place = self._folder / _name(node)
        lock = FileLock(place / (_name(key) + _LOCK))
        if not lock.acquire():
            lock = FileLock(place / (_name(key + os.urandom(8).hex()) + _LOCK))
            lock.acquire()
        folder = Path(lock.path.removesuffix(_LOCK))
        try:
            folder.mkdir(exist_ok=True)
            os.utime(folder)  # `zenconv clean` removes what was not used for long
        except OSError as error:
            lock.close()
            raise StoreError(f"cannot make the checkpoint {folder}: {error.strerror or error}") from error
        self._open.setdefault(owner, []).append(_Open(folder, lock))
        return folder

    def close(self, owner: str, *, succeeded: bool) -> None:
        """Give up what `owner` has open; after a success remove it, and what older keys left behind."""
        for checkpoint in self._open.pop(owner, ()):
            if succeeded:
                shutil.rmtree(checkpoint.folder, ignore_errors=True)
                _remove_unused(checkpoint.folder.parent)
            checkpoint.lock.close(remove=succeeded)


def _name(text: str) -> str:
    return hashing.digest_texts("checkpoint", [text])[3:35]


def _remove_unused(place: Path) -> None:
    """Remove the checkpoints of a node that no process is using."""
    try:
        names = os.listdir(place)
    except OSError:
        return
    for name in names:
        if name.endswith(_LOCK):
            continue
        lock = FileLock(place / (name + _LOCK))
        try:
            if lock.acquire():
                shutil.rmtree(place / name, ignore_errors=True)
        except StoreError:
            continue  # it stays until the next success
        finally:
            lock.close(remove=lock.is_held)
