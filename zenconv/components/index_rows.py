"""The tables of the metadata index, and how rows become records and show that they are sound.

Long texts (definitions, outputs, sources) are kept once, under the digest of their content; the
other rows carry a checksum. So a flipped bit anywhere is noticed, and the logs tell it again.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from typing import Any

from blake3 import blake3

from zenconv.components.sqlite_schema import Schema
from zenconv.records.artifact import Artifact
from zenconv.records.run import RunRecord, StepRunRecord, StepStatus

SCHEMA = Schema(
    version=1,
    statements=(
        """CREATE TABLE runs (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL, final INTEGER NOT NULL, offset INTEGER NOT NULL,
            status TEXT NOT NULL, pipelines TEXT NOT NULL, document TEXT NOT NULL, environment BLOB,
            checksum INTEGER NOT NULL
        )""",
        "CREATE INDEX runs_by_state ON runs (final, name, offset)",
        """CREATE TABLE plan_steps (
            run INTEGER NOT NULL, node BLOB NOT NULL, step TEXT NOT NULL, position INTEGER NOT NULL,
            action TEXT NOT NULL, reason TEXT NOT NULL, definition BLOB NOT NULL,
            checksum INTEGER NOT NULL, PRIMARY KEY (run, node)
        ) WITHOUT ROWID""",
        """CREATE TABLE step_runs (
            run INTEGER NOT NULL, node BLOB NOT NULL, status TEXT NOT NULL, key BLOB, reason TEXT NOT NULL,
            started TEXT NOT NULL, finished TEXT NOT NULL, seconds REAL NOT NULL, cpu REAL NOT NULL,
            results BLOB, checksum INTEGER NOT NULL, PRIMARY KEY (run, node)
        ) WITHOUT ROWID""",
        "CREATE INDEX step_runs_by_node ON step_runs (node, run)",
        """CREATE TABLE keys (
            id BLOB PRIMARY KEY, key TEXT NOT NULL, parts TEXT, checksum INTEGER NOT NULL
        ) WITHOUT ROWID""",
        """CREATE TABLE sources (
            id BLOB PRIMARY KEY, place TEXT NOT NULL, body TEXT NOT NULL, checksum INTEGER NOT NULL
        ) WITHOUT ROWID""",
        "CREATE TABLE texts (id BLOB PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
    ),
)

RUN_COLUMNS = "id, name, final, offset, status, pipelines, document, environment, checksum"
PLAN_COLUMNS = "p.run, p.node, p.step, p.position, p.action, p.reason, p.definition, p.checksum"
STEP_COLUMNS = (
    "s.run, s.node, s.status, s.key, s.reason, s.started, s.finished, s.seconds, s.cpu, s.results, s.checksum"
)

_HEX_BITS = 24
_encoder = json.JSONEncoder(separators=(",", ":"), check_circular=False)

Row = tuple[Any, ...]


class UnsoundIndexError(Exception):
    """A row is not what was written; the text says which."""


def run_key(run: str) -> int:
    """Return the row number of a run id; rows are in the order of runs."""
    number, _, suffix = run.partition("-")
    return int(number) << _HEX_BITS | int(suffix, 16)


def key_range(number: int) -> tuple[int, int]:
    """Return the first and the last row number that runs of that number can have."""
    return number << _HEX_BITS, ((number + 1) << _HEX_BITS) - 1


def identify(text: str) -> bytes:
    """Return the id of a text: 128 bits of its digest."""
    return blake3(text.encode("utf-8", "surrogatepass")).digest(16)


def checksum(values: Row) -> int:
    """Return the checksum of a row's other columns."""
    return zlib.crc32(repr(values).encode("utf-8", "surrogatepass"))


def seal(*values: Any) -> Row:
    """Return a row with its checksum as the last column."""
    return (*values, checksum(values))


def verify(row: Row, what: str) -> Row:
    """Return `row` if its checksum holds, else raise `UnsoundIndexError`."""
    if checksum(row[:-1]) != row[-1]:
        raise UnsoundIndexError(f"a row of {what} fails its checksum")
    return row


def to_text(value: Any) -> str:
    """Return plain data as ASCII JSON, which SQLite takes whatever is in it."""
    return _encoder.encode(value)


def to_column(value: Any) -> str:
    """Return text that SQLite takes: lone surrogates, as in odd file names, are spelt out."""
    text = str(value)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def to_pipeline(name: str) -> str:
    """Return a pipeline's name as it stands among others, one a line."""
    return to_column(name).replace("\n", "\\n")


class TextReader:
    """Fetches texts by id, verified; the last ones are remembered, decoded."""

    _ROOM = 256

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._decoded: dict[bytes, Any] = {}

    def text(self, id: bytes) -> str:
        """Return a text; `UnsoundIndexError` when it is missing or altered."""
        row = self._connection.execute("SELECT body FROM texts WHERE id=?", (id,)).fetchone()
        if row is None or identify(row[0]) != id:
            raise UnsoundIndexError("a text is missing or altered")
        return str(row[0])

    def json(self, id: bytes | None) -> Any:
        """Return the plain data of a text, None without an id. Do not change it: it is shared."""
        if id is None:
            return None
        if id not in self._decoded:
            if len(self._decoded) >= self._ROOM:
                self._decoded.clear()
            self._decoded[id] = json.loads(self.text(id))
        return self._decoded[id]


def read_run(row: Row, texts: TextReader) -> RunRecord:
    """Return the record of a row with `RUN_COLUMNS`."""
    id, name, _final, _offset, status, pipelines, document, environment, _ = verify(row, "runs")
    if run_key(name) != id:
        raise UnsoundIndexError("a run has another run's number")
    data = json.loads(document)
    return RunRecord(
        id=name,
        number=id >> _HEX_BITS,
        status=status,
        exit_code=data.get("exit_code"),
        started=data.get("started", ""),
        finished=data.get("finished", ""),
        seconds=data.get("seconds", 0.0),
        arguments=tuple(data.get("arguments", ())),
        root=data.get("root", ""),
        stack=data.get("stack", ""),
        pipelines=tuple(name for name in pipelines.split("\n") if name),
        counts=data.get("counts", {}),
        verified=data.get("verified", {}),
        error=data.get("error", ""),
        notices=tuple((level, text) for level, text in data.get("notices", ())),
        environment=texts.json(environment) or {},
        sample=data.get("sample", ""),
    )


def read_step(row: Row, run: RunRecord, texts: TextReader) -> StepRunRecord:
    """Return the record of a row with `PLAN_COLUMNS`, `STEP_COLUMNS`, the key and its id.

    The second half of the row is null where nothing happened to the step.
    """
    plan, outcome, key = row[:8], row[8:19], row[19]
    _, node_id, _, position, action, planned, definition, _ = verify(plan, "plans")
    node, pipeline, step, file, line, names, bindings = texts.json(definition)
    if identify(node) != node_id:
        raise UnsoundIndexError("a plan names another step")
    return StepRunRecord(
        run=run.id,
        number=run.number,
        node=node,
        pipeline=pipeline,
        step=step,
        file=file,
        line=line,
        position=position,
        action=action,
        planned=planned,
        output_names=tuple(names),
        bindings=tuple(bindings),
        **_read_outcome(outcome, key, run, texts),
    )


def _read_outcome(row: Row, key: str | None, run: RunRecord, texts: TextReader) -> dict[str, Any]:
    if row[0] is None:
        return {"status": "skipped" if run.is_over else "waiting"}
    _, _, status, key_id, reason, started, finished, seconds, cpu, results, _ = verify(row, "steps")
    if key_id is not None and (key is None or identify(key) != key_id):
        raise UnsoundIndexError("a key is missing or altered")
    found: tuple[list[Any], Any, dict[str, Any]] = texts.json(results) or ([], None, {})
    outputs, output, more = found
    return {
        "status": settle(status, run),
        "key": key or "",
        "reason": "" if status == "running" else reason,
        "started": started,
        "finished": finished,
        "seconds": seconds,
        "cpu": cpu,
        "outputs": {name: Artifact.from_json(data) for name, data in outputs},
        "output": Artifact.from_json(output) if output else None,
        "error": more.get("error"),
        "inputs": more.get("inputs", {}),
        "warnings": tuple(more.get("warnings", ())),
        "live": bool(more.get("live")),
        "attempts": tuple(more.get("attempts", ())),
        "verdict": more.get("verdict"),
    }


def settle(status: StepStatus, run: RunRecord) -> StepStatus:
    """Return what `status` means now: nothing runs in a run that is over."""
    return "interrupted" if status == "running" and run.is_over else status
