"""Takes a profile around the call of each step, and keeps it in the folder of the run."""

from __future__ import annotations

import cProfile
import hashlib
import inspect
import json
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from zenconv.hooks import hookimpl
from zenconv.records.artifact import Artifact
from zenconv.records.events import RunFinished, RunStarted
from zenconv.records.layout import StateFolder
from zenconv.records.step import Node

FOLDER = "profiles"


class Profiler:
    """Profiles steps; each one's figures are a file, so that workers need not know of each other."""

    def __init__(self, state: Path) -> None:
        self._state = StateFolder(state)
        self._folders: dict[str, Path] = {}

    @hookimpl(wrapper=True)
    def zenconv_step_execute(
        self, node: Node, arguments: Mapping[str, Any], run: str
    ) -> Generator[None, Any, Any]:
        """Take the time of a step, and of the functions that it calls.

        Async steps share their thread with others, whose calls would count as theirs: only their
        time is taken.
        """
        profile = None if node.step.is_async else cProfile.Profile()
        self._folders[node.id] = folder = profile_folder(self._state, run)
        started = time.perf_counter()
        try:
            if profile is not None:
                profile.enable()
            return (yield)
        finally:
            if profile is not None:
                profile.disable()
            took = time.perf_counter() - started
            folder.mkdir(exist_ok=True)
            facts = {"node": node.id, "seconds": round(took, 6), "outputs": {}, "code": _code_of(node)}
            profile_path(folder, node.id, ".json").write_text(json.dumps(facts), "utf-8")
            if profile is not None:
                profile.dump_stats(profile_path(folder, node.id, ".prof"))

    def zenconv_artifact_saved(self, node: Node, output: str, artifact: Artifact) -> None:
        """Add what the step stored, in bytes."""
        path = profile_path(self._folders[node.id], node.id, ".json")
        facts = json.loads(path.read_text("utf-8"))
        facts["outputs"][output] = artifact.size
        path.write_text(json.dumps(facts), "utf-8")

    def zenconv_report_header(self, event: RunStarted) -> str:
        """Say why everything takes longer."""
        return "profiling every step that runs"

    def zenconv_terminal_summary(self, event: RunFinished) -> str:
        """Say how to look at it."""
        return "`zenconv profile` shows where the time went"


def _code_of(node: Node) -> list[Any]:
    """Return what a profile calls the step's own function: file, line, name; empty where there is none."""
    code = getattr(inspect.unwrap(node.step.function), "__code__", None)
    return [code.co_filename, code.co_firstlineno, code.co_name] if code is not None else []


def profile_folder(state: StateFolder, run: str) -> Path:
    """Return where the profiles of a run are."""
    return state.run(run).path / FOLDER


def profile_path(folder: Path, node: str, suffix: str) -> Path:
    """Return the file for a node, whose id may hold anything."""
    return folder / (hashlib.sha256(node.encode("utf-8", "surrogateescape")).hexdigest()[:16] + suffix)
