from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

PROJECT = """\
[tool.zenconv]
params = {csv = "data/x.csv", token = "${env:TOKEN}"}
[tool.zenconv.stacks.production]
artifact_store = "s3://bucket/x"
trust.key = "${env:ZENCONV_SIGNING_KEY}"
params.C = 2
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "steps_a.py").write_text("raise SystemExit('a project was imported')")
    return tmp_path


def test_every_value_is_shown_with_its_origin(zenconv_process: Any, project: Path) -> None:
    result = zenconv_process(
        "config", "--show-origin", "--set", "D=1", environ={"ZENCONV_PARAMS__CSV": "y.csv"}
    )
    assert result.returncode == 0, result.stderr
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "params.csv y.csv ZENCONV_PARAMS__CSV" in rows
    assert "params.D 1 --set" in rows
    assert "params.token ${env:TOKEN} pyproject.toml:2" in rows
    assert "stack local default" in rows


def test_json_holds_the_same_and_no_secret(zenconv_process: Any, project: Path) -> None:
    result = zenconv_process("config", "--json", "--stack", "production", environ={"TOKEN": "hunter2"})
    data = json.loads(result.stdout)
    found = {item["key"]: (item["value"], item["origin"]) for item in data["settings"]}
    assert data["schema"] == 1
    assert found["params.C"] == (2, "pyproject.toml:6")
    assert found["stacks.production.trust.key"] == ("${env:ZENCONV_SIGNING_KEY}", "pyproject.toml:5")
    assert "hunter2" not in result.stdout


def test_the_root_can_be_named_from_elsewhere(zenconv_process: Any, project: Path, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/steps_b.py").write_text("")
    data = json.loads(zenconv_process("config", "--json", "-C", "sub").stdout)
    assert data["file"] == str(project / "pyproject.toml")


def test_mistakes_are_shown_together_with_their_lines(zenconv_process: Any, tmp_path: Path) -> None:
    (tmp_path / "zenconv.toml").write_text("sed = 1\n[stacks.local]\nworkers = 'four'\n")
    result = zenconv_process("config")
    assert result.returncode == 4
    assert result.stdout == ""
    assert result.stderr == (
        "error: zenconv.toml:1: sed: unknown setting\n    did you mean 'seed'?\n"
        "zenconv.toml:3: stacks.local.workers: expected int, got 'four'\n"
    )


def test_outside_of_a_project_it_says_how_to_begin(zenconv_process: Any) -> None:
    result = zenconv_process("config")
    assert result.returncode == 4
    assert "hint: create steps_first.py" in result.stderr
