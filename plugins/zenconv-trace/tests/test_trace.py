"""Timelines of real runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from zenconv.testing import ProjectOnDisk

STEPS = """
import zenconv

def first() -> int:
    return 1

@zenconv.mark.retry(1)
def shaky(first: int) -> int:
    raise ValueError("no luck")

def last(shaky: int) -> int:
    return shaky
"""


def read(project: ProjectOnDisk, file: str = "trace.json") -> list[dict[str, Any]]:
    return json.loads(project.read(file))


def named(events: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [event for event in events if event["name"] == name]


def make(tmp_path: Path, steps: str = STEPS, settings: str = "") -> ProjectOnDisk:
    return ProjectOnDisk.make(tmp_path / "project", {"steps_a.py": steps, "zenconv.toml": settings})


def test_the_timeline_holds_every_attempt_and_the_run(tmp_path: Path) -> None:
    project = make(tmp_path)
    result = project.run("run", "--trace", "trace.json", check=1)
    assert f"timeline: {project.path / 'trace.json'}" in result.stdout
    events = read(project)
    assert [e["args"]["status"] for e in named(events, "steps_a.py::first")] == ["succeeded"]
    assert [e["args"]["status"] for e in named(events, "steps_a.py::shaky")] == ["retried", "failed"]
    assert named(events, "steps_a.py::shaky")[0]["args"]["attempt"] == "1 of 2"
    assert named(events, "steps_a.py::last") == []
    (run,) = [event for event in events if event["name"].startswith("run ")]
    assert run["args"] == {"status": "failed", "succeeded": 1, "failed": 1, "skipped": 1}
    assert sum(named(events, "planned")[0]["args"].values()) == 3


def test_what_is_reused_is_marked(tmp_path: Path) -> None:
    project = make(tmp_path, "def one(): return 1")
    project.run("run")
    project.run("run", "--trace", "trace.json")
    assert list(named(read(project), "reused")[0]["args"]) == ["steps_a.py::one"]


def test_steps_that_run_side_by_side_have_lanes_of_their_own(tmp_path: Path) -> None:
    steps = """
    import time
    from pathlib import Path

    def meet(me: str, other: str) -> None:
        Path(me).touch()
        while not Path(other).exists():
            time.sleep(0.01)

    def left() -> None:
        meet("left.flag", "right.flag")

    def right() -> None:
        meet("right.flag", "left.flag")
    """
    steps = steps.replace("def meet", "import zenconv\n\n    @zenconv.helper\n    def meet")
    project = make(tmp_path)
    project.write({"steps_a.py": steps})
    project.run("run", "--trace", "trace.json", "-n", "2")
    spans = [event for event in read(project) if event["name"].startswith("steps_a.py::")]
    assert sorted(span["tid"] for span in spans) == [1, 2]


def test_a_step_that_takes_its_process_down_is_in_the_timeline_with_all_before_it(tmp_path: Path) -> None:
    steps = "def first(): return 1\ndef fatal(first):\n    import os\n    os._exit(3)\n"
    project = make(tmp_path, steps)
    project.run("run", "--trace", "trace.json", check=1)
    events = read(project)
    assert [e["args"]["status"] for e in named(events, "steps_a.py::first")] == ["succeeded"]
    assert [e["args"]["status"] for e in named(events, "steps_a.py::fatal")] == ["failed"]


def test_a_second_run_begins_the_file_anew(tmp_path: Path) -> None:
    project = make(tmp_path, "def one(): return 1")
    project.run("run", "--trace", "trace.json")
    project.run("run", "--trace", "trace.json", "--force", "one")
    assert len(named(read(project), "steps_a.py::one")) == 1


def test_the_settings_can_ask_for_it_in_every_run(tmp_path: Path) -> None:
    project = make(tmp_path, "def one(): return 1", '[options]\ntrace = "traces/latest.json"\n')
    project.run("run", "-C", str(project.path), cwd="..")
    assert named(read(project, "traces/latest.json"), "steps_a.py::one")
    (project.path / "folder").mkdir()
    project.run("run", "--trace", "here.json", cwd="folder")
    assert named(read(project, "folder/here.json"), "reused")
