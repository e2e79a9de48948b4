"""The suites of stores and action caches notice what is wrong: one mistake at a time."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

import attrs
import pytest

from zenconv.components.local_store import LocalStore
from zenconv.components.sqlite_cache import SqliteActionCache
from zenconv.errors import CorruptArtifact
from zenconv.records.artifact import ActionEntry, ActionKey
from zenconv.testing import ActionCacheSuite, ArtifactStoreSuite


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


STORES: dict[type[LocalStore], str] = {
    Believing: "test_has_answers_for_many_at_once",
    Silent: "test_a_missing_blob_is_named_in_the_error",
    Trusting: "test_what_is_not_a_digest_never_becomes_a_path",
    Keeping: "test_deleted_blobs_are_gone_and_missing_ones_are_no_error",
    Listing: "test_what_is_written_comes_back",
    Hasty: "test_leaving_the_block_without_commit_aborts",
    Deleting: "test_a_quarantined_blob_is_out_of_sight_and_can_be_written_again",
}


class Generous(SqliteActionCache):
    """Lets everybody compute everything."""

    def claim(self, key: ActionKey) -> bool:
        super().claim(key)
        return True


class Selfish(SqliteActionCache):
    """Keeps its claims when it has published."""

    def publish(self, entry: ActionEntry) -> None:
        super().publish(entry)
        super().claim(entry.key)


class Coarse(SqliteActionCache):
    """Looks at the local part of a key only."""

    def look_up(self, keys: Sequence[ActionKey]) -> dict[ActionKey, ActionEntry]:
        every = {entry.key.local: entry for entry in super().entries()}
        return {key: every[key.local] for key in keys if key.local in every}


class First(SqliteActionCache):
    """Keeps the first entry of a key."""

    def publish(self, entry: ActionEntry) -> None:
        if entry.key not in super().look_up([entry.key]):
            super().publish(entry)


class Shortening(SqliteActionCache):
    """Leaves out who has written an entry."""

    def publish(self, entry: ActionEntry) -> None:
        super().publish(attrs.evolve(entry, writer=""))


class Clinging(SqliteActionCache):
    """Removes nothing."""

    def remove(self, keys: Iterable[ActionKey]) -> None:
        super().look_up(list(keys))


class Believer(SqliteActionCache):
    """Takes any text for part of a key."""

    def knows_local(self, local: Iterable[str]) -> set[str]:
        try:
            return super().knows_local(local)
        except ValueError:
            return set()


CACHES: dict[type[SqliteActionCache], str] = {
    Generous: "test_a_claim_excludes_everyone_until_released",
    Selfish: "test_publishing_releases_the_claim",
    Coarse: "test_both_parts_of_the_key_count",
    First: "test_a_second_publication_replaces_the_first",
    Shortening: "test_every_field_of_an_entry_comes_back",
    Clinging: "test_removed_entries_are_gone",
    Believer: "test_what_is_not_a_key_is_refused",
}


def call(suite: Any, kind: Callable[[str], Any], name: str, tmp_path: Path) -> None:
    """Call a test of a suite on what `kind` opens."""
    reopen = partial(kind, str(tmp_path / "storage"))
    offered = {
        "reopen": reopen,
        "store": reopen(),
        "cache": reopen(),
        "other": reopen(),
        "tmp_path": tmp_path,
        "size": 1025,
        "digest": "../../etc/passwd",
        "part": "../x",
    }
    test = getattr(suite, name)
    test(**{parameter: offered[parameter] for parameter in inspect.signature(test).parameters})


def kind_name(value: Any) -> str:
    return str(getattr(value, "__name__", ""))


FAILING = (AssertionError, pytest.fail.Exception, CorruptArtifact)


@pytest.mark.parametrize(("kind", "name"), STORES.items(), ids=kind_name)
def test_a_broken_artifact_store_does_not_pass(kind: type[LocalStore], name: str, tmp_path: Path) -> None:
    with pytest.raises(FAILING):
        call(ArtifactStoreSuite(), kind, name, tmp_path)


@pytest.mark.parametrize("name", STORES.values())
def test_a_store_that_is_right_passes_in_the_same_way(name: str, tmp_path: Path) -> None:
    call(ArtifactStoreSuite(), LocalStore, name, tmp_path)


@pytest.mark.parametrize(("kind", "name"), CACHES.items(), ids=kind_name)
def test_a_broken_action_cache_does_not_pass(
    kind: type[SqliteActionCache], name: str, tmp_path: Path
) -> None:
    with pytest.raises(FAILING):
        call(ActionCacheSuite(), kind, name, tmp_path)


@pytest.mark.parametrize("name", CACHES.values())
def test_a_cache_that_is_right_passes_in_the_same_way(name: str, tmp_path: Path) -> None:
    call(ActionCacheSuite(), SqliteActionCache, name, tmp_path)
