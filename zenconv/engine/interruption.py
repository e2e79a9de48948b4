"""Ctrl-C, SIGTERM and the end of a step's time, felt by the user's code and by nothing else."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from zenconv import clock
from zenconv.engine.forked_signals import restore_in_children
from zenconv.engine.signals import ASK_TO_END
from zenconv.engine.wakeups import heeds_hangup


class TimedOut(BaseException):
    """The time of a step is up. Not an `Exception`: few mean to catch it."""


class Interruption:
    """Turns Ctrl-C and SIGTERM into an exception, but only while the user's code runs.

    Everywhere else the signal is only noted, so that nothing is left half written. `on_signal`
    is called too, by whoever waits for something else at that moment. With `raises_only`, Ctrl-C
    in the user's code is no more than that exception: a person at the debugger says what then.
    `leader` is a process that is told of Ctrl-C, where the terminal tells this one alone.
    """

    def __init__(self) -> None:
        self.signal = 0
        self.on_signal: Callable[[], object] | None = None
        self.raises_only = False
        self.leader = 0
        self.has_timed_out = False
        self._heeded_from: float | None = None
        self._is_open = False

    def install(self) -> None:
        """Handle SIGINT, SIGTERM, SIGHUP and the end of a step's time from now on, in this process."""
        signal.signal(ASK_TO_END, self._note_time)
        signal.signal(signal.SIGINT, self._note)
        signal.signal(signal.SIGTERM, self._note)
        if heeds_hangup():
            signal.signal(signal.SIGHUP, self._note)
        restore_in_children(self._note)

    def stop(self, number: int = signal.SIGINT) -> None:
        """Have the run end as the signal `number` would."""
        self.signal = self.signal or number

    def limit(self, seconds: float) -> None:
        """Begin the time of a step; 0: it has as much as it likes."""
        self.has_timed_out = False
        # Whoever watches began a moment earlier; a signal for the step before comes at once.
        self._heeded_from = clock.monotonic() + seconds / 2 if seconds else None

    def __enter__(self) -> None:
        self._is_open = True
        if self.signal:
            self._is_open = False
            raise KeyboardInterrupt
        if self.has_timed_out:
            self._is_open = False
            raise TimedOut

    def __exit__(self, *exc_info: object) -> None:
        self._is_open = False

    def _note(self, number: int, _frame: object) -> None:
        if self._is_open and self.raises_only and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = number
        if self.leader and number == signal.SIGINT:
            os.kill(self.leader, number)
        if self.on_signal is not None:
            self.on_signal()
        if self._is_open:
            self._is_open = False
            raise KeyboardInterrupt

    def _note_time(self, _number: int, _frame: object) -> None:
        # Meant for a step that has just ended, it must not hit the next one.
        if self.has_timed_out or self._heeded_from is None or clock.monotonic() < self._heeded_from:
            return
        self.has_timed_out = True
        if self._is_open:
            self._is_open = False
            raise TimedOut
