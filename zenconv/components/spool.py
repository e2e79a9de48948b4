"""Blobs on their way into a folder of this machine: the spool, the writer, and what the disk says.

A living writer holds a lock on its spool file, so what a dead one left behind is recognised and
deleted, whenever that may be.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Self

from zenconv import hashing
from zenconv.errors import StoreError
from zenconv.interfaces.sweeping import Leftover
from zenconv.locks import FileLock, is_held

_BUFFERED = 256 * 1024
"""Up to this many bytes are kept in memory until `commit`: a blob that exists is never written."""
_BLOCK = 4 << 20
_OVERLAP_FROM = 2 << 20
"""From this size on, hashing in a second thread gains more than starting the thread costs."""
_ABANDONED_AFTER = 60.0
"""Seconds before an unlocked spool file counts as left over (it is locked just after its creation)."""

_NAME = re.compile(r"[0-9]+-[0-9a-z]+")
_SPOOL_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)

_FULL = "free some space there; the next run resumes where this one stopped"
_FORBIDDEN = "give the artifact store a writable folder with the option path"
_HINTS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: _FORBIDDEN,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
}


def store_error(verb: str, path: str, error: OSError) -> StoreError:
    """Return the error that tells a user what could not be done with which file, and why."""
    what = f"cannot {verb} {path}: {error.strerror or error}"
    return StoreError(what, hint=_HINTS.get(error.errno or 0, ""))


class Spool:
    """A folder for files being written, in the file system where they are to end up."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._cleaned = False

    def create(self) -> tuple[str, int]:
        """Make a file for one writer; return its path and its locked descriptor (`OSError`)."""
        if not self._cleaned:
            self.clean()
        path = f"{self.folder}/{os.getpid()}-{os.urandom(8).hex()}"
        try:
            descriptor = os.open(path, _SPOOL_FLAGS, 0o644)
        except FileNotFoundError:
            os.makedirs(self.folder, exist_ok=True)
            descriptor = os.open(path, _SPOOL_FLAGS, 0o644)
        _hold(descriptor)
        return path, descriptor

    def clean(self) -> int:
        """Delete what dead writers left behind; return how many files. Runs before the first write."""
        self._cleaned = True
        return sum(_remove_abandoned(entry) for entry in self._entries())

    def _entries(self) -> list[os.DirEntry[str]]:
        """Return what has the name of a spool file; nothing where the folder is a link."""
        if os.path.islink(self.folder):
            return []
        return [entry for entry in scan(self.folder) if _NAME.fullmatch(entry.name)]

    def leftovers(self) -> Iterator[Leftover]:
        """Yield what dead writers left behind, even just now where locks tell the living from the dead."""
        has_locks: bool | None = None
        for entry in self._entries():
            try:
                status = entry.stat(follow_symlinks=False)
                is_old = time.time() - status.st_mtime >= _ABANDONED_AFTER
                if not entry.is_file(follow_symlinks=False) or is_held(entry.path):
                    continue
                if not is_old and has_locks is None:
                    has_locks = self._has_locks()
                if is_old or (has_locks and status.st_size):  # what is written to has its lock already
                    yield Leftover("spool", entry.name, status.st_size)
            except (OSError, StoreError):
                continue  # its writer ended just now

    def _has_locks(self) -> bool:
        """Whether this file system keeps locks; False where that cannot be tried."""
        lock = FileLock(f"{self.folder}/{os.getpid()}-{os.urandom(8).hex()}")
        try:
            return lock.acquire() and is_held(lock.path)
        except StoreError:
            return False
        finally:
            lock.close(remove=True)


class LocalBlobWriter:
    """A blob being written: first in memory, then, when it grows, in a spool file.

    Parameters
    ----------
    spool
        Where the file goes that holds it meanwhile.
    is_present
        Tells whether the store holds this digest in this size, so that nothing need be written.
    adopt
        Moves the complete spool file into place.
    """

    def __init__(
        self, spool: Spool, is_present: Callable[[str, int], bool], adopt: Callable[[str, str, int], None]
    ) -> None:
        self._spool = spool
        self._is_present = is_present
        self._adopt = adopt
        self._hasher = hashing.Hasher()
        self._buffer = bytearray()
        self._size = 0
        self._path = ""
        self._descriptor = -1
        self._is_open = True

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append `data` (any contiguous buffer); return its size in bytes."""
        self._check_open()
        view = memoryview(data)
        if not view.nbytes:
            return 0
        if view.format != "B" or view.ndim != 1:
            view = view.cast("B")
        if not self._path and len(self._buffer) + len(view) <= _BUFFERED:
            self._buffer += view
        else:
            self._write_through(view)
        self._size += len(view)
        return len(view)

    def _check_open(self) -> None:
        if not self._is_open:
            raise ValueError("this blob was already committed or aborted")

    def _write_through(self, view: memoryview) -> None:
        try:
            if not self._path:
                self._begin_file()
                self._put(memoryview(self._buffer))
                self._buffer = bytearray()
            self._put(view)
        except OSError as error:
            path = self._path or self._spool.folder
            self.abort()
            raise store_error("write", path, error) from error
        except BaseException:
            self.abort()
            raise

    def _begin_file(self) -> None:
        self._path, self._descriptor = self._spool.create()

    def _put(self, view: memoryview) -> None:
        """Hash and write, at the same time where it is worth it (blake3 and write free the GIL)."""
        if len(view) < _OVERLAP_FROM:
            self._hasher.update(view)
            _write_all(self._descriptor, view)
            return
        from threading import Thread  # big values only

        hashing_thread = Thread(target=self._hasher.update, args=(view,), name="zenconv-hash")
        hashing_thread.start()
        try:
            _write_all(self._descriptor, view)
        finally:
            hashing_thread.join()

    def commit(self) -> tuple[str, int]:
        """Make the blob visible; return (digest, size in bytes).

        A file that is there already stays, unless its size is wrong (torn by a power loss).
        """
        self._check_open()
        try:
            if not self._path:
                self._hasher.update(self._buffer)
            digest = self._hasher.digest()
            if not self._is_present(digest, self._size):
                self._place(digest)
        except OSError as error:
            raise store_error("write", error.filename2 or self._path or self._spool.folder, error) from error
        finally:
            self.abort()
        return digest, self._size

    def _place(self, digest: str) -> None:
        if not self._path:
            self._begin_file()
            _write_all(self._descriptor, memoryview(self._buffer))
        if sys.platform == "win32":  # an open file cannot be renamed there
            self._close()
        self._adopt(self._path, digest, self._size)
        self._path = ""

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def abort(self) -> None:
        """Forget everything written. Does nothing after `commit`."""
        self._is_open = False
        self._buffer = bytearray()
        path, self._path = self._path, ""
        try:
            self._close()
        finally:
            if path:
                with suppress(OSError):
                    remove_file(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.abort()


def _write_all(descriptor: int, view: memoryview) -> None:
    start = 0
    while start < len(view):
        start += os.write(descriptor, view[start : start + _BLOCK])


def remove_file(path: str) -> None:
    """Delete the file at `path` if it is there."""
    try:
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except PermissionError:
        if os.name != "nt":
            raise
        os.chmod(path, stat.S_IWRITE)  # Windows does not delete read-only files
        os.unlink(path)


def scan(folder: str) -> Iterator[os.DirEntry[str]]:
    """Yield what is in `folder`; nothing if there is none. `StoreError` if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise store_error("read", folder, error) from error


def _hold(descriptor: int) -> None:
    """Lock the spool file for the life of its writer."""
    if sys.platform == "win32":
        return  # an open file cannot be deleted there
    import fcntl

    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_abandoned(entry: os.DirEntry[str]) -> bool:
    """Delete a spool file that is old enough and that no living writer holds."""
    try:
        if time.time() - entry.stat(follow_symlinks=False).st_mtime < _ABANDONED_AFTER:
            return False
        if not entry.is_file(follow_symlinks=False):
            return False
        if sys.platform != "win32" and is_held(entry.path):
            return False
        os.unlink(entry.path)
    except (OSError, StoreError):
        return False  # someone else was quicker, or may
    return True
