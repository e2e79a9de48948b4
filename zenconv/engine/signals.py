"""The signals with which a step past its time limit is addressed.

Where there are real-time signals these are two of them, which hardly anybody else uses.
"""

from __future__ import annotations

import signal

_FIRST: int = getattr(signal, "SIGRTMIN", 0)

ASK_TO_END: int = _FIRST + 11 if _FIRST else signal.SIGUSR1
"""Raises `zenconv.engine.interruption.TimedOut` in the step's code, if its time is up."""

TELL_STACK: int = _FIRST + 12 if _FIRST else signal.SIGUSR2
"""Has the process write down where all its threads are."""
