"""Files as inputs: found in values, counted by content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zenconv.engine.files import SMALL_FILE, FileDigests, FileName, replace_files
from zenconv.errors import StoreError


def found_in(value, root):
    found = []
    replaced = replace_files(value, root, found.append)
    return replaced, found


def test_an_existing_path_counts_by_name_and_content(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1")
    assert found_in(tmp_path / "a.csv", tmp_path) == (FileName("a.csv"), [tmp_path / "a.csv"])


def test_a_path_that_does_not_exist_is_a_plain_value(tmp_path: Path) -> None:
    assert found_in(tmp_path / "none", tmp_path) == (tmp_path / "none", [])


def test_text_that_names_a_file_is_an_input_and_stays_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1")
    assert found_in("a.csv", tmp_path) == ("a.csv", [tmp_path / "a.csv"])


@pytest.mark.parametrize("text", ["", ".", "..", "/", "no such", "x" * 5000, "s3://b/k", "a\0b"])
def test_other_text_is_just_text(tmp_path: Path, text: str) -> None:
    assert found_in(text, tmp_path) == (text, [])


def test_paths_inside_containers_are_found(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    _, found = found_in({"x": [tmp_path / "a", (tmp_path / "b",)]}, tmp_path)
    assert found == [tmp_path / "a", tmp_path / "b"]


def test_a_folder_changes_with_any_file_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a").write_text("1")
    before = FileDigests().digest(folder)
    assert FileDigests().digest(folder) == before
    (folder / "sub" / "a").write_text("2")
    changed = FileDigests().digest(folder)
    assert changed != before
    (folder / "b").write_text("")
    assert FileDigests().digest(folder) != changed


def test_a_folder_does_not_depend_on_where_it_lies(tmp_path: Path) -> None:
    for parent in ("x", "y"):
        (tmp_path / parent / "data").mkdir(parents=True)
        (tmp_path / parent / "data" / "a").write_text("1")
    assert FileDigests().digest(tmp_path / "x" / "data") == FileDigests().digest(tmp_path / "y" / "data")


def test_a_link_inside_a_folder_counts_by_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("1")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "target")
    before = FileDigests().digest(tmp_path / "data")
    (tmp_path / "target").write_text("2")
    assert FileDigests().digest(tmp_path / "data") != before


def test_a_link_that_leads_back_ends(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "loop").symlink_to(tmp_path / "data")
    assert FileDigests().digest(tmp_path / "data").startswith("b3:")


def test_an_edit_that_keeps_size_and_time_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "big"
    file.write_bytes(b"a" * (SMALL_FILE + 1))
    os.utime(file, (1_000_000, 1_000_000))
    memory = tmp_path / "memory.json"
    digests = FileDigests(memory)
    before = digests.digest(file)
    digests.save()
    file.write_bytes(b"b" * (SMALL_FILE + 1))
    os.utime(file, (1_000_000, 1_000_000))
    assert FileDigests(memory).digest(file) != before


def test_a_damaged_memory_is_ignored(tmp_path: Path) -> None:
    file = tmp_path / "big"
    file.write_bytes(b"a" * (SMALL_FILE + 1))
    for text in ("", "[]", "{", '{"x": 3}'):
        (tmp_path / "memory.json").write_text(text)
        assert FileDigests(tmp_path / "memory.json").digest(file) == FileDigests().digest(file)


def test_an_unreadable_input_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot read the input .*gone"):
        FileDigests().digest(tmp_path / "gone")
