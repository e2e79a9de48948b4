"""What a step prints, whoever prints it: Python, C code or a child process.

Descriptors 1 and 2 of the runner lead into one spool file for its whole life; after each step
what has gathered is taken out. The supervisor holds the file too, and shows it after a crash.
"""

from __future__ import annotations

import faulthandler
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from zenconv.engine.signals import TELL_STACK
from zenconv.engine.terminal import borrow_terminal, take_terminal
from zenconv.errors import StoreError

_BLOCK = 1 << 20


class Spool:
    """The text of the step that is running, in a file without a name.

    Made before the runner starts and shared with it. Nothing else can open it, and it is gone
    with the last process that holds it: what a step prints may be secret until it is redacted.
    """

    def __init__(self, folder: Path) -> None:
        name = folder / f"spool-{os.urandom(4).hex()}"
        # Append mode: after `clear`, writers that kept the descriptor go on at the start.
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND
        try:
            self.descriptor = os.open(name, flags, 0o600)
            os.unlink(name)
        except OSError as error:
            raise StoreError(f"cannot write {name}: {error.strerror or error}") from error

    @classmethod
    def adopt(cls, descriptor: int) -> Self:
        """Return the spool behind a descriptor that another process made."""
        spool = cls.__new__(cls)
        spool.descriptor = descriptor
        return spool

    def size(self) -> int:
        """Return how many bytes have gathered."""
        return os.fstat(self.descriptor).st_size

    def blocks(self, offset: int = 0) -> Iterator[bytes]:
        """Yield what has gathered, from its start or a later byte."""
        while block := os.pread(self.descriptor, _BLOCK, offset):
            offset += len(block)
            yield block

    def cut(self, start: int) -> bytes:
        """Return what has gathered from `start` on, and forget it."""
        text = b"".join(self.blocks(start))
        os.ftruncate(self.descriptor, start)
        return text

    def clear(self) -> None:
        """Forget what has gathered."""
        os.ftruncate(self.descriptor, 0)

    def append(self, data: bytes) -> None:
        """Add to what has gathered."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.descriptor, rest) :]

    @property
    def is_closed(self) -> bool:
        """Whether the file was released."""
        return self.descriptor < 0

    def close(self) -> None:
        """Release the file."""
        os.close(self.descriptor)
        self.descriptor = -1


class Capture:
    """Redirects the process's output into a spool; with `live`, Python's output is shown as well.

    `label`, where several processes show theirs, stands before every line shown. What a person
    sees can be lent to whoever talks with them, if stdin was a terminal or the output is live.
    """

    def __init__(self, spool: Spool, *, live: bool = False) -> None:
        self.spool = spool
        self.live = live
        self.label = ""
        self._shown = (sys.stdout, sys.stderr)
        self._terminal: tuple[int, ...] = ()

    def start(self) -> None:
        """Begin; for the rest of the process's life."""
        faulthandler.register(TELL_STACK, file=self.spool.descriptor, all_threads=True)
        faulthandler.enable(file=self.spool.descriptor, all_threads=False)
        if self.live:
            sys.stdout = _Tee(sys.stdout, self)
            sys.stderr = _Tee(sys.stderr, self)
            return
        sys.stdout.flush()
        sys.stderr.flush()
        if os.isatty(0):
            self._terminal = tuple([os.dup(number) for number in (0, 1, 2)])
        self._redirect()
        sys.stdout = _text_on(1)
        sys.stderr = _text_on(2)
        # The handles kept from start-up would close descriptors 1 and 2 when collected.

    def _redirect(self) -> None:
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(self.spool.descriptor, 1)
        os.dup2(self.spool.descriptor, 2)

    @property
    def can_lend(self) -> bool:
        """Whether there is a person to talk to."""
        return self.live or bool(self._terminal)

    @contextmanager
    def lend(self) -> Iterator[None]:
        """Have ``sys.stdout`` and ``sys.stderr`` lead to the person, and stdin come from them, meanwhile."""
        streams = sys.stdout, sys.stderr
        if self.live:
            sys.stdout, sys.stderr = self._shown
            try:
                yield
            finally:
                sys.stdout.flush()
                sys.stdout, sys.stderr = streams
            return
        self.flush()
        for number, descriptor in enumerate(self._terminal):
            os.dup2(descriptor, number)
        group = borrow_terminal()
        sys.stdout, sys.stderr = _text_on(1), _text_on(2)
        try:
            sys.stdout.write("\r\x1b[2K" if sys.stdout.isatty() else "")  # over the line of what is running
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            if group:
                take_terminal(group)
            self._redirect()
            sys.stdout, sys.stderr = streams

    def repair(self) -> None:
        """Have the descriptors 0, 1 and 2 lead where they did, if a step has closed or redirected them."""
        if not self.live and not _is_whole(self.spool.descriptor):
            self._redirect()

    def flush(self) -> None:
        """Bring everything printed so far into the spool; a stream the step closed is replaced."""
        for name, descriptor in (("stdout", 1), ("stderr", 2)):
            stream = getattr(sys, name)
            try:
                stream.flush()
                if isinstance(stream, _Tee):
                    stream.end_line(self.label)
            except (ValueError, OSError, AttributeError):
                self.repair()
                setattr(sys, name, _text_on(descriptor))


def _is_whole(descriptor: int) -> bool:
    """Return whether 1 and 2 are the file that `descriptor` is, and 0 is open."""
    try:
        os.fstat(0)
        expected, out, err = os.fstat(descriptor), os.fstat(1), os.fstat(2)
    except OSError:
        return False
    return os.path.samestat(expected, out) and os.path.samestat(expected, err)


def _text_on(descriptor: int) -> io.TextIOWrapper:
    raw = io.FileIO(descriptor, "wb", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True
    )


class _Tee(io.TextIOBase):
    """Text that is shown at once and recorded too."""

    def __init__(self, shown: Any, capture: Capture) -> None:
        self._shown = shown
        self._capture = capture
        self._rests: dict[str, str] = {}

    def write(self, text: str) -> int:
        os.write(self._capture.spool.descriptor, text.encode("utf-8", "backslashreplace"))
        self.show(text, self._capture.label)
        return len(text)

    def show(self, text: str, label: str) -> None:
        """Show `text` without recording it; behind a label, when its line is complete."""
        if not label:
            self._shown.write(text)
            return
        *lines, rest = (self._rests.pop(label, "") + text).split("\n")
        if rest:
            self._rests[label] = rest
        if lines:
            # One write for whole lines: other processes write to the same terminal.
            self._shown.write("".join(f"[{label}] {line}\n" for line in lines))
            self._shown.flush()

    def flush(self) -> None:
        self._shown.flush()

    def end_line(self, label: str) -> None:
        """Show what was printed behind `label` without an end of line."""
        if label in self._rests:
            self.show("\n", label)

    def isatty(self) -> bool:
        return bool(self._shown.isatty())

    def fileno(self) -> int:
        return int(self._shown.fileno())

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(self._shown.encoding)

    @property
    def buffer(self) -> Any:
        return self._shown.buffer
