"""Everything a process has started, and the end of it: children, theirs, and what left its parent.

A process whose parent ends is given to the nearest ancestor that adopts orphans. While this one
does (`Adoption`), nothing that a step starts can get out of sight, whatever sessions and groups
it makes for itself. Where the system has no adoption, what left its parent is not found.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from functools import cache
from typing import Any, NamedTuple

_ADOPT = 36  # PR_SET_CHILD_SUBREAPER of <linux/prctl.h>
_MOST_ROUNDS = 1000


class Adoption:
    """While entered, this process adopts the orphans among its descendants, where it can."""

    def __enter__(self) -> None:
        _set_adoption(1)

    def __exit__(self, *exc_info: object) -> None:
        _set_adoption(0)


def _set_adoption(value: int) -> None:
    library = _library()
    if library is not None:
        library.prctl(_ADOPT, value, 0, 0, 0)


@cache
def _library() -> Any:
    if sys.platform != "linux":
        return None
    try:
        import ctypes  # 5 ms: only processes whose steps have a time limit need it
    except ImportError:  # a Python built without libffi
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "prctl") else None


def has_children() -> bool:
    """Return whether this process has a child, dead or alive. Costs next to nothing."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


class Started(NamedTuple):
    """Processes that were there at some moment: some by id, and all that began before `tick`."""

    pids: frozenset[int] = frozenset()
    tick: int = 0

    def has(self, process: _Process) -> bool:
        """Return whether `process` was there."""
        return process.pid in self.pids or process.tick < self.tick


NOBODY = Started()


class _Process(NamedTuple):
    pid: int
    parent: int
    tick: int


def now_in_ticks() -> int:
    """Return the time as the system writes down when a process began; 0 where it does not."""
    if sys.platform != "linux":
        return 0
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def list_descendants(pid: int, spare: Started = NOBODY) -> list[int]:
    """Return the processes below `pid`, parents first; not those of `spare`, nor what is below them."""
    children: dict[int, list[_Process]] = {}
    for process in _list_processes():
        children.setdefault(process.parent, []).append(process)
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = [child.pid for child in children.get(waiting.pop(), ()) if not spare.has(child)]
        found += below
        waiting += below
    return found


def _list_processes() -> list[_Process]:
    try:
        entries = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        entries = []
    if not entries:
        import subprocess

        done = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=False)
        words = list(map(int, done.stdout.split()))
        return [_Process(pid, parent, 0) for pid, parent in zip(words[::2], words[1::2], strict=False)]
    found = []
    for pid in entries:
        try:
            with open(f"/proc/{pid}/stat", "rb", buffering=0) as stream:
                fields = stream.read().rpartition(b")")[2].split()  # a program's name may hold anything
        except OSError:
            continue
        found.append(_Process(pid, int(fields[1]), int(fields[19])))
    return found


def kill_descendants(pid: int, spare: Started = NOBODY) -> list[int]:
    """Kill the processes below `pid`, except `spare` and what is below those; return which.

    All are stopped before the first is killed: while its parent stands still, none can get away.
    """
    stopped: dict[int, None] = {}
    for _ in range(_MOST_ROUNDS):
        fresh = [found for found in list_descendants(pid, spare) if found not in stopped]
        if not fresh:
            break
        for found in fresh:
            stopped[found] = None
            _signal(found, signal.SIGSTOP)
    for found in stopped:
        _signal(found, signal.SIGKILL)
    return list(stopped)


def kill_tree(pid: int) -> None:
    """Kill a process and everything below it."""
    _signal(pid, signal.SIGSTOP)
    kill_descendants(pid)
    _signal(pid, signal.SIGKILL)


def kill_own(spare: Started = NOBODY) -> None:
    """Kill the descendants of this process, except `spare`, and wait for their end."""
    killed = set(kill_descendants(os.getpid(), spare))
    while killed:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            if ended is None or ended.si_pid not in killed:
                break  # somebody else's child is in the way; the system keeps what is left of ours
            os.waitpid(ended.si_pid, 0)
            killed.discard(ended.si_pid)
        except ChildProcessError:
            break


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass
