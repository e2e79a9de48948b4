"""The suite of artifact stores notices what is wrong: one mistake at a time."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

import pytest

from tests.components.calling import call_test, list_tests
from tests.components.meeting import meet
from zenconv import hashing
from zenconv.components.local_store import LocalStore
from zenconv.errors import CorruptArtifact
from zenconv.testing import ArtifactStoreSuite


class Believing(LocalStore):
    """Has whatever it is asked for."""

    def has(self, digests: Iterable[str]) -> set[str]:
        return set(digests)


class Silent(LocalStore):
    """Gives nothing, without a word, for what it lacks."""

    def open(self, digest: str) -> IO[bytes]:
        return super().open(digest) if super().has([digest]) else io.BytesIO()


class Trusting(LocalStore):
    """Takes any text for a digest."""

    def delete(self, digests: Iterable[str]) -> None:
        for digest in digests:
            try:
                super().delete([digest])
            except ValueError:
                pass


class Keeping(LocalStore):
    """Deletes nothing."""

    def delete(self, digests: Iterable[str]) -> None:
        super().has(digests)


class Listing(LocalStore):
    """Forgets to list what it has."""

    def digests(self) -> Iterator[tuple[str, int]]:
        return iter(list(super().digests())[1:])


class Hasty(LocalStore):
    """Shows a blob before it is complete: what was written is committed when the writer is given up."""

    def writer(self) -> Any:
        writer = super().writer()
        abort = writer.abort

        def commit_instead() -> None:
            try:
                writer.commit()
            except Exception:
                abort()

        writer.abort = commit_instead  # type: ignore[method-assign]
        return writer


class Deleting(LocalStore):
    """Puts a damaged blob out of sight, and refuses to have it again."""

    refused: set[str] = set()

    def quarantine(self, digest: str) -> None:
        super().quarantine(digest)
        self.refused.add(digest)

    def has(self, digests: Iterable[str]) -> set[str]:
        return super().has(digests) - self.refused

    def open(self, digest: str) -> IO[bytes]:
        return super().open(digest if digest not in self.refused else "b3:" + "0" * 64)


class Incomplete(LocalStore):
    """Has no way to force anything to the disk."""

    sync = None  # type: ignore[assignment]


class Single(LocalStore):
    """Has a writer of another kind."""

    Writer: type[Any]

    def writer(self) -> Any:
        return self.Writer(super().writer())


class Changed:
    """A writer that does all as the one inside."""

    def __init__(self, inside: Any) -> None:
        self.inside = inside

    def write(self, data: Any) -> int:
        return int(self.inside.write(data))

    def commit(self) -> tuple[str, int]:
        digest, size = self.inside.commit()
        return str(digest), int(size)

    def abort(self) -> None:
        self.inside.abort()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.abort()


class Bounded(Single):
    """Stores the beginning of what is large."""

    class Writer(Changed):
        written = 0

        def write(self, data: Any) -> int:
            self.written += memoryview(data).nbytes
            return super().write(data) if self.written < 16 << 20 else memoryview(data).nbytes


class Counting(Single):
    """Counts items instead of bytes."""

    class Writer(Changed):
        def write(self, data: Any) -> int:
            super().write(data)
            return len(data)


class Borrowing(Single):
    """Reads what it was given when it is committed."""

    class Writer(Changed):
        def __init__(self, inside: Any) -> None:
            super().__init__(inside)
            self.given: list[Any] = []

        def write(self, data: Any) -> int:
            self.given.append(data)
            return memoryview(data).nbytes

        def commit(self) -> tuple[str, int]:
            for data in self.given:
                super().write(data)
            return super().commit()


class Tolerant(Single):
    """Takes more when it is over."""

    class Writer(Changed):
        def write(self, data: Any) -> int:
            try:
                return super().write(data)
            except ValueError:
                return len(data)


class Doubling(LocalStore):
    """Lists a blob as often as it was written."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.written: list[tuple[str, int]] = []

    def writer(self) -> Any:
        writer = super().writer()
        commit = writer.commit

        def commit_and_note() -> tuple[str, int]:
            self.written.append(commit())
            return self.written[-1]

        writer.commit = commit_and_note  # type: ignore[method-assign]
        return writer

    def digests(self) -> Iterator[tuple[str, int]]:
        return iter(self.written)


class Private(LocalStore):
    """Keeps what it writes to itself."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path}/{id(self)}")


class Early(LocalStore):
    """Shows what was written so far."""

    def writer(self) -> Any:
        writer, early = super().writer(), super().writer()
        write = writer.write

        def write_and_show(data: Any) -> int:
            early.write(data)
            early.commit()
            return write(data)

        writer.write = write_and_show  # type: ignore[method-assign]
        return writer


class Undoing(LocalStore):
    """Forgets a blob when its writer is aborted, even then."""

    def writer(self) -> Any:
        writer, committed = super().writer(), []
        commit, abort = writer.commit, writer.abort

        def commit_and_note() -> tuple[str, int]:
            committed.append(commit())
            return committed[0]

        def abort_and_undo() -> None:
            abort()
            self.delete([digest for digest, _ in committed])

        writer.commit = commit_and_note  # type: ignore[method-assign]
        writer.abort = abort_and_undo  # type: ignore[method-assign]
        return writer


class Believed(LocalStore):
    """Takes a blob that is there for whole."""

    def _is_present(self, digest: str, size: int) -> bool:
        return bool(LocalStore.has(self, [digest]))


class Sloppy(LocalStore):
    """Lists what writers have left behind."""

    def digests(self) -> Iterator[tuple[str, int]]:
        yield from super().digests()
        for file in self.path.glob("spool/*"):
            yield hashing.digest_bytes(file.read_bytes()), file.stat().st_size


class Clumsy(LocalStore):
    """Has one file for all that is being written."""

    def writer(self) -> Any:
        return _Shared(self)


class _Shared(Changed):
    def __init__(self, store: LocalStore) -> None:
        super().__init__(None)
        self.store, self.data = store, b""
        self.file = store.path / "draft"

    def write(self, data: Any) -> int:
        self.data += bytes(data)
        return memoryview(data).nbytes

    def commit(self) -> tuple[str, int]:
        digest = hashing.digest_bytes(self.data)
        place = Path(self.store._blob(digest))
        place.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_bytes(self.data)
        meet(self.store.path / "written")
        self.file.rename(place)
        return digest, len(self.data)

    def abort(self) -> None:
        pass


class Crowded(Clumsy):
    """Has one file for all that is being written, by all processes."""


BROKEN: dict[type[LocalStore], str] = {
    Incomplete: "test_it_satisfies_the_protocol",
    Bounded: "test_a_large_blob_streams_in_and_out",
    Counting: "test_many_writes_make_one_blob_whatever_the_kind_of_buffer",
    Borrowing: "test_the_buffer_may_change_after_write_returned",
    Tolerant: "test_a_finished_writer_takes_no_more",
    Doubling: "test_equal_bytes_are_one_blob",
    Private: "test_a_new_object_sees_what_another_wrote",
    Early: "test_nothing_is_visible_before_commit_or_after_abort",
    Undoing: "test_abort_after_commit_does_nothing",
    Believed: "test_a_torn_blob_is_replaced_when_its_bytes_are_written_again",
    Sloppy: "test_a_writer_killed_in_the_middle_leaves_nothing_visible",
    Clumsy: "test_threads_write_and_read_equal_blobs",
    Crowded: "test_processes_write_equal_blobs",
    Believing: "test_has_answers_for_many_at_once",
    Silent: "test_a_missing_blob_is_named_in_the_error",
    Trusting: "test_what_is_not_a_digest_never_becomes_a_path",
    Keeping: "test_deleted_blobs_are_gone_and_missing_ones_are_no_error",
    Listing: "test_what_is_written_comes_back",
    Hasty: "test_leaving_the_block_without_commit_aborts",
    Deleting: "test_a_quarantined_blob_is_out_of_sight_and_can_be_written_again",
}

FAILING = (AssertionError, pytest.fail.Exception, CorruptArtifact, FileNotFoundError)


def call(kind: type[LocalStore], name: str, tmp_path: Path) -> None:
    reopen = partial(kind, str(tmp_path / "storage"))
    call_test(
        ArtifactStoreSuite(),
        name,
        reopen=reopen,
        store=reopen(),
        tmp_path=tmp_path,
        size=1025,
        digest="../../etc/passwd",
    )


@pytest.mark.parametrize(("kind", "name"), BROKEN.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_broken_artifact_store_does_not_pass(kind: type[LocalStore], name: str, tmp_path: Path) -> None:
    with pytest.raises(FAILING):
        call(kind, name, tmp_path)


@pytest.mark.parametrize("name", BROKEN.values())
def test_a_store_that_is_right_passes_in_the_same_way(name: str, tmp_path: Path) -> None:
    call(LocalStore, name, tmp_path)


def test_every_test_of_the_suite_is_one_that_something_broken_fails() -> None:
    # Of bytes that were changed, nothing has to be noticed before they are verified.
    free = {"test_changed_bytes_are_never_taken_for_the_blob"}
    assert list_tests(ArtifactStoreSuite) - set(BROKEN.values()) == free
