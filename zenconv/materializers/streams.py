"""Generators: stored chunk by chunk as they yield, handed on as generators that read lazily.

Memory holds one chunk at a time, on the way in and on the way out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from zenconv.errors import CorruptArtifact
from zenconv.interfaces.materializing import Sink, Source

CHUNK_BYTES = 1 << 20
CHUNK_ITEMS = 4096
_SMALL = (int, float, bool, str, bytes, complex, type(None))
_CONTAINERS = (list, tuple, dict, set, frozenset)


class Streams:
    """Stores what a generator yields; it is used up by that. What loads is a new generator."""

    id = "stream"
    version = 1
    types = ("builtins.generator",)
    runs_code = True

    def accepts(self, value: Any) -> bool:
        return True

    def save(self, value: Any, sink: Sink) -> None:
        count = chunks = 0
        for chunk in _chunks(value):
            sink.save_part(chunk, keep=False)
            count += len(chunk)
            chunks += 1
        sink.write(json.dumps({"items": count, "chunks": chunks}).encode())

    def load(self, source: Source) -> Iterator[Any]:
        try:
            chunks = int(json.loads(source.read())["chunks"])
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptArtifact("the description of a stored stream is damaged") from error
        return _read(source, chunks)

    def summarize(self, value: Any) -> Mapping[str, Any]:
        return {}


def _read(source: Source, chunks: int) -> Iterator[Any]:
    for number in range(chunks):
        yield from source.load_part(number, keep=False)


def _chunks(items: Iterator[Any]) -> Iterator[list[Any]]:
    chunk: list[Any] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += _weight(item)
        if size >= CHUNK_BYTES or len(chunk) >= CHUNK_ITEMS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _weight(item: Any) -> int:
    """Estimate the bytes of an item; what cannot be told counts as a whole chunk."""
    if isinstance(item, _SMALL):
        return sys.getsizeof(item)
    if isinstance(item, _CONTAINERS):
        values = item.values() if isinstance(item, dict) else item
        return 64 + sum(_weight(value) for value in values)
    return CHUNK_BYTES
