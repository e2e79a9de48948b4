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

    Until steps are executed in this process, every signal ends the run. From then on only one of
    which `called_off` knows: whoever watches this process says so before it sends one. Any other,
    from the step itself or somebody short of memory, means the step that is executed.
    `called_off` gets how many seconds it may wait for the word, and returns the number of the
    signal, or 0. `times` counts the signals that came.
    """

    def __init__(self) -> None:
        self.on_signal: Callable[[], object] | None = None
        self.called_off: Callable[[float], int] | None = None
        self.raises_only = False
        self.leader = 0
        self.has_timed_out = False
        self.noted = 0
        self.times = 0
        self._ending = 0
        self._is_executing = False
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

    @property
    def signal(self) -> int:
        """The signal with which the run ends; 0: it goes on."""
        return self.find_signal() if self.noted and not self._ending else self._ending

    def find_signal(self, patience: float = 0.0) -> int:
        """Return the signal with which the run ends, or 0; wait for it up to `patience` seconds."""
        if not self._ending:
            ask = self.called_off if self._is_executing else None
            self._ending = self.noted if ask is None else ask(patience)
        return self._ending

    def begin_step(self) -> int:
        """Have signals mean steps, from now on; return how many came so far."""
        self._is_executing = True
        return self.times

    def stop(self, number: int) -> None:
        """Have the run end as the signal `number` would."""
        self._ending = self._ending or number

    def limit(self, seconds: float) -> None:
        """Begin the time of a step; 0: it has as much as it likes."""
        self.has_timed_out = False
        # Whoever watches began a moment earlier; a signal for the step before comes at once.
        self._heeded_from = clock.monotonic() + seconds / 2 if seconds else None

    def __enter__(self) -> None:
        seen = -1
        while seen != self.times:  # lest one be missed that comes just before the code is open to it
            self._is_open = False
            seen = self.times
            if self.signal:
                raise KeyboardInterrupt
            self._is_open = True
        if self.has_timed_out:
            self._is_open = False
            raise TimedOut

    def __exit__(self, *exc_info: object) -> None:
        self._is_open = False

    def _note(self, number: int, _frame: object) -> None:
        if self._is_open and self.raises_only and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.noted = number
        self.times += 1
        if self.leader and number == signal.SIGINT:
            self.stop(number)
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
