"""The two clocks: one to say when something happened, one to say how long it took.

Order in zenconv never comes from either: runs are numbered, events have a sequence.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


def utc_now() -> str:
    """Return the wall-clock time as ISO 8601 text in UTC, microsecond resolution."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def monotonic() -> float:
    """Return seconds on a clock that never jumps; only differences have a meaning."""
    return time.monotonic()


def cpu_seconds() -> float:
    """Return the CPU seconds this process has used, user and system together."""
    return time.process_time()
