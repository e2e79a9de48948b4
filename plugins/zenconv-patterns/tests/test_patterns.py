"""Projects whose settings say by name what is a step, and how it is executed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zenconv.testing import ProjectOnDisk

STEPS = """
from pathlib import Path

def download_numbers() -> list[int]:
    seen = Path("attempts")
    seen.write_text(seen.read_text() + "x" if seen.exists() else "x")
    if len(seen.read_text()) < 3:
        raise OSError("not yet")
    return [1, 2]

def total(download_numbers: list[int]) -> int:
    return sum(download_numbers)

def plot_it(total):
    raise AssertionError("is no step")
"""

SETTINGS = """
[options]
not-steps = ["plot_*"]
mark-steps = ["download_* = retry(3)", "download_* = nocache", "t* = timeout('1h')"]
"""


def make(tmp_path: Path, settings: str = SETTINGS, steps: str = STEPS) -> ProjectOnDisk:
    return ProjectOnDisk.make(tmp_path / "project", {"steps_a.py": steps, "zenconv.toml": settings})


def steps_of(project: ProjectOnDisk) -> dict[str, Any]:
    return {step["node"].partition("::")[2]: step for step in project.json("steps")["steps"]}


@pytest.mark.parametrize("workers", ["0", "2"])
def test_names_say_what_is_a_step_and_how_it_is_executed(tmp_path: Path, workers: str) -> None:
    project = make(tmp_path)
    project.run("run", "-n", workers)
    assert project.executed() == ["a::download_numbers", "a::total"]
    assert project.read("attempts") == "xxx"
    project.run("run", "-n", workers)
    assert project.executed() == ["a::download_numbers"]  # nocache


def test_the_marks_are_listed_and_can_be_selected_by(tmp_path: Path) -> None:
    project = make(tmp_path)
    steps = steps_of(project)
    assert set(steps) == {"download_numbers", "total"}
    assert [mark["name"] for mark in steps["download_numbers"]["marks"]] == ["retry", "nocache"]
    assert list(project.plan("-m", "timeout")) == ["a::download_numbers", "a::total"]


def test_a_mark_in_the_file_is_stronger(tmp_path: Path) -> None:
    steps = "import zenconv\n@zenconv.mark.timeout('2m')\ndef total(): return 1\n"
    marks = steps_of(make(tmp_path, steps=steps))["total"]["marks"]
    assert [(mark["name"], mark["args"]) for mark in marks] == [("timeout", ["'2m'"])]


def test_the_project_is_imported_again_only_when_the_patterns_change(tmp_path: Path) -> None:
    project = make(tmp_path, steps="print('module begins')\ndef total(): return 1\ndef plot_it(): return 2\n")
    for expected in (True, False):
        result = project.run("steps")
        assert ("module begins" in result.stderr) is expected
        assert "plot_it" not in result.stdout
    project.edit("zenconv.toml", '"plot_*"', '"other_*"')
    result = project.run("steps")
    assert "module begins" in result.stderr
    assert "plot_it" in result.stdout


def test_the_command_line_adds_for_one_run(tmp_path: Path) -> None:
    project = make(tmp_path, settings="", steps="def one(): return 1\ndef two(): return 2\n")
    project.run("run", "--not-steps", "tw*")
    assert project.executed() == ["a::one"]
    project.run("run")
    assert project.executed() == ["a::two"]


@pytest.mark.parametrize("text", ["retry(3)", "load_* =", "= retry", "load_* = retry(open('x'))", "a = b.c"])
def test_what_is_no_pattern_with_a_mark_is_an_error(tmp_path: Path, text: str) -> None:
    project = make(tmp_path, f"[options]\nmark-steps = [{json.dumps(text)}]\n")
    assert "is no pattern with a mark" in project.run("run", check=4).stderr


def test_an_unknown_mark_is_one_here_too(tmp_path: Path) -> None:
    project = make(tmp_path, '[options]\nmark-steps = ["total = retri(3)"]\n')
    result = project.run("run", check=2)
    assert "unknown mark 'retri'" in result.stderr
    assert "did you mean 'retry'" in result.stderr
