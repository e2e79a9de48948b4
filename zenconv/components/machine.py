"""Which machine this is: whether a lock file that a process names can be looked at from here."""

from __future__ import annotations

import os
from functools import cache


@cache
def machine_id() -> str:
    """Return a text that is equal for processes that see the same files and locks.

    On Linux that holds for containers, too: those of one host are told apart, as are machines
    that have the same name.
    """
    # Not `socket.gethostname`, whose module costs more than all of this.
    name = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    return " ".join([name, _read_text("/proc/sys/kernel/random/boot_id"), _read_link("/proc/self/ns/mnt")])


def machine_name() -> str:
    """Return the name that people know this machine by."""
    return machine_id().partition(" ")[0]


def _read_text(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as stream:
            return stream.read().strip()
    except OSError:
        return ""


def _read_link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
