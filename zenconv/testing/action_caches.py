"""The conformance suite of action caches: subclass it, give the fixture `reopen`, run pytest.

As `zenconv.testing.artifact_stores` explains for stores.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from zenconv import hashing
from zenconv.interfaces.storing import ActionCache
from zenconv.records.artifact import ActionEntry, ActionKey, Artifact, StoredFile
from zenconv.testing.concurrency import (
    PROCESSES,
    finish,
    kill_after,
    make_barrier,
    need_processes,
    run_threads,
    start_process,
    wait_for_file,
)
from zenconv.testing.suites import ConformanceSuite

HOSTILE_PARTS = (
    "",
    "../x",
    "a" * 63,
    "a" * 65,
    "A" * 64,
    "g" * 64,
    "a" * 63 + "/",
    "a" * 64 + "\n",
    "é" * 64,
)


def make_key(name: str, inputs: str = "inputs") -> ActionKey:
    """Return a well-formed key that differs for each `name` and `inputs`."""
    parts = [hashing.digest_texts("test", [text])[3:] for text in (name, inputs)]
    return ActionKey(*parts)


def make_entry(key: ActionKey, text: str = "value") -> ActionEntry:
    """Return an entry with two outputs, inline bytes and captured text."""
    data = text.encode() + bytes(range(256))
    file = StoredFile("", hashing.digest_bytes(data), len(data), data)
    other = StoredFile("part/1.npy", hashing.digest_bytes(b"1"), 1 << 40)
    first = Artifact(
        file.digest, "json/1", "builtins.str", (file,), summary={"len": len(text), "ä": "\u2028"}
    )
    second = Artifact(other.digest, "numpy/1", "numpy.ndarray", (other,), refers=("a:B",), runs_code=True)
    outputs = {"z": first, "a": second}
    return ActionEntry(
        key, outputs, output=first, seconds=0.25, created="2026-01-01T00:00:00Z", writer="here"
    )


def _compute_each_once(reopen: Callable[[], ActionCache], barrier: Barrier, log: str, count: int) -> None:
    """Publish every key that nobody has; note in `log` what was computed here."""
    cache = reopen()
    barrier.wait()
    for number in range(count):
        key = make_key(f"step {number}")
        while key not in cache.look_up([key]):
            if not cache.claim(key):
                time.sleep(0.002)
                continue
            if key in cache.look_up([key]):
                cache.release(key)
            else:
                with open(log, "a") as stream:
                    stream.write(f"{number}\n")
                time.sleep(0.002)  # it takes a while, in which others come for the same
                cache.publish(make_entry(key))
    cache.close()


def _claim_and_wait(reopen: Callable[[], ActionCache], ready: str) -> None:
    cache = reopen()
    assert cache.claim(make_key("claimed"))
    Path(ready).touch()
    time.sleep(3600)


def _publish_and_die(reopen: Callable[[], ActionCache], count: int) -> None:
    cache = reopen()
    for number in range(count):
        cache.publish(make_entry(make_key(f"step {number}")))
    os._exit(0)


def _publish_forever(reopen: Callable[[], ActionCache], log: str) -> None:
    cache = reopen()
    with open(log, "w") as stream:
        for number in range(1_000_000):
            cache.publish(make_entry(make_key(f"step {number}")))
            stream.write(f"{number}\n")
            stream.flush()


class ActionCacheSuite(ConformanceSuite):
    """What every `ActionCache` promises. Override `reopen`; where needed, `cache` and `damage`."""

    kind = "action_cache"

    takeover_seconds = 0.0
    """How long the claim of a killed process may still be respected."""

    many_claims = 1500
    """More than steps ever run at once, and than a process may open files."""

    @pytest.fixture
    def reopen(self) -> Callable[[], ActionCache]:
        """Return a callable that opens the same, at first empty, storage each time."""
        raise NotImplementedError("override the fixture `reopen`")

    @pytest.fixture
    def cache(self, reopen: Callable[[], ActionCache]) -> Iterator[ActionCache]:
        """The cache under test."""
        cache = reopen()
        yield cache
        cache.close()

    @pytest.fixture
    def other(self, reopen: Callable[[], ActionCache]) -> Iterator[ActionCache]:
        """A second object on the same storage, as of another process."""
        cache = reopen()
        yield cache
        cache.close()

    def damage(self, cache: ActionCache, key: ActionKey) -> None:
        """Change a byte of the stored entry of `key`, behind the cache's back."""
        pytest.skip("`damage` is not overridden")

    def test_it_satisfies_the_protocol(self, cache: ActionCache) -> None:
        assert isinstance(cache, ActionCache)

    def test_what_is_published_is_found_by_everyone(self, cache: ActionCache, other: ActionCache) -> None:
        entry = make_entry(make_key("a"))
        cache.publish(entry)
        for reader in (cache, other):
            found = reader.look_up([entry.key])
            assert found == {entry.key: entry}
            assert list(found[entry.key].outputs) == ["z", "a"]

    def test_an_empty_cache_knows_nothing(self, cache: ActionCache) -> None:
        assert cache.look_up([make_key("a")]) == {}
        assert cache.look_up([]) == {}
        assert cache.knows_local([make_key("a").local]) == set()
        assert list(cache.entries()) == []
        cache.remove([make_key("a")])

    def test_every_field_of_an_entry_comes_back(self, cache: ActionCache) -> None:
        plain = ActionEntry(make_key("plain"), {})
        live = ActionEntry(make_key("live"), {}, live=True, seconds=1e-9, writer="näme \udcff")
        for entry in (plain, live):
            cache.publish(entry)
        assert cache.look_up([plain.key, live.key]) == {plain.key: plain, live.key: live}

    def test_many_keys_are_looked_up_at_once(self, cache: ActionCache) -> None:
        entries = [make_entry(make_key(f"step {number}")) for number in range(30)]
        for entry in entries:
            cache.publish(entry)
        missing = [make_key(f"none {number}") for number in range(30)]
        keys = [entry.key for entry in entries]
        assert cache.look_up([*keys, *missing, *keys]) == {entry.key: entry for entry in entries}
        assert sorted(map(str, (e.key for e in cache.entries()))) == sorted(map(str, keys))

    def test_a_second_publication_replaces_the_first(self, cache: ActionCache, other: ActionCache) -> None:
        key = make_key("a")
        cache.publish(make_entry(key, "old"))
        other.publish(make_entry(key, "new"))
        assert cache.look_up([key]) == {key: make_entry(key, "new")}
        assert len(list(cache.entries())) == 1

    def test_both_parts_of_the_key_count(self, cache: ActionCache) -> None:
        cache.publish(make_entry(make_key("code", "one")))
        assert cache.look_up([make_key("code", "two"), make_key("edited", "one")]) == {}

    def test_a_local_part_is_known_by_any_of_its_entries(self, cache: ActionCache) -> None:
        for inputs in ("one", "two"):
            cache.publish(make_entry(make_key("code", inputs)))
        known, unknown = make_key("code").local, make_key("edited").local
        assert cache.knows_local([known, unknown]) == {known}
        cache.remove([make_key("code", "one")])
        assert cache.knows_local([known]) == {known}
        cache.remove([make_key("code", "two")])
        assert cache.knows_local([known]) == set()

    def test_removed_entries_are_gone(self, cache: ActionCache, other: ActionCache) -> None:
        kept, gone = make_entry(make_key("kept")), make_entry(make_key("gone"))
        for entry in (kept, gone):
            cache.publish(entry)
        other.remove([gone.key, make_key("missing")])
        assert cache.look_up([kept.key, gone.key]) == {kept.key: kept}

    @pytest.mark.parametrize("part", HOSTILE_PARTS)
    def test_what_is_not_a_key_is_refused(self, cache: ActionCache, part: str) -> None:
        good = make_key("a").local
        for key in (ActionKey(part, good), ActionKey(good, part)):
            for action in (cache.claim, cache.release, lambda bad: cache.publish(make_entry(bad))):
                with pytest.raises(ValueError, match="not part of a cache key"):
                    action(key)
            for action_on_many in (cache.look_up, cache.remove):
                with pytest.raises(ValueError, match="not part of a cache key"):
                    action_on_many([key])
        with pytest.raises(ValueError, match="not part of a cache key"):
            cache.knows_local([part])

    def test_a_damaged_entry_is_a_miss_and_can_be_published_again(
        self, cache: ActionCache, reopen: Callable[[], ActionCache]
    ) -> None:
        entry = make_entry(make_key("a"))
        cache.publish(entry)
        self.damage(cache, entry.key)
        fresh = reopen()
        assert fresh.look_up([entry.key]) == {}
        assert list(fresh.entries()) == []
        fresh.publish(entry)
        assert fresh.look_up([entry.key]) == {entry.key: entry}
        fresh.close()

    def test_a_claim_excludes_everyone_until_released(self, cache: ActionCache, other: ActionCache) -> None:
        key = make_key("a")
        assert cache.claim(key)
        assert not other.claim(key)
        assert not cache.claim(key)
        other.release(key)
        assert not other.claim(key)
        cache.release(key)
        cache.release(key)
        assert other.claim(key)
        assert not cache.claim(key)

    def test_publishing_releases_the_claim(self, cache: ActionCache, other: ActionCache) -> None:
        key = make_key("a")
        assert cache.claim(key)
        cache.publish(make_entry(key))
        assert other.claim(key)

    def test_closing_releases_all_claims_and_the_cache_stays_usable(
        self, cache: ActionCache, other: ActionCache
    ) -> None:
        keys = [make_key(name) for name in "abc"]
        assert all(cache.claim(key) for key in keys)
        cache.close()
        cache.close()
        assert all(other.claim(key) for key in keys)
        assert not cache.claim(keys[0])

    def test_many_claims_are_held_at_once(self, cache: ActionCache, other: ActionCache) -> None:
        keys = [make_key(f"step {number}") for number in range(self.many_claims)]
        assert all(cache.claim(key) for key in keys)
        assert not other.claim(keys[self.many_claims // 2])
        cache.close()

    def test_threads_claim_each_key_once(self, cache: ActionCache, other: ActionCache) -> None:
        won: list[int] = []

        def work() -> None:
            for number in range(10):
                mine = cache if threading.get_ident() % 2 else other
                if mine.claim(make_key(f"step {number}")):
                    won.append(number)

        run_threads(work)
        assert sorted(won) == list(range(10))

    def test_threads_publish_and_look_up(self, cache: ActionCache) -> None:
        def work() -> None:
            for number in range(10):
                entry = make_entry(make_key(f"step {number}"))
                cache.publish(entry)
                assert cache.look_up([entry.key]) == {entry.key: entry}

        run_threads(work)

    def test_processes_compute_each_key_once(
        self, cache: ActionCache, reopen: Callable[[], ActionCache], tmp_path: Path
    ) -> None:
        need_processes(reopen)
        log = tmp_path / "computed"
        barrier = make_barrier(PROCESSES)
        finish([start_process(_compute_each_once, reopen, barrier, str(log), 20) for _ in range(PROCESSES)])
        assert sorted(map(int, log.read_text().split())) == list(range(20))
        assert len(list(cache.entries())) == 20

    def test_the_claim_of_a_killed_process_is_taken_over(
        self, cache: ActionCache, reopen: Callable[[], ActionCache], tmp_path: Path
    ) -> None:
        need_processes(reopen)
        process = start_process(_claim_and_wait, reopen, str(tmp_path / "ready"))
        wait_for_file(tmp_path / "ready", process)
        assert not cache.claim(make_key("claimed"))
        process.kill()
        process.join()
        deadline = time.monotonic() + self.takeover_seconds
        while not (taken := cache.claim(make_key("claimed"))) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert taken

    def test_what_a_process_published_survives_its_sudden_end(
        self, cache: ActionCache, reopen: Callable[[], ActionCache]
    ) -> None:
        need_processes(reopen)
        finish([start_process(_publish_and_die, reopen, 10)])
        assert len(cache.look_up([make_key(f"step {number}") for number in range(10)])) == 10

    def test_a_process_killed_while_publishing_loses_nothing_that_it_was_told_is_kept(
        self, cache: ActionCache, reopen: Callable[[], ActionCache], tmp_path: Path
    ) -> None:
        need_processes(reopen)
        log = tmp_path / "published"
        process = start_process(_publish_forever, reopen, str(log))
        keys = [make_key(f"step {int(line)}") for line in kill_after(log, process, 10)]
        found = cache.look_up(keys)
        assert found == {key: make_entry(key) for key in keys}
