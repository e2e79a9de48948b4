"""What the records of runs mention: the digests of stored bytes, and cache keys.

Read by pattern, not by event: whatever any version of zenconv, or a line that is damaged in
another place, says of a digest keeps those bytes. Too much may be kept by that, never too little.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import attrs

from zenconv.errors import StoreError

_DIGEST = re.compile(rb"b3:[0-9a-f]{64}(?![0-9a-f])")
_KEY = re.compile(rb"(?<![0-9a-f:])[0-9a-f]{64}-[0-9a-f]{64}(?![0-9a-f])")
_STORED = re.compile(rb'\["(?:[^"\\]|\\.)*","(b3:[0-9a-f]{64})",[0-9]+\]')
"""A `StoredFile` whose bytes do not travel inside the record."""
_BLOCK = 1 << 20
_LONGEST = 160
"""Bytes that a block shares with the one before: more than the longest thing that is looked for."""


@attrs.define(eq=False, repr=False)
class Mentioned:
    """The digests and cache keys that some logs mention."""

    digests: set[str] = attrs.field(factory=set)
    keys: set[str] = attrs.field(factory=set)

    def read(self, path: str | os.PathLike[str], offset: int = 0) -> int:
        """Add what the file says from `offset` on; return how far it was read. A missing one says nothing.

        Raises
        ------
        StoreError
            The file cannot be read: what it needs is not known.
        """
        try:
            with open(path, "rb", buffering=0) as stream:
                stream.seek(max(0, offset - _LONGEST))
                rest = b""
                while block := stream.read(_BLOCK):
                    data = rest + block
                    self._search(data)
                    rest = data[-_LONGEST:]
                return stream.tell()
        except FileNotFoundError:
            return offset
        except OSError as error:
            raise StoreError(f"cannot read the log {path}: {error.strerror or error}") from error

    def _search(self, data: bytes) -> None:
        self.digests.update(text.decode("ascii") for text in set(_DIGEST.findall(data)))
        self.keys.update(text.decode("ascii") for text in set(_KEY.findall(data)))


def find_stored(log: Path, offset: int = 0) -> Mentioned:
    """Return all keys, and the digests of files in the store that a log names as results or output.

    Only what stands behind `offset`. These are fewer digests than `Mentioned.read` finds: without
    what stands for code, parameters or contents. `StoreError`.
    """
    found = Mentioned()
    try:
        with open(log, "rb") as stream:
            stream.seek(offset)
            for line in stream:
                found.digests.update(digest.decode("ascii") for digest in _STORED.findall(line))
                found.keys.update(key.decode("ascii") for key in _KEY.findall(line))
    except OSError as error:
        raise StoreError(f"cannot read the log {log}: {error.strerror or error}") from error
    return found
