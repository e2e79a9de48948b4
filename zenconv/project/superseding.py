"""Edits during a round, and whether what it executes is still wanted.

A long training goes on while somebody edits the evaluation that comes after it. But where every step
that is under way would have another key by now, its results are of no use: the round is ended, and
the next one begins.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from zenconv.project.round_process import RoundProcess

_QUIET_SECONDS = 0.05
_PATIENCE_SECONDS = 0.3
"""A step that has run for less is probably over before one could tell."""

Ask = Callable[[dict[str, Any]], RoundProcess]


class Superseding:
    """Asks, when something changed during a round, what would run now.

    Parameters
    ----------
    ask
        Starts a process that plans with what is on disk now; see `is_superseded`.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._process: RoundProcess | None = None
        self._has_change = False
        self._due = 0.0
        self._seen: dict[str, str] = {}
        self._asked: dict[str, str] = {}

    def descriptors(self) -> list[int]:
        """Return what is readable when `look` has something to see."""
        return self._process.descriptors() if self._process is not None else []

    def timeout(self, playing: RoundProcess) -> float | None:
        """Return in how many seconds to call `look` again, if nothing happens."""
        is_due = self._has_change and self._process is None and playing.running not in ({}, self._asked)
        return max(0.0, self._due - time.monotonic()) if is_due else None

    def note_change(self) -> None:
        """Be told that something changed: an answer that is on its way says nothing any more."""
        self.end()
        self._has_change = True
        self._due = time.monotonic() + _QUIET_SECONDS
        self._asked = {}

    def look(self, playing: RoundProcess) -> bool:
        """Return whether `playing` executes nothing that is wanted; ask, where it is time to."""
        if self._process is not None:
            self._process.read()
            if not self._process.is_over:
                return False
            is_superseded = bool(self._process.outcome.get("superseded"))
            self.end()
            return is_superseded and self._asked == playing.running
        if self.timeout(playing) is None:
            return False
        if playing.running != self._seen:
            self._seen = dict(playing.running)
            self._due = max(self._due, time.monotonic() + _PATIENCE_SECONDS)
        elif time.monotonic() >= self._due:
            self._asked = dict(playing.running)
            self._process = self._ask({"judge": self._asked})
        return False

    def end(self) -> None:
        """Wait for no answer any more."""
        process, self._process = self._process, None
        if process is not None:
            process.end()


def is_superseded(decisions: Mapping[str, Any], running: Mapping[str, str]) -> bool:
    """Return whether a new plan wants none of the nodes `running`, given with their keys."""
    return all(str(getattr(decisions.get(node), "key", None)) != key for node, key in running.items())
