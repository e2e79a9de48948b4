"""Ctrl-C and SIGTERM, felt by the user's code and by nothing else."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable


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
        self._is_open = False

    def install(self) -> None:
        """Handle SIGINT and SIGTERM from now on."""
        signal.signal(signal.SIGINT, self._note)
        signal.signal(signal.SIGTERM, self._note)

    def stop(self, number: int = signal.SIGINT) -> None:
        """Have the run end as the signal `number` would."""
        self.signal = self.signal or number

    def __enter__(self) -> None:
        self._is_open = True
        if self.signal:
            self._is_open = False
            raise KeyboardInterrupt

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
