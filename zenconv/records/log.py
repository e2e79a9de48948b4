"""The event log of a run: appended by one writer, read by anyone while it grows.

One event is one line with its own checksum (`zenconv.records.events`), written by one call,
so a writer that dies leaves at most a torn last line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Self

from zenconv.errors import StoreError
from zenconv.records.events import Event, decode, encode

LINE_LIMIT = 1 << 28
"""Bytes of the longest line that is read; what is longer is damage."""

_BUFFER = 1 << 18


class EventLog:
    """The writer of one log. Whoever writes holds the lock of the run.

    Parameters
    ----------
    path
        The file, made when missing.

    Raises
    ------
    StoreError
        The file cannot be made, or (in the methods) cannot be written: the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        try:
            self._descriptor = os.open(path, flags | getattr(os, "O_CLOEXEC", 0), 0o666)
        except OSError as error:
            raise self._failure(error) from error

    def append(self, event: Event) -> None:
        """Write one event; once this returns, it survives the death of the process."""
        self.append_line(encode(event))

    def append_line(self, line: bytes) -> None:
        """Write one or several events that are encoded already; all of it or nothing."""
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            self._take_back(len(line) - len(rest))
            raise self._failure(error) from error

    def _take_back(self, written: int) -> None:
        """Remove half a line, which would swallow the next one."""
        try:
            if written:
                os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)
        except OSError:
            pass  # nothing can be written at all; a reader ignores the torn end

    def sync(self) -> None:
        """Bring what was appended to the disk, so that it survives power loss."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """Close the file; a second time is no error."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _failure(self, error: OSError) -> StoreError:
        return StoreError(f"cannot write the log of the run, {self.path}: {error.strerror or error}")


def read_events(
    path: Path, offset: int = 0, *, on_damage: Callable[[int], object] | None = None
) -> Iterator[tuple[Event, int]]:
    """Yield (event, offset behind it) from `offset` on, in constant memory.

    A torn last line is left for later: reading again from the last offset finds it once it is
    whole. A damaged line before the end is skipped. Events of a newer version are passed over.

    Parameters
    ----------
    path
        The log. A missing one has no events.
    offset
        Where to begin: 0, or an offset this function gave.
    on_damage
        Called with the position (bytes) of each damaged line.

    Raises
    ------
    StoreError
        The file cannot be read.
    """
    try:
        with open(path, "rb", buffering=_BUFFER) as stream:
            stream.seek(offset)
            yield from _decode_lines(stream, offset, on_damage)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"cannot read the log {path}: {error.strerror or error}") from error


def _decode_lines(
    stream: IO[bytes], offset: int, on_damage: Callable[[int], object] | None
) -> Iterator[tuple[Event, int]]:
    while line := stream.readline(LINE_LIMIT):
        start, offset = offset, offset + len(line)
        is_whole = line.endswith(b"\n")
        if not is_whole and len(line) < LINE_LIMIT:
            return  # torn, or still being written
        try:
            event = decode(line)
        except (ValueError, TypeError, AttributeError):
            if on_damage is not None and is_whole:
                on_damage(start)
            continue
        if event is not None:
            yield event, offset
