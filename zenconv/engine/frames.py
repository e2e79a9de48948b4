"""Messages between processes: a line each, ``<crc32 in 8 hex digits> <json>``, as in the log."""

from __future__ import annotations

import json
import zlib
from typing import Any

_encoder = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, check_circular=False)


def encode_frame(message: dict[str, Any]) -> bytes:
    """Return `message`, plain JSON data, as one line."""
    text = _encoder.encode(message).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(text), text)


class FrameReader:
    """Puts frames together from the pieces in which they arrive.

    A line that is no frame is dropped: a step wrote into a descriptor that is not its own.
    """

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Take bytes that arrived; return the messages that are complete now."""
        start = len(self._rest)
        self._rest += data
        end = self._rest.rfind(b"\n", start) + 1
        if not end:
            return []
        lines = bytes(self._rest[:end]).splitlines()
        del self._rest[:end]
        return [message for line in lines if (message := _decode(line)) is not None]


def _decode(line: bytes) -> dict[str, Any] | None:
    text = line[9:]
    try:
        if int(line[:8], 16) != zlib.crc32(text):
            return None
        message = json.loads(text)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None
