"""The questions to the metadata index, each a function of a connection; unsound rows raise."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from zenconv.components.index_intake import source_id
from zenconv.components.index_rows import (
    PLAN_COLUMNS,
    RUN_COLUMNS,
    STEP_COLUMNS,
    TextReader,
    UnsoundIndexError,
    identify,
    key_range,
    read_run,
    read_step,
    run_key,
    to_column,
    to_pipeline,
    to_text,
    verify,
)
from zenconv.records.plan import KeyParts
from zenconv.records.run import HAS_RESULT, RunRecord, StepRunRecord, StepStatus

_BATCH = 400
"""Parameters of one statement; SQLite before 3.32 takes no more than 999."""

_STEP_QUERY = f"""
    SELECT {PLAN_COLUMNS}, {STEP_COLUMNS}, k.key FROM plan_steps p
    LEFT JOIN step_runs s ON s.run = p.run AND s.node = p.node LEFT JOIN keys k ON k.id = s.key
"""


def select_states(connection: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """Return for each run id whether it is final, and how far its log was read."""
    rows = connection.execute("SELECT name, final, offset FROM runs INDEXED BY runs_by_state")
    return {name: (final, offset) for name, final, offset in rows}


def select_runs(
    connection: sqlite3.Connection,
    *,
    limit: int | None = None,
    offset: int = 0,
    statuses: Collection[str] = (),
    pipeline: str = "",
) -> list[RunRecord]:
    """Return runs, newest first."""
    where, values = _among("status", statuses)
    if pipeline:
        where += " AND instr(pipelines, ?)"
        values.append(f"\n{to_pipeline(pipeline)}\n")
    tail = f"WHERE {where} ORDER BY id DESC LIMIT ? OFFSET ?"
    return _runs(connection, tail, [*values, -1 if limit is None else limit, offset])


def select_run(connection: sqlite3.Connection, run: str) -> RunRecord | None:
    """Return the run of that id."""
    found = _runs(connection, "WHERE id=?", [run_key(run)])
    if not found and run in select_states(connection):
        raise UnsoundIndexError(f"run {run} is listed but not found")
    return found[0] if found else None


def select_numbered(connection: sqlite3.Connection, number: int) -> list[RunRecord]:
    """Return the runs of that number: one, unless histories were merged."""
    return _runs(connection, "WHERE id BETWEEN ? AND ? ORDER BY id DESC", list(key_range(number)))


def _runs(connection: sqlite3.Connection, tail: str, values: Sequence[Any]) -> list[RunRecord]:
    texts = TextReader(connection)
    rows = connection.execute(f"SELECT {RUN_COLUMNS} FROM runs {tail}", values)
    runs = [read_run(row, texts) for row in rows]
    keys = [run_key(run.id) for run in runs]
    if any(newer <= older for newer, older in pairwise(keys)):
        raise UnsoundIndexError("runs are out of order")
    return runs


def select_steps(
    connection: sqlite3.Connection,
    run: str,
    *,
    statuses: Collection[StepStatus] = (),
    node: str = "",
    step: str = "",
    limit: int | None = None,
) -> list[StepRunRecord]:
    """Return the steps of a run in plan order; an unknown run has none."""
    record = select_run(connection, run)
    if record is None:
        return []
    where, values = _among_outcomes(statuses, record)
    if node:
        where += " AND p.node=?"
        values.append(identify(node))
    if step:
        where += " AND p.step=?"
        values.append(to_column(step))
    query = f"{_STEP_QUERY} WHERE p.run=? AND {where} ORDER BY p.position LIMIT ?"
    rows = connection.execute(query, [run_key(run), *values, -1 if limit is None else limit])
    texts = TextReader(connection)
    steps = [read_step(row, record, texts) for row in rows]
    _check_counts(record, steps, statuses, limit, is_partial=bool(node or step))
    return steps


def _check_counts(
    run: RunRecord,
    steps: Sequence[StepRunRecord],
    statuses: Collection[StepStatus],
    limit: int | None,
    *,
    is_partial: bool,
) -> None:
    """A row that is not found looks like a step to which nothing happened; the counts know better."""
    expected = sum(number for status, number in run.counts.items() if not statuses or status in statuses)
    if limit is not None:
        expected = min(expected, max(0, limit))
    if not is_partial and len(steps) != expected:
        raise UnsoundIndexError(f"run {run.id} has {len(steps)} of {expected} steps")
    if not {step.status for step in steps} <= run.counts.keys():
        raise UnsoundIndexError(f"run {run.id} lacks what happened to a step")


def select_history(
    connection: sqlite3.Connection,
    node: str,
    *,
    statuses: Collection[StepStatus] = (),
    limit: int | None = None,
) -> list[StepRunRecord]:
    """Return what became of a node in each run, newest first."""
    texts = TextReader(connection)
    query = "SELECT run FROM step_runs WHERE node=? ORDER BY run DESC"
    found: list[StepRunRecord] = []
    for (key,) in connection.execute(query, (identify(node),)):
        if limit is not None and len(found) >= limit:
            break
        run = _runs(connection, "WHERE id=?", [key])
        row = connection.execute(
            f"{_STEP_QUERY} WHERE p.run=? AND p.node=?", (key, identify(node))
        ).fetchone()
        if not run or row is None:
            raise UnsoundIndexError("a step has no run")
        step = read_step(row, run[0], texts)
        if not statuses or step.status in statuses:
            found.append(step)
    return found


def select_last_keys(
    connection: sqlite3.Connection, nodes: Iterable[str], sample: str = ""
) -> dict[str, str]:
    """Return for each node its cache key when it last had a result in a run with that `sample`."""
    marks = ",".join("?" * len(HAS_RESULT))
    # JSON writes a quotation mark inside a text as \", so this is the field and nothing else.
    field = f'"sample":{to_text(sample)}' if sample else '"sample":'
    wanted = "" if sample else "NOT"
    query = f"""SELECT s.key, k.key FROM step_runs s LEFT JOIN keys k ON k.id = s.key
        WHERE s.node=? AND s.key IS NOT NULL AND s.status IN ({marks})
        AND {wanted} (SELECT instr(document, ?) FROM runs WHERE id = s.run) ORDER BY s.run DESC LIMIT 1"""
    found = {}
    for node in nodes:
        row = connection.execute(query, (identify(node), *HAS_RESULT, field)).fetchone()
        if row is not None:
            found[node] = _sound_key(row[0], row[1])
    return found


def _sound_key(id: bytes, key: str | None) -> str:
    if key is None or identify(key) != id:
        raise UnsoundIndexError("a key is missing or altered")
    return key


def select_key_parts(connection: sqlite3.Connection, keys: Iterable[str]) -> dict[str, KeyParts]:
    """Return what the given cache keys were made of, as far as recorded."""
    wanted = {identify(key): key for key in keys}
    found = {}
    for batch in _batches(list(wanted)):
        marks = ",".join("?" * len(batch))
        query = f"SELECT id, key, parts, checksum FROM keys WHERE id IN ({marks})"
        for row in connection.execute(query, batch).fetchall():
            id, _, text, _ = verify(row, "keys")
            if text is not None:
                parts = json.loads(text)
                found[wanted[id]] = KeyParts(parts, _load_sources(connection, parts))
    return found


def _load_sources(connection: sqlite3.Connection, parts: dict[str, str]) -> dict[str, tuple[str, str]]:
    ids = {source_id(name, part): name for name, part in parts.items()}
    sources = {}
    for batch in _batches(list(ids)):
        marks = ",".join("?" * len(batch))
        query = f"SELECT id, place, body, checksum FROM sources WHERE id IN ({marks})"
        for row in connection.execute(query, batch).fetchall():
            id, place, body, _ = verify(row, "sources")
            sources[ids[id]] = (place, body)
    return {name: sources[name] for name in parts if name in sources}


def _among(column: str, names: Collection[str]) -> tuple[str, list[Any]]:
    if not names:
        return "1", []
    return f"{column} IN ({','.join('?' * len(names))})", list(names)


def _among_outcomes(statuses: Collection[StepStatus], run: RunRecord) -> tuple[str, list[Any]]:
    """Return the condition for `statuses`, some of which are not stored but follow from the run."""
    if not statuses:
        return "1", []
    wanted: set[str] = set(statuses)
    if run.is_over:
        wanted = (wanted - {"running"}) | ({"running"} if "interrupted" in wanted else set())
    where, values = _among("s.status", sorted(wanted)) if wanted else ("0", [])
    if ("skipped" if run.is_over else "waiting") in wanted:
        where = f"({where} OR s.status IS NULL)"
    return where, values


def _batches(items: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]
