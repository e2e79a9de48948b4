"""From the log of one run into the tables of the metadata index, as far as the log goes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from zenconv.components.index_rows import (
    RUN_COLUMNS,
    STEP_COLUMNS,
    TextReader,
    identify,
    run_key,
    seal,
    to_column,
    to_pipeline,
    to_text,
    verify,
)
from zenconv.records import events
from zenconv.records.layout import RunFolder
from zenconv.records.log import read_events

_BATCH = 4000
_CACHE_KIB = 32_000
_MOST_NOTICES = 200

_VERDICT = ("outcome", "cause", "output", "materializer", "difference", "error", "warnings", "seconds", "cpu")

_INSERT_PLAN = "INSERT OR IGNORE INTO plan_steps VALUES (?,?,?,?,?,?,?,?)"
_INSERT_STEP = "INSERT OR REPLACE INTO step_runs VALUES (?,?,?,?,?,?,?,?,?,?,?)"
_INSERT_TEXT = "INSERT OR IGNORE INTO texts VALUES (?,?)"
_INSERT_SOURCE = "INSERT OR REPLACE INTO sources VALUES (?,?,?,?)"
_INSERT_KEY = "INSERT OR IGNORE INTO keys VALUES (?,?,?,?)"
_INSERT_PARTS = "INSERT OR REPLACE INTO keys VALUES (?,?,?,?)"


def source_id(name: str, part: str) -> bytes:
    """Return the id under which the text behind one part of a key is kept."""
    return identify(f"{len(name)}:{name}{part}")


def take_in(connection: sqlite3.Connection, folder: RunFolder, *, is_alive: bool) -> None:
    """Read what is new in the log of `folder`; a dead run without an end becomes ``interrupted``.

    `is_alive` was found out before this call: then a dead run's log is complete by now.
    """
    _Intake(connection, folder).run(is_alive)


def forget(connection: sqlite3.Connection, run: str) -> None:
    """Remove a run whose log is gone. Texts shared with other runs stay until a rebuild."""
    key = run_key(run)
    for table, column in (("runs", "id"), ("plan_steps", "run"), ("step_runs", "run")):
        connection.execute(f"DELETE FROM {table} WHERE {column}=?", (key,))


class _Intake:
    """Everything known about one run while its log is read; rows are written in batches."""

    def __init__(self, connection: sqlite3.Connection, folder: RunFolder) -> None:
        self._connection = connection
        self._folder = folder
        self._key = run_key(folder.id)
        self._offset = 0
        self._document: dict[str, Any] = {}
        self._environment: bytes | None = None
        self._pipelines: dict[str, None] = {}
        self._status = "running"
        self._is_final = False
        self._planned: set[bytes] = set()
        self._ids: dict[str, bytes] = {}
        self._running: dict[str, str] = {}
        self._died: dict[str, str] = {}
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._seen: set[bytes] = set()
        self._last = ""

    def run(self, is_alive: bool) -> None:
        self._connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        self._resume()
        if self._is_final:
            return
        damaged: list[int] = []
        for event, offset in read_events(self._folder.log, self._offset, on_damage=damaged.append):
            self._offset = offset
            self._last = event.at or self._last
            try:
                self._take(event)
            except (KeyError, TypeError, ValueError, AttributeError):
                damaged.append(offset)
        if damaged:
            more = len(damaged) - 1
            places = f" and {more} more {'place' if more == 1 else 'places'}" if more else ""
            lost = f"the log is damaged at byte {damaged[0]}{places}; what it said there is lost"
            self._note("warning", lost)
        if not is_alive:
            self._end_if_open()
        self._finish()

    def _resume(self) -> None:
        """Begin where the last reading of this log ended."""
        query = f"SELECT {RUN_COLUMNS} FROM runs WHERE id=?"
        row = self._connection.execute(query, (self._key,)).fetchone()
        if row is None:
            return
        _, _, final, self._offset, self._status, pipelines, document, self._environment, _ = verify(
            row, "runs"
        )
        self._is_final = bool(final)
        self._document = json.loads(document)
        self._last = self._document.get("finished", "")
        self._pipelines = dict.fromkeys(name for name in pipelines.split("\n") if name)
        planned = self._connection.execute("SELECT node FROM plan_steps WHERE run=?", (self._key,))
        self._planned = {node for (node,) in planned}
        running = self._connection.execute(
            "SELECT reason, started FROM step_runs WHERE run=? AND status='running'", (self._key,)
        )
        self._running = dict(running.fetchall())

    def _take(self, event: events.Event) -> None:
        take = self._takers.get(type(event))
        if take is not None:
            take(self, event)

    def _put(self, statement: str, row: tuple[Any, ...]) -> None:
        rows = self._rows.setdefault(statement, [])
        rows.append(row)
        if len(rows) >= _BATCH:
            self._write(statement, rows)

    def _write(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        if statement == _INSERT_TEXT:
            rows.sort()  # neighbours share pages
        self._connection.executemany(statement, rows)
        rows.clear()

    def _flush(self) -> None:
        for statement, rows in self._rows.items():
            self._write(statement, rows)

    def _text(self, text: str) -> bytes:
        id = identify(text)
        if id not in self._seen:
            self._seen.add(id)
            self._put(_INSERT_TEXT, (id, text))
        return id

    def _node_id(self, node: str) -> bytes:
        id = self._ids.get(node)
        if id is None:
            id = self._ids[node] = identify(node)
        return id

    def _note(self, level: str, text: str) -> None:
        notices = self._document.setdefault("notices", [])
        if len(notices) < _MOST_NOTICES:
            notices.append([level, text])

    def _take_start(self, event: events.RunStarted) -> None:
        self._document.update(
            started=event.at, arguments=list(event.arguments), root=event.root, stack=event.stack
        )
        if event.sample:
            self._document["sample"] = event.sample
        self._environment = self._text(to_text(event.environment))

    def _take_plan(self, event: events.PlanReady) -> None:
        """A second plan, after a crash, says nothing new about steps that have ended."""
        if self._planned and not event.start:
            self._flush()
            ended = "SELECT node FROM step_runs WHERE run=:run"
            query = f"DELETE FROM plan_steps WHERE run=:run AND node NOT IN ({ended})"
            self._connection.execute(query, {"run": self._key})
        self._add_planned(event.nodes, event.start)

    def _take_expansion(self, event: events.StepsExpanded) -> None:
        """Branches take the place of the planned node that stood for them."""
        self._flush()
        for node in event.complete:
            id = self._node_id(node)
            self._planned.discard(id)
            self._connection.execute("DELETE FROM plan_steps WHERE run=? AND node=?", (self._key, id))
        self._add_planned(event.nodes, len(self._planned) + len(event.complete))

    def _add_planned(self, nodes: Sequence[Mapping[str, Any]], first: int) -> None:
        for position, node in enumerate(nodes, first):
            id = self._node_id(node["id"])
            self._planned.add(id)
            self._pipelines.setdefault(node.get("pipeline", ""))
            definition = self._text(to_text(_definition(node)))
            texts = [to_column(node.get(name, "")) for name in ("step", "action", "reason")]
            plan = (self._key, id, texts[0], position, *texts[1:])
            self._put(_INSERT_PLAN, seal(*plan, definition))

    def _add_unplanned(self, node: str, id: bytes) -> None:
        """Give a step of which the plan says nothing (its line may be damaged) a place at the end."""
        self._planned.add(id)
        file, _, step = node.rpartition("::")
        name = file.removesuffix(".py").replace("steps_", "")
        self._pipelines.setdefault(name)
        definition = self._text(to_text([node, name, step, file, 0, [], []]))
        self._put(_INSERT_PLAN, seal(self._key, id, to_column(step), len(self._planned), "", "", definition))

    def _take_reused(self, event: events.StepsReused) -> None:
        executed = self._executed()
        for step in event.steps:
            if self._node_id(step["node"]) in executed:
                continue
            results = self._results(
                step.get("outputs") or {}, step.get("output"), {"live": True} if step.get("live") else {}
            )
            self._put_step(
                step["node"], "reused", step.get("key", ""), step.get("reason", ""), event.at, results=results
            )

    def _executed(self) -> set[bytes]:
        """Nodes executed in this run: taking their result over later, after a crash, changes nothing."""
        self._flush()
        query = "SELECT node FROM step_runs WHERE run=? AND status='succeeded'"
        return {node for (node,) in self._connection.execute(query, (self._key,))}

    def _take_step_start(self, event: events.StepStarted) -> None:
        self._running[event.node] = event.at

    def _take_step_finish(self, event: events.StepFinished) -> None:
        started = self._running.pop(event.node, "")
        self._died.pop(event.node, None)
        details = {
            "error": event.error,
            "inputs": event.inputs,
            "warnings": event.warnings,
            "live": event.live,
            "attempts": event.attempts,
        }
        self._put_step(
            event.node,
            event.status,
            event.key,
            event.reason,
            event.at,
            started=started,
            seconds=event.seconds,
            cpu=event.cpu,
            results=self._results(
                event.outputs,
                event.output,
                {name: value for name, value in details.items() if value},
            ),
            parts=to_text(event.parts) if event.parts else None,
        )
        for name, (place, text) in event.sources.items():
            id = source_id(name, event.parts.get(name, ""))
            self._put(_INSERT_SOURCE, seal(id, to_column(place), to_column(text)))

    def _results(
        self, outputs: Mapping[str, Any], output: Mapping[str, Any] | None, more: Mapping[str, Any]
    ) -> bytes | None:
        if not outputs and not output and not more:
            return None
        return self._text(to_text([list(outputs.items()), output, more]))

    def _put_step(
        self,
        node: str,
        status: str,
        key: str,
        reason: str,
        at: str,
        *,
        started: str = "",
        seconds: float = 0.0,
        cpu: float = 0.0,
        results: bytes | None = None,
        parts: str | None = None,
    ) -> None:
        id = self._node_id(node)
        if id not in self._planned:
            self._add_unplanned(node, id)
        key_id = identify(key) if key else None
        if key_id is not None and parts is None:
            self._put(_INSERT_KEY, seal(key_id, to_column(key), None))
        elif key_id is not None:
            self._put(_INSERT_PARTS, seal(key_id, to_column(key), parts))
        times = (to_column(started), to_column(at), float(seconds), float(cpu))
        row = (self._key, id, to_column(status), key_id, to_column(reason), *times, results)
        self._put(_INSERT_STEP, seal(*row))

    def _take_verification(self, event: events.StepVerified) -> None:
        """Add the verdict to what is known of the step."""
        self._flush()
        verdict = {name: getattr(event, name) for name in _VERDICT if getattr(event, name)}
        id = self._node_id(event.node)
        query = f"SELECT {STEP_COLUMNS} FROM step_runs s WHERE s.run=? AND s.node=?"
        found = self._connection.execute(query, (self._key, id)).fetchone()
        if found is None:
            return
        *row, results, _ = verify(found, "steps")
        outputs, output, more = TextReader(self._connection).json(results) or ([], None, {})
        told = self._text(to_text([outputs, output, {**more, "verdict": verdict}]))
        self._put(_INSERT_STEP, seal(*row, told))

    def _take_notice(self, event: events.Notice) -> None:
        self._note(event.level, event.text)

    def _take_project_failure(self, event: events.ProjectFailed) -> None:
        self._document.update(error=event.message, exit_code=event.exit_code)

    def _take_death(self, event: events.RunnerDied) -> None:
        if event.node:
            self._died[event.node] = event.cause
        else:
            self._note("warning", f"the process that ran the steps ended: {event.cause}")

    def _take_end(self, event: events.RunFinished) -> None:
        self._document["seconds"] = event.seconds
        if event.verified:
            self._document["verified"] = dict(event.verified)
        self._end(event.status, event.exit_code)

    def _end_if_open(self) -> None:
        if not self._is_final:
            self._end("interrupted", None)

    def _end(self, status: str, exit_code: int | None) -> None:
        self._status, self._is_final = status, True
        self._document.update(exit_code=exit_code, finished=self._last)
        if not self._document.get("seconds"):
            self._document["seconds"] = _seconds_between(self._document.get("started", ""), self._last)

    def _finish(self) -> None:
        for node, started in self._running.items():
            if self._is_final and node in self._died:
                error = {"type": "Crash", "message": f"the step ended its process: {self._died[node]}"}
                results = self._results({}, None, {"error": error})
                self._put_step(node, "failed", "", "", self._last, started=started, results=results)
            else:
                # The node's name is kept as the reason until the step ends: it is needed to go on.
                self._put_step(node, "running", "", node, "", started=started)
        self._flush()
        self._document["counts"] = self._count()
        names = [to_pipeline(name) for name in self._pipelines if name]
        pipelines = "".join(f"{name}\n" for name in ["", *names])
        status = to_column(self._status)
        place = (self._key, self._folder.id, int(self._is_final), self._offset)
        row = seal(*place, status, pipelines, to_text(self._document), self._environment)
        self._connection.execute("INSERT OR REPLACE INTO runs VALUES (?,?,?,?,?,?,?,?,?)", row)

    def _count(self) -> dict[str, int]:
        query = "SELECT status, count(*) FROM step_runs WHERE run=? GROUP BY status"
        counts = dict(self._connection.execute(query, (self._key,)).fetchall())
        left = len(self._planned) - sum(counts.values())
        if self._is_final:
            interrupted = counts.pop("running", 0) + counts.pop("interrupted", 0)
            counts |= {"interrupted": interrupted, "skipped": counts.get("skipped", 0) + left}
        else:
            counts["waiting"] = left
        return {status: number for status, number in counts.items() if number}

    _takers: ClassVar[Mapping[type[events.Event], Callable[[_Intake, Any], None]]] = {
        events.RunStarted: _take_start,
        events.PlanReady: _take_plan,
        events.StepsExpanded: _take_expansion,
        events.StepsReused: _take_reused,
        events.StepStarted: _take_step_start,
        events.StepFinished: _take_step_finish,
        events.StepVerified: _take_verification,
        events.Notice: _take_notice,
        events.ProjectFailed: _take_project_failure,
        events.RunnerDied: _take_death,
        events.RunFinished: _take_end,
    }


def _definition(node: Mapping[str, Any]) -> Sequence[Any]:
    names = ("id", "pipeline", "step", "file")
    texts = [node.get(name, "") for name in names]
    return [*texts, node.get("line", 0), node.get("outputs", []), node.get("bindings", [])]


def _seconds_between(start: str, end: str) -> float:
    try:
        return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
    except ValueError:
        return 0.0
