"""Whether the metadata index says of a run what its log says."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from zenconv.components.index_intake import take_in
from zenconv.components.index_queries import select_runs, select_steps
from zenconv.components.index_rows import SCHEMA
from zenconv.records.layout import RunFolder
from zenconv.records.run import RunRecord, StepRunRecord

Known = tuple[Sequence[RunRecord], Sequence[StepRunRecord]]


def read_log(folder: RunFolder) -> Known:
    """Return the run and its steps as its log alone tells them; the run has ended. `StoreError`."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        SCHEMA.create(connection)
        take_in(connection, folder, is_alive=False)
        return select_runs(connection), select_steps(connection, folder.id)
    finally:
        connection.close()


def compare(run: str, said: Known, logged: Known) -> list[str]:
    """Return a line if what the index says of a run is not what the log says."""
    if list(said[0]) != list(logged[0]) or len(said[1]) != len(logged[1]):
        return [f"run {run}: the index says otherwise than the log"]
    wrong = [new.node for old, new in zip(said[1], logged[1], strict=True) if old != new]
    return [f"run {run}: the index says otherwise than the log of {', '.join(wrong[:3])}"] if wrong else []
