from __future__ import annotations

import os
from pathlib import Path

import pytest

from zenconv.errors import UsageError
from zenconv.settings.root import NORECURSE, find_root, is_entered


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_nearest_zenconv_table_wins_over_nearer_step_files(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[tool.zenconv]\nseed = 1\n")
    write(tmp_path / "eu/steps_training.py")
    assert find_root(tmp_path / "eu") == tmp_path


def test_a_zenconv_toml_marks_a_project(tmp_path: Path) -> None:
    write(tmp_path / "zenconv.toml")
    (tmp_path / "deep/er").mkdir(parents=True)
    assert find_root(tmp_path / "deep/er") == tmp_path


def test_a_pyproject_without_a_zenconv_table_marks_nothing(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[project]\nname = 'zenconv-user'\n")
    write(tmp_path / "inner/steps_a.py")
    assert find_root(tmp_path / "inner") == tmp_path / "inner"


def test_without_a_table_the_nearest_step_files_mark_the_root(tmp_path: Path) -> None:
    write(tmp_path / "steps_a.py")
    (tmp_path / "notes").mkdir()
    assert find_root(tmp_path / "notes") == tmp_path


def test_step_files_in_sub_folders_of_the_start_count(tmp_path: Path) -> None:
    write(tmp_path / "src/eu/steps_a.py")
    assert find_root(tmp_path) == tmp_path


@pytest.mark.parametrize("folder", [".hidden", "node_modules", "venv", "__pycache__", "site-packages"])
def test_step_files_in_folders_that_are_not_entered_do_not_count(tmp_path: Path, folder: str) -> None:
    write(tmp_path / folder / "steps_a.py")
    with pytest.raises(UsageError):
        find_root(tmp_path)


def test_a_virtual_environment_of_any_name_is_not_entered(tmp_path: Path) -> None:
    write(tmp_path / "env311/pyvenv.cfg")
    write(tmp_path / "env311/steps_a.py")
    assert not is_entered(tmp_path / "env311", NORECURSE)
    with pytest.raises(UsageError):
        find_root(tmp_path)


def test_a_start_without_a_project_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_root(tmp_path)
    message = str(caught.value)
    assert "no step file (steps_*.py)" in message
    assert "hint: create steps_first.py" in message


def test_a_start_that_does_not_exist_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no folder '.*nowhere'"):
        find_root(tmp_path / "nowhere")


def test_a_file_stands_for_its_folder(tmp_path: Path) -> None:
    assert find_root(write(tmp_path / "steps_a.py")) == tmp_path


def test_a_broken_pyproject_that_speaks_of_zenconv_marks_the_project(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[tool.zenconv\n")
    assert find_root(tmp_path) == tmp_path


def test_a_home_folder_is_not_searched_for_projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "work/steps_a.py")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UsageError):
        find_root(tmp_path)


def test_links_in_a_circle_do_not_hang_the_search(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    os.symlink(tmp_path, tmp_path / "a/up")
    with pytest.raises(UsageError):
        find_root(tmp_path)
