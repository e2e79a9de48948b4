"""How a process ended, in words, and what that means for the step it was executing."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import Any


def kill_group(pid: int) -> None:
    """Kill a process and everything it started that stayed in its group."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def describe_end(status: int) -> str:
    """Return in words how a process ended, from its wait status."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = f"signal {number}"
        return f"killed by {name}"
    return f"exited with status {os.waitstatus_to_exitcode(status)}"


def crash_error(cause: str, frames: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Return the recorded error of a step whose process ended; `cause` is from `describe_end`.

    `frames` are where it was.
    """
    error: dict[str, Any] = {
        "type": "Crash",
        "message": f"the step ended its process: {cause}",
        "frames": list(frames),
    }
    hint = _hint(cause, is_located=bool(frames))
    if hint:
        error["hint"] = hint
    return error


def _hint(cause: str, *, is_located: bool) -> str:
    if cause == "killed by SIGKILL":
        return "perhaps out of memory: see `dmesg`, or give the step less data"
    if cause == "killed by SIGSEGV":
        where = "; the last line above is where your code called it" if is_located else ""
        return f"a compiled library crashed{where}"
    if cause.startswith("exited"):
        return "a step ends with `return` or an exception, not with os._exit()"
    return ""
