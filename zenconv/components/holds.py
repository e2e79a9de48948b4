"""Which blobs of a folder running processes are interested in, told before they look: `Holds`.

::

    <store>/holds/<pid>-<16 hex digits>    a line of JSON (guard, host, owner), then a digest a line

Such a file counts for as long as the lock file that it names is held: by the run it belongs to,
whose log says everything once it has ended. See `zenconv.interfaces.sweeping` for the rule.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

from zenconv import hashing
from zenconv.components.machine import is_guarded, machine_id
from zenconv.errors import StoreError

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
_FLAGS |= getattr(os, "O_BINARY", 0)
_NOT_WRITABLE = {errno.EROFS, errno.EACCES, errno.EPERM}
_HEADER_SECONDS = 3600.0
"""A file without a readable first line is given so long to get one."""
_FOREIGN_SECONDS = 30 * 86400.0
"""Whether a process of another host lives is not known here; after so long it counts as dead."""


class Holds:
    """The interest of this process in blobs, and that of all others. Nothing is written before `begin`."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._header = b""
        self._descriptor = -1
        self._path = ""
        self._process = 0
        self._held: set[str] = set()
        self._mutex = Lock()

    @property
    def is_kept(self) -> bool:
        """Whether this process writes down what it is interested in."""
        return bool(self._header)

    def begin(self, guard: Path, owner: str) -> None:
        """From now on, write down what this process is interested in, while the lock `guard` is held."""
        self.end()
        facts = {"guard": os.path.abspath(guard), "host": machine_id(), "owner": owner}
        self._header = json.dumps(facts).encode() + b"\n"

    def add(self, digests: Iterable[str]) -> None:
        """Say that this process is about to look for `digests` (`OSError`).

        Where the folder cannot be written, nothing is said: whoever could sweep it is someone else.
        """
        if not self._header:
            return
        if self._process != os.getpid():
            self._mutex = Lock()  # a thread of the parent may have held the one that was inherited
            self._drop()  # a forked child must not share what its parent's end takes back
        with self._mutex:
            self._write(digests)

    def _write(self, digests: Iterable[str]) -> None:
        fresh = [digest for digest in digests if digest not in self._held]
        if not fresh:
            return
        lines = "".join(f"{digest}\n" for digest in fresh).encode()
        try:
            if self._descriptor < 0:
                self._open()
                lines = self._header + lines
            os.write(self._descriptor, lines)
        except OSError as error:
            if error.errno not in _NOT_WRITABLE:
                raise
        self._held.update(fresh)

    def _open(self) -> None:
        self._process = os.getpid()
        self._path = f"{self.folder}/{self._process}-{os.urandom(8).hex()}"
        try:
            self._descriptor = os.open(self._path, _FLAGS, 0o644)
        except FileNotFoundError:
            os.makedirs(self.folder, exist_ok=True)
            self._descriptor = os.open(self._path, _FLAGS, 0o644)
        self.forget_dead()

    def _drop(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        self._held = set()
        self._process = os.getpid()
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        if self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)

    def end(self) -> None:
        """Be interested in nothing any more: everything is recorded."""
        path, self._path = self._path, ""
        is_own = self._process == os.getpid()
        self._drop()
        self._header = b""
        if path and is_own:
            with suppress(OSError):
                os.unlink(path)

    def living(self) -> set[str]:
        """Return every digest that a living run is interested in, whichever process said so."""
        found: set[str] = set()
        for path in self._files():
            if _is_living(path):  # before its lines are read: what is said later was not seen before
                found.update(line for line in _read_lines(path)[1:] if hashing.is_digest(line))
        return found

    def forget_dead(self) -> None:
        """Delete the files of runs that have ended."""
        for path in self._files():
            if path != self._path and not _is_living(path):
                with suppress(OSError):
                    os.unlink(path)

    def _files(self) -> list[str]:
        try:
            return [f"{self.folder}/{name}" for name in sorted(os.listdir(self.folder))]
        except OSError:
            return []


def _read_lines(path: str) -> list[str]:
    try:
        with open(path, encoding="ascii", errors="replace") as stream:
            return stream.read().splitlines()
    except OSError:
        return []


def _is_living(path: str) -> bool:
    """Whether the run that a file belongs to has not ended; in doubt it has not."""
    try:
        with open(path, "rb") as stream:
            facts: Any = json.loads(stream.readline())
            age = time.time() - os.fstat(stream.fileno()).st_mtime
        guard, host = facts["guard"], facts["host"]
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError):
        return _is_young(path)
    if host != machine_id():
        return age < _FOREIGN_SECONDS
    try:
        return is_guarded(guard)
    except (ValueError, TypeError):
        return _is_young(path)
    except StoreError:
        return True


def _is_young(path: str) -> bool:
    try:
        return time.time() - os.stat(path).st_mtime < _HEADER_SECONDS
    except OSError:
        return False
