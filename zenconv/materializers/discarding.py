"""A store that keeps nothing: for the digest of a value that need not be stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Self

from zenconv import hashing
from zenconv.errors import CorruptArtifact


class DiscardingStore:
    """An `ArtifactStore` that hashes what is written and forgets it."""

    url = "discard:"

    def writer(self) -> DiscardingWriter:
        """Start a blob that will never be visible."""
        return DiscardingWriter()

    def has(self, digests: Iterable[str]) -> set[str]:
        """Return nothing: nothing is kept."""
        return set()

    def open(self, digest: str) -> IO[bytes]:
        """Refuse: nothing is kept."""
        raise CorruptArtifact("nothing is kept here", digest=digest)

    def local_path(self, digest: str) -> Path:
        """Refuse: nothing is kept."""
        raise CorruptArtifact("nothing is kept here", digest=digest)

    def quarantine(self, digest: str) -> None:
        """Do nothing."""

    def delete(self, digests: Iterable[str]) -> None:
        """Do nothing."""

    def sync(self) -> None:
        """Nothing is there to reach a disk."""

    def digests(self) -> Iterator[tuple[str, int]]:
        """Yield nothing."""
        return iter(())


class DiscardingWriter:
    """Hashes and counts bytes."""

    def __init__(self) -> None:
        self._hasher = hashing.Hasher()
        self._size = 0

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Hash `data`."""
        size = data.nbytes if isinstance(data, memoryview) else len(data)
        self._hasher.update(data)
        self._size += size
        return size

    def commit(self) -> tuple[str, int]:
        """Return digest and size."""
        return self._hasher.digest(), self._size

    def abort(self) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        return None
