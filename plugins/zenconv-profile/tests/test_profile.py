"""Profiles of real runs, and the command that shows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zenconv.testing import ProjectOnDisk

STEPS = """
def _work(n):
    return sum(number * number for number in range(n))

def slow() -> int:
    return _work(200_000)

def quick(slow: int) -> int:
    return slow + 1

async def waiting(slow: int) -> int:
    return slow
"""


@pytest.fixture
def project(tmp_path: Path) -> ProjectOnDisk:
    return ProjectOnDisk.make(tmp_path / "project", {"steps_a.py": STEPS})


def profiled(project: ProjectOnDisk, *args: str) -> Any:
    return json.loads(project.run("profile", *args, "--json").stdout)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_every_step_that_ran_has_its_time_and_what_it_stored(project: ProjectOnDisk, workers: str) -> None:
    result = project.run("run", "--profile", "-n", workers)
    assert "profiling every step that runs" in result.stderr
    assert "`zenconv profile` shows where the time went" in result.stdout
    assert "warning" not in result.text
    rows = profiled(project)["steps"]
    assert [row["seconds"] for row in rows] == sorted((row["seconds"] for row in rows), reverse=True)
    assert all(row["seconds"] > 0 for row in rows)
    assert {row["node"].partition("::")[2] for row in rows} == {"slow", "quick", "waiting"}
    assert all(row["outputs"][""] > 0 for row in rows)


def test_the_functions_of_a_step_are_listed_without_what_is_around_it(project: ProjectOnDisk) -> None:
    project.run("run", "--profile")
    functions = profiled(project, "slow")["functions"]
    assert [f["where"].rpartition(" ")[2] for f in functions[:2]] == ["slow", "_work"]
    assert not [f for f in functions if "zenconv" in f["where"].replace(str(project.path), "")]
    assert "_work" in project.run("profile", "steps_a.py::slow").stdout


def test_of_an_async_step_only_the_time_is_taken(project: ProjectOnDisk) -> None:
    project.run("run", "--profile")
    assert "only the time was taken" in project.run("profile", "waiting", check=4).stderr


def test_a_step_that_fails_is_profiled_too(project: ProjectOnDisk) -> None:
    project.edit("steps_a.py", "return slow + 1", "raise ValueError(slow)")
    project.run("run", "--profile", check=1)
    assert "quick" in [f["where"].rpartition(" ")[2] for f in profiled(project, "quick")["functions"]]


def test_without_the_flag_nothing_is_noted(project: ProjectOnDisk) -> None:
    project.run("run")
    assert "no run has a profile" in project.run("profile", check=4).stderr


def test_an_older_run_is_named_by_its_number(project: ProjectOnDisk) -> None:
    project.run("run", "--profile")
    project.run("run", "--profile", "--force", "quick")
    assert len(profiled(project)["steps"]) == 1
    assert len(profiled(project, "--run", "1")["steps"]) == 3


def test_a_misspelt_step_gets_a_suggestion(project: ProjectOnDisk) -> None:
    project.run("run", "--profile")
    assert "did you mean 'quick'" in project.run("profile", "quik", check=4).stderr


def test_the_command_is_listed_in_the_help(project: ProjectOnDisk) -> None:
    assert "profile  Show where the time of steps went. (profile)" in project.run("--help").stdout
    assert "--profile" in project.run("run", "--help").stdout
    assert "--profile" not in project.run("run", "--help", "-p", "no:profile").stdout
