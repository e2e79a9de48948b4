"""The tables of a SQLite file: making them, recognising them, and leading old versions to the newest."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing

import attrs

from zenconv.errors import RecordError
from zenconv.frozen import Frozen

_VERSIONS_AHEAD = 1000
"""A version number further ahead than this is a damaged header, not a newer zenconv."""


class DamagedError(Exception):
    """The file is not a sound database of ours; the text says why. Never leaves the components."""


@attrs.frozen(eq=False, repr=False)
class Schema(Frozen):
    """What a file of the newest version looks like, and how older ones get there.

    `statements` are the ``CREATE`` statements exactly as SQLite keeps them, `version` is kept in
    ``user_version``, and `migrations` maps an older version to the statements that lead to the next.
    """

    statements: tuple[str, ...]
    version: int
    migrations: Mapping[int, Sequence[str]] = attrs.field(factory=dict)

    def create(self, connection: sqlite3.Connection) -> None:
        """Make the tables in a new, empty database, in one transaction."""
        connection.execute("BEGIN")
        for statement in self.statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={self.version}")
        connection.execute("COMMIT")

    def is_newest(self, connection: sqlite3.Connection, path: str) -> bool:
        """Return False where `migrate` has work to do.

        Raises
        ------
        RecordError
            A newer zenconv wrote the file.
        DamagedError
            No zenconv ever wrote such a file.
        """
        found = _version(connection)
        if found == self.version:
            rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
            if {row[0] for row in rows} != set(self.statements):
                raise DamagedError("its tables are not those of zenconv")
            return True
        if self.version < found <= self.version + _VERSIONS_AHEAD:
            raise RecordError(
                f"{path} was written by a newer zenconv (version {found}, this one knows {self.version})",
                hint=f"upgrade zenconv, or move the file away to begin a new one: mv {path} {path}.newer",
            )
        if found not in self.migrations:
            raise DamagedError(f"its version {found} is unknown")
        return False

    def migrate(self, connection: sqlite3.Connection, path: str) -> None:
        """Copy the file to ``<path>.backup-v<N>``, then lead it to the newest version in one transaction.

        The caller excludes other writers. `RecordError` when that fails; the file is then as before.
        """
        found = _version(connection)
        backup = f"{path}.backup-v{found}"
        try:
            with closing(sqlite3.connect(backup)) as target:
                connection.backup(target)
            connection.execute("BEGIN IMMEDIATE")
            for step in range(found, self.version):
                for statement in self.migrations[step]:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version={self.version}")
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise RecordError(
                f"{path} cannot be brought to version {self.version}: {error}",
                hint="make its folder writable and free some space; nothing was changed",
            ) from error


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
