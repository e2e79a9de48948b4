"""Files and folders: stored as content, loaded as private copies, links refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import attrs
import pytest

from zenconv import hashing
from zenconv.errors import CorruptArtifact, SaveError
from zenconv.materializers.encoding import Encoder, dumps
from zenconv.records.artifact import StoredFile


def tree(path: Path) -> dict[str, Any]:
    return {
        str(p.relative_to(path)): (p.read_bytes(), bool(p.stat().st_mode & 0o100)) if p.is_file() else None
        for p in sorted(path.rglob("*"))
    }


def test_a_file_comes_back_as_a_private_copy_of_the_same_name(shelf: Any, tmp_path: Path) -> None:
    made = tmp_path / "data é.csv"
    made.write_text("a,b")
    artifact = shelf.save(made)
    made.write_text("changed")
    first, second = shelf.load(artifact, allowed=False), shelf.load(artifact, allowed=False)
    first.write_text("mine")
    assert (first.name, second.read_text()) == ("data é.csv", "a,b")
    assert shelf.private in first.parents
    assert first != second


def test_a_folder_comes_back_whole(shelf: Any, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    (folder / "empty" / "deeper").mkdir(parents=True)
    (folder / "a").mkdir()
    (folder / "a" / "x.bin").write_bytes(os.urandom(50_000))
    (folder / "a.txt").write_text("")
    (folder / "$odd \udcff\nname").write_text("1")
    program = folder / "run.sh"
    program.write_text("#!/bin/sh")
    program.chmod(0o755)
    assert tree(shelf.safe_round_trip(folder)) == tree(folder)


@pytest.mark.parametrize("where", [".", "project", "/"])
def test_a_folder_around_the_project_is_refused_at_once(
    shelf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    (tmp_path / "project" / "sub").mkdir(parents=True)
    (tmp_path / "project" / "sub" / "steps_a.py").write_text("")
    monkeypatch.chdir(tmp_path / "project" / "sub")
    made = Path(where) if where != "project" else tmp_path / "project"
    with pytest.raises(SaveError, match="this project with it") as caught:
        shelf.save(made)
    assert "return its path as a str" in caught.value.hint
    assert shelf.safe_round_trip(tmp_path / "project" / "sub" / "steps_a.py").read_text() == ""


def test_home_folders_and_the_place_of_temporary_files_are_refused(
    shelf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(SaveError, match="a home folder with it"):
        shelf.save(tmp_path / "home")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp" / "mine").mkdir(parents=True)
    with pytest.raises(SaveError, match="everybody's temporary files with it"):
        shelf.save([tmp_path / "tmp"])
    assert shelf.safe_round_trip(tmp_path / "tmp" / "mine").name == "mine"


def test_a_path_to_nothing_is_a_plain_value(shelf: Any) -> None:
    artifact = shelf.save(Path("no/such"))
    assert artifact.materializer == "json/1"
    assert shelf.load(artifact) == Path("no/such")


def test_paths_inside_containers_are_stored_as_content(shelf: Any, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("1")
    again = shelf.safe_round_trip({"f": tmp_path / "f", "n": Path("none")})
    assert again["f"].read_text() == "1"
    assert again["f"] != tmp_path / "f"
    assert again["n"] == Path("none")


@pytest.mark.parametrize("where", ["top", "inside", "broken"])
def test_links_are_refused_with_the_way_out(shelf: Any, tmp_path: Path, where: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "real").write_text("1")
    link = tmp_path / "folder" / "link"
    link.symlink_to(tmp_path / ("missing" if where == "broken" else "real"))
    with pytest.raises(SaveError, match=r"steps_x.py::made: cannot store .*link' is a link to(?s:.*)resolve"):
        shelf.save(link if where == "top" else tmp_path / "folder")


def test_a_pipe_is_refused(shelf: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SaveError, match="neither a file nor a folder"):
        shelf.save(tmp_path / "pipe")


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "..", "a//b", ".", "a\0b"])
def test_a_planted_listing_cannot_write_outside(shelf: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / "f").write_text("1")
    artifact = shelf.save(tmp_path / "f")
    for listing in (
        {"name": "d", "entries": [["", "folder"], [name, "file"]]},
        {"name": name, "entries": [["", "file"]]},
    ):
        data = dumps(Encoder().encode(listing))
        main = StoredFile("", hashing.digest_bytes(data), len(data), data)
        files = (main, *(attrs.evolve(f, name=f"f{n}") for n, f in enumerate([artifact.files[0]] * 2)))
        with pytest.raises(CorruptArtifact, match="would leave it"):
            shelf.load(attrs.evolve(artifact, files=files))
    assert not list(tmp_path.glob("**/evil"))
    assert not any((place / "evil").exists() for place in tmp_path.parents)
