"""``zenconv plugin new`` on the command line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from zenconv.cli.main import run_command
from zenconv.starting.plugin_packages import KINDS


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_tells_what_it_wrote_and_what_comes_next(folder: Path, capsys: Any) -> None:
    assert run_command(["plugin", "new", "mlops", "--kind", "hooks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "wrote  zenconv-mlops/zenconv_mlops/journal.py" in lines
    assert lines[-1] == "next:  cd zenconv-mlops && pip install -e '.[test]' && pytest"
    assert sorted(os.listdir(folder / "zenconv-mlops")) == [
        ".gitignore",
        "README.md",
        "pyproject.toml",
        "tests",
        "zenconv_mlops",
    ]


def test_the_help_lists_every_kind(capsys: Any) -> None:
    assert run_command(["plugin", "--help"]) == 0
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert [line for line in shown if line.partition(" ")[0] in {kind.name for kind in KINDS}] == [
        f"{kind.name} {kind.description}" for kind in KINDS
    ]


def test_what_was_written_is_printed_as_json(folder: Path, capsys: Any) -> None:
    assert run_command(["plugin", "new", "mlops", "--kind", "artifact-store", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["folder"] == str(folder / "zenconv-mlops")
    assert "zenconv_mlops/store.py" in answer["written"]


def test_another_place_is_named_by_the_common_option(folder: Path, capsys: Any) -> None:
    (folder / "there").mkdir()
    assert run_command(["-C", "there", "plugin", "new", "mlops", "--kind", "hooks"]) == 0
    assert "cd there/zenconv-mlops && " in capsys.readouterr().out


@pytest.mark.parametrize("there", ["file", "folder", "link"])
def test_what_is_there_stays_as_it_is(folder: Path, capsys: Any, there: str) -> None:
    path = folder / "zenconv-mlops"
    if there == "file":
        path.write_text("mine")
    elif there == "link":
        path.symlink_to(folder / "elsewhere")
    else:
        path.mkdir()
        (path / "mine").write_text("mine")
    assert run_command(["plugin", "new", "mlops", "--kind", "hooks"]) == 4
    assert "'zenconv-mlops' is there already" in capsys.readouterr().err
    assert not (folder / "elsewhere").exists()
    assert not path.is_dir() or os.listdir(path) == ["mine"]


def test_empty_folders_of_an_interrupted_call_are_no_hindrance(folder: Path) -> None:
    (folder / "zenconv-mlops" / "tests").mkdir(parents=True)
    assert run_command(["plugin", "new", "mlops", "--kind", "hooks"]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "zenconv plugin new NAME --kind KIND"),
        (["old"], "unexpected argument 'old'"),
        (["new", "a", "b"], "unexpected argument 'b'"),
        (["new"], "a plugin needs a name"),
        (["new", "mlops"], "available: action_cache, "),
        (["new", "mlops", "--kind", "hook"], "did you mean 'hooks'?"),
        (["new", "Ml Ops", "--kind", "hooks"], "such as 'ml-ops'"),
        (["new", "sqlite", "--kind", "orchestrator"], "'sqlite' is taken"),
        (["new", "numpy", "--kind", "materializer"], "'numpy' is taken"),
        (["new", "rendering", "--kind", "hooks"], "'rendering' is taken"),
        (["new", "force", "--kind", "hooks"], "'force' is taken"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(
    folder: Path, capsys: Any, words: list[str], message: str
) -> None:
    assert run_command(["plugin", *words]) == 4
    assert message in capsys.readouterr().err
    assert os.listdir(folder) == []


def test_a_folder_that_cannot_be_written_is_one_line(folder: Path, capsys: Any) -> None:
    (folder / "file").write_text("")
    assert run_command(["plugin", "new", "mlops", "--kind", "hooks", "-C", "file"]) == 4
    assert "file" in capsys.readouterr().err
