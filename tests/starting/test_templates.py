from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from zenconv.errors import StoreError, UsageError
from zenconv.starting.templates import TEMPLATES, find_template, write_files

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "zenconv" / "starting" / "templates"
NAMES = [template.name for template in TEMPLATES]


def test_every_folder_of_templates_is_offered_under_its_name():
    assert sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_file_of_a_template_is_copied(name):
    there = [path for path in (FOLDER / name).rglob("*") if path.is_file()]
    assert len(find_template(name).files()) == len(there) > 1


@pytest.mark.parametrize("name", NAMES)
def test_the_code_of_a_template_says_what_it_does_and_keeps_to_the_style_of_this_repository(name, tmp_path):
    ruff = pytest.importorskip("ruff")
    write_files(tmp_path, find_template(name).files())
    style = ["--config", str(REPOSITORY / "pyproject.toml"), "--ignore", "INP001,ANN2,D102,N803,N806,T201"]
    for command in (["check", *style], ["format", "--check", *style[:2]]):
        done = subprocess.run(
            [ruff.find_ruff_bin(), *command, "-q", str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_an_unknown_template_is_named_with_what_there_is():
    with pytest.raises(UsageError, match="no template 'sklern'") as caught:
        find_template("sklern")
    assert "did you mean 'sklearn'?" in caught.value.hint


def test_a_file_that_is_there_keeps_everything_from_being_written(tmp_path):
    (tmp_path / "b").write_bytes(b"mine")
    (tmp_path / "d").mkdir()
    with pytest.raises(UsageError, match=r"these files are already in .*: b, d\n"):
        write_files(tmp_path, {"a": b"1", "b": b"2", "c/x": b"3", "d": b"4"})
    assert sorted(os.listdir(tmp_path)) == ["b", "d"]
    assert (tmp_path / "b").read_bytes() == b"mine"


def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="already in"):
        write_files(tmp_path, {"a": b"1"})
    assert not (tmp_path / "elsewhere").exists()


def test_what_an_interrupted_call_had_written_is_left_alone(tmp_path):
    files = {"a": b"1", "b/c": b"2"}
    write_files(tmp_path, {"a": b"1"})
    assert write_files(tmp_path, files) == ["b/c"]
    assert write_files(tmp_path, files) == []


def test_settings_in_a_pyproject_count_as_settings_that_are_there(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.zenconv.params]\nC = 1\n")
    with pytest.raises(UsageError, match=r"pyproject\.toml with a table \[tool\.zenconv\]"):
        write_files(tmp_path, {"zenconv.toml": b"", "steps_a.py": b""})
    assert os.listdir(tmp_path) == ["pyproject.toml"]
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'  # uses zenconv\n")
    assert write_files(tmp_path, {"zenconv.toml": b""}) == ["zenconv.toml"]


def test_a_folder_that_cannot_be_written_is_one_line_and_nothing_stays(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match=r"cannot write .*file"):
        write_files(tmp_path, {"a": b"1", "file/b": b"2"})
    assert os.listdir(tmp_path) == ["file"]
