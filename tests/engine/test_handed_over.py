"""What a step hands over to other processes by name counts, and what it asks of files by name."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import partial
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from zenconv.engine.failures import ProjectFiles
from zenconv.engine.handed_over import paths_named_in, words_of
from zenconv.engine.watching import Observer

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("1")
    (tmp_path / "data" / "b.csv").write_text("2")
    return tmp_path


def observed(root: Path, act: Callable[[], object]) -> list[str]:
    seen = Observer(root, ProjectFiles(root, lambda file: file == __file__)).begin()
    with seen:
        act()
    return list(seen.discovered())


def read(path: str) -> str:
    return Path(path).read_text()


def call(*words: str, **options: Any) -> None:
    subprocess.run(words, check=True, capture_output=True, **options)


COMMANDS: dict[str, Callable[[], object]] = {
    "a word": lambda: call("cat", "data/a.csv"),
    "in another folder": lambda: call("cat", "a.csv", cwd="data"),
    "an option": lambda: call("test", "--input=data/a.csv"),
    "a shell": lambda: subprocess.getoutput("cat 'data/a.csv' | wc"),
    "the system": lambda: os.system("cat data/a.csv > /dev/null"),
    "a path": lambda: subprocess.run(["cat", Path("data/a.csv").absolute()], capture_output=True),
}


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_file_that_a_program_is_given_counts(root: Path, kind: str) -> None:
    assert observed(root, COMMANDS[kind]) == ["data/a.csv"]


def test_a_pattern_that_a_shell_expands_counts(root: Path) -> None:
    found = observed(root, lambda: subprocess.getoutput("cat data/*.csv"))
    assert found == ["data/", "data/a.csv", "data/b.csv"]


def test_what_a_program_makes_of_a_file_is_no_input(root: Path) -> None:
    assert observed(root, lambda: call("sh", "-c", "echo new > data/a.csv")) == []
    assert observed(root, lambda: call("cp", "data/b.csv", "copy.csv")) == ["data/b.csv"]


def test_words_that_name_nothing_do_not_count(root: Path) -> None:
    (root / "true").mkdir()
    assert observed(root, lambda: call("true", "-x", "no/such.csv", ".")) == ["true/**"]
    assert observed(root, lambda: call(sys.executable, "-c", "pass")) == []


def test_the_words_of_a_command_that_cannot_be_parsed_are_parted_by_spaces() -> None:
    assert words_of("os.system", (b"cat 'a b",)) == (["cat", "'a", "b"], "")


def test_a_task_of_a_pool_counts_by_the_files_it_names(root: Path) -> None:
    with ProcessPoolExecutor(1, mp_context=FORK) as pool:
        assert observed(root, lambda: list(pool.map(read, ["data/a.csv"]))) == ["data/a.csv"]
    with FORK.Pool(1) as processes:
        assert observed(root, lambda: processes.map(read, [Path("data/b.csv")])) == ["data/b.csv"]


def test_the_arguments_of_a_process_count(root: Path) -> None:
    def start() -> None:
        process = FORK.Process(target=read, args=("data/a.csv",))
        process.start()
        process.join()

    assert observed(root, start) == ["data/a.csv"]


def test_a_task_of_joblib_counts(root: Path) -> None:
    queues = pytest.importorskip("joblib.externals.loky.backend.queues")
    assert observed(root, lambda: queues.dumps(partial(read, "data/a.csv"))) == ["data/a.csv"]


def test_a_task_outside_of_a_step_is_sent_as_ever(root: Path) -> None:
    assert observed(root, lambda: None) == []
    assert ForkingPickler.loads(ForkingPickler.dumps(["data/a.csv"])) == ["data/a.csv"]


def test_paths_are_found_wherever_they_stand_in_a_task() -> None:
    endless: list[Any] = ["e.csv"]
    endless.append(endless)
    task = {
        "one": ("a.csv", {"not in": "words"}),
        "two": partial(read, Path("b")),
        "three": SimpleNamespace(path="c/d", owner=SimpleNamespace(paths=endless)),
        "four": [b"bytes", 1, None, os, read, ProcessPoolExecutor],
    }
    assert sorted(paths_named_in(task)) == ["a.csv", "b", "c/d", "e.csv"]


def test_a_database_that_is_named_by_a_uri_counts(root: Path) -> None:
    with closing(sqlite3.connect("data/my data.db")) as connection:
        connection.execute("create table t (a)")

    def ask() -> None:
        with closing(sqlite3.connect("file:data/my%20data.db?mode=ro", uri=True)) as connection:
            connection.execute("select * from t").fetchall()

    assert observed(root, ask) == ["data/my data.db"]


STATUS: dict[str, Callable[[], object]] = {
    "its size": lambda: os.path.getsize("data/a.csv"),
    "its time": lambda: os.path.getmtime("data/a.csv"),
    "its status": lambda: Path("data/a.csv").stat().st_size,
    "its status, asked directly": lambda: os.stat("data/a.csv"),
}


@pytest.mark.parametrize("kind", STATUS)
def test_a_file_counts_by_content_where_more_is_asked_than_whether_it_is_there(root: Path, kind: str) -> None:
    assert observed(root, STATUS[kind]) == ["data/a.csv"]


def test_code_that_a_library_looks_into_is_no_input_and_what_it_runs_is(root: Path) -> None:
    (root / "library").mkdir()
    (root / "library" / "site-packages").mkdir()
    library = root / "library" / "site-packages" / "looking.py"
    library.write_text("def look(path): return open(path).read()")
    (root / "loaded.py").write_text("x = 1")
    (root / "other.py").write_text("x = 2")
    names: dict[str, Any] = {}
    exec(compile(library.read_text(), library, "exec"), names)
    loaded = ModuleType("loaded")
    loaded.__file__ = str(root / "loaded.py")
    sys.modules["loaded"] = loaded
    try:
        assert observed(root, lambda: names["look"]("loaded.py")) == []
        assert observed(root, lambda: names["look"]("other.py")) == ["other.py"]
        assert observed(root, lambda: open("loaded.py").close()) == ["loaded.py"]
    finally:
        del sys.modules["loaded"]


def test_whether_a_file_can_be_read_counts(root: Path) -> None:
    found = observed(root, lambda: (os.access("data/a.csv", os.R_OK), os.access("flag", os.F_OK)))
    assert found == ["data/a.csv//?", "flag//?"]
