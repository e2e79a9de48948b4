"""The action cache of a local store: one SQLite file for entries and claims.

A claim names its owner, a lock file held by the claiming process for as long as it lives; so
the claim of a dead process counts no more at the moment of its death.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from zenconv.components.options import check_options
from zenconv.components.sqlite_file import SqliteFile
from zenconv.components.sqlite_schema import Schema
from zenconv.locks import FileLock, is_held
from zenconv.records.artifact import ActionEntry, ActionKey
from zenconv.records.entry_bytes import checksum, decode_entry, encode_entry, key_bytes, part_bytes

FILE_NAME = "actions.db"
SCHEMA = Schema(
    (
        """CREATE TABLE entries (
            number INTEGER PRIMARY KEY,
            key BLOB NOT NULL UNIQUE,
            payload BLOB NOT NULL,
            checksum BLOB NOT NULL
        )""",
        "CREATE TABLE claims (key BLOB PRIMARY KEY, owner TEXT NOT NULL) WITHOUT ROWID",
    ),
    version=1,
)

_BATCH = 400
"""Parameters of one statement; SQLite before 3.32 takes no more than 999."""
_LAST = b"\xff" * 32


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=2)


class SqliteActionCache:
    """Entries and claims in ``actions.db``. Safe for many processes and threads of one machine.

    Network file systems are not promised anything. `on_warning` gets one line when a damaged
    file was moved aside.

    Parameters
    ----------
    path
        The database file. Nothing is written before the first `claim` or `publish`.
    """

    def __init__(self, path: Path | str, *, on_warning: Callable[[str], None] = _warn) -> None:
        self.path = Path(os.path.abspath(path))
        self.on_warning = on_warning
        self._file = SqliteFile(self.path, SCHEMA, on_warning=lambda text: self.on_warning(text))
        self._owners = f"{self.path}.owners"
        self._owner: FileLock | None = None
        self._claimed: set[bytes] = set()
        self._mutex = threading.RLock()
        _caches.add(self)

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path, state: Path) -> Self:
        """Build from a settings table with the options of the local store: the file lies in its folder."""
        check_options("action cache 'sqlite'", options, {"path": str})
        path = options.get("path")
        folder = root / os.path.expanduser(path) if path else state / "store"
        return cls(folder / FILE_NAME)

    def look_up(self, keys: Sequence[ActionKey]) -> dict[ActionKey, ActionEntry]:
        """Return the entries of those `keys` that have one. A damaged entry is a miss."""
        wanted = {key_bytes(key): key for key in keys}
        found: dict[ActionKey, ActionEntry] = {}
        for raw, payload, code in self._rows(list(wanted)):
            key = wanted.get(raw)
            entry = decode_entry(key, raw, payload, code) if key is not None else None
            if entry is not None:
                found[entry.key] = entry
        return found

    def _rows(self, raw_keys: list[bytes]) -> list[tuple[Any, Any, Any]]:
        def select(connection: sqlite3.Connection) -> list[tuple[Any, Any, Any]]:
            rows: list[tuple[Any, Any, Any]] = []
            for batch in _batches(raw_keys):
                marks = ",".join("?" * len(batch))
                query = f"SELECT key, payload, checksum FROM entries WHERE key IN ({marks})"
                rows += connection.execute(query, batch).fetchall()
            return rows

        return self._file.read(select, [])

    def knows_local(self, local: Iterable[str]) -> set[str]:
        """Return those local key parts for which some entry exists, with whatever inputs."""
        wanted = {part_bytes(part): part for part in local}

        def select(connection: sqlite3.Connection) -> set[bytes]:
            query = "SELECT 1 FROM entries WHERE key BETWEEN ? AND ? LIMIT 1"
            return {raw for raw in wanted if connection.execute(query, (raw, raw + _LAST)).fetchone()}

        nothing: set[bytes] = set()
        return {wanted[raw] for raw in self._file.read(select, nothing)}

    def publish(self, entry: ActionEntry) -> None:
        """Store `entry`, replacing an older one of the same key, and release its claim.

        Once this returns, the entry survives the death of the process; after a power loss,
        what `sync` has not forced out may be gone.
        """
        raw, payload = key_bytes(entry.key), encode_entry(entry)
        row = (raw, payload, checksum(raw, payload))
        with self._mutex:
            was_claimed = raw in self._claimed

            def insert(connection: sqlite3.Connection) -> None:
                connection.execute(
                    "INSERT OR REPLACE INTO entries (key, payload, checksum) VALUES (?, ?, ?)", row
                )
                if was_claimed:
                    self._delete_claim(connection, raw)

            self._file.write(insert)
            self._claimed.discard(raw)

    def remove(self, keys: Iterable[ActionKey]) -> None:
        """Forget entries. Missing ones are no error."""
        rows = [(key_bytes(key),) for key in keys]
        if rows and self.path.exists():
            self._file.write(lambda connection: _delete_entries(connection, rows))

    def claim(self, key: ActionKey) -> bool:
        """Announce that this process computes `key`; False when a living process already does.

        That process may be this one: a second claim of one key is refused too.
        """
        raw = key_bytes(key)
        with self._mutex:
            if raw in self._claimed or self._is_taken(raw):
                return False
            owner = self._owner_name()
            if not self._file.write(lambda connection: self._insert_claim(connection, raw, owner)):
                return False
            self._claimed.add(raw)
            return True

    def _is_taken(self, raw: bytes) -> bool:
        """Whether a living owner has claimed the key; asked before, to wait without any lock."""
        return self._file.read(lambda connection: self._has_living_owner(connection, raw), False)

    def _has_living_owner(self, connection: sqlite3.Connection, raw: bytes) -> bool:
        row = connection.execute("SELECT owner FROM claims WHERE key = ?", (raw,)).fetchone()
        return row is not None and self._is_living(row[0])

    def _is_living(self, owner: object) -> bool:
        name = str(owner)
        return name.replace("-", "").isalnum() and is_held(f"{self._owners}/{name}")

    def _insert_claim(self, connection: sqlite3.Connection, raw: bytes, owner: str) -> bool:
        query = "INSERT OR {} INTO claims (key, owner) VALUES (?, ?)"
        if connection.execute(query.format("IGNORE"), (raw, owner)).rowcount == 1:
            return True
        if self._has_living_owner(connection, raw):
            return False
        connection.execute(query.format("REPLACE"), (raw, owner))
        return True

    def _delete_claim(self, connection: sqlite3.Connection, raw: bytes) -> None:
        connection.execute("DELETE FROM claims WHERE key = ? AND owner = ?", (raw, self._owner_name()))

    def _owner_name(self) -> str:
        """Return the name of this process as an owner, proven by a lock file that it holds."""
        if self._owner is None:
            self._forget_dead_owners()
            owner = FileLock(f"{self._owners}/{os.getpid()}-{os.urandom(8).hex()}")
            owner.acquire(timeout=None)
            self._owner = owner
        return os.path.basename(self._owner.path)

    def _forget_dead_owners(self) -> None:
        """Delete the lock files, and the claims, of processes that ended without `close`."""
        try:
            names = os.listdir(self._owners)
        except OSError:
            return
        dead = []
        for name in names:
            lock = FileLock(f"{self._owners}/{name}")
            if lock.acquire():
                dead.append((name,))
                lock.close(remove=True)
        if dead and self.path.exists():
            self._file.write(lambda c: c.executemany("DELETE FROM claims WHERE owner = ?", dead))

    def release(self, key: ActionKey) -> None:
        """Give up a claim. One not held is no error."""
        raw = key_bytes(key)
        with self._mutex:
            if raw in self._claimed:
                self._file.write(lambda connection: self._delete_claim(connection, raw))
                self._claimed.discard(raw)

    def entries(self) -> Iterator[ActionEntry]:
        """Yield every readable entry, in the order of publication."""
        last = -1
        while batch := self._entries_after(last):
            for number, raw, payload, code in batch:
                last = max(last, number)
                entry = _whole_entry(raw, payload, code)
                if entry is not None:
                    yield entry

    def _entries_after(self, last: int) -> list[tuple[Any, ...]]:
        query = "SELECT number, key, payload, checksum FROM entries WHERE number > ? ORDER BY number LIMIT ?"
        return self._file.read(lambda c: c.execute(query, (last, _BATCH)).fetchall(), [])

    def sync(self) -> None:
        """Force to the disk what was published; call it after the store's `sync`."""
        self._file.sync()

    def close(self) -> None:
        """Release all claims and resources. The cache may be used again; it opens anew."""
        with self._mutex:
            try:
                if self._claimed:
                    self._file.write(self._delete_all_claims)
            finally:
                self._claimed.clear()
                owner, self._owner = self._owner, None
                if owner is not None:
                    owner.close(remove=True)
                self._file.close()

    def _delete_all_claims(self, connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM claims WHERE owner = ?", (self._owner_name(),))

    def _begin_in_child(self) -> None:
        """A forked child owns nothing that its parent claimed."""
        self._owner, self._claimed, self._mutex = None, set(), threading.RLock()


def _batches(items: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]


def _delete_entries(connection: sqlite3.Connection, rows: list[tuple[bytes]]) -> None:
    connection.executemany("DELETE FROM entries WHERE key = ?", rows)


def _whole_entry(raw: object, payload: object, code: object) -> ActionEntry | None:
    if not isinstance(raw, bytes) or len(raw) != 64:
        return None
    key = ActionKey(raw[:32].hex(), raw[32:].hex())
    return decode_entry(key, raw, payload, code)


_caches: weakref.WeakSet[SqliteActionCache] = weakref.WeakSet()


def _begin_all_in_child() -> None:
    for cache in list(_caches):
        cache._begin_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_all_in_child)
