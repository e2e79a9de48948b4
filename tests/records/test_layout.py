"""The state folder and the numbers of runs."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from zenconv.errors import StoreError, UsageError
from zenconv.locks import is_held
from zenconv.records import layout
from zenconv.records.layout import StateFolder, is_run_id, run_number


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    folder = StateFolder(tmp_path / ".zenconv")
    folder.create()
    return folder


def test_the_folder_keeps_itself_out_of_version_control_and_backups(state: StateFolder) -> None:
    assert (state.path / ".gitignore").read_text() == "*\n"
    assert (state.path / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")


def test_creating_twice_keeps_what_people_changed(state: StateFolder) -> None:
    (state.path / ".gitignore").write_text("store\n")
    state.create()
    assert (state.path / ".gitignore").read_text() == "store\n"


def test_a_file_in_the_way_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StoreError, match="cannot write the state folder"):
        StateFolder(tmp_path / "state").create()


def test_runs_are_numbered_from_one(state: StateFolder) -> None:
    assert [state.next_run().number for _ in range(3)] == [1, 2, 3]


def test_the_number_of_a_deleted_run_is_not_given_again(state: StateFolder) -> None:
    state.next_run()
    os.rmdir(state.next_run().path)
    assert state.next_run().number == 3


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-4", b"9" * 40])
def test_a_damaged_counter_is_made_up_for_by_the_folders(state: StateFolder, content: bytes) -> None:
    state.next_run()
    (state.path / "last_run").write_bytes(content)
    assert state.next_run().number == 2


@pytest.mark.parametrize(
    ("number", "hint"),
    [(errno.ENOSPC, "free some space there"), (errno.EROFS, "make it writable"), (errno.EIO, "")],
)
def test_where_no_run_can_start_the_error_says_what_helps(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch, number: int, hint: str
) -> None:
    def refuse(path: str) -> None:
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr("os.mkdir", refuse)
    with pytest.raises(StoreError, match=f"^cannot start a run: {state.path}") as caught:
        state.next_run()
    assert hint in caught.value.hint
    assert bool(hint) == bool(caught.value.hint)


def _allocate(path: Path, count: int) -> list[int]:
    return [StateFolder(path).next_run().number for _ in range(count)]


def test_processes_never_share_a_number(state: StateFolder) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        numbers = pool.starmap(_allocate, [(state.path, 10)] * 4)
    assert sorted(n for part in numbers for n in part) == list(range(1, 41))
    assert len(set(state.run_ids())) == 40


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "0-abcdef",
        "01-abcdef",
        "1-ABCDEF",
        "1-abcde",
        "1-abcdefa",
        "../1-abcdef",
        "1-abcdef\n",
        "1-abcdef/..",
    ],
)
def test_what_is_no_run_id_names_no_path(state: StateFolder, text: str) -> None:
    assert not is_run_id(text)
    with pytest.raises(UsageError, match="is no run id"):
        state.run(text)


def test_a_run_id_gives_its_number() -> None:
    assert run_number("420-00ff3a") == 420


def test_folders_that_are_no_runs_are_not_listed(state: StateFolder) -> None:
    (state.runs / "notes").mkdir()
    run = state.next_run()
    assert list(state.run_ids()) == [run.id]


def test_without_a_folder_there_are_no_runs(tmp_path: Path) -> None:
    assert list(StateFolder(tmp_path / "nowhere").run_ids()) == []


def test_a_run_begins_while_somebody_looks_whether_it_lives(state: StateFolder) -> None:
    run = state.next_run()
    looking = os.open(run.lock, os.O_RDWR | os.O_CREAT)
    fcntl.flock(looking, fcntl.LOCK_SH)
    threading.Timer(0.1, os.close, [looking]).start()
    run.hold().close()


def test_a_run_is_held_by_one_writer(state: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "_PATIENCE_SECONDS", 0.05)
    run = state.next_run()
    lock = run.hold()
    assert is_held(run.lock)
    with pytest.raises(StoreError, match="already has a writer"):
        run.hold()
    lock.close()
    assert not is_held(run.lock)
