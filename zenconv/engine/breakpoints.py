"""``breakpoint()`` in a run whose output is captured: the terminal is lent while the debugger talks.

Nothing of the debugger is imported before the first one is met.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zenconv.engine.debugging import Debugger
    from zenconv.engine.perform import Performer

_DEFAULTS = ("", "pdb.set_trace")


class Breakpoints:
    """Takes the place of ``sys.breakpointhook``; `open_debugger` makes the debugger."""

    def __init__(self, open_debugger: Callable[[], Debugger]) -> None:
        self._open_debugger = open_debugger
        self._debugger: Debugger | None = None
        self._performer: Performer | None = None

    @property
    def has_quit(self) -> bool:
        """Whether the debugger was left with ``q``."""
        return self._debugger is not None and self._debugger.has_quit

    def install(self) -> None:
        """Answer ``breakpoint()`` from now on, in this process."""
        sys.breakpointhook = self

    def join(self, performer: Performer) -> None:
        """Let what executes steps and the debugger, once there is one, know each other."""
        self._performer = performer
        if self._debugger is not None:
            self._debugger.join(performer)

    def open(self) -> Debugger:
        """Return the debugger, made when first asked for."""
        if self._debugger is None:
            self._debugger = self._open_debugger()
            if self._performer is not None:
                self._debugger.join(self._performer)
        return self._debugger

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Stop at the caller's next line, unless ``PYTHONBREAKPOINT`` names something else to do."""
        if os.environ.get("PYTHONBREAKPOINT", "") not in _DEFAULTS:
            return sys.__breakpointhook__(*arguments, **options)  # noqa: T100 - the user's own
        self.open().set_trace(*arguments, frame=sys._getframe(1), **options)
        return None
