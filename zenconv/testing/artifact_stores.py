"""The conformance suite of artifact stores: subclass it, give the fixture `reopen`, run pytest.

::

    class TestMyStore(ArtifactStoreSuite):
        @pytest.fixture
        def reopen(self, tmp_path):
            return functools.partial(MyStore, str(tmp_path))

`reopen` makes a new object on the same storage. When it can be pickled (a class or a
``functools.partial`` of one, not a lambda), the tests with several processes run too.
"""

from __future__ import annotations

import array
import os
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from zenconv import hashing
from zenconv.errors import CorruptArtifact
from zenconv.interfaces.storing import ArtifactStore
from zenconv.testing.concurrency import (
    PROCESSES,
    finish,
    make_barrier,
    need_processes,
    run_threads,
    start_process,
    wait_for_file,
)
from zenconv.testing.suites import ConformanceSuite

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


def put(store: ArtifactStore, data: bytes) -> str:
    """Store `data` as one blob and return its digest."""
    with store.writer() as writer:
        writer.write(data)
        return writer.commit()[0]


def read(store: ArtifactStore, digest: str) -> bytes:
    """Return the bytes of a blob."""
    with store.open(digest) as stream:
        return stream.read()


def _put_many(reopen: Callable[[], ArtifactStore], barrier: Barrier) -> None:
    store = reopen()
    barrier.wait()
    for number in range(20):
        put(store, b"small %d" % number)
    put(store, b"big" * 1_000_000)


def _write_and_wait(reopen: Callable[[], ArtifactStore], ready: str) -> None:
    writer = reopen().writer()
    writer.write(b"never committed" * 500_000)
    Path(ready).touch()
    time.sleep(3600)


class ArtifactStoreSuite(ConformanceSuite):
    """What every `ArtifactStore` promises. Override `reopen`; where needed, `store` and `damage`."""

    kind = "artifact_store"

    @pytest.fixture
    def reopen(self) -> Callable[[], ArtifactStore]:
        """Return a callable that opens the same, at first empty, storage each time."""
        raise NotImplementedError("override the fixture `reopen`")

    @pytest.fixture
    def store(self, reopen: Callable[[], ArtifactStore]) -> ArtifactStore:
        """The store under test."""
        return reopen()

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
        numbers = array.array("d", range(50_000))
        pieces: list[Any] = [
            b"bytes",
            bytearray(b"bytearray"),
            memoryview(b"0123456789")[2:7],
            memoryview(numbers),
            b"",
        ]
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

    def test_equal_bytes_are_one_blob(
        self, store: ArtifactStore, reopen: Callable[[], ArtifactStore]
    ) -> None:
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
        with store.writer() as writer:
            writer.write(b"half" * 200_000)
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

        run_threads(work)
        assert len(list(store.digests())) == 16

    def test_processes_write_equal_blobs(
        self, store: ArtifactStore, reopen: Callable[[], ArtifactStore]
    ) -> None:
        need_processes(reopen)
        barrier = make_barrier(PROCESSES)
        finish([start_process(_put_many, reopen, barrier) for _ in range(PROCESSES)])
        found = dict(store.digests())
        assert len(found) == 21
        assert all(hashing.digest_bytes(read(store, digest)) == digest for digest in found)

    def test_a_writer_killed_in_the_middle_leaves_nothing_visible(
        self, store: ArtifactStore, reopen: Callable[[], ArtifactStore], tmp_path: Path
    ) -> None:
        need_processes(reopen)
        process = start_process(_write_and_wait, reopen, str(tmp_path / "ready"))
        wait_for_file(tmp_path / "ready", process)
        process.kill()
        process.join()
        assert list(store.digests()) == []
        data = b"never committed" * 500_000
        assert read(store, put(store, data)) == data
