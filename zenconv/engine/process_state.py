"""Put back what a step has changed about its process: the next one begins as if it came first.

Which steps share a process is a matter of chance where there are workers, and of what is reused
everywhere. What modules keep for themselves stays as it is: nobody could tell it from their work.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

from zenconv.engine.audit import listen
from zenconv.engine.origins import UNKNOWN, Origins
from zenconv.engine.signals import ASK_TO_END

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, ASK_TO_END)
_NO_TIMER = (0.0, 0.0)
# What `signal` is made around: most of the time of its functions goes into making enumerations of numbers.
_plain_signal: Any = sys.modules.get("_signal", signal)
_WARNING = 30
"""The level at which logging begins; it may not be imported yet."""


_current: ProcessState | None = None
_is_listening = False


class ProcessState:
    """What a process is like before the code of a step is called, after its fixtures were set up.

    Of the variables those count that the project's own code sets, as `origins` finds out: what
    libraries set when they are imported or first used is for the rest of the process.
    """

    def __init__(self, origins: Origins) -> None:
        global _current
        _listen_once()
        _current = self
        self._origins = origins
        self._variables: dict[str, str | None] = {}
        self._streams = (sys.stdin, sys.stdout, sys.stderr)
        self._values = [read() for read, _ in _PARTS]

    def hear_variable(self, name: str, frame: FrameType) -> None:
        """Take down that an environment variable is about to be set or deleted."""
        origin = self._origins.find(frame)
        if name not in self._variables and origin is not None and origin is not UNKNOWN and origin.is_direct:
            before = os.environ._data.get(os.environ.encodekey(name))  # type: ignore[attr-defined]
            self._variables[name] = None if before is None else os.fsdecode(before)

    def put_back(self) -> None:
        """Make the process as it was; a generator goes on afterwards, and it is done once more."""
        while self._variables:
            _set_variable(*self._variables.popitem())
        for (read, write), value in zip(_PARTS, self._values, strict=True):
            if read() != value:
                write(value)
        sys.stdin, sys.stdout, sys.stderr = self._streams


def _listen_once() -> None:
    global _is_listening
    if not _is_listening:
        _is_listening = True
        listen(("os.putenv", "os.unsetenv"), _hear)


def _hear(_event: str, arguments: tuple[Any, ...]) -> None:
    if _current is not None:
        try:
            _current.hear_variable(os.fsdecode(arguments[0]), sys._getframe(2))
        except Exception:  # it would end what the event announces
            if os.environ.get("ZENCONV_DEBUG"):
                raise


def _set_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
    if name == "TZ" and hasattr(time, "tzset"):
        time.tzset()  # where the variable is read


def _read_handlers() -> list[Any]:
    return [_plain_signal.getsignal(number) for number in _SIGNALS]


def _write_handlers(handlers: list[Any]) -> None:
    for number, handler in zip(_SIGNALS, handlers, strict=True):
        if handler is not None and _plain_signal.getsignal(number) != handler:  # None: it was set in C
            signal.signal(number, handler)


def _read_umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _read_locale() -> str:
    locale = sys.modules.get("locale")
    return str(locale.setlocale(locale.LC_ALL, None)) if locale is not None else ""


def _write_locale(value: str) -> None:
    import locale

    locale.setlocale(locale.LC_ALL, value or "C")


def _read_logging() -> tuple[int, list[Any]]:
    logging = sys.modules.get("logging")
    return (logging.root.level, list(logging.root.handlers)) if logging is not None else (_WARNING, [])


def _write_logging(before: tuple[int, list[Any]]) -> None:
    import logging

    logging.root.setLevel(before[0])
    logging.root.handlers[:] = before[1]


def _end_timer(_before: object) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)


_PARTS: tuple[tuple[Callable[[], Any], Callable[[Any], object]], ...] = (
    # The timer first: what it calls is put back after it.
    (lambda: signal.getitimer(signal.ITIMER_REAL) == _NO_TIMER, _end_timer),
    (_read_handlers, _write_handlers),
    (
        partial(_plain_signal.pthread_sigmask, signal.SIG_BLOCK, ()),
        partial(signal.pthread_sigmask, signal.SIG_SETMASK),
    ),
    (_read_umask, os.umask),
    (_read_locale, _write_locale),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (_read_logging, _write_logging),
)
"""How each part is read, and set to what it was."""
