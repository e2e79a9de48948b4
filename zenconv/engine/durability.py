"""Survive power loss: what was written reaches the disk every few seconds, in the background.

The death of a process loses nothing (the system still holds what it wrote); for power loss the
promise is that the last few seconds of steps are executed again, and nothing wrong is read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from zenconv import clock
from zenconv.errors import ZenconvError

INTERVAL_SECONDS = 4.0


class Durability:
    """Calls functions that force data to the disk, in their order: artifacts, log, cache."""

    def __init__(self, syncs: Sequence[Callable[[], object]], interval: float = INTERVAL_SECONDS) -> None:
        self._syncs = list(syncs)
        self._interval = interval
        self._last = clock.monotonic()
        self._thread: threading.Thread | None = None
        self._is_dirty = False
        self._problems: list[str] = []

    def note(self) -> None:
        """Say that something was written; now and then, begin to force it out."""
        self._is_dirty = True
        now = clock.monotonic()
        if now - self._last < self._interval or (self._thread is not None and self._thread.is_alive()):
            return
        self._last = now
        self._thread = threading.Thread(target=self._force, name="zenconv-sync", daemon=True)
        self._thread.start()

    def finish(self) -> list[str]:
        """Force out everything written so far; return what failed, a line each."""
        if self._thread is not None:
            self._thread.join()
        if self._is_dirty:
            self._force()
        problems, self._problems = self._problems, []
        return list(dict.fromkeys(problems))

    def _force(self) -> None:
        self._is_dirty = False
        for sync in self._syncs:
            try:
                sync()
            except (ZenconvError, OSError) as error:
                self._problems.append(f"not everything has reached the disk: {error}")
