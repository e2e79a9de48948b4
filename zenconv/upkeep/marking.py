"""What the runs of a project mention, kept up to date while they go on."""

from __future__ import annotations

from collections.abc import Iterable

from zenconv.records.layout import StateFolder
from zenconv.records.mentioned import Mentioned


class RunMarks:
    """What the runs of one state folder mention, but for some that are to go; kept up to date.

    Parameters
    ----------
    state
        The folder whose runs count.
    going
        The ids of runs that do not count.
    """

    def __init__(self, state: StateFolder, going: Iterable[str] = ()) -> None:
        self._state = state
        self._going = frozenset(going)
        self._offsets: dict[str, int] = {}
        self.mentioned = Mentioned()

    def refresh(self) -> Mentioned:
        """Read what was written since last time, by new runs too; return all of it."""
        for run in self._state.run_ids():
            if run not in self._going:
                log = self._state.run(run).log
                self._offsets[run] = self.mentioned.read(log, self._offsets.get(run, 0))
        return self.mentioned
