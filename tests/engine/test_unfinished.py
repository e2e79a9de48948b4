"""What the log of a run tells of steps whose process ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zenconv.engine.unfinished import find_unfinished
from zenconv.records.artifact import Artifact, StoredFile
from zenconv.records.events import PlanReady, StepFinished, StepsExpanded, StepsReused
from zenconv.records.log import EventLog


def node(name: str, *bindings: dict[str, Any], **more: Any) -> dict[str, Any]:
    facts = {"id": f"steps_a.py::{name}", "pipeline": "a", "step": name, "file": "steps_a.py", "line": 7}
    return {**facts, "outputs": [""], "bindings": bindings, **more}


def asks(name: str, output: str = "") -> dict[str, Any]:
    asked = {"parameter": name, "source": "node", "node": f"steps_a.py::{name}"}
    return {**asked, "output": output} if output else asked


def stored(type_name: str, **summary: Any) -> dict[str, Any]:
    return Artifact("d", "json/1", type_name, (StoredFile("", "d", 1, b"1"),), summary=summary).to_json()


def test_inputs_are_told_from_whatever_made_them(tmp_path: Path) -> None:
    collected = {"parameter": "all", "source": "collect", "branches": [["0", "x", ""], ["1", "y", ""]]}
    value = {"parameter": "C", "source": "value", "value": "1", "origin": "default"}
    bad = node(
        "bad",
        asks("ran"),
        asks("reused", "train"),
        asks("live"),
        asks("both"),
        asks("unknown"),
        collected,
        value,
    )
    with EventLog(tmp_path / "log") as log:
        log.append(PlanReady([node("ran"), {**bad, "action": "run", "reason": "forced"}]))
        log.append(
            StepFinished("steps_a.py::ran", "succeeded", outputs={"": stored("builtins.int", value=3)})
        )
        log.append(
            StepsReused(
                [{"node": "steps_a.py::reused", "outputs": {"train": stored("p.DataFrame", shape=[1, 2])}}]
            )
        )
        log.append(StepFinished("steps_a.py::live", "succeeded", live=True))
        two = {"a": stored("builtins.int"), "b": stored("builtins.int")}
        log.append(StepFinished("steps_a.py::both", "succeeded", outputs=two))
    found = find_unfinished(tmp_path / "log", ["steps_a.py::bad", "steps_a.py::nowhere"])
    assert list(found) == ["steps_a.py::bad"]
    unfinished = found["steps_a.py::bad"]
    assert unfinished.reason == "forced"
    assert (unfinished.frame["file"], unfinished.frame["line"]) == ("steps_a.py", 7)
    assert unfinished.inputs == {
        "ran": {"node": "steps_a.py::ran", "type": "builtins.int", "value": 3},
        "reused": {"node": "steps_a.py::reused", "type": "p.DataFrame", "shape": [1, 2]},
        "live": {"node": "steps_a.py::live", "type": "live value"},
        "both": {"node": "steps_a.py::both", "type": "2 outputs"},
        "all": {"node": "", "type": "2 branches"},
    }


def test_a_branch_that_came_into_being_is_known_and_a_planned_guess_is_no_reason(tmp_path: Path) -> None:
    with EventLog(tmp_path / "log") as log:
        log.append(PlanReady([node("bad", action="maybe", reason="waits for a::x (changed)")]))
        log.append(StepsExpanded([node("bad[0]")]))
    found = find_unfinished(tmp_path / "log", ["steps_a.py::bad", "steps_a.py::bad[0]"])
    assert [unfinished.reason for unfinished in found.values()] == ["", ""]
    assert find_unfinished(tmp_path / "missing", ["x"]) == {}
