"""Where two that must not run into each other do so, however busy the machine is."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path

_LONGEST_SECONDS = 60.0


def meet(place: Path) -> None:
    """Return once a second thread or process has come to `place`; whoever comes later goes on at once."""
    place.mkdir(parents=True, exist_ok=True)
    (place / uuid.uuid4().hex).touch()
    wait_until(lambda: len(os.listdir(place)) > 1)


def wait_until(is_so: Callable[[], bool]) -> None:
    """Return once `is_so` says True, in whichever thread or process that comes about."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "nobody else has come"
        time.sleep(0.001)
