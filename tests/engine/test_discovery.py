"""Files that a step reads without having asked for them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from zenconv.engine.discovery import GONE, digest_discovered, find_changed, fold, sign_file, variant_of
from zenconv.engine.failures import ProjectFiles
from zenconv.engine.files import FileDigests
from zenconv.engine.watching import Observer
from zenconv.records.artifact import ActionKey
from zenconv.records.step import Node, Step


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("1")
    (tmp_path / "data" / "b.csv").write_text("2")
    return tmp_path


def observed(root: Path, read: Callable[[], object], step: Callable[..., object] | None = None) -> list[str]:
    files = ProjectFiles(root, lambda file: file == __file__)
    node = Node("n", Step("n", "m", "steps_m.py", 1, function=step), "m")
    seen = Observer(root, files).begin(node)
    with seen:
        read()
    return list(seen.discovered())


def test_a_file_opened_for_reading_is_noted(root: Path) -> None:
    assert observed(root, lambda: open("data/a.csv").close()) == ["data/a.csv"]
    assert observed(root, lambda: Path("data/a.csv").read_text()) == ["data/a.csv"]
    assert observed(root, lambda: os.close(os.open("data/a.csv", os.O_RDONLY))) == ["data/a.csv"]


def test_a_listed_folder_is_noted(root: Path) -> None:
    assert "data/" in observed(root, lambda: os.listdir("data"))
    assert "data/" in observed(root, lambda: list(Path("data").glob("*.csv")))


def test_what_is_written_or_elsewhere_or_code_is_not_noted(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "x"
    elsewhere.write_text("x")
    (root / "helper.py").write_text("")
    (root / ".zenconv").mkdir()
    (root / ".zenconv" / "x").write_text("")

    def read() -> None:
        Path("out.txt").write_text("1")
        Path("out.txt").read_text()
        elsewhere.read_text()
        Path("helper.py").read_text()
        Path(".zenconv/x").read_text()

    assert observed(root, read) == []


def test_nothing_is_noted_outside_of_the_step(root: Path) -> None:
    seen = Observer(root).begin()
    with seen:
        pass
    Path("data/a.csv").read_text()
    assert seen.discovered() == {}


def test_literals_that_name_files_count(root: Path) -> None:
    def step() -> list[str]:
        return ["data/a.csv", *("no/such.csv", "data")]

    assert observed(root, lambda: None, step) == ["data/a.csv"]


def test_digests_follow_content_names_and_absence(root: Path) -> None:
    names = ["data/", "data/a.csv"]
    before = digest_discovered(names, root, FileDigests())
    assert digest_discovered(names, root, FileDigests()) == before
    (root / "data" / "a.csv").write_text("x")
    (root / "data" / "c.csv").write_text("3")
    after = digest_discovered(names, root, FileDigests())
    assert all(after[name] != before[name] for name in names)
    (root / "data" / "a.csv").unlink()
    assert digest_discovered(names, root, FileDigests())["data/a.csv"] == GONE


def test_of_what_lies_elsewhere_only_plain_files_are_opened(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # whoever opens it waits for ever
    names = [str(pipe), "/dev/zero", str(tmp_path)]
    assert digest_discovered(names, tmp_path / "root", FileDigests()) == dict.fromkeys(names, GONE)


def test_each_state_of_the_files_has_a_key_of_its_own() -> None:
    one, other = ActionKey("a" * 64, "k"), ActionKey("a" * 64, "l")
    keys = {
        variant_of(one, {"a": "1"}),
        variant_of(one, {"a": "2"}),
        variant_of(one, {"b": "1"}),
        variant_of(other, {"a": "1"}),
    }
    assert len(keys) == 4
    assert variant_of(one, {"a": "1", "b": "2"}) == variant_of(one, {"b": "2", "a": "1"})


def test_a_file_that_the_step_puts_in_place_or_takes_away_is_no_input(root: Path) -> None:
    def move() -> None:
        os.replace("data/a.csv", "data/c.csv")
        Path("data/c.csv").read_text()

    def read_and_remove() -> None:
        Path("data/b.csv").read_text()
        os.remove("data/b.csv")

    assert observed(root, move) == []
    assert observed(root, read_and_remove) == []


def test_a_step_that_goes_elsewhere_reads_there_and_the_next_begins_at_home(root: Path) -> None:
    def go() -> None:
        os.chdir("data")
        Path("a.csv").read_text()

    assert observed(root, go) == ["data/a.csv"]
    assert Path.cwd() == root


def test_many_files_count_as_their_folders(root: Path) -> None:
    for number in range(1200):
        (root / "data" / f"{number}.txt").write_text("x")
    (root / "one.txt").write_text("x")

    def read() -> None:
        Path("one.txt").read_text()
        for number in range(1200):
            Path(f"data/{number}.txt").read_text()

    assert observed(root, read) == ["data/**", "one.txt"]
    before = digest_discovered(["data/**"], root, FileDigests())
    assert digest_discovered(["data/**"], root, FileDigests()) == before
    (root / "data" / "7.txt").write_text("y")
    assert digest_discovered(["data/**"], root, FileDigests()) != before


def test_files_in_very_many_folders_count_as_the_folder_around_them(root: Path) -> None:
    names = [f"data/{number}/x.txt" for number in range(1100)]
    assert list(fold({name: ("", []) for name in names}, root)) == ["data/**"]


def test_a_file_that_changed_meanwhile_is_not_hidden_in_its_folder(root: Path) -> None:
    readings = {f"data/{number}.txt": ("", list[int]()) for number in range(1100)}
    readings["data/a.csv"] = ("", sign_file(str(root / "data" / "a.csv")))
    (root / "data" / "a.csv").write_text("longer")
    folded = fold(readings, root)
    assert list(folded) == ["data/**", "data/a.csv"]
    assert find_changed({name: was for name, (_, was) in folded.items()}, root) == ["data/a.csv"]
