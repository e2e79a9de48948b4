"""A pickle whose big buffers are stored beside it, as one that any Python loads by itself.

Its instructions are read, never followed: nothing is unpickled, and no trust is needed.
"""

from __future__ import annotations

import json
import pickletools
import struct
from collections.abc import Callable, Iterator

from zenconv.errors import CorruptArtifact

MAIN, BUFFERS, LAYOUT = "", "buffers", "layout"
"""The names of the files of a stored pickle."""

_WRITABLE = b"\x96"  # BYTEARRAY8
_READ_ONLY = b"\x8e"  # BINBYTES8


def join_pickle(read: Callable[[str], bytes]) -> Iterator[bytes]:
    """Yield the pickle in blocks, its buffers inside.

    `read` returns a stored file by its name, and nothing for one that is not there. Raises
    `CorruptArtifact` for what is no such pickle.
    """
    data, buffers, places = read(MAIN), memoryview(read(BUFFERS)), read(LAYOUT)
    if not places:
        yield data
        return
    try:
        layout = [(int(start), int(length)) for start, length, _ in json.loads(places)]
        steps = list(_instructions(data))
    except (ValueError, TypeError) as error:
        raise CorruptArtifact(f"the stored pickle cannot be read: {error}") from error
    waiting = iter(layout)
    for number, (name, part) in enumerate(steps):
        if name == "NEXT_BUFFER":
            start, length = next(waiting, (0, -1))
            if not 0 <= start <= start + length <= len(buffers):
                raise CorruptArtifact("the stored buffers are shorter than their layout says")
            follows = steps[number + 1][0] if number + 1 < len(steps) else ""
            yield (_READ_ONLY if follows == "READONLY_BUFFER" else _WRITABLE) + struct.pack("<Q", length)
            yield bytes(buffers[start : start + length])
        elif name not in ("READONLY_BUFFER", "FRAME"):  # frames are of another length now, and optional
            yield part


def _instructions(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield each instruction by its name, with its bytes."""
    name, begin = "", 0
    for instruction, _, position in pickletools.genops(data):
        if name:
            yield name, data[begin:position]
        name, begin = instruction.name, int(position or 0)
    yield name, data[begin:]
