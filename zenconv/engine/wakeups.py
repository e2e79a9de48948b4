"""Signals as something that `select` can wait for."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any


class Wakeups:
    """While entered, delivers SIGCHLD and the signals `numbers` through a pipe; its end is returned.

    `note` is called with each of `numbers` that arrives. The end of the terminal is left alone where
    it is ignored, as under ``nohup``.
    """

    def __init__(
        self,
        note: Callable[[int, FrameType | None], object],
        numbers: Sequence[int] = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP),
    ) -> None:
        self._note = note
        self._numbers = [number for number in numbers if number != signal.SIGHUP or heeds_hangup()]
        self._before: dict[int, Any] = {}
        self._pipe = (-1, -1)

    def __enter__(self) -> int:
        self._pipe = os.pipe()
        for descriptor in self._pipe:
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)
        for number in self._numbers:
            self._before[number] = signal.signal(number, self._note)
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        return self._pipe[0]

    def __exit__(self, *exc_info: object) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        for descriptor in self._pipe:
            os.close(descriptor)


def heeds_hangup() -> bool:
    """Return whether this process is to end with its terminal."""
    return signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN


def drain(descriptor: int) -> None:
    """Take everything out of a pipe that does not block."""
    try:
        while os.read(descriptor, 4096):
            pass
    except BlockingIOError:
        pass
