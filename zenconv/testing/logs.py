"""Logs as the engine writes them, so that what reads them is tested against real files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zenconv import hashing
from zenconv.records import events
from zenconv.records.artifact import Artifact, StoredFile
from zenconv.records.layout import RunFolder, StateFolder
from zenconv.records.log import EventLog

FILE = "steps_training.py"
ENVIRONMENT = {
    "python": "3.11.4",
    "platform": "Linux-6.1-x86_64",
    "zenconv": "0.1.0",
    "host": "workshop",
    "packages": {f"package{n}": f"1.{n}" for n in range(150)},
    "git": {"revision": "9f3c1a2b" * 5, "branch": "main", "dirty": True},
    "seed": 42,
}


def cache_key(*parts: object) -> str:
    """Return a key of the real form, from anything."""
    text = repr(parts).encode()
    return f"{hashlib.sha256(text).hexdigest()}-{hashlib.sha256(text + b'i').hexdigest()}"


def text_artifact(text: str, type: str = "builtins.str") -> Artifact:
    """Return the record of a small value, its bytes inside."""
    data = text.encode("utf-8", "surrogatepass")
    digest = hashing.digest_bytes(data)
    return Artifact(digest, "json/1", type, (StoredFile("", digest, len(data), data),))


def node_of(step: str, file: str = FILE) -> str:
    """Return the id of a step's node."""
    return f"{file}::{step}"


def planned(step: str, *, file: str = FILE, action: str = "run", **more: Any) -> dict[str, Any]:
    """Return one node of `PlanReady`."""
    name = file.removesuffix(".py").replace("steps_", "")
    bindings = [{"parameter": "C", "source": "value", "node": "", "output": None, "value": "0.1",
                 "origin": "pyproject.toml:4"}]  # fmt: skip
    node = {"id": node_of(step, file), "pipeline": name, "step": step, "file": file, "line": 12}
    node |= {"action": action, "reason": "no earlier result", "outputs": [""], "bindings": bindings}
    return node | more


def finished(step: str, *, file: str = FILE, status: str = "succeeded", at: str = "", **more: Any) -> Any:
    """Return the end of a step."""
    fields: dict[str, Any] = {
        "reason": "no earlier result",
        "key": cache_key(step),
        "outputs": {"": text_artifact(step).to_json()} if status == "succeeded" else {},
        "output": text_artifact(f"hello from {step}\n").to_json(),
        "inputs": {"C": {"type": "float"}, "train": {"type": "pandas.DataFrame", "shape": [100, 4]}},
        "parts": {f"code {step}": f"b3:{step}", "parameter C": "float 0.1"},
        "sources": {f"code {step}": [f"{file}:12", f"def {step}(): ..."]},
        "seconds": 0.25,
        "cpu": 0.2,
    }
    fields.update(more)
    return events.StepFinished(node_of(step, file), status, at=at, **fields)


def reused(step: str, *, file: str = FILE) -> dict[str, Any]:
    """Return one step of `StepsReused`."""
    outputs = {"": text_artifact(step).to_json()}
    return {"node": node_of(step, file), "key": cache_key(step), "outputs": outputs, "output": None,
            "reason": "nothing changed"}  # fmt: skip


def started(
    folder: RunFolder,
    *,
    stack: str = "local",
    at: str = "2026-11-23T08:00:00.000000Z",
    arguments: Sequence[str] = ("run",),
    environment: Mapping[str, Any] = ENVIRONMENT,
) -> Any:
    """Return the first event of a run."""
    return events.RunStarted(
        folder.id, folder.number, list(arguments), "/project", stack, dict(environment), at=at
    )


def ended(status: str = "succeeded", code: int = 0, seconds: float = 1.5) -> Any:
    """Return the last event of a run."""
    return events.RunFinished(status, code, seconds, {}, at="2026-11-23T08:00:01.500000Z")


def new_state(path: Path) -> StateFolder:
    """Return a state folder that is there."""
    state = StateFolder(path / ".zenconv")
    state.create()
    return state


def write_run(state: StateFolder, happened: Iterable[Any], *, end: Any = None, **start: Any) -> RunFolder:
    """Write the whole log of a run that nobody holds any more; without `end`, one that died."""
    folder = state.next_run()
    lock = folder.hold()
    with EventLog(folder.log) as log:
        log.append(started(folder, **start))
        for event in happened:
            log.append(event)
        if end is not None:
            log.append(end)
    lock.close()
    return folder


def succeeded_run(
    state: StateFolder, steps: Sequence[str] = ("raw", "churn", "metrics"), **start: Any
) -> RunFolder:
    """Write the log of a run in which every one of `steps` was executed."""
    at = "2026-11-23T08:00:00.500000Z"
    happened: list[Any] = [events.PlanReady([planned(step) for step in steps], at=at)]
    for step in steps:
        happened += [events.StepStarted(node_of(step), at=at), finished(step, at=at)]
    return write_run(state, happened, end=ended(), **start)
