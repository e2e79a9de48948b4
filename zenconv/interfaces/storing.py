"""Where bytes and cache entries live: `ArtifactStore` and `ActionCache`.

Neither ever sees a Python value: values become bytes in `zenconv.materializers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Protocol, Self, runtime_checkable

from zenconv.interfaces.closing import Closable
from zenconv.records.artifact import ActionEntry, ActionKey


class BlobWriter(Protocol):
    """A blob being written. Nothing is visible in the store before `commit`.

    As a context manager it aborts what was not committed.
    """

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append `data`; return how many bytes it had."""

    def commit(self) -> tuple[str, int]:
        """Make the blob visible under its digest; return (digest, size in bytes).

        A blob that is there already is left as it is: equal digests mean equal bytes.
        """

    def abort(self) -> None:
        """Forget everything written. Does nothing after `commit`."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...


@runtime_checkable
class ArtifactStore(Protocol):
    """Content-addressed blobs: a digest names bytes and nothing else.

    Every digest that comes in is checked against `hashing.is_digest` first (`ValueError`), so
    no name can leave the store. Suite: `zenconv.testing.ArtifactStoreSuite`.
    """

    url: str

    def writer(self) -> BlobWriter:
        """Start a new blob. `StoreError` when the disk is full or not writable."""

    def has(self, digests: Iterable[str]) -> set[str]:
        """Return those of `digests` that are present (with the bytes not yet verified)."""

    def open(self, digest: str) -> IO[bytes]:
        """Open a blob for reading, unverified. `CorruptArtifact` when it is missing."""

    def local_path(self, digest: str) -> Path:
        """Return a local, read-only file with the blob, to map into memory (unverified).

        A remote store downloads it first. `CorruptArtifact` when it is missing.
        """

    def quarantine(self, digest: str) -> None:
        """Take a blob whose bytes are wrong out of sight. A missing one is no error."""

    def delete(self, digests: Iterable[str]) -> None:
        """Remove blobs. Missing ones are no error."""

    def sync(self) -> None:
        """Force to the disk what was committed; called now and then, also from another thread."""

    def digests(self) -> Iterator[tuple[str, int]]:
        """Yield (digest, size in bytes) of every blob, in no particular order."""


@runtime_checkable
class ActionCache(Closable, Protocol):
    """Which key led to which outputs, and who is computing what right now.

    `zenconv.records.entry_bytes` makes bytes of an entry, checks keys, and notices damage. To close it
    ends all of its claims. Suite: `zenconv.testing.ActionCacheSuite`.
    """

    def look_up(self, keys: Sequence[ActionKey]) -> dict[ActionKey, ActionEntry]:
        """Return the entries of those `keys` that have one. A damaged entry is a miss."""

    def knows_local(self, local: Iterable[str]) -> set[str]:
        """Return those local key parts for which some entry exists, with whatever inputs."""

    def publish(self, entry: ActionEntry) -> None:
        """Store `entry`, replacing an older one of the same key, and release its claim.

        Once this returns, the entry survives the death of the process.
        """

    def remove(self, keys: Iterable[ActionKey]) -> None:
        """Forget entries. Missing ones are no error."""

    def claim(self, key: ActionKey) -> bool:
        """Announce that this process computes `key`; False when a living process (this one too) does.

        Another process may have published between a look-up and the claim: look up again. The
        claim ends with `publish`, `release`, or the death of the process.
        """

    def release(self, key: ActionKey) -> None:
        """Give up a claim. One not held is no error."""

    def sync(self) -> None:
        """Force to the disk what was published; called after the store's `sync`, from any thread."""

    def entries(self) -> Iterator[ActionEntry]:
        """Yield every readable entry, in no particular order."""


__all__ = ["ActionCache", "ArtifactStore", "BlobWriter"]
