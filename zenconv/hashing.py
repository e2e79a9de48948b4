"""Digests: one algorithm, its name written in front, and every use in a domain of its own.

A digest is text such as ``"b3:9f2c..."`` (BLAKE3, 256 bits, hex). Two kinds are made here:
`digest_bytes` of raw bytes, to verify what was stored, and `digest_value` of plain data,
prefixed by a domain, so that a parameter and a file of equal spelling never collide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import IO, Any

from blake3 import blake3

ALGORITHM = "b3"
BLOCK_SIZE = 1 << 20

_DIGEST = re.compile(r"b3:[0-9a-f]{64}")


class Hasher:
    """An incremental BLAKE3 hash whose result carries the name of the algorithm."""

    __slots__ = ("_hash",)

    def __init__(self, domain: str = "") -> None:
        self._hash = blake3()
        if domain:
            self._hash.update(f"{len(domain)}:{domain}".encode())

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Add `data` to what is hashed."""
        self._hash.update(data)

    def digest(self) -> str:
        """Return the digest of everything added so far."""
        return f"{ALGORITHM}:{self._hash.hexdigest()}"


def digest_bytes(data: bytes | bytearray | memoryview) -> str:
    """Return the digest of `data`."""
    return f"{ALGORITHM}:{blake3(data).hexdigest()}"


def digest_stream(stream: IO[bytes]) -> str:
    """Return the digest of everything left in `stream`, read block by block."""
    hasher = Hasher()
    while block := stream.read(BLOCK_SIZE):
        hasher.update(block)
    return hasher.digest()


def digest_value(domain: str, value: Any) -> str:
    """Return the digest of plain JSON data (dictionaries, lists, text, numbers) in `domain`.

    Key order in dictionaries does not count. Whoever calls this for richer values encodes
    them injectively first (see `zenconv.fingerprint`).
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    hasher = Hasher(domain)
    hasher.update(text.encode())
    return hasher.digest()


def digest_texts(domain: str, texts: Iterable[str]) -> str:
    """Return the digest of a sequence of texts; lengths are hashed, so no two sequences collide."""
    pieces = [f"{len(domain)}:{domain}".encode()]
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        pieces += (b"%d:" % len(data), data)
    return digest_bytes(b"".join(pieces))


def keyed_digest(key: bytes, domain: str, data: bytes) -> str:
    """Return a message authentication code of `data` under a 32-byte `key`, for `domain`."""
    code = blake3(f"{len(domain)}:{domain}".encode(), key=key)
    code.update(data)
    return f"{ALGORITHM}:{code.hexdigest()}"


def is_digest(text: str) -> bool:
    """Return whether `text` has the form of a digest: the allow-list for anything that names a blob."""
    return _DIGEST.fullmatch(text) is not None
