"""A project on disk with recorded runs whose outputs are really stored, as the engine stores them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from zenconv.components.local_store import LocalStore
from zenconv.materializers import Materializers
from zenconv.records import events
from zenconv.records.artifact import Artifact, StoredFile
from zenconv.records.layout import RunFolder, StateFolder
from zenconv.testing.logs import cache_key, ended, finished, new_state, node_of, planned, write_run
from zenconv.trust import Trust

STEPS = """
raise SystemExit("a reading command imported the project")
"""


@attrs.define
class RecordedProject:
    """A project that cannot be imported, and the means to record runs of it."""

    root: Path
    state: StateFolder
    store: LocalStore

    @classmethod
    def make(cls, root: Path) -> RecordedProject:
        (root / "zenconv.toml").write_text("")
        (root / "steps_training.py").write_text(STEPS)
        state = new_state(root)
        return cls(root, state, LocalStore(state.store))

    def save(self, value: Any, step: str, output: str = "") -> dict[str, Any]:
        """Store a value, signed by this machine, and return its record."""
        artifact = Materializers().save(value, self.store, where=step)
        return Trust().sign(artifact, cache_key(step), output).to_json()

    def save_text(self, text: bytes) -> dict[str, Any]:
        """Store captured output."""
        with self.store.writer() as writer:
            writer.write(text)
            digest, size = writer.commit()
        return Artifact(digest, "text/1", "builtins.str", (StoredFile("", digest, size),)).to_json()

    def record(self, values: dict[str, Any], *, printed: bytes = b"hello\n", **start: Any) -> RunFolder:
        """Record a successful run in which each step returned a value; a dictionary of named outputs
        is written as `Outputs`."""
        happened: list[Any] = []
        nodes = []
        for step, value in values.items():
            named = value.values if isinstance(value, Outputs) else {"": value}
            outputs = {name: self.save(item, step, name) for name, item in named.items()}
            nodes.append(planned(step, outputs=list(named)))
            output = self.save_text(printed) if printed else None
            happened += [events.StepStarted(node_of(step)), finished(step, outputs=outputs, output=output)]
        return write_run(self.state, [events.PlanReady(nodes), *happened], end=ended(), **start)

    def record_failure(
        self, step: str, error: dict[str, Any], printed: bytes = b"", **more: Any
    ) -> RunFolder:
        """Record a run in which `step` failed and one behind it was skipped."""
        fields: dict[str, Any] = {"outputs": {}, "output": self.save_text(printed) if printed else None}
        nothing: dict[str, Any] = {"key": "", "output": None, "inputs": {}, "parts": {}, "sources": {}}
        happened = [
            events.PlanReady([planned(step), planned("after")]),
            events.StepStarted(node_of(step)),
            finished(step, status="failed", error=error, **fields),
            finished("after", status="skipped", reason=f"{node_of(step)} failed", **nothing),
        ]
        return write_run(self.state, happened, end=ended("failed", 1), **more)


@attrs.frozen
class Outputs:
    """Several named outputs of one step."""

    values: dict[str, Any]
