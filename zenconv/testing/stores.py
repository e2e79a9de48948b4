"""Conformance suites of artifact stores and action caches: subclass, give a fixture, run pytest.

::

    class TestMyStore(ArtifactStoreSuite):
        @pytest.fixture
        def reopen(self, tmp_path):
            return functools.partial(MyStore, str(tmp_path))

`reopen` makes a new object on the same storage. When it can be pickled (a class or a
``functools.partial`` of one, not a lambda), the tests with several processes run too.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from zenconv import hashing
from zenconv.errors import CorruptArtifact
from zenconv.interfaces.storing import ActionCache, ArtifactStore
from zenconv.records.artifact import ActionEntry, ActionKey, Artifact, StoredFile

PROCESSES = 3
_START_SECONDS = 60.0

HOSTILE_DIGESTS = (
    "",
    "b3:",
    "../../etc/passwd",
    "b3:../" + "a" * 61,
    "b3:" + "A" * 64,
    "b3:" + "a" * 63,
    "b3:" + "a" * 65,
    "b3:" + "a" * 63 + "/",
    "b3:" + "a" * 64 + "\n",
    "sha256:" + "a" * 64,
    "/" + "a" * 66,
    "b3:" + "a" * 32 + "\x00" + "a" * 31,
)
HOSTILE_PARTS = ("", "../x", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "a" * 63 + "/", "a" * 64 + "\n", "é" * 64)


def put(store: ArtifactStore, data: bytes) -> str:
    """Store `data` as one blob and return its digest."""
    with store.writer() as writer:
        writer.write(data)
        return writer.commit()[0]


def read(store: ArtifactStore, digest: str) -> bytes:
    """Return the bytes of a blob."""
    with store.open(digest) as stream:
        return stream.read()


def make_key(name: str, inputs: str = "inputs") -> ActionKey:
    """Return a well-formed key that differs for each `name` and `inputs`."""
    parts = [hashing.digest_texts("test", [text])[3:] for text in (name, inputs)]
    return ActionKey(*parts)


def make_entry(key: ActionKey, text: str = "value") -> ActionEntry:
    """Return an entry with two outputs, inline bytes and captured text."""
    data = text.encode() + bytes(range(256))
    file = StoredFile("", hashing.digest_bytes(data), len(data), data)
    other = StoredFile("part/1.npy", hashing.digest_bytes(b"1"), 1 << 40)
    first = Artifact(file.digest, "json/1", "builtins.str", (file,), summary={"len": len(text), "ä": "\u2028"})
    second = Artifact(other.digest, "numpy/1", "numpy.ndarray", (other,), refers=("a:B",), runs_code=True)
    outputs = {"z": first, "a": second}
    return ActionEntry(key, outputs, output=first, seconds=0.25, created="2026-01-01T00:00:00Z", writer="here")


def _start(target: Callable[..., None], *arguments: Any) -> multiprocessing.process.BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def _needs_processes(reopen: object) -> None:
    try:
        pickle.dumps(reopen)
    except Exception as error:
        pytest.skip(f"`reopen` cannot be sent to another process: {error}")


def _run_threads(target: Callable[[], None], count: int = 6) -> None:
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            target()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _wait_for_file(path: Path, process: multiprocessing.process.BaseProcess) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not path.exists():
        assert process.is_alive(), f"the child ended with {process.exitcode}"
        assert time.monotonic() < deadline, "the child did not get ready"
        time.sleep(0.01)


def _finish(processes: list[multiprocessing.process.BaseProcess]) -> None:
    for process in processes:
        process.join(_START_SECONDS)
    codes = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
    assert codes == [0] * len(codes)


def _put_many(reopen: Callable[[], ArtifactStore], ready: str) -> None:
    store = reopen()
    for number in range(20):
        put(store, b"small %d" % number)
    put(store, b"big" * 1_000_000)
    Path(ready).touch()


def _write_and_wait(reopen: Callable[[], ArtifactStore], ready: str) -> None:
    writer = reopen().writer()
    writer.write(b"never committed" * 500_000)
    Path(ready).touch()
    time.sleep(3600)


class ArtifactStoreSuite:
    """What every `ArtifactStore` promises. Override `reopen`; where needed, `store` and `damage`."""

    @pytest.fixture
    def reopen(self) -> Callable[[], ArtifactStore]:
        """Return a callable that opens the same, at first empty, storage each time."""
        raise NotImplementedError("override the fixture `reopen`")

    @pytest.fixture
    def store(self, reopen: Callable[[], ArtifactStore]) -> Iterator[ArtifactStore]:
        """The store under test."""
        yield reopen()

    def damage(self, store: ArtifactStore, digest: str, data: bytes) -> None:
        """Replace the stored bytes of a blob by `data`, behind the store's back."""
        path = store.local_path(digest)
        path.chmod(0o644)
        path.write_bytes(data)

    def test_it_satisfies_the_protocol(self, store: ArtifactStore) -> None:
        assert isinstance(store, ArtifactStore)
        assert isinstance(store.url, str)

    @pytest.mark.parametrize("size", [0, 1, 1024, 1025, 256 * 1024, 256 * 1024 + 1, 5_000_000])
    def test_what_is_written_comes_back(self, store: ArtifactStore, size: int) -> None:
        data = os.urandom(size)
        with store.writer() as writer:
            assert writer.write(data) == size
            digest, stored_size = writer.commit()
        assert (digest, stored_size) == (hashing.digest_bytes(data), size)
        assert read(store, digest) == data
        assert store.local_path(digest).read_bytes() == data
        assert store.has([digest]) == {digest}
        assert list(store.digests()) == [(digest, size)]

    def test_many_writes_make_one_blob_whatever_the_kind_of_buffer(self, store: ArtifactStore) -> None:
        import array

        numbers = array.array("d", range(50_000))
        pieces = [b"bytes", bytearray(b"bytearray"), memoryview(b"0123456789")[2:7], memoryview(numbers), b""]
        with store.writer() as writer:
            sizes = [writer.write(piece) for piece in pieces]
            digest, size = writer.commit()
        expected = b"".join(bytes(piece) for piece in pieces)
        assert sizes == [5, 9, 5, 400_000, 0]
        assert size == len(expected)
        assert read(store, digest) == expected

    def test_a_large_blob_streams_in_and_out(self, store: ArtifactStore) -> None:
        block = os.urandom(1 << 20)
        hasher = hashing.Hasher()
        with store.writer() as writer:
            for _ in range(40):
                writer.write(block)
                hasher.update(block)
            digest, size = writer.commit()
        assert (digest, size) == (hasher.digest(), 40 << 20)
        with store.open(digest) as stream:
            assert hashing.digest_stream(stream) == digest

    def test_the_buffer_may_change_after_write_returned(self, store: ArtifactStore) -> None:
        buffer = bytearray(b"a" * 4_000_000)
        with store.writer() as writer:
            writer.write(buffer)
            buffer[:] = b"b" * 4_000_000
            writer.write(buffer)
            digest, _ = writer.commit()
        assert read(store, digest) == b"a" * 4_000_000 + b"b" * 4_000_000

    def test_equal_bytes_are_one_blob(self, store: ArtifactStore, reopen: Callable[[], ArtifactStore]) -> None:
        first = put(store, b"twice")
        assert put(store, b"twice") == first
        assert put(reopen(), b"twice") == first
        assert list(store.digests()) == [(first, 5)]

    def test_a_new_object_sees_what_another_wrote(
        self, store: ArtifactStore, reopen: Callable[[], ArtifactStore]
    ) -> None:
        digest = put(store, b"kept")
        assert read(reopen(), digest) == b"kept"

    @pytest.mark.parametrize("size", [10, 3_000_000])
    def test_nothing_is_visible_before_commit_or_after_abort(self, store: ArtifactStore, size: int) -> None:
        data = b"x" * size
        writer = store.writer()
        writer.write(data)
        assert list(store.digests()) == []
        writer.abort()
        writer.abort()
        assert list(store.digests()) == []
        assert store.has([hashing.digest_bytes(data)]) == set()

    def test_leaving_the_block_without_commit_aborts(self, store: ArtifactStore) -> None:
        with pytest.raises(RuntimeError, match="user"), store.writer() as writer:
            writer.write(b"half" * 200_000)
            raise RuntimeError("user")
        assert list(store.digests()) == []

    def test_abort_after_commit_does_nothing(self, store: ArtifactStore) -> None:
        writer = store.writer()
        writer.write(b"stays")
        digest, _ = writer.commit()
        writer.abort()
        assert read(store, digest) == b"stays"

    def test_a_finished_writer_takes_no_more(self, store: ArtifactStore) -> None:
        writer = store.writer()
        writer.commit()
        with pytest.raises(ValueError, match="already committed or aborted"):
            writer.write(b"late")
        with pytest.raises(ValueError, match="already committed or aborted"):
            writer.commit()

    def test_a_missing_blob_is_named_in_the_error(self, store: ArtifactStore) -> None:
        digest = hashing.digest_bytes(b"nobody wrote this")
        for action in (store.open, store.local_path):
            with pytest.raises(CorruptArtifact, match="is missing") as caught:
                action(digest)
            assert caught.value.digest == digest
        assert store.has([digest]) == set()

    def test_has_answers_for_many_at_once(self, store: ArtifactStore) -> None:
        present = {put(store, b"%d" % number) for number in range(12)}
        absent = {hashing.digest_bytes(b"no %d" % number) for number in range(12)}
        assert store.has([*present, *absent]) == present
        assert store.has([]) == set()

    @pytest.mark.parametrize("digest", HOSTILE_DIGESTS)
    def test_what_is_not_a_digest_never_becomes_a_path(self, store: ArtifactStore, digest: str) -> None:
        actions: list[Callable[[], object]] = [
            lambda: store.open(digest),
            lambda: store.local_path(digest),
            lambda: store.has([digest]),
            lambda: store.quarantine(digest),
            lambda: store.delete([digest]),
        ]
        for action in actions:
            with pytest.raises(ValueError, match="not a digest"):
                action()

    def test_changed_bytes_are_never_taken_for_the_blob(
        self, store: ArtifactStore, reopen: Callable[[], ArtifactStore]
    ) -> None:
        digest = put(store, b"original")
        self.damage(store, digest, b"0riginal")
        try:
            found = read(reopen(), digest)
        except CorruptArtifact:
            return
        assert hashing.digest_bytes(found) != digest

    def test_a_torn_blob_is_replaced_when_its_bytes_are_written_again(self, store: ArtifactStore) -> None:
        digest = put(store, b"a long text")
        self.damage(store, digest, b"a lo")
        assert put(store, b"a long text") == digest
        assert read(store, digest) == b"a long text"

    def test_a_quarantined_blob_is_out_of_sight_and_can_be_written_again(self, store: ArtifactStore) -> None:
        digest = put(store, b"rots")
        self.damage(store, digest, b"r0ts")
        store.quarantine(digest)
        store.quarantine(digest)
        assert store.has([digest]) == set()
        assert list(store.digests()) == []
        with pytest.raises(CorruptArtifact):
            store.open(digest)
        assert put(store, b"rots") == digest
        assert read(store, digest) == b"rots"

    def test_deleted_blobs_are_gone_and_missing_ones_are_no_error(self, store: ArtifactStore) -> None:
        kept, gone = put(store, b"kept"), put(store, b"gone")
        missing = hashing.digest_bytes(b"missing")
        store.delete([gone, missing])
        store.delete([gone])
        store.quarantine(missing)
        assert list(store.digests()) == [(kept, 4)]

    def test_threads_write_and_read_equal_blobs(self, store: ArtifactStore) -> None:
        def work() -> None:
            for number in range(15):
                data = b"%d" % number * 1000
                assert read(store, put(store, data)) == data
            put(store, b"large" * 400_000)

        _run_threads(work)
        assert len(list(store.digests())) == 16

    def test_processes_write_equal_blobs(
        self, store: ArtifactStore, reopen: Callable[[], ArtifactStore], tmp_path: Path
    ) -> None:
        _needs_processes(reopen)
        _finish([_start(_put_many, reopen, str(tmp_path / f"done{n}")) for n in range(PROCESSES)])
        found = dict(store.digests())
        assert len(found) == 21
        assert all(hashing.digest_bytes(read(store, digest)) == digest for digest in found)

    def test_a_writer_killed_in_the_middle_leaves_nothing_visible(
        self, store: ArtifactStore, reopen: Callable[[], ArtifactStore], tmp_path: Path
    ) -> None:
        _needs_processes(reopen)
        process = _start(_write_and_wait, reopen, str(tmp_path / "ready"))
        _wait_for_file(tmp_path / "ready", process)
        process.kill()
        process.join()
        assert list(store.digests()) == []
        data = b"never committed" * 500_000
        assert read(store, put(store, data)) == data


def _compute_each_once(reopen: Callable[[], ActionCache], log: str, count: int) -> None:
    """Publish every key that nobody has; note in `log` what was computed here."""
    cache = reopen()
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


class ActionCacheSuite:
    """What every `ActionCache` promises. Override `reopen`; where needed, `cache` and `damage`."""

    takeover_seconds = 0.0
    """How long the claim of a killed process may still be respected."""

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
            actions: list[Callable[[], object]] = [
                lambda key=key: cache.look_up([key]),
                lambda key=key: cache.publish(make_entry(key)),
                lambda key=key: cache.claim(key),
                lambda key=key: cache.release(key),
                lambda key=key: cache.remove([key]),
            ]
            for action in actions:
                with pytest.raises(ValueError, match="not part of a cache key"):
                    action()
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

    def test_hundreds_of_claims_are_held_at_once(self, cache: ActionCache, other: ActionCache) -> None:
        keys = [make_key(f"step {number}") for number in range(300)]
        assert all(cache.claim(key) for key in keys)
        assert not other.claim(keys[150])
        cache.close()

    def test_threads_claim_each_key_once(self, cache: ActionCache, other: ActionCache) -> None:
        won: list[int] = []

        def work() -> None:
            for number in range(10):
                mine = cache if threading.get_ident() % 2 else other
                if mine.claim(make_key(f"step {number}")):
                    won.append(number)

        _run_threads(work)
        assert sorted(won) == list(range(10))

    def test_threads_publish_and_look_up(self, cache: ActionCache) -> None:
        def work() -> None:
            for number in range(10):
                entry = make_entry(make_key(f"step {number}"))
                cache.publish(entry)
                assert cache.look_up([entry.key]) == {entry.key: entry}

        _run_threads(work)

    def test_processes_compute_each_key_once(
        self, cache: ActionCache, reopen: Callable[[], ActionCache], tmp_path: Path
    ) -> None:
        _needs_processes(reopen)
        log = tmp_path / "computed"
        _finish([_start(_compute_each_once, reopen, str(log), 20) for _ in range(PROCESSES)])
        assert sorted(map(int, log.read_text().split())) == list(range(20))
        assert len(list(cache.entries())) == 20

    def test_the_claim_of_a_killed_process_is_taken_over(
        self, cache: ActionCache, reopen: Callable[[], ActionCache], tmp_path: Path
    ) -> None:
        _needs_processes(reopen)
        process = _start(_claim_and_wait, reopen, str(tmp_path / "ready"))
        _wait_for_file(tmp_path / "ready", process)
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
        _needs_processes(reopen)
        _finish([_start(_publish_and_die, reopen, 10)])
        assert len(cache.look_up([make_key(f"step {number}") for number in range(10)])) == 10

    def test_a_process_killed_while_publishing_loses_nothing_that_it_was_told_is_kept(
        self, cache: ActionCache, reopen: Callable[[], ActionCache], tmp_path: Path
    ) -> None:
        _needs_processes(reopen)
        log = tmp_path / "published"
        process = _start(_publish_forever, reopen, str(log))
        _wait_for_file(log, process)
        time.sleep(0.3)
        process.kill()
        process.join()
        told = [line for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]
        keys = [make_key(f"step {int(line)}") for line in told]
        found = cache.look_up(keys)
        assert found == {key: make_entry(key) for key in keys}


__all__ = ["ActionCacheSuite", "ArtifactStoreSuite"]
