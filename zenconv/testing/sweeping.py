"""The conformance suite of artifact stores that can be cleaned while they are in use.

Subclass it beside `ArtifactStoreSuite`, with the same fixture `reopen`. What is tried here is the
rule of `zenconv.interfaces.sweeping`: whoever uses a store and a sweep see each other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zenconv import hashing
from zenconv.interfaces.storing import ArtifactStore
from zenconv.interfaces.sweeping import Sweepable, Swept
from zenconv.locks import FileLock
from zenconv.testing.artifact_stores import put, read
from zenconv.testing.concurrency import finish, need_processes, start_process, wait_for_file

Reopen = Callable[[], ArtifactStore]
_ROUNDS = 40
_BLOBS = 12


def _sweepable(store: ArtifactStore) -> Sweepable:
    assert isinstance(store, Sweepable)
    return store


def _data(number: int) -> bytes:
    return b"%d " % number * 600


def _use_until(reopen: Reopen, guard: str, ready: str, stop: str) -> None:
    """Find and write the same blobs again and again; none may be missing once it was found."""
    lock = FileLock(guard)
    assert lock.acquire()
    store = reopen()
    _sweepable(store).protect(Path(guard), "a test")
    Path(ready).touch()
    rounds = 0
    while rounds < _ROUNDS or not Path(stop).exists():
        number = rounds % _BLOBS
        digest = hashing.digest_bytes(_data(number))
        if not store.has([digest]):
            assert put(store, _data(number)) == digest
        assert read(store, digest) == _data(number)
        if number == 0:  # a new run, which has an interest in nothing yet
            _sweepable(store).protect(Path(guard), "a test")
        rounds += 1
    lock.close()


def _hold_and_wait(reopen: Reopen, guard: str, ready: str) -> None:
    lock = FileLock(guard)
    lock.acquire()
    store = reopen()
    _sweepable(store).protect(Path(guard), "a test")
    put(store, b"written, and not yet recorded")
    Path(ready).touch()
    time.sleep(3600)


def _sweep_and_die(reopen: Reopen, digests: list[str], ready: str) -> None:
    def still_needed() -> set[str]:
        Path(ready).touch()
        time.sleep(3600)
        return set()

    _sweepable(reopen()).sweep(digests, still_needed)


class SweepingSuite:
    """What every `Sweepable` store promises. Override `reopen`."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Return a callable that opens the same, at first empty, storage each time."""
        raise NotImplementedError("override the fixture `reopen`")

    @pytest.fixture
    def store(self, reopen: Reopen) -> ArtifactStore:
        """The store under test."""
        return reopen()

    @pytest.fixture
    def guard(self, tmp_path: Path) -> Iterator[FileLock]:
        """The lock of a run that is going on."""
        lock = FileLock(tmp_path / "guard")
        lock.acquire()
        yield lock
        lock.close()

    def sweep(self, store: ArtifactStore, *digests: str, needed: frozenset[str] = frozenset()) -> Swept:
        """Sweep `digests`, of which records name those in `needed`."""
        return _sweepable(store).sweep(digests, lambda: needed)

    def test_what_nobody_needs_is_removed_and_told_with_its_size(self, store: ArtifactStore) -> None:
        gone, kept, other = put(store, b"gone"), put(store, b"kept"), put(store, b"other")
        missing = hashing.digest_bytes(b"never there")
        swept = self.sweep(store, gone, kept, missing, needed=frozenset({kept}))
        assert swept.removed == {gone: 4}
        assert set(dict(store.digests())) == {kept, other}
        assert read(store, kept) == b"kept"

    def test_what_a_living_run_found_stays(
        self, store: ArtifactStore, reopen: Reopen, guard: FileLock, tmp_path: Path
    ) -> None:
        found = put(store, b"found")
        run = reopen()
        _sweepable(run).protect(Path(guard.path), "run 1")
        assert run.has([found]) == {found}
        assert self.sweep(store, found).removed == {}
        assert read(reopen(), found) == b"found"

    @pytest.mark.parametrize("is_there_before", [True, False])
    def test_what_a_living_run_wrote_stays(
        self, store: ArtifactStore, reopen: Reopen, guard: FileLock, is_there_before: bool
    ) -> None:
        if is_there_before:
            put(store, b"written")
        run = reopen()
        _sweepable(run).protect(Path(guard.path), "run 1")
        written = put(run, b"written")
        assert self.sweep(store, written).removed == {}
        assert read(reopen(), written) == b"written"

    def test_a_run_that_has_ended_protects_nothing(
        self, store: ArtifactStore, reopen: Reopen, guard: FileLock
    ) -> None:
        run = reopen()
        _sweepable(run).protect(Path(guard.path), "run 1")
        written = put(run, b"written")
        guard.release()
        assert self.sweep(store, written).removed == {written: 7}

    def test_a_run_that_has_recorded_everything_gives_its_protection_up(
        self, store: ArtifactStore, reopen: Reopen, guard: FileLock
    ) -> None:
        run = reopen()
        _sweepable(run).protect(Path(guard.path), "run 1")
        written = put(run, b"written")
        assert self.sweep(store, written).removed == {}
        _sweepable(run).unprotect()
        assert self.sweep(store, written).removed == {written: 7}

    def test_who_uses_the_store_is_told_where_single_blobs_cannot_be_told(
        self, store: ArtifactStore, reopen: Reopen, guard: FileLock
    ) -> None:
        other, run = put(store, b"other"), reopen()
        _sweepable(run).protect(Path(guard.path), "run 1")
        swept = self.sweep(store, other)
        assert swept.in_use_by in ((), ("run 1",))
        assert (swept.removed == {}) == (swept.in_use_by != ())

    def test_what_is_found_while_a_sweep_begins_stays(
        self, store: ArtifactStore, reopen: Reopen, guard: FileLock
    ) -> None:
        digest, run = put(store, b"just in time"), reopen()
        found: set[str] = set()

        def doomed() -> Iterator[str]:
            _sweepable(run).protect(Path(guard.path), "run 1")
            found.update(run.has([digest]))
            yield digest

        swept = _sweepable(store).sweep(doomed(), lambda: frozenset[str]())
        assert found == {digest}
        assert swept.removed == {}
        assert read(store, digest) == b"just in time"

    def test_what_is_looked_for_while_a_sweep_decides_is_not_found_and_then_removed(
        self, store: ArtifactStore, reopen: Reopen, guard: FileLock
    ) -> None:
        digest, run = put(store, b"too late?"), reopen()
        found: list[set[str]] = []

        def look() -> None:
            _sweepable(run).protect(Path(guard.path), "run 1")
            found.append(run.has([digest]))

        looking = threading.Thread(target=look)

        def still_needed() -> set[str]:
            looking.start()
            looking.join(0.3)  # it may wait for the sweep to end, or not
            return set()

        removed = _sweepable(store).sweep([digest], still_needed).removed
        looking.join()
        assert found == [store.has([digest])]
        assert (removed == {}) == (found == [{digest}])

    def test_a_swept_blob_can_be_written_again(self, store: ArtifactStore) -> None:
        digest = put(store, b"again" * 500)
        self.sweep(store, digest)
        assert store.has([digest]) == set()
        assert put(store, b"again" * 500) == digest
        assert read(store, digest) == b"again" * 500

    def test_a_process_that_was_killed_protects_as_long_as_its_run_lives(
        self, store: ArtifactStore, reopen: Reopen, guard: FileLock, tmp_path: Path
    ) -> None:
        need_processes(reopen)
        guard.release()
        process = start_process(_hold_and_wait, reopen, guard.path, str(tmp_path / "ready"))
        wait_for_file(tmp_path / "ready", process)
        digest = hashing.digest_bytes(b"written, and not yet recorded")
        assert self.sweep(store, digest).removed == {}
        process.kill()
        process.join()
        assert self.sweep(store, digest).removed == {digest: 29}

    def test_a_sweep_killed_in_the_middle_loses_nothing(
        self, store: ArtifactStore, reopen: Reopen, tmp_path: Path
    ) -> None:
        need_processes(reopen)
        digests = [put(store, _data(number)) for number in range(_BLOBS)]
        process = start_process(_sweep_and_die, reopen, digests, str(tmp_path / "ready"))
        wait_for_file(tmp_path / "ready", process)
        assert store.has(digests[:2]) == set(digests[:2])
        process.kill()
        process.join()
        assert [read(reopen(), digest) for digest in digests] == [_data(n) for n in range(_BLOBS)]
        assert set(self.sweep(store, *digests).removed) == set(digests)
        assert list(store.digests()) == []

    def test_what_a_running_process_has_found_is_never_missing(
        self, store: ArtifactStore, reopen: Reopen, tmp_path: Path
    ) -> None:
        need_processes(reopen)
        stop = tmp_path / "stop"
        users = [
            start_process(_use_until, reopen, str(tmp_path / f"guard{n}"), str(tmp_path / f"r{n}"), str(stop))
            for n in range(2)
        ]
        for number, process in enumerate(users):
            wait_for_file(tmp_path / f"r{number}", process)
        digests = [hashing.digest_bytes(_data(number)) for number in range(_BLOBS)]
        rounds = threading.Event()
        for _ in range(30):
            self.sweep(store, *digests)
            rounds.wait(0.01)
        stop.touch()
        finish(users)


__all__ = ["SweepingSuite"]
