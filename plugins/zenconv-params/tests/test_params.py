"""Projects whose parameters stand in a YAML file."""

from __future__ import annotations

from pathlib import Path

import pytest

from zenconv.testing import ProjectOnDisk

STEPS = """
from datetime import date

def data(start: date, rows: int = 10) -> str:
    return f"{start:%d.%m.%Y} {rows}"

def model(data: str, lr: float, layers: list[int]) -> str:
    return f"{data} {lr} {layers}"
"""

PARAMS = """
start: 2024-01-31
lr: 1
layers: [1, 2]
model:
  lr: 0.5
"""


def make(tmp_path: Path, params: str = PARAMS, settings: str = "") -> ProjectOnDisk:
    files = {
        "steps_a.py": STEPS,
        "params.yaml": params,
        "zenconv.toml": f'{settings}\n[options]\nparams-file = "params.yaml"\n',
    }
    return ProjectOnDisk.make(tmp_path / "project", files)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_parameters_come_from_the_file_converted_the_more_specific_key_first(
    tmp_path: Path, workers: str
) -> None:
    project = make(tmp_path)
    project.run("run", "-n", workers)
    assert project.value("model") == "31.01.2024 10 0.5 [1, 2]"


def test_the_file_and_the_line_are_shown(tmp_path: Path) -> None:
    text = make(tmp_path).run("steps").stdout
    assert "start=datetime.date(2024, 1, 31) <- params.yaml:1" in text
    assert "lr=0.5 <- params.yaml:5" in text


def test_flags_and_settings_are_stronger_and_defaults_weaker(tmp_path: Path) -> None:
    project = make(tmp_path, f"{PARAMS}rows: 3\n", "[params]\nlayers = [7]")
    project.run("run", "--set", "lr=2")
    assert project.value("model") == "31.01.2024 3 2.0 [7]"


def test_an_edit_runs_what_depends_on_it_and_nothing_else(tmp_path: Path) -> None:
    project = make(tmp_path)
    project.run("run")
    project.run("run")
    assert project.executed() == []
    project.edit("params.yaml", "lr: 0.5", "lr: 0.25")
    project.run("run")
    assert project.executed() == ["a::model"]


def test_the_project_is_not_imported_while_the_file_is_the_same(tmp_path: Path) -> None:
    project = make(tmp_path)
    project.write({"steps_a.py": f"print('module begins')\n{STEPS}"})
    project.run("run")
    assert "module begins" not in project.run("steps").stderr
    project.edit("params.yaml", "lr: 0.5", "lr: 0.25")
    assert "module begins" in project.run("steps").stderr


@pytest.mark.parametrize(
    ("params", "message"),
    [("a: [", "params.yaml is no YAML"), ("- 1", "expected names with values"), ("start: x", "start")],
)
def test_a_mistake_in_the_file_is_told(tmp_path: Path, params: str, message: str) -> None:
    result = make(tmp_path, params).run("run", check=False)
    assert result.returncode in (2, 4)
    assert message in result.stderr
    assert "Traceback" not in result.text


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    project = make(tmp_path)
    (project.path / "params.yaml").unlink()
    assert "cannot read the parameters in" in project.run("run", check=1).stderr


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    result = make(tmp_path, "").run("run", check=2)
    assert "'start'" in result.stderr
