"""The SQLite action cache: the suite, damage of every kind, forks, and media that refuse writing."""

from __future__ import annotations

import functools
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from zenconv.components.sqlite_cache import SqliteActionCache
from zenconv.components.sqlite_file import SqliteFile
from zenconv.components.sqlite_schema import Schema
from zenconv.errors import RecordError, SettingsError
from zenconv.testing.stores import ActionCacheSuite, make_entry, make_key


class TestSuite(ActionCacheSuite):
    @pytest.fixture
    def reopen(self, tmp_path: Path):
        return functools.partial(SqliteActionCache, str(tmp_path / "store" / "actions.db"))

    def damage(self, cache, key) -> None:
        connection = sqlite3.connect(cache.path)
        (payload,) = connection.execute("SELECT payload FROM entries").fetchone()
        changed = payload.replace(b"0.25", b"0.75")
        assert changed != payload
        connection.execute("UPDATE entries SET payload = ?", (changed,))
        connection.commit()
        connection.close()


@pytest.fixture
def warned() -> list[str]:
    return []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "actions.db"


def fill(path: Path, count: int = 40) -> list:
    cache = SqliteActionCache(path)
    entries = [make_entry(make_key(f"step {number}")) for number in range(count)]
    for entry in entries:
        cache.publish(entry)
    cache.close()
    return entries


def test_it_lies_beside_the_blobs_of_the_local_store(tmp_path: Path):
    state = tmp_path / ".zenconv"
    cache = SqliteActionCache.from_options({"id": "local"}, root=tmp_path, state=state)
    assert cache.path == state / "store" / "actions.db"
    cache = SqliteActionCache.from_options({"path": "shared"}, root=tmp_path, state=state)
    assert cache.path == tmp_path / "shared" / "actions.db"


def test_an_unknown_option_is_told_with_what_exists(tmp_path: Path):
    with pytest.raises(SettingsError, match=r"unknown option 'paths' of the action cache 'sqlite'") as caught:
        SqliteActionCache.from_options({"paths": "x"}, root=tmp_path, state=tmp_path)
    assert "did you mean 'path'?" in str(caught.value)


def test_reading_an_empty_cache_writes_nothing(path: Path, tmp_path: Path):
    cache = SqliteActionCache(path)
    cache.look_up([make_key("a")])
    cache.knows_local([make_key("a").local])
    cache.remove([make_key("a")])
    cache.release(make_key("a"))
    cache.sync()
    cache.close()
    assert list(tmp_path.iterdir()) == []


def test_closing_leaves_one_database_file_without_a_log(path: Path):
    fill(path)
    assert sorted(name for name in os.listdir(path.parent) if "-" in name) == []


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\0" * 50_000,
        b"SQLite format 3\0",
        b"garbage" * 5000,
        "truncate",
        "half a page",
        "zero a page",
        "names that are no text",
    ],
)
def test_a_damaged_database_is_moved_aside_with_one_warning(path: Path, warned: list[str], damage):
    entries = fill(path)
    data = path.read_bytes()
    changed = (
        {
            "truncate": data[: len(data) // 2],
            "half a page": data[:2000],
            "zero a page": data[:4096] + b"\0" * 12288 + data[16384:],
            "names that are no text": data.replace(b"entries", b"\xffntries").replace(
                b"CREATE", b"C\xffEATE"
            ),
        }.get(damage, damage)
        if isinstance(damage, str)
        else damage
    )
    path.write_bytes(changed)
    cache = SqliteActionCache(path, on_warning=warned.append)
    found = cache.look_up([entry.key for entry in entries])
    assert all(found[entry.key] == entry for entry in entries if entry.key in found)
    for entry in entries:
        cache.publish(entry)
    assert cache.look_up([entry.key for entry in entries]) == {entry.key: entry for entry in entries}
    assert len(warned) == 1
    assert "\n" not in warned[0]
    assert warned[0].startswith(f"{path} is damaged (")
    assert (path.parent / "actions.db.damaged-1").read_bytes() == changed
    cache.close()


def test_each_damaged_file_is_kept(path: Path, warned: list[str]):
    for _ in range(3):
        fill(path, 1)
        path.write_bytes(b"")
        SqliteActionCache(path, on_warning=warned.append).look_up([make_key("a")])
    assert sorted(p.name for p in path.parent.glob("*.damaged-*")) == [
        f"actions.db.damaged-{n}" for n in (1, 2, 3)
    ]


def test_without_a_callback_damage_is_a_python_warning(path: Path):
    fill(path, 1)
    path.write_bytes(b"")
    with pytest.warns(UserWarning, match="the file is empty"):
        SqliteActionCache(path).look_up([make_key("a")])


def test_tables_of_something_else_are_not_ours(path: Path, warned: list[str]):
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE entries (key, value)")
    connection.execute("PRAGMA user_version=1")
    connection.commit()
    connection.close()
    assert SqliteActionCache(path, on_warning=warned.append).look_up([make_key("a")]) == {}
    assert "its tables are not those of zenconv" in warned[0]


@pytest.mark.parametrize("seed", range(60))
def test_flipped_bits_never_give_a_wrong_answer(path: Path, warned: list[str], seed: int):
    entries = fill(path)
    keys = [entry.key for entry in entries]
    data = bytearray(path.read_bytes())
    chance = random.Random(seed)
    for _ in range(chance.choice([1, 1, 3, 50])):
        limit = 600 if seed % 3 == 0 else len(data)
        data[chance.randrange(limit)] ^= 1 << chance.randrange(8)
    path.write_bytes(data)
    cache = SqliteActionCache(path, on_warning=warned.append)
    try:
        assert all(found == make_entry(key) for key, found in cache.look_up(keys).items())
        assert cache.knows_local([make_key("never").local]) == set()
        assert all(found in entries for found in cache.entries())
        for entry in entries:
            assert cache.claim(entry.key)
            cache.publish(entry)
        assert all(found == make_entry(key) for key, found in cache.look_up(keys).items())
    except RecordError as error:
        if "newer zenconv" not in str(error):  # the flipped bit is in the version number
            raise
    cache.close()


@pytest.mark.parametrize("size", [0, 10, 1000, 10_000])
def test_a_torn_log_loses_only_the_newest_entries(path: Path, warned: list[str], size: int, tmp_path: Path):
    cache = SqliteActionCache(path)
    entries = [make_entry(make_key(f"step {number}")) for number in range(20)]
    for entry in entries:
        cache.publish(entry)
    copy = tmp_path / "copy" / "actions.db"
    copy.parent.mkdir()
    shutil.copyfile(path, copy)
    log = Path(f"{path}-wal").read_bytes()
    Path(f"{copy}-wal").write_bytes(log[: len(log) - size])
    torn = SqliteActionCache(copy, on_warning=warned.append)
    found = torn.look_up([entry.key for entry in entries])
    present = [entry for entry in entries if entry.key in found]
    assert present == entries[: len(present)]
    assert len(present) >= 10
    assert warned == []
    torn.close()
    cache.close()


def test_a_log_left_behind_by_a_deleted_database_is_not_replayed(path: Path, warned: list[str]):
    cache = SqliteActionCache(path)
    cache.publish(make_entry(make_key("old")))
    log = Path(f"{path}-wal").read_bytes()
    cache.close()
    path.unlink()
    Path(f"{path}-wal").write_bytes(log)
    cache = SqliteActionCache(path, on_warning=warned.append)
    cache.publish(make_entry(make_key("new")))
    assert [entry.key for entry in cache.entries()] == [make_key("new")]
    assert warned == []
    cache.close()


def test_a_database_deleted_while_open_is_made_again(path: Path):
    cache = SqliteActionCache(path)
    cache.publish(make_entry(make_key("a")))
    shutil.rmtree(path.parent)
    assert cache.look_up([make_key("a")]) == {}
    cache.publish(make_entry(make_key("b")))
    assert [entry.key for entry in SqliteActionCache(path).entries()] == [make_key("b")]
    cache.close()


def test_a_newer_version_is_refused_and_left_alone(path: Path):
    fill(path, 1)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=7")
    connection.close()
    before = path.read_bytes()
    cache = SqliteActionCache(path)
    for action in (lambda: cache.look_up([make_key("a")]), lambda: cache.publish(make_entry(make_key("a")))):
        with pytest.raises(RecordError) as caught:
            action()
        assert f"{path} was written by a newer zenconv (version 7, this one knows 1)" in str(caught.value)
        assert "upgrade zenconv" in caught.value.hint
    assert path.read_bytes() == before


OLD = ("CREATE TABLE things (name TEXT)",)
NEW = ("CREATE TABLE things (name TEXT)", "CREATE TABLE more (number INTEGER)")


def test_a_migration_backs_the_file_up_first_and_keeps_what_is_there(tmp_path: Path):
    path = tmp_path / "x.db"
    old = SqliteFile(path, Schema(OLD, 1))
    old.write(lambda c: c.execute("INSERT INTO things VALUES ('kept')").rowcount)
    old.close()
    new = SqliteFile(path, Schema(NEW, 2, {1: (NEW[1],)}))
    assert new.read(lambda c: c.execute("SELECT name FROM things").fetchall(), []) == [("kept",)]
    new.write(lambda c: c.execute("INSERT INTO more VALUES (1)").rowcount)
    new.close()
    backup = sqlite3.connect(tmp_path / "x.db.backup-v1")
    assert backup.execute("PRAGMA user_version").fetchone() == (1,)
    assert backup.execute("SELECT name FROM things").fetchall() == [("kept",)]
    backup.close()


def test_a_failed_migration_changes_nothing(tmp_path: Path):
    path, warned = tmp_path / "x.db", []
    old = SqliteFile(path, Schema(OLD, 1))
    old.write(lambda c: c.execute("INSERT INTO things VALUES ('kept')").rowcount)
    old.close()
    broken = SqliteFile(path, Schema(NEW, 2, {1: (NEW[1], "NONSENSE")}), on_warning=warned.append)
    with pytest.raises(RecordError, match="cannot be brought to version 2"):
        broken.read(lambda c: 1, 0)
    broken.close()
    again = SqliteFile(path, Schema(OLD, 1), on_warning=warned.append)
    assert again.read(lambda c: c.execute("SELECT name FROM things").fetchall(), []) == [("kept",)]
    assert warned == []
    again.close()


def test_an_interrupted_transaction_leaves_nothing_and_frees_the_lock(path: Path):
    cache = SqliteActionCache(path)
    cache.publish(make_entry(make_key("a")))

    def interrupted(connection) -> None:
        connection.execute("DELETE FROM entries")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache._file.write(interrupted)
    other = SqliteActionCache(path)
    other.publish(make_entry(make_key("b")))
    assert len(list(cache.entries())) == 2
    other.close()
    cache.close()


FORK = """
import os, sys
from zenconv.components.sqlite_cache import SqliteActionCache
from zenconv.testing.stores import make_entry, make_key
cache = SqliteActionCache(sys.argv[1])
cache.publish(make_entry(make_key("before")))
assert cache.claim(make_key("mine"))
child = os.fork()
if not child:
    assert not cache.claim(make_key("mine")), "a child must not hold its parent's claim"
    cache.release(make_key("mine"))
    assert list(cache.look_up([make_key("before")])) == [make_key("before")]
    assert cache.claim(make_key("child"))
    cache.publish(make_entry(make_key("in the child")))
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
other = SqliteActionCache(sys.argv[1])
assert not other.claim(make_key("mine"))
assert other.claim(make_key("child")), "the claim of a dead child counts no more"
cache.publish(make_entry(make_key("mine")))
assert len(list(cache.entries())) == 3
cache.close(); other.close()
print("ok")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_owns_nothing_and_may_use_the_cache(path: Path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORK, str(path)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "ok\n", done.stderr


READ_ONLY = """
import sys
from zenconv.components.sqlite_cache import SqliteActionCache
from zenconv.errors import StoreError
from zenconv.testing.stores import make_entry, make_key
warned = []
cache = SqliteActionCache(sys.argv[1] + "/store/actions.db", on_warning=warned.append)
print(len(cache.look_up([make_key(f"step {n}") for n in range(50)])), len(list(cache.entries())))
for action in (
    lambda: cache.publish(make_entry(make_key("a"))),
    lambda: cache.claim(make_key("a")),
    lambda: cache.remove([make_key("step 1")]),
):
    try:
        action()
    except StoreError as error:
        print(str(error).splitlines()[0].rpartition(": ")[2])
cache.close()
print(len(warned), *warned)
"""


def run_read_only(folder: Path) -> subprocess.CompletedProcess[str]:
    probe = subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip(f"cannot make a mount namespace: {probe.stderr.decode().strip()}")
    script = 'mount --bind "$2" "$2" && mount -o remount,bind,ro "$2" && "$1" -c "$3" "$2"'
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", sys.executable, str(folder), READ_ONLY],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )


@pytest.mark.skipif(sys.platform != "linux", reason="mounts read-only")
def test_read_only_media_can_be_read_and_refuse_writing(path: Path, tmp_path: Path):
    fill(path)
    done = run_read_only(tmp_path)
    assert done.stdout.splitlines() == ["40 40"] + ["Read-only file system"] * 3 + ["0"], done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="mounts read-only")
def test_the_log_of_a_dead_writer_is_read_from_read_only_media(path: Path, tmp_path: Path):
    cache = SqliteActionCache(tmp_path / "living" / "actions.db")
    for number in range(40):
        cache.publish(make_entry(make_key(f"step {number}")))
    path.parent.mkdir()
    for suffix in ("", "-wal"):
        shutil.copyfile(f"{cache.path}{suffix}", f"{path}{suffix}")
    cache.close()
    done = run_read_only(tmp_path)
    assert done.stdout.splitlines()[0] == "40 40", done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="mounts read-only")
def test_damage_on_read_only_media_counts_as_empty(path: Path, tmp_path: Path):
    fill(path)
    path.write_bytes(b"garbage" * 3000)
    done = run_read_only(tmp_path)
    lines = done.stdout.splitlines()
    assert lines[0] == "0 0", done.stderr
    assert lines[-1].startswith("1 "), done.stdout
    assert "cannot be moved away: it counts as empty" in lines[-1]


def test_the_lock_files_of_dead_owners_are_removed(path: Path):
    script = (
        "import sys, os; from zenconv.components.sqlite_cache import SqliteActionCache as C;"
        "from zenconv.testing.stores import make_key; C(sys.argv[1]).claim(make_key('a')); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    owners = Path(f"{path}.owners")
    assert len(list(owners.iterdir())) == 1
    cache = SqliteActionCache(path)
    assert cache.claim(make_key("b"))
    assert [p.name.partition("-")[0] for p in owners.iterdir()] == [str(os.getpid())]
    assert cache.claim(make_key("a"))
    cache.close()
    assert list(owners.iterdir()) == []


def test_a_hostile_owner_name_in_the_database_reads_nothing_else(path: Path):
    cache = SqliteActionCache(path)
    cache.publish(make_entry(make_key("x")))
    cache._file.write(
        lambda c: (
            c.execute(
                "INSERT INTO claims VALUES (?, ?)",
                (bytes.fromhex(make_key("a").local + make_key("a").inputs), "../../../etc/passwd"),
            ).rowcount
        )
    )
    assert cache.claim(make_key("a"))
    cache.close()


def test_the_log_is_brought_in_before_it_grows_large(path: Path, monkeypatch):
    import zenconv.components.sqlite_file as module

    monkeypatch.setattr(module, "_CHECKPOINT_BYTES", 200_000)
    cache = SqliteActionCache(path)
    for number in range(600):
        cache.publish(make_entry(make_key(f"step {number}")))
    assert os.stat(f"{path}-wal").st_size < 2_000_000
    assert len(list(cache.entries())) == 600
    cache.close()


def test_a_log_that_was_brought_in_is_small_again(path: Path, monkeypatch):
    import zenconv.components.sqlite_file as module

    monkeypatch.setattr(module, "_CHECKPOINT_BYTES", 200_000)
    cache = SqliteActionCache(path)
    sizes = []
    for number in range(640):
        cache.publish(make_entry(make_key(f"step {number}")))
        sizes.append(os.stat(f"{path}-wal").st_size)
    smaller = sum(later < earlier for earlier, later in pairwise(sizes))
    assert smaller >= 2, "what is written back would be written back again every 64 commits"
    cache.close()


def test_a_path_with_url_characters_is_taken_literally(tmp_path: Path):
    path = tmp_path / "a?b=c#d %41" / "actions.db"
    fill(path, 2)
    assert path.exists()
    assert len(list(SqliteActionCache(path).entries())) == 2
