"""The metadata index on bad media: damaged, newer, not writable; the logs tell it again."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.components.test_sqlite_index import REPOSITORY, fresh
from zenconv.components.sqlite_index import SqliteIndex
from zenconv.errors import RecordError
from zenconv.records import events
from zenconv.records.layout import StateFolder
from zenconv.testing.logs import cache_key, new_state, node_of, planned, succeeded_run, write_run


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return new_state(tmp_path)


def _content(index: SqliteIndex) -> Any:
    return [(run, index.steps(run.id)) for run in index.runs()]


def _damage_garbage(path: Path) -> None:
    path.write_bytes(os.urandom(5000))


def _damage_empty(path: Path) -> None:
    path.write_bytes(b"")


def _damage_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _damage_foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE runs (x)")
    connection.close()


def _damage_names(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"CREATE", b"C\xffEATE").replace(b"runs", b"\xffuns"))


@pytest.mark.parametrize(
    "damage", [_damage_garbage, _damage_empty, _damage_half, _damage_foreign, _damage_names]
)
def test_a_damaged_file_is_moved_aside_and_made_again_with_a_word(state: StateFolder, damage: Any) -> None:
    for _ in range(3):
        succeeded_run(state)
    index = fresh(state)
    before = _content(index)
    index.close()
    damage(state.index)
    again = SqliteIndex(state)
    again.refresh()
    assert _content(again) == before
    assert len(again.notices) == 1
    assert "is damaged" in again.notices[0]
    assert "made again from the logs" in again.notices[0]
    assert (state.path / "index.sqlite.damaged-1").exists()


def test_a_bit_flipped_anywhere_never_changes_an_answer(state: StateFolder) -> None:
    import random

    for _ in range(3):
        succeeded_run(state)
    index = fresh(state)
    before = _content(index)
    index.close()
    sound = state.index.read_bytes()
    chance = random.Random(4)
    for _ in range(150):
        data = bytearray(sound)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        for file in state.path.glob("index.sqlite*"):
            file.unlink()
        state.index.write_bytes(data)
        again = SqliteIndex(state)
        again.refresh()
        assert _content(again) == before
        # A look-up by key may miss, which costs a reason; what is found is right.
        assert all(p.parts["code raw"] == "b3:raw" for p in again.key_parts([cache_key("raw")]).values())
        assert again.last_keys([node_of("raw")]) in ({}, {node_of("raw"): cache_key("raw")})
        again.close()


def test_a_newer_file_is_refused_and_rebuilt_when_asked(state: StateFolder) -> None:
    succeeded_run(state)
    fresh(state).close()
    with sqlite3.connect(state.index) as connection:
        connection.execute("PRAGMA user_version=2")
    connection.close()
    index = SqliteIndex(state)
    with pytest.raises(RecordError, match="newer zenconv"):
        index.refresh()
    index.refresh(anew=True)
    assert index.count() == 1
    assert "made again from the logs of 1 run" in index.notices[-1]
    assert (state.path / "index.sqlite.newer-1").exists()


def test_rebuilding_keeps_the_old_file_and_gives_the_same_answers(state: StateFolder) -> None:
    for _ in range(3):
        succeeded_run(state)
    index = fresh(state)
    before = _content(index)
    index.refresh(anew=True)
    assert _content(index) == before
    assert (state.path / "index.sqlite.damaged-1").exists()


def test_where_nothing_can_be_written_the_answer_is_right_all_the_same(state: StateFolder) -> None:
    succeeded_run(state)
    fresh(state).close()
    succeeded_run(state)
    (state.path / "index.sqlite.lock").unlink(missing_ok=True)
    (state.path / "index.sqlite.lock").mkdir()  # works for root too, unlike permissions
    index = fresh(state)
    assert [run.number for run in index.runs()] == [2, 1]
    succeeded_run(state)
    index.refresh()
    assert [run.number for run in index.runs()] == [3, 2, 1]


_READER = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from zenconv.components.sqlite_index import SqliteIndex
from zenconv.records.layout import StateFolder
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
index = SqliteIndex(StateFolder(Path(sys.argv[1])))
index.refresh()
print([(run.number, run.status, len(index.steps(run.id))) for run in index.runs()], index.notices)
"""


@pytest.mark.parametrize("indexed", ["nothing", "some", "all"])
def test_a_folder_of_somebody_else_can_be_read(indexed: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:  # tmp_path is closed to other users
        os.chmod(folder, 0o755)
        state = new_state(Path(folder))
        succeeded_run(state)
        if indexed != "nothing":
            fresh(state).close()
        if indexed != "all":
            write_run(state, [events.PlanReady([planned("a")])])
            expected = "[(2, 'interrupted', 1), (1, 'succeeded', 3)] []"
        else:
            expected = "[(1, 'succeeded', 3)] []"
        done = subprocess.run(
            [sys.executable, "-c", _READER, str(state.path), str(REPOSITORY)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stdout.strip() == expected, done.stderr
