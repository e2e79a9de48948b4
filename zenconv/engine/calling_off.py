"""How a supervisor tells its runner that the run is to end: what it says before it sends a signal."""

from __future__ import annotations

import mmap
import time

from zenconv import clock

_LOOKING_SECONDS = 0.005


class CallOff:
    """A byte of memory that a process shares with those it forks: the signal with which a run ends.

    Nothing that a step closes or prints can disturb it.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 1)

    def tell(self, number: int) -> None:
        """Say that the run ends with the signal `number`."""
        self._memory[0] = number

    def hear(self, patience: float = 0.0) -> int:
        """Return the number that was told, or 0; wait for it up to `patience` seconds."""
        deadline = clock.monotonic() + patience
        while not self._memory[0] and clock.monotonic() < deadline:
            time.sleep(_LOOKING_SECONDS)
        return self._memory[0]
