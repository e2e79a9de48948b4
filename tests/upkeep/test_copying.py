"""Copying entries and blobs between stores: what is missing, verified, signed where that is due."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from zenconv import hashing
from zenconv.components.local_store import LocalStore
from zenconv.components.object_cache import ObjectActionCache
from zenconv.components.remote_store import RemoteStore
from zenconv.components.sqlite_cache import SqliteActionCache
from zenconv.engine.discovery import variant_of
from zenconv.records.artifact import ActionEntry, Artifact, StoredFile
from zenconv.stack.pins import pin
from zenconv.testing.stores import make_key, put, read
from zenconv.trust import Key, Trust
from zenconv.upkeep.copying import Side, copy_results

ME, OTHER, SHARED = (Key.from_text(name) for name in ("me", "other", "shared"))


def local_side(folder: Path, trust: Trust | None = None) -> Side:
    return Side(LocalStore(folder), SqliteActionCache(folder / "actions.db"), trust)


def remote_side(options: dict, folder: Path, trust: Trust | None = None) -> Side:
    places = {"root": folder, "state": folder / "state"}
    cache = ObjectActionCache.from_options(options, **places)
    return Side(RemoteStore.from_options(options, **places), cache, trust, is_remote=True)


def store_result(side: Side, name: str, data: bytes, *, is_pickle: bool = False, **more) -> ActionEntry:
    """Store a result as a run does; return its entry."""
    digest = put(side.store, data)
    kind = "pickle/1" if is_pickle else "json/1"
    artifact = Artifact(digest, kind, "x", (StoredFile("", digest, len(data)),), runs_code=is_pickle)
    key = make_key(name)
    if side.trust is not None:
        artifact = side.trust.sign(artifact, str(key), "")
    entry = ActionEntry(key, {"": artifact}, created="2026-01-01T00:00:00Z", writer="a test", **more)
    side.cache.publish(entry)
    return entry


@pytest.fixture
def here(tmp_path: Path) -> Side:
    return local_side(tmp_path / "here", Trust("local", user=ME))


@pytest.fixture
def there(tmp_path: Path) -> Side:
    return local_side(tmp_path / "there")


def counts(done) -> tuple[int, int, int]:
    return done.entries, done.blobs, done.present


def test_what_is_missing_is_copied_and_nothing_twice(here: Side, there: Side):
    entries = [store_result(here, f"step {n}", b"%d" % (n % 3) * 2000) for n in range(5)]
    pin(here.cache, "run", "1", [], "a test")
    assert counts(copy_results(here, there)) == (5, 3, 0)
    assert there.cache.look_up([e.key for e in entries]) == {e.key: e for e in entries}
    assert all(read(there.store, d) == read(here.store, d) for d, _ in here.store.digests())
    assert len(list(there.cache.entries())) == 5
    assert counts(copy_results(here, there)) == (0, 0, 5)


def test_a_store_on_s3_takes_and_gives_everything(here: Side, s3_options, tmp_path: Path):
    cloud = remote_side(s3_options, tmp_path / "laptop")
    entries = [store_result(here, f"step {n}", b"%d" % n * 3000) for n in range(30)]
    assert counts(copy_results(here, cloud)) == (30, 30, 0)
    assert counts(copy_results(here, cloud)) == (0, 0, 30)
    other = local_side(tmp_path / "other", Trust("local", user=OTHER))
    done = copy_results(remote_side(s3_options, tmp_path / "server"), other)
    assert counts(done) == (30, 30, 0)
    assert other.cache.look_up([e.key for e in entries]) == {e.key: e for e in entries}
    assert read(other.store, entries[7].outputs[""].content) == b"7" * 3000


def test_lost_bytes_of_an_entry_that_is_there_are_brought_again(here: Side, there: Side):
    entry = store_result(here, "step", b"data" * 1000)
    copy_results(here, there)
    there.store.delete([entry.outputs[""].content])
    assert counts(copy_results(here, there)) == (0, 1, 1)
    assert read(there.store, entry.outputs[""].content) == b"data" * 1000


def test_damaged_bytes_are_not_copied_nor_their_entry_and_go_into_quarantine(here: Side, there: Side):
    sound, rotten = store_result(here, "sound", b"s" * 2000), store_result(here, "rotten", b"r" * 2000)
    path = here.store.local_path(rotten.outputs[""].content)
    path.chmod(0o644)
    path.write_bytes(b"r" * 1999 + b"x")
    done = copy_results(here, there)
    assert counts(done) == (1, 1, 0)
    assert "quarantine" in done.problems[0]
    assert list(there.cache.entries()) == [sound]
    assert dict(there.store.digests()) == {sound.outputs[""].content: 2000}
    assert here.store.has([rotten.outputs[""].content]) == set()


def test_of_two_results_of_one_key_each_side_keeps_its_own(here: Side, there: Side):
    mine, theirs = store_result(here, "dice", b"1" * 2000), store_result(there, "dice", b"2" * 2000)
    assert counts(copy_results(here, there)) == (0, 0, 1)
    assert there.cache.look_up([mine.key]) == {mine.key: theirs}


def test_only_the_steps_that_are_asked_for_are_copied(here: Side, there: Side):
    wanted = store_result(here, "wanted", b"w" * 2000)
    store_result(here, "other", b"o" * 2000)
    copy_results(here, there, local_parts={wanted.key.local})
    assert list(there.cache.entries()) == [wanted]


def test_what_another_machine_pickled_stays_untrusted(here: Side, there: Side, tmp_path: Path):
    entry = store_result(here, "net", b"p" * 2000, is_pickle=True)
    copy_results(here, there)
    me, other = Trust("local", user=ME), Trust("local", user=OTHER)
    back = local_side(tmp_path / "back", other)
    done = copy_results(there, back)
    assert done.untrusted == 1
    artifact = back.cache.look_up([entry.key])[entry.key].outputs[""]
    assert other.refusal(artifact, str(entry.key), "") is not None
    assert me.refusal(artifact, str(entry.key), "") is None


def test_a_mode_that_trusts_everything_signs_nothing(here: Side, tmp_path: Path):
    entry = store_result(here, "net", b"p" * 2000, is_pickle=True)
    source = attrs.evolve(here, trust=Trust("trust", user=OTHER))
    target = local_side(tmp_path / "target", Trust("local", user=OTHER))
    copy_results(source, target)
    artifact = target.cache.look_up([entry.key])[entry.key].outputs[""]
    assert target.trust.refusal(artifact, str(entry.key), "") is not None


@pytest.mark.parametrize("has_discovered", [False, True])
def test_the_key_of_a_stack_travels_from_who_pushes_to_who_pulls(
    here: Side, tmp_path: Path, has_discovered: bool
):
    discovered = {"a.csv": hashing.digest_bytes(b"a")} if has_discovered else {}
    entry = store_result(here, "net", b"p" * 2000, is_pickle=True, discovered=discovered)
    keys = [entry.key]
    if has_discovered:  # kept twice, and signed under the first key
        keys.append(variant_of(entry.key, discovered))
        here.cache.publish(attrs.evolve(entry, key=keys[1]))
    pushed = local_side(tmp_path / "shared", Trust("signed", SHARED, user=ME))
    copy_results(here, pushed)
    shared = attrs.evolve(pushed, trust=Trust("signed", SHARED, user=OTHER))
    mine = local_side(tmp_path / "mine", Trust("local", user=OTHER))
    assert copy_results(shared, mine).untrusted == 0
    for key in keys:
        artifact = mine.cache.look_up([key])[key].outputs[""]
        assert mine.trust.refusal(artifact, str(entry.key), "") is None


def test_a_signature_is_added_to_what_is_there(here: Side, tmp_path: Path):
    entry = store_result(here, "net", b"p" * 2000, is_pickle=True)
    shared = local_side(tmp_path / "shared")
    copy_results(here, shared)
    signed = attrs.evolve(shared, trust=Trust("signed", SHARED, user=OTHER))
    assert copy_results(attrs.evolve(here, trust=Trust("local", user=ME)), signed).signed == 1
    artifact = shared.cache.look_up([entry.key])[entry.key].outputs[""]
    assert Trust("signed", SHARED, user=Key.from_text("third")).refusal(artifact, str(entry.key), "") is None
    assert copy_results(here, signed).signed == 0
