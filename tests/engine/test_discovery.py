"""Files that a step reads without having asked for them."""

from __future__ import annotations

import mmap
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from zenconv.engine.discovery import GONE, digest_discovered, find_changed, fold, sign_file, variant_of
from zenconv.engine.failures import ProjectFiles
from zenconv.engine.files import FileDigests
from zenconv.engine.watching import Observer
from zenconv.records.artifact import ActionKey
from zenconv.records.step import Binding, Node, Step


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("1")
    (tmp_path / "data" / "b.csv").write_text("2")
    return tmp_path


DATA = Path("data")


def observed(
    root: Path, read: Callable[[], object], step: Callable[..., object] | None = None, **values: object
) -> list[str]:
    files = ProjectFiles(root, lambda file: file == __file__)
    bindings = tuple(Binding(name, "value", value=value) for name, value in values.items())
    node = Node("n", Step("n", "m", "steps_m.py", 1, function=step), "m", bindings)
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


def test_what_is_written_or_elsewhere_or_hidden_is_not_noted(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "x"
    elsewhere.write_text("x")
    (root / ".zenconv").mkdir()
    (root / ".zenconv" / "x").write_text("")

    def read() -> None:
        Path("out.txt").write_text("1")
        Path("out.txt").read_text()
        elsewhere.read_text()
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


def test_a_file_counts_whose_folder_and_name_stand_apart_in_the_code(root: Path) -> None:
    (root / "data" / "raw").mkdir()
    (root / "data" / "raw" / "c.csv").write_text("3")

    def step(name: str = "b.csv") -> list[str]:
        folder = Path("data")
        return [str(folder / name), f"{folder}/raw/{name}", "raw", "c.csv", "no.csv"]

    assert observed(root, lambda: None, step) == ["data/b.csv", "data/raw/c.csv"]


def test_a_file_counts_whose_name_is_filled_in_from_what_the_step_knows(root: Path) -> None:
    (root / "data" / "raw").mkdir()
    for name in ("raw/c.csv", "part_d.csv", "other.csv", "e.v1.h5"):
        (root / "data" / name).write_text("3")

    def step(name: str = "b") -> list[str]:
        return [
            f"data/{name}.csv",
            f"from 'data/part_{'d'}.csv'",
            "data/%s.csv" % "raw/c",  # noqa: UP031
            f"data/{'e'}.v1.h5",
        ]

    def by_value(name: str) -> str:
        return "data/{}.csv".format(name)  # noqa: UP032

    def by_folder(name: str) -> str:
        return f"select * from '{DATA}/b.csv' where x = {name}"

    assert observed(root, lambda: None, step) == [
        "data/b.csv",
        "data/e.v1.h5",
        "data/part_d.csv",
        "data/raw/c.csv",
    ]
    assert observed(root, lambda: None, by_value) == []
    assert observed(root, lambda: None, by_value, name="a") == ["data/a.csv"]
    assert observed(root, lambda: None, by_value, name=["a", "no"]) == ["data/a.csv"]
    assert observed(root, lambda: None, by_value, one=[*map(str, range(90))], name=["a", *"cdefghijkl"]) == [
        "data/a.csv"
    ]
    assert observed(root, lambda: None, by_folder) == ["data/b.csv"]


def test_the_file_of_the_code_does_not_count_where_it_only_tells_what_lies_beside(root: Path) -> None:
    names = {"__file__": str(root / "data" / "steps.py"), "Path": Path}
    (root / "data" / "steps.py").write_text("")
    exec(compile("def step(): return Path(__file__).parent / 'a.csv'", __file__, "exec"), names)
    step: Any = names["step"]
    assert observed(root, lambda: None, step) == ["data/a.csv"]


def test_files_of_a_listed_folder_count_where_a_library_opens_files_unheard(root: Path) -> None:
    def by_library() -> object:
        import h5py

        return h5py

    def in_python() -> object:
        return None

    def by_pattern() -> object:
        import h5py

        return h5py, "data/b*.csv"

    def list_only() -> None:
        assert list(Path("data").glob("*.csv"))
        Path("data/made.h5").write_text("")

    def list_and_open() -> None:
        list_only()
        Path("data/a.csv").read_text()

    assert observed(root, list_only, by_library) == ["data/", "data/a.csv", "data/b.csv"]
    assert observed(root, list_only, in_python) == ["data/"]
    assert observed(root, list_only, by_pattern) == ["data/", "data/b.csv"]
    (root / "data" / "made.h5").unlink()
    assert observed(root, list_and_open, by_library) == ["data/", "data/a.csv"]


def test_a_file_that_stands_in_quotes_in_a_query_counts(root: Path) -> None:
    def step() -> str:
        """Speaks of 'data/b.csv'."""
        return "select name, 'x.y' from 'data/a.csv' where name != 'it''s'" + " " * 300

    assert observed(root, lambda: None, step) == ["data/a.csv"]


def test_a_pattern_that_stands_in_quotes_in_a_query_counts(root: Path) -> None:
    def step() -> list[str]:
        return ["select * from 'data/[ab].csv' join \"no/*.csv\"", "data/*", "*.csv", "it's 'a * b'"]

    def spanning() -> str:
        return "select * from read_csv('data/*/*.csv')"

    assert observed(root, lambda: None, step) == ["data/", "data/a.csv", "data/b.csv", "no/"]
    assert observed(root, lambda: None, spanning) == ["data/**"]


def test_what_is_looked_for_counts_by_what_is_there(root: Path) -> None:
    def look() -> None:
        assert Path("data").is_dir()
        assert not os.path.isfile("flag.txt")
        assert not Path("data/a.csv/inner").exists()

    assert observed(root, look) == ["data//?", "data/a.csv/inner//?", "flag.txt//?"]
    before = digest_discovered(["data//?", "flag.txt//?"], root, FileDigests())
    assert before == {"data//?": "folder", "flag.txt//?": GONE}
    (root / "flag.txt").write_text("")
    assert digest_discovered(["flag.txt//?"], root, FileDigests()) == {"flag.txt//?": "file"}


def test_what_is_looked_for_does_not_count_where_something_says_more_or_it_is_the_steps_own(
    root: Path,
) -> None:
    def look() -> None:
        if Path("data/a.csv").exists():
            Path("data/a.csv").read_text()
        os.makedirs("out", exist_ok=True)
        assert os.path.isdir("out")
        if not os.path.exists("made.txt"):
            Path("made.txt").write_text("")
        assert [name for name in os.listdir("data") if os.path.isfile(f"data/{name}")]
        assert "zenconv" in sys.modules
        assert Path(".hidden").exists() is Path("helper.py").exists()

    assert observed(root, look) == ["data/", "data/a.csv"]


def test_what_threads_look_for_counts(root: Path) -> None:
    def look() -> None:
        with ThreadPoolExecutor(1) as pool:
            assert list(pool.map(os.path.exists, ["data", "no.txt"])) == [True, False]

    assert observed(root, look) == ["data//?", "no.txt//?"]


def test_nobody_is_overheard_after_the_step(root: Path) -> None:
    before = os.stat, os.path.expanduser
    observed(root, lambda: shutil.copystat("data/a.csv", "data/b.csv", follow_symlinks=False))
    assert (os.stat, os.path.expanduser) == before


def test_a_file_opened_for_both_counts_if_it_is_only_read(root: Path) -> None:
    def read() -> None:
        with open("data/a.csv", "r+b") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as m:
            assert m[:1] == b"1"

    def change() -> None:
        with open("data/a.csv", "r+") as stream:
            stream.write("changed")
        Path("data/a.csv").read_text()

    assert observed(root, read) == ["data/a.csv"]
    assert observed(root, change) == []


def test_a_database_counts_if_it_is_only_read(root: Path) -> None:
    def run(command: str) -> None:
        with closing(sqlite3.connect("data/d.db")) as database:
            database.execute(command)
            database.commit()

    run("create table t (v)")
    assert observed(root, lambda: run("select * from t")) == ["data/d.db"]
    assert observed(root, lambda: run("insert into t values (1)")) == []


LIBRARY: dict[str, Any] = {}
exec(
    compile(
        "import os\n"
        "def give(path, write=None):\n"
        "    path = os.path.expanduser(path)\n"
        "    if write is not None: write(path)\n",
        "/anywhere/site-packages/library.py",
        "exec",
    ),
    LIBRARY,
)


def test_what_a_library_is_given_by_name_counts(root: Path) -> None:
    give = LIBRARY["give"]
    assert observed(root, lambda: give("data/a.csv")) == ["data/a.csv"]
    assert observed(root, lambda: give("data")) == ["data/**"]
    assert observed(root, lambda: give("data/no.csv")) == ["data/no.csv//?"]
    assert observed(root, lambda: give("data/[ab].csv")) == ["data/", "data/a.csv", "data/b.csv"]
    assert "data/**" in observed(root, lambda: give("data/**/*.csv"))
    assert observed(root, lambda: os.path.expanduser("data/a.csv")) == []


def test_what_a_library_writes_unheard_is_no_input(root: Path) -> None:
    give = LIBRARY["give"]

    def write(path: str) -> None:
        subprocess.run(["sh", "-c", f"printf longer > {path}"], check=True)

    assert observed(root, lambda: give("data/a.csv", write)) == []
    assert observed(root, lambda: give("data/new.csv", write)) == []
    assert observed(root, lambda: give("data", lambda path: write(f"{path}/more.csv"))) == []


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
