"""A file lock that says whether a process is alive: exclusive, tiny, quick to import.

On POSIX it is ``flock``, because record locks (``fcntl``) vanish as soon as anything in the
process closes another handle of the same file: a step that reads the state folder would drop
them. The price of ``flock`` is that a forked child shares the lock and would keep it alive
after its parent's death; therefore every handle kept here is closed in a forked child (what
is started with ``exec`` never gets it). On Windows one byte is locked with ``msvcrt``; such
locks belong to the process. Network file systems are not promised anything.

`filelock` does the same for more systems, but importing it costs more than a whole start.
"""

from __future__ import annotations

import errno
import os
import sys
import time
import weakref
from pathlib import Path
from typing import Self

from zenconv.errors import StoreError, hint_to_write

_BUSY = {errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK, errno.EDEADLK}
_FIRST_PAUSE = 0.00005
_LONGEST_PAUSE = 0.005
_PROBE_GRACE = 0.002

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, *, shared: bool = False) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int, *, shared: bool = False) -> None:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _try_lock(descriptor: int, *, shared: bool = False) -> bool:
    try:
        _lock(descriptor, shared=shared)
    except OSError as error:
        if error.errno in _BUSY:
            return False
        raise
    return True


_open_locks: weakref.WeakSet[FileLock] = weakref.WeakSet()


class FileLock:
    """An exclusive lock on the file `path`, between processes and between threads.

    The lock ends with `release`, `close`, or the death of the process that took it. Each object
    locks once: a second `acquire` of the same object is refused, as one of any other object is.

    Parameters
    ----------
    path
        The lock file, made with its folder when first needed. It stays (empty) unless
        `close` is told to remove it.
    """

    __slots__ = ("__weakref__", "_descriptor", "_held", "path")

    def __init__(self, path: Path | str) -> None:
        self.path = str(path)
        self._descriptor = -1
        self._held = False

    @property
    def is_held(self) -> bool:
        """Whether this object, in this process, holds the lock."""
        return self._held

    def acquire(self, timeout: float | None = 0.0) -> bool:
        """Take the lock; return whether that succeeded.

        Parameters
        ----------
        timeout
            Seconds to wait for another holder; 0 does not wait (but outlasts the instant in
            which `is_held` probes), None waits without end.

        Raises
        ------
        StoreError
            The lock file cannot be made or opened.
        """
        if self._held:
            return False
        grace = _PROBE_GRACE if timeout is not None and timeout < _PROBE_GRACE else timeout
        deadline = None if grace is None else time.monotonic() + grace
        pause = _FIRST_PAUSE
        while not self._take():
            if deadline is not None and time.monotonic() >= deadline:
                return False
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        return True

    def _take(self) -> bool:
        """Try once. A file that was removed meanwhile is no lock: open the present one."""
        try:
            if self._descriptor < 0:
                self._open()
            if not _try_lock(self._descriptor):
                return False
            if not self._is_current():
                self.close()
                return False
        except OSError as error:
            self.close()
            what = f"cannot lock {self.path}: {error.strerror or error}"
            raise StoreError(what, hint=hint_to_write(error)) from error
        self._held = True
        return True

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        try:
            self._descriptor = os.open(self.path, flags, 0o666)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self.path) or ".", exist_ok=True)
            self._descriptor = os.open(self.path, flags, 0o666)
        _open_locks.add(self)

    def _is_current(self) -> bool:
        try:
            there, mine = os.stat(self.path), os.fstat(self._descriptor)
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)

    def release(self) -> None:
        """Give the lock up; one not held is no error. The file stays open for the next time."""
        if self._held:
            self._held = False
            _unlock(self._descriptor)

    def close(self, *, remove: bool = False) -> None:
        """Release the lock and the handle; with `remove`, delete the file while still holding it."""
        if remove and self._held and sys.platform != "win32":
            _unlink(self.path)
        was_held, self._held = self._held, False
        descriptor, self._descriptor = self._descriptor, -1
        _open_locks.discard(self)
        if descriptor >= 0:
            os.close(descriptor)
        if remove and was_held and sys.platform == "win32":
            _unlink(self.path)

    def __del__(self) -> None:
        if self._descriptor >= 0:
            self.close()

    def __enter__(self) -> Self:
        self.acquire(timeout=None)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.release()


def is_held(path: Path | str) -> bool:
    """Return whether a living process (this one included) holds the lock file `path`.

    Works on read-only media and writes nothing. A missing file is not held.

    Raises
    ------
    StoreError
        The file is there but cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(f"cannot read the lock {path}: {error.strerror or error}") from error
    try:
        if not _try_lock(descriptor, shared=True):
            return True
        _unlock(descriptor)
        return False
    finally:
        os.close(descriptor)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass  # what remains is an unlocked, empty file, which means the same


def _drop_in_child() -> None:
    """Close what a fork duplicated, without unlocking: the parent still holds it."""
    for lock in list(_open_locks):
        lock.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_drop_in_child)
