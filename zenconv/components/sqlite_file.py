"""A SQLite file that many processes share, that notices damage, and that never blocks a run by it.

Writing, checkpointing and closing happen under a lock file of our own, so SQLite's race between
a writer and a reset of the write-ahead log (3.7.0 to 3.51.2) cannot occur; the figures behind
this are in ``docs/decisions/0002-sqlite-writers.md``. The file is complete before it gets its
name: an empty one is damage, not a new database. A damaged file is moved aside with a warning.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from zenconv.components.sqlite_schema import DamagedError, Schema
from zenconv.errors import StoreError
from zenconv.locks import FileLock

Result = TypeVar("Result")

_BUSY_SECONDS = 30.0
_LOCK_SECONDS = 60.0
_CHECKPOINT_BYTES = 16 << 20
_COMMITS_BETWEEN_SIZE_CHECKS = 64

_ENVIRONMENT_CODES = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOLFS,
    sqlite3.SQLITE_AUTH,
}
_NOT_WRITABLE_CODES = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}
_NO_SHARED_MEMORY_CODES = {
    sqlite3.SQLITE_IOERR_SHMOPEN,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_SHMMAP,
}
"""What opening says on a full disk: the file beside it that readers share has no room."""


def _is_damage(error: sqlite3.Error) -> bool:
    """Whether `error` comes from the content of the file, not from disk, locks or permissions."""
    if isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError):
        return False
    code = getattr(error, "sqlite_errorcode", None)
    if code is None or code == sqlite3.SQLITE_IOERR_SHORT_READ:
        return True
    return code & 0xFF not in _ENVIRONMENT_CODES


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _is_not_writable(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in _NOT_WRITABLE_CODES or code in _NO_SHARED_MEMORY_CODES


_DAMAGES = (DamagedError, UnicodeDecodeError)
"""Of what is wrong in the file itself; the second where `sqlite3` cannot even word SQLite's message."""

_files: weakref.WeakSet[SqliteFile] = weakref.WeakSet()
_inherited: list[sqlite3.Connection] = []
"""Connections of the parent, kept in a forked child because even closing them there is unsafe."""


class SqliteFile:
    """One database file: opened when first used, again after a fork or when the file was replaced.

    Parameters
    ----------
    path
        The database. Beside it appear ``-wal``, ``-shm``, ``.lock``, ``.damaged-N``, ``.backup-vN``.
    schema
        Its tables; an older file is migrated when it is opened.
    on_warning
        Called with one line when a damaged file was moved aside.
    """

    def __init__(
        self,
        path: Path,
        schema: Schema,
        *,
        on_warning: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.path = path
        self.on_warning = on_warning
        self._name = str(path)
        self._schema = schema
        self._has_warned = False
        self._lock = FileLock(f"{path}.lock")
        self._mutex = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._copy: Any = None
        self._commits = 0
        _files.add(self)

    def read(self, action: Callable[[sqlite3.Connection], Result], default: Result) -> Result:
        """Return ``action(connection)``, or `default` when there is no database or it is damaged.

        Writes nothing, except that a damaged file is moved aside where that is possible.

        Raises
        ------
        StoreError
            The file cannot be read (permissions, disk, a foreign lock).
        RecordError
            A newer zenconv wrote it.
        """
        with self._mutex:
            try:
                connection = self._open_present()
                return default if connection is None else action(connection)
            except _DAMAGES as damage:
                self._set_aside(str(damage))
            except sqlite3.Error as error:
                if not _is_damage(error):
                    raise self._store_error("read", error) from error
                self._set_aside(str(error))
            return default

    def write(self, action: Callable[[sqlite3.Connection], Result]) -> Result:
        """Return ``action(connection)`` of one transaction, committed when this returns.

        Makes the database when it is missing, or in place of a damaged one; `action` may
        therefore run twice. Raises as `read` does.
        """
        with self._mutex, self._locked():
            try:
                return self._transaction(action)
            except _DAMAGES as damage:
                self._move_aside(str(damage))
            except sqlite3.Error as error:
                if not _is_damage(error):
                    raise self._store_error("write", error) from error
                self._move_aside(str(error))
            try:
                return self._transaction(action)
            except sqlite3.Error as error:
                raise self._store_error("write", error) from error

    def _transaction(self, action: Callable[[sqlite3.Connection], Result]) -> Result:
        connection = self._open_present() or self._create()
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = action(connection)
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.rollback()
            raise
        self._commits += 1
        if self._commits % _COMMITS_BETWEEN_SIZE_CHECKS == 0:
            self._checkpoint_if_large(connection)
        return result

    def _checkpoint_if_large(self, connection: sqlite3.Connection) -> None:
        with suppress(FileNotFoundError):
            if os.stat(f"{self._name}-wal").st_size > _CHECKPOINT_BYTES:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if self._lock.is_held:  # by this thread: it has the mutex
            yield
            return
        if not self._lock.acquire(timeout=_LOCK_SECONDS):
            raise StoreError(
                f"cannot write {self.path}: {self._lock.path} is held by another process",
                hint="end that process, or run again",
            )
        try:
            yield
        finally:
            self._lock.release()

    def _store_error(self, verb: str, error: sqlite3.Error) -> StoreError:
        return StoreError(f"cannot {verb} {self.path}: {error}")

    def _open_present(self) -> sqlite3.Connection | None:
        """Return a connection to the file that has the name now, None when there is none."""
        try:
            status = os.stat(self._name)
        except (FileNotFoundError, NotADirectoryError):
            self._disconnect()
            return None
        except OSError as error:
            raise StoreError(f"cannot read {self.path}: {error.strerror or error}") from error
        if self._connection is not None and self._identity == (status.st_dev, status.st_ino):
            return self._connection
        self._disconnect()
        if status.st_size == 0:
            raise DamagedError("the file is empty")
        self._connection = self._connect()
        self._identity = (status.st_dev, status.st_ino)
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        try:
            return self._open(f"{_uri(self._name)}?mode=rw")
        except sqlite3.Error as error:
            if _is_damage(error) or not _is_not_writable(error):
                raise
        return self._open(self._unwritable_uri())

    def _unwritable_uri(self) -> str:
        """Return how to read from a folder in which SQLite can make no files of its own.

        The log of a writer that died there is only seen by a copy of both files.
        """
        try:
            has_log = os.stat(f"{self._name}-wal").st_size > 0
        except FileNotFoundError:
            has_log = False
        if not has_log:
            return f"{_uri(self._name)}?immutable=1"
        import shutil  # read-only media only
        import tempfile

        self._copy = tempfile.TemporaryDirectory(prefix="zenconv-")
        target = os.path.join(self._copy.name, "copy.db")
        shutil.copyfile(self._name, target)
        shutil.copyfile(f"{self._name}-wal", f"{target}-wal")
        return f"{_uri(target)}?mode=rw"

    def _open(self, uri: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in (
                "synchronous=NORMAL",
                "wal_autocheckpoint=0",
                "journal_size_limit=0",  # so that the size of the log is what has come since it began anew
                "cell_size_check=ON",
                "trusted_schema=OFF",
            ):
                connection.execute(f"PRAGMA {pragma}")
            if not self._schema.is_newest(connection, self._name):
                with self._locked():
                    if not self._schema.is_newest(connection, self._name):
                        self._schema.migrate(connection, self._name)
        except BaseException:
            connection.close()
            raise
        return connection

    def _create(self) -> sqlite3.Connection:
        """Build a complete database under another name, give it its own name, and open it."""
        draft = f"{self._name}.new-{os.getpid()}-{os.urandom(4).hex()}"
        try:
            os.makedirs(os.path.dirname(self._name), exist_ok=True)
            self._build(draft)
            for suffix in ("-wal", "-shm"):  # those of a deleted database would be replayed
                with suppress(FileNotFoundError):
                    os.unlink(self._name + suffix)
            os.replace(draft, self._name)
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror or error}") from error
        finally:
            for suffix in ("", "-wal", "-shm", "-journal"):
                with suppress(OSError):
                    os.unlink(draft + suffix)
        connection = self._open_present()
        if connection is None:
            raise StoreError(f"cannot write {self.path}: it vanished right after it was made")
        return connection

    def _build(self, draft: str) -> None:
        connection = sqlite3.connect(draft, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            self._schema.create(connection)
        finally:
            connection.close()

    def _set_aside(self, reason: str) -> None:
        """Move a damaged file away, unless another process did so meanwhile or nothing can be written."""
        try:
            with self._locked():
                self._disconnect()
                if self._is_sound():
                    return
                self._move_aside(reason)
        except StoreError:
            if not self._has_warned:
                self._has_warned = True
                self.on_warning(
                    f"{self.path} is damaged ({reason}) and cannot be moved away: it counts as empty"
                )

    def _is_sound(self) -> bool:
        try:
            connection = self._open_present()
            if connection is None:
                return True
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
        except (*_DAMAGES, sqlite3.Error):
            return False

    def _move_aside(self, reason: str) -> None:
        self._disconnect()
        number = 1
        while os.path.lexists(f"{self._name}.damaged-{number}"):
            number += 1
        aside = f"{self._name}.damaged-{number}"
        try:
            for suffix in ("-wal", "-shm", ""):
                with suppress(FileNotFoundError):
                    os.replace(self._name + suffix, aside + suffix)
        except OSError as error:
            raise StoreError(f"cannot move {self.path} aside: {error.strerror or error}") from error
        self.on_warning(f"{self.path} is damaged ({reason}): moved to {aside}, beginning a new one")

    def sync(self) -> None:
        """Force to the disk what was committed: the log, and the names of the files."""
        if self._connection is None:
            return
        for path in (f"{self._name}-wal", os.path.dirname(self._name)):
            try:
                _fsync(path)
            except FileNotFoundError:
                continue  # another process checkpointed, which forces everything out
            except OSError as error:
                raise StoreError(f"cannot write {path}: {error.strerror or error}") from error

    def close(self) -> None:
        """Close the connection; the last one to do so brings the log into the database."""
        with self._mutex:
            try:
                if self._connection is not None and self._commits:
                    with self._locked():
                        self._disconnect()
            finally:
                self._disconnect()
                self._lock.close()

    def __del__(self) -> None:
        # Whoever only reads need not close anything.
        if getattr(self, "_connection", None) is not None:
            self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._identity = None
        copy, self._copy = self._copy, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()
        if copy is not None:
            copy.cleanup()

    def _begin_in_child(self) -> None:
        """Forget, in a forked child, the connection and the mutex of the parent."""
        if self._connection is not None:
            _inherited.append(self._connection)
        self._connection = self._identity = self._copy = None
        self._mutex = threading.RLock()


def _uri(path: str) -> str:
    for character, escaped in (("%", "%25"), ("?", "%3f"), ("#", "%23")):
        path = path.replace(character, escaped)
    path = path.replace("\\", "/")
    return f"file:{path}" if path.startswith("/") else f"file:///{path}"


def _fsync(path: str) -> None:
    """Force a file or folder out; never the database itself: closing it would drop SQLite's locks."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _begin_all_in_child() -> None:
    for file in list(_files):
        file._begin_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_all_in_child)
