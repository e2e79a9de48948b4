"""Who shares a store, and who is who."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from zenconv.settings import load_settings
from zenconv.stack.run_pins import identify_project, known_identity, run_pins
from zenconv.stack.sharing import is_shared
from zenconv.testing.logs import new_state


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("", False),
        ('artifact_store = {id = "local", path = ".zenconv/other"}', False),
        ('artifact_store = {id = "local", path = "team"}', True),
        ('artifact_store = "../team"', True),
        ('artifact_store = "file:///tmp/x"', True),
        ('action_cache = {id = "sqlite", path = "team"}', True),
        ('action_cache = {id = "objects", url = "file:///tmp/x"}', True),
        ('artifact_store = "something"', True),
    ],
)
def test_only_what_lies_in_the_state_folder_belongs_to_one_project(
    tmp_path: Path, table: str, expected: bool
):
    (tmp_path / "steps_a.py").touch()
    (tmp_path / "zenconv.toml").write_text(f"[stacks.it]\n{table}\n")
    settings = load_settings(tmp_path, stack="it")
    assert is_shared(settings, settings.stack) is expected


@pytest.mark.parametrize(("name", "table"), [("linked", 'artifact_store = ".zenconv/linked"'), ("store", "")])
def test_a_link_out_of_the_state_folder_is_no_longer_inside(tmp_path: Path, name: str, table: str):
    (tmp_path / "steps_a.py").touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".zenconv").mkdir()
    (tmp_path / ".zenconv" / name).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "zenconv.toml").write_text(f"[stacks.it]\n{table}\n")
    settings = load_settings(tmp_path, stack="it")
    assert is_shared(settings, settings.stack)


def test_a_project_keeps_its_name_when_it_is_moved_and_a_copy_gets_another(tmp_path: Path):
    state = new_state(tmp_path / "one")
    assert run_pins(state, ["1-abcdef"]) == set()
    name = identify_project(state)
    assert identify_project(state) == name != ""
    (tmp_path / "one").rename(tmp_path / "two")
    moved = new_state(tmp_path / "two")
    assert known_identity(moved) == name
    shutil.copytree(tmp_path / "two", tmp_path / "three")
    copied = new_state(tmp_path / "three")
    assert known_identity(copied) == ""
    assert identify_project(copied) != name
    assert identify_project(copied) == known_identity(copied)
    assert known_identity(moved) == name
