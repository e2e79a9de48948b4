"""The metadata index: recorded runs in SQLite, brought up to date from the logs by whoever asks.

The logs are the record and this file is a copy that answers quickly. Therefore damage costs
nothing but the time to read them again, and where nothing can be written a copy in memory serves.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from zenconv.components.index_intake import forget, take_in
from zenconv.components.index_queries import (
    select_history,
    select_key_parts,
    select_last_keys,
    select_numbered,
    select_runs,
    select_states,
    select_steps,
)
from zenconv.components.index_rows import SCHEMA, UnsoundIndexError, run_key
from zenconv.components.options import check_options
from zenconv.components.sqlite_file import SqliteFile
from zenconv.errors import RecordError, StoreError
from zenconv.locks import is_held
from zenconv.records.layout import StateFolder, is_run_id
from zenconv.records.plan import KeyParts
from zenconv.records.run import RunRecord, RunStatus, StepRunRecord, StepStatus

Result = TypeVar("Result")
Item = TypeVar("Item")
Action = Callable[[sqlite3.Connection], Result]

_ATTEMPTS = 3
_UNSOUND = (UnsoundIndexError, UnicodeDecodeError)


class SqliteIndex:
    """`zenconv.interfaces.recording.MetadataStore` in ``index.sqlite`` of the state folder.

    Safe for many processes and threads of one machine.

    Parameters
    ----------
    state
        The folder whose logs are indexed. Nothing is written where there is no run.
    path
        The database file, if it is to lie elsewhere.

    Attributes
    ----------
    notices
        Lines for people: what was damaged, vanished or could not be read.
    """

    def __init__(self, state: StateFolder, path: Path | None = None) -> None:
        self.state = state
        self.path = path or state.index
        self.notices: list[str] = []
        self._damage = ""
        self._file = SqliteFile(self.path, SCHEMA, on_warning=self._note_damage)
        self._memory: InMemoryDatabase | None = None

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path, state: Path) -> Self:
        """Build from a settings table. `path` moves the file; it is relative to the root."""
        check_options("metadata store 'sqlite'", options, {"path": str})
        path = options.get("path")
        return cls(StateFolder(state), root / os.path.expanduser(path) if path else None)

    def refresh(self, *, anew: bool = False) -> None:
        """Take in what the logs say since last time; `anew`: forget everything first, but keep the file."""
        if anew:
            self._forget()
        self._answer(self._catch_up)
        if anew:
            self._tell_anew()

    def _forget(self) -> None:
        try:
            self._start_over("making it again was asked for")
        except RecordError:
            self._move_aside("newer")
        self._damage = ""

    def _tell_anew(self) -> None:
        runs = self.count()
        self.notices.append(f"{self.path}: made again from the logs of {runs} run{'s' * (runs != 1)}")

    def verify(self, runs: Iterable[str]) -> list[str]:
        """Return a line for each of those runs of which the log says something else."""
        from zenconv.components.index_check import compare, read_log

        found = []
        for run in filter(is_run_id, runs):
            folder = self.state.run(run)
            said = [record for record in self.find(run) if record.id == run], self.steps(run)
            if said[0] and said[0][0].is_over and folder.log.exists():
                found += compare(run, said, read_log(folder))
        return found

    def close(self) -> None:
        """Close the database; a second time is no error."""
        memory, self._memory = self._memory, None
        if memory is not None:
            memory.close()
        self._file.close()

    @property
    def _database(self) -> SqliteFile | InMemoryDatabase:
        return self._memory or self._file

    def _answer(self, action: Callable[[], Result]) -> Result:
        """Return ``action()`` of a sound and complete index; make it again from the logs if need be."""
        is_behind = False
        cause: Exception | None = None
        for _ in range(_ATTEMPTS):
            try:
                if is_behind:
                    self._catch_up()
                result = action()
            except _UNSOUND as error:
                cause = error
                self._start_over(str(error))
            except StoreError:
                if self._memory is not None:
                    raise
                self._memory = _copy_to_memory(self._file)
            else:
                if not self._damage:
                    return result
            is_behind = True
            self._tell_damage()
        raise RecordError(
            f"the index {self.path} is unsound even after it was made again: {cause}",
            hint="zenconv check --fix makes it again; the disk may be failing",
        ) from cause

    def _read(self, action: Action[list[Item]]) -> list[Item]:
        return self._answer(lambda: self._read_sound(action) or [])

    def _read_sound(self, action: Action[list[Item]]) -> list[Item] | None:
        """Return None only where there is no file, or a damaged one was moved aside just now."""
        for _ in range(2):  # another process may have replaced a damaged file meanwhile
            found = self._database.read(lambda connection: _at_once(connection, action), None)
            if found is not None or self._damage or not self.path.exists():
                return found
        raise UnsoundIndexError("SQLite cannot read it")

    def _note_damage(self, text: str) -> None:
        self._damage = text

    def _tell_damage(self) -> None:
        if self._damage:
            self.notices.append(f"{self._damage}, made again from the logs")
            self._damage = ""

    def _start_over(self, reason: str) -> None:
        """Move the file aside and begin a new one; without write access, begin one in memory."""
        reasons = [reason] if self.path.exists() else []

        def refuse_once(connection: sqlite3.Connection) -> None:
            if reasons:
                raise sqlite3.DatabaseError(reasons.pop())

        if self._memory is None:
            try:
                self._file.write(refuse_once)
                return
            except UnicodeDecodeError:  # from sqlite3, where the text of the schema is damaged
                aside = self._move_aside("damaged")
                self._damage = f"{self.path} is damaged ({reason}): moved to {aside}"
                return
            except StoreError:
                self._damage = f"{self.path} is damaged ({reason})"
        self._memory = InMemoryDatabase()

    def _move_aside(self, kind: str) -> str:
        """Give the file another name: ``<name>.<kind>-<number>``. Return it."""
        number = 1
        while os.path.lexists(f"{self.path}.{kind}-{number}"):
            number += 1
        aside = f"{self.path}.{kind}-{number}"
        self._file.close()
        try:
            for suffix in ("-wal", "-shm", ""):
                with suppress(FileNotFoundError):
                    os.replace(f"{self.path}{suffix}", aside + suffix)
        except OSError as error:
            raise StoreError(f"cannot move {self.path} aside: {error.strerror or error}") from error
        return aside

    def _catch_up(self) -> None:
        known = dict(self._read_sound(lambda connection: list(select_states(connection).items())) or [])
        pending, vanished = self._news(known)
        if pending or vanished:
            self._database.write(lambda connection: self._take_in(connection, pending, vanished))
        if vanished:
            names = vanished[-1] if len(vanished) == 1 else f"{len(vanished)} runs up to {vanished[-1]}"
            self.notices.append(f"no longer in the history, because the logs were deleted: {names}")

    def _news(self, known: Mapping[str, tuple[int, int]]) -> tuple[list[str], list[str]]:
        """Return the runs whose log may say something new, and those whose log is gone."""
        present = set(self.state.run_ids())
        final = {name for name, (is_final, _) in known.items() if is_final}
        pending = [run for run in present - final if self._has_news(run, known.get(run))]
        gone = known.keys() - present
        if not all(map(is_run_id, gone)):
            raise UnsoundIndexError("a run has a name that is none")
        return sorted(pending, key=run_key), sorted(gone, key=run_key)

    def _has_news(self, run: str, known: tuple[int, int] | None) -> bool:
        folder = self.state.run(run)
        is_alive = is_held(folder.lock)
        try:
            size = os.stat(folder.log).st_size
        except OSError:
            size = 0  # a folder without a log is no run yet; a known run that lost it has ended
        if known is None:
            return size > 0
        return not is_alive or size != known[1]

    def _take_in(self, connection: sqlite3.Connection, pending: Sequence[str], gone: Sequence[str]) -> None:
        for run in gone:
            forget(connection, run)
        for run in pending:
            folder = self.state.run(run)
            try:
                # Liveness first: if the process is gone by now, the log read next is complete.
                take_in(connection, folder, is_alive=is_held(folder.lock))
            except StoreError as error:
                self.notices.append(f"run {run} is left out: {error.what}")

    def runs(
        self,
        *,
        limit: int | None = None,
        offset: int = 0,
        statuses: Collection[RunStatus] = (),
        pipeline: str = "",
    ) -> Sequence[RunRecord]:
        """Return runs, newest first: those in one of `statuses` (empty: any) that touched `pipeline`."""
        return self._read(
            lambda connection: select_runs(
                connection, limit=limit, offset=offset, statuses=statuses, pipeline=pipeline
            )
        )

    def count(self) -> int:
        """Return how many runs there are."""
        counted = self._read(lambda connection: connection.execute("SELECT count(*) FROM runs").fetchall())
        return int(counted[0][0]) if counted else 0

    def find(self, prefix: str) -> Sequence[RunRecord]:
        """Return the runs whose id is, or begins with, `prefix`; a whole number names its run."""
        match = re.fullmatch(r"([0-9]{1,9})(-[0-9a-f]{0,6})?", prefix)
        if match is None:
            return []
        found = self._read(lambda connection: select_numbered(connection, int(match[1])))
        return [run for run in found if match[2] is None or run.id.startswith(prefix)]

    def steps(
        self,
        run: str,
        *,
        statuses: Collection[StepStatus] = (),
        node: str = "",
        step: str = "",
        limit: int | None = None,
    ) -> Sequence[StepRunRecord]:
        """Return the steps of the run id `run` in plan order; an unknown run has none."""
        if not is_run_id(run):
            return []
        return self._read(
            lambda connection: select_steps(
                connection, run, statuses=statuses, node=node, step=step, limit=limit
            )
        )

    def history(
        self, node: str, *, statuses: Collection[StepStatus] = (), limit: int | None = None
    ) -> Sequence[StepRunRecord]:
        """Return what became of the node id `node` in each run, newest first."""
        return self._read(lambda connection: select_history(connection, node, statuses=statuses, limit=limit))

    def last_keys(self, nodes: Iterable[str], *, sample: str = "") -> dict[str, str]:
        """Return for each node its cache key when it last had a result, in a run with that `sample`."""
        names = list(nodes)
        return dict(self._read(lambda connection: list(select_last_keys(connection, names, sample).items())))

    def key_parts(self, keys: Iterable[str]) -> dict[str, KeyParts]:
        """Return what the given cache keys were made of, as far as recorded."""
        names = list(keys)
        return dict(self._read(lambda connection: list(select_key_parts(connection, names).items())))


class InMemoryDatabase:
    """Stands in for the file where nothing can be written. One thread at a time."""

    def __init__(self) -> None:
        self._mutex = threading.RLock()
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        SCHEMA.create(self._connection)

    def copy_from(self, source: sqlite3.Connection) -> None:
        """Take over everything from another connection."""
        source.backup(self._connection)

    def read(self, action: Action[Result], default: Result) -> Result:
        """Return ``action(connection)``."""
        with self._mutex:
            return action(self._connection)

    def write(self, action: Action[Result]) -> Result:
        """Return ``action(connection)`` of one transaction."""
        with self._mutex:
            self._connection.execute("BEGIN")
            try:
                result = action(self._connection)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
            return result

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()


def _at_once(connection: sqlite3.Connection, action: Action[Result]) -> Result:
    """Return ``action(connection)``, all of it from one moment, whatever is committed meanwhile."""
    connection.execute("BEGIN")
    try:
        return action(connection)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise UnsoundIndexError(f"a row has another form: {type(error).__name__}: {error}") from error
    finally:
        with suppress(sqlite3.Error):
            connection.execute("COMMIT")


def _copy_to_memory(file: SqliteFile) -> InMemoryDatabase:
    memory = InMemoryDatabase()
    try:
        file.read(memory.copy_from, None)
    except StoreError:
        pass  # not readable either: everything comes from the logs
    return memory
