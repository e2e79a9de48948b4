"""How an action entry becomes bytes in any action cache, and how damage to them is noticed.

The payload is ASCII JSON; beside it stands a checksum over the key and the payload, so a flipped
bit, or a row found under the wrong key, is a miss and never a wrong answer.
"""

from __future__ import annotations

import json
import os

from zenconv import hashing
from zenconv.records.artifact import ActionEntry, ActionKey

_DOMAIN = b"zenconv.action-entry.1:"
_encode = json.JSONEncoder(separators=(",", ":")).encode
_decode = json.JSONDecoder().decode


def key_bytes(key: ActionKey) -> bytes:
    """Return the 64 bytes of `key`; `ValueError` unless both parts are 64 hexadecimal digits."""
    return part_bytes(key.local) + part_bytes(key.inputs)


def part_bytes(part: str) -> bytes:
    """Return the 32 bytes of one key part; `ValueError` unless it is 64 lower-case hexadecimal digits."""
    try:
        raw = bytes.fromhex(part)
    except (ValueError, TypeError):
        raw = b""
    if len(raw) == 32 and raw.hex() == part:
        return raw
    raise ValueError(f"not part of a cache key: {str(part)[:80]!r}")


def checksum(key: bytes, payload: bytes) -> bytes:
    """Return the 32 bytes that tie `payload` to `key`."""
    return bytes.fromhex(hashing.digest_bytes(_DOMAIN + key + payload)[3:])


def encode_entry(entry: ActionEntry) -> bytes:
    """Return the payload of `entry`, without its key."""
    return _encode(entry.to_json()).encode("ascii")


def decode_entry(key: ActionKey, raw_key: bytes, payload: object, code: object) -> ActionEntry | None:
    """Return the entry, or None when checksum or form show damage.

    `payload` and `code` may be anything a damaged file can contain.
    """
    if not isinstance(payload, bytes) or not isinstance(code, bytes):
        return None
    if checksum(raw_key, payload) != code:
        return None
    try:
        entry = ActionEntry.from_json(key, _decode(str(payload, "ascii")))
        return entry if _names_only_digests(entry) and _names_plain_files(entry) else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None  # sound bytes of a form this version does not know


def _names_plain_files(entry: ActionEntry) -> bool:
    """Whether what counts at the next look-up is below the root, or a single file by its whole path.

    Code may name files elsewhere, and these count; of them only plain files are ever read.
    """
    return not any(
        ".." in name.replace("\\", "/").split("/") or (os.path.isabs(name) and name.endswith(("/", "*")))
        for name in entry.discovered
    )


def _names_only_digests(entry: ActionEntry) -> bool:
    """Whether all that would name a blob has the form of a digest; the checksum keeps nobody out."""
    artifacts = [*entry.outputs.values(), entry.output]
    return all(
        hashing.is_digest(file.digest) and file.size >= 0
        for artifact in artifacts
        if artifact is not None
        for file in artifact.files
    )
