"""Take away what is damaged of a stored result, before it is computed again.

A store keeps a file that has the name and the size of what is written, and does not read it: what is
damaged has to be gone, all of it, or the new result would be as bad as the old.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from zenconv import hashing
from zenconv.errors import CorruptArtifact, StoreError
from zenconv.interfaces.storing import ArtifactStore
from zenconv.records.artifact import Artifact


def quarantine_damaged(outputs: Iterable[Artifact], known: str, store: ArtifactStore) -> None:
    """Put aside the bytes `known` to be damaged, if any, and those of `outputs` that are as well."""
    if known:
        store.quarantine(known)
    digests = {file.digest for output in outputs for file in output.files if file.inline is None}
    for digest in sorted(digests - {known}):
        if not _is_sound(digest, store):
            store.quarantine(digest)


def note_damage(items: Iterator[Any], producer: str, found: list[tuple[str, str]]) -> Iterator[Any]:
    """Yield the `items` that a step reads while it works; where they are damaged, add that to `found`.

    The step may take the error for one of its own, or go on without the rest: what it makes of it
    counts for nothing.
    """
    try:
        yield from items
    except CorruptArtifact as error:
        found.append((producer, error.digest))
        raise


def _is_sound(digest: str, store: ArtifactStore) -> bool:
    try:
        with store.open(digest) as stream:
            return hashing.digest_stream(stream) == digest
    except (CorruptArtifact, StoreError, ValueError):
        return False
