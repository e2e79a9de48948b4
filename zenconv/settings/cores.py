"""How many processor cores there are to use."""

from __future__ import annotations

import os
import sys


def count_cores() -> int:
    """Return how many physical cores this process may use, at least 1."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    if usable is None:
        return max(1, (os.cpu_count() or 1) // (1 if sys.platform == "darwin" else 2))
    cores = {_siblings(number) for number in usable}
    return max(1, min(len(cores), _quota()))


def _siblings(number: int) -> str:
    try:
        with open(f"/sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list") as file:
            return file.read().strip()
    except OSError:
        return str(number)


def _quota() -> int:
    """Return how many cores' worth of time the container may use; many where nothing limits it."""
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            quota, _, period = file.read().partition(" ")
            return max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return 1 << 16
