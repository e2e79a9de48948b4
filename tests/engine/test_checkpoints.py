from __future__ import annotations

import os
from pathlib import Path

import pytest

from zenconv.engine.checkpoints import Checkpoints
from zenconv.errors import StoreError
from zenconv.records.layout import StateFolder
from zenconv.upkeep.remains import find_remains, remove


def test_what_an_attempt_left_is_there_for_the_same_key_and_no_other(tmp_path: Path) -> None:
    first = Checkpoints(tmp_path)
    (first.open("n", "n", "key") / "epoch").write_text("3")
    first.close("n", succeeded=False)
    second = Checkpoints(tmp_path)
    assert (second.open("n", "n", "key") / "epoch").read_text() == "3"
    assert list(second.open("n", "n", "other key").iterdir()) == []
    assert list(second.open("n", "another node", "key").iterdir()) == []


def test_a_success_removes_it_and_what_older_keys_left_of_the_same_node(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    older = checkpoints.open("n", "n", "older key")
    checkpoints.close("n", succeeded=False)
    kept = checkpoints.open("m", "m", "key")
    checkpoints.close("m", succeeded=False)
    folder = checkpoints.open("n", "n", "key")
    checkpoints.close("n", succeeded=True)
    assert not older.exists()
    assert not folder.exists()
    assert kept.exists()
    assert list(folder.parent.iterdir()) == []


def test_one_that_another_process_uses_is_neither_shared_nor_removed(tmp_path: Path) -> None:
    one, other = Checkpoints(tmp_path), Checkpoints(tmp_path)
    used = one.open("n", "n", "key")
    own = other.open("n", "n", "key")
    assert own != used
    other.close("n", succeeded=True)
    assert used.exists()
    assert not own.exists()


def test_closing_what_was_never_opened_does_nothing(tmp_path: Path) -> None:
    Checkpoints(tmp_path / "none").close("n", succeeded=True)
    assert not (tmp_path / "none").exists()


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("a file in the way")
    with pytest.raises(StoreError):
        Checkpoints(tmp_path / "checkpoints").open("n", "n", "key")


def test_cleaning_finds_those_that_were_not_used_for_long_and_are_not_in_use(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    checkpoints = Checkpoints(state.checkpoints)
    old, used, fresh = (checkpoints.open(node, node, "key") for node in ("old", "used", "fresh"))
    checkpoints.close("old", succeeded=False)
    checkpoints.close("fresh", succeeded=False)
    for folder in (old, used):
        os.utime(folder, (1, 1))
    found = list(find_remains(state, 3600.0))
    assert [remains.path for remains in found] == [old]
    for remains in found:
        remove(remains)
    assert not old.exists()
    assert not old.with_name(f"{old.name}.lock").exists()
    assert fresh.exists()
