"""Ctrl-C and SIGTERM, felt by the user's code and by nothing else."""

from __future__ import annotations

import signal
from collections.abc import Callable


class Interruption:
    """Turns Ctrl-C and SIGTERM into an exception, but only while the user's code runs.

    Everywhere else the signal is only noted, so that nothing is left half written. `on_signal`
    is called too, by whoever waits for something else at that moment.
    """

    def __init__(self) -> None:
        self.signal = 0
        self.on_signal: Callable[[], object] | None = None
        self._is_open = False

    def install(self) -> None:
        """Handle SIGINT and SIGTERM from now on."""
        signal.signal(signal.SIGINT, self._note)
        signal.signal(signal.SIGTERM, self._note)

    def __enter__(self) -> None:
        self._is_open = True
        if self.signal:
            self._is_open = False
            raise KeyboardInterrupt

    def __exit__(self, *exc_info: object) -> None:
        self._is_open = False

    def _note(self, number: int, _frame: object) -> None:
        self.signal = number
        if self.on_signal is not None:
            self.on_signal()
        if self._is_open:
            self._is_open = False
            raise KeyboardInterrupt
