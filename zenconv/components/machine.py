"""Which machine this is, and whether a process of it lives, told by a lock file that it names."""

from __future__ import annotations

import os
import stat
from functools import cache

from zenconv.locks import is_held


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


def is_guarded(guard: str) -> bool:
    """Return whether a living process of this machine holds the lock file `guard`.

    The name is data that anybody may have written: what is no plain file is not opened. `StoreError`.
    """
    try:
        is_plain = stat.S_ISREG(os.lstat(guard).st_mode)
    except OSError:
        return False
    return is_plain and is_held(guard)


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
