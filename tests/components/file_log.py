"""Lines in a file that is only ever added to: what the components of these tests remember by."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from zenconv import hashing
from zenconv.errors import RecordError


def read_lines(path: Path) -> list[Any]:
    """Return what was appended; a last line that is not whole never was. `RecordError` for damage."""
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
        code, _, payload = line.partition(b" ")
        if code.decode("latin-1") != hashing.digest_bytes(payload):
            raise RecordError(f"{path}:{number}: the record is damaged")
        found.append(json.loads(payload))
    return found


def append_line(path: Path, data: Any) -> None:
    """Add one record, in place of what a writer that died has left. The caller holds the lock."""
    payload = json.dumps(data).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab+") as stream:
        stream.seek(0)
        stream.truncate(stream.read().rfind(b"\n") + 1)
        stream.write(hashing.digest_bytes(payload).encode() + b" " + payload + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def flip_byte(path: Path, near: bytes) -> None:
    """Damage a file where it says `near`."""
    data = bytearray(path.read_bytes())
    data[data.index(near)] ^= 1
    path.write_bytes(data)
