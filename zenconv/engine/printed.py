"""Store what a step printed."""

from __future__ import annotations

from collections.abc import Iterable

from zenconv import hashing
from zenconv.interfaces.storing import ArtifactStore
from zenconv.records.artifact import INLINE_LIMIT, Artifact, StoredFile


def store_text(blocks: Iterable[bytes], size: int, store: ArtifactStore) -> Artifact:
    """Store captured text and return its artifact; short text stays in the record."""
    if size <= INLINE_LIMIT:
        data = b"".join(blocks)
        file = StoredFile("", hashing.digest_bytes(data), len(data), data)
    else:
        with store.writer() as writer:
            for block in blocks:
                writer.write(block)
            digest, size = writer.commit()
        file = StoredFile("", digest, size)
    return Artifact(file.digest, "text/1", "builtins.str", (file,), summary={"bytes": file.size})
