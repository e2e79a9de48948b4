from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_config import PROJECT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "steps_a.py").write_text("raise SystemExit('a project was imported')")
    return tmp_path


def test_all_stacks_are_listed_and_the_one_in_use_is_marked(zenconv_process: Any, project: Path) -> None:
    result = zenconv_process("stack", environ={"ZENCONV_STACK": "production"})
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert rows[1:] == [
        "local in-process local sqlite local",
        "* production in-process s3://bucket/x sqlite signed",
    ]


def test_one_stack_is_shown_with_defaults_and_references(zenconv_process: Any, project: Path) -> None:
    result = zenconv_process("stack", "production", "--json")
    data = json.loads(result.stdout)
    assert data["components"]["artifact_store"] == {
        "id": "fsspec",
        "options": {"url": "s3://bucket/x"},
        "origin": "pyproject.toml:4",
    }
    assert data["components"]["action_cache"]["id"] == "objects"
    assert data["trust"] == {
        "mode": "signed",
        "key": "${env:ZENCONV_SIGNING_KEY}",
        "origin": "pyproject.toml:5",
    }
    assert "artifact store" in zenconv_process("stack", "production").stdout


def test_an_unknown_stack_gets_a_suggestion(zenconv_process: Any, project: Path) -> None:
    result = zenconv_process("stack", "produktion")
    assert result.returncode == 4
    assert result.stderr == "error: there is no stack 'produktion'\n    hint: did you mean 'production'?\n"


def test_a_new_key_is_printed_once_and_stored_nowhere(zenconv_process: Any, project: Path) -> None:
    before = sorted(project.rglob("*"))
    first, second = (zenconv_process("stack", "trust", "production") for _ in range(2))
    assert first.stdout.startswith("export ZENCONV_SIGNING_KEY=")
    assert len(first.stdout.strip().partition("=")[2]) >= 43
    assert first.stdout != second.stdout
    assert sorted(project.rglob("*")) == before


def test_a_key_for_a_stack_without_one_says_what_to_write(zenconv_process: Any, project: Path) -> None:
    result = zenconv_process("stack", "trust", "local")
    assert 'trust = {mode = "signed", key = "${env:ZENCONV_SIGNING_KEY}"}' in result.stderr
    assert "[tool.zenconv.stacks.local]" in result.stderr


def test_too_many_words_are_a_usage_error(zenconv_process: Any, project: Path) -> None:
    result = zenconv_process("stack", "a", "b")
    assert result.returncode == 4
    assert "unexpected argument 'b'" in result.stderr
