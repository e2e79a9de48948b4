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
_MANY_BYTES = 64 << 20


class Durability:
    """Calls functions that force data to the disk, in their order: artifacts, log, cache."""

    def __init__(self, syncs: Sequence[Callable[[], object]], interval: float = INTERVAL_SECONDS) -> None:
        self._syncs = list(syncs)
        self._interval = interval
        self._last = clock.monotonic()
        self._thread: threading.Thread | None = None
        self._is_dirty = False
        self._bytes = 0
        self._problems: list[str] = []

    def note(self, size: int = 0) -> None:
        """Say that `size` bytes were written; now and then, and when they are many, begin to force them out.

        A disk is slower than most steps: what is begun early need not be waited for at the end.
        """
        self._is_dirty = True
        self._bytes += size
        now = clock.monotonic()
        is_due = now - self._last >= self._interval or self._bytes >= _MANY_BYTES
        if not is_due or (self._thread is not None and self._thread.is_alive()):
            return
        self._last, self._bytes = now, 0
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
