"""Removing blobs of a folder beside runs: first say which, then look who is interested, then remove.

::

    <store>/doomed        what a sweep may remove any moment, a digest a line; else there is none;
                          empty, on a full disk: everything
    <store>/sweep.lock    held while that is so

A run says what it is interested in (`holds`), then reads ``doomed``, then looks for the blob. A
sweep writes ``doomed``, then reads who is interested, then removes. So either the sweep sees the
interest and leaves the blob alone, or the run sees the danger and waits until it is decided. A
sweep that was killed endangers nothing: its lock is free.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Collection, Container, Iterable
from contextlib import suppress

from zenconv.components.holds import Holds
from zenconv.components.spool import remove_file, store_error
from zenconv.errors import StoreError
from zenconv.locks import FileLock, is_held

_FULL = (errno.ENOSPC, errno.EDQUOT)
_PATIENCE_SECONDS = 600.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.05


class LocalSweep:
    """Both sides of a sweep in one folder: that of the runs, and that of whoever cleans.

    Parameters
    ----------
    folder
        The folder of the store.
    place_of
        Returns the path of a blob.
    is_link
        Tells whether the folder of a blob is reached by a link: nothing is removed through one.
    """

    def __init__(self, folder: str, place_of: Callable[[str], str], is_link: Callable[[str], bool]) -> None:
        self.holds = Holds(f"{folder}/holds")
        self._doomed = f"{folder}/doomed"
        self._lock = f"{folder}/sweep.lock"
        self._place_of = place_of
        self._is_link = is_link

    def announce(self, digests: Collection[str]) -> None:
        """Say that this process looks for `digests`; wait for a sweep that may remove them (`OSError`)."""
        if not self.holds.is_kept:
            return
        self.holds.add(digests)
        pause = _FIRST_PAUSE
        while self._are_doomed(digests) and is_held(self._lock):
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _are_doomed(self, digests: Iterable[str]) -> bool:
        if not os.access(self._doomed, os.F_OK):  # mostly; an exception would cost more
            return False
        try:
            with open(self._doomed, encoding="ascii") as stream:
                doomed = stream.read().splitlines()
            return not doomed or not set(digests).isdisjoint(doomed)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def sweep(self, digests: Iterable[str], still_needed: Callable[[], Container[str]]) -> dict[str, int]:
        """Remove the blobs that neither a run holds nor `still_needed`; return them with their sizes."""
        lock = FileLock(self._lock)
        if not lock.acquire(timeout=_PATIENCE_SECONDS):
            raise StoreError(
                f"another process is cleaning this store ({lock.path} is held)", hint="run again later"
            )
        try:
            remove_file(self._doomed)  # of a sweep that was killed
            held = self.holds.living()
            sizes = self._sizes(digest for digest in digests if digest not in held)
            if not sizes:
                return {}
            self._write_doomed(sizes)
            # Of a run that has ended meanwhile nothing is held any more, but then its record is
            # complete: therefore the records are read after the holds.
            held = self.holds.living()
            needed = still_needed()
            return {d: sizes[d] for d in sizes if d not in held and d not in needed and self._remove(d)}
        finally:
            remove_file(self._doomed)
            self.holds.forget_dead()
            lock.close(remove=True)

    def _sizes(self, digests: Iterable[str]) -> dict[str, int]:
        sizes: dict[str, int] = {}
        for digest in digests:
            path = self._place_of(digest)
            try:
                status = os.lstat(path)
            except (FileNotFoundError, NotADirectoryError):
                continue
            if stat.S_ISREG(status.st_mode) and not self._is_link(os.path.dirname(path)):
                sizes[digest] = status.st_size
        return sizes

    def _write_doomed(self, digests: Iterable[str]) -> None:
        draft = f"{self._doomed}.{os.getpid()}-{os.urandom(4).hex()}"
        try:
            with open(draft, "w", encoding="ascii", newline="\n") as stream:
                stream.writelines(f"{digest}\n" for digest in digests)
            os.replace(draft, self._doomed)
        except OSError as error:
            with suppress(OSError):
                os.unlink(draft)
            if error.errno not in _FULL:
                raise store_error("write", self._doomed, error) from error
            self._doom_everything()

    def _doom_everything(self) -> None:
        """Write ``doomed`` where there is no room for a list: another name for an empty file needs none."""
        try:
            os.link(self._lock, self._doomed)
        except OSError as error:
            raise store_error("write", self._doomed, error) from error

    def _remove(self, digest: str) -> bool:
        path = self._place_of(digest)
        try:
            remove_file(path)
        except OSError as error:
            raise store_error("remove", path, error) from error
        return True
