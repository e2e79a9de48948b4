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
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any, NamedTuple

_ADOPT = 36  # PR_SET_CHILD_SUBREAPER of <linux/prctl.h>
_MOST_ROUNDS = 10_000


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
    group: int
    tick: int


def now_in_ticks() -> int:
    """Return the time as the system writes down when a process began; 0 where it does not."""
    if sys.platform != "linux":
        return 0
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def list_descendants(pid: int, spare: Started = NOBODY) -> list[int]:
    """Return the processes below `pid`, parents first; not those of `spare`, nor what is below them."""
    return _list_below(pid, _list_processes(), spare)


def _list_below(pid: int, processes: Iterable[_Process], spare: Started) -> list[int]:
    children: dict[int, list[_Process]] = {}
    for process in processes:
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

        done = subprocess.run(["ps", "-axo", "pid=,ppid=,pgid="], capture_output=True, text=True, check=False)
        words = list(map(int, done.stdout.split()))
        rows = zip(words[::3], words[1::3], words[2::3], strict=False)
        return [_Process(pid, parent, group, 0) for pid, parent, group in rows]
    return [process for process in map(_read_process, entries) if process is not None]


def _read_process(pid: int) -> _Process | None:
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as stream:
            fields = stream.read().rpartition(b")")[2].split()  # a program's name may hold anything
    except OSError:
        return None
    return _Process(pid, int(fields[1]), int(fields[2]), int(fields[19]))


def kill_descendants(pid: int, spare: Started = NOBODY) -> list[int]:
    """Kill the processes below `pid`, except `spare` and what is below those; return which.

    All are stopped before the first is killed: while its parent stands still, none can get away.
    A process that ends as soon as it has forked may be gone before its turn comes. Two things catch
    what goes on like that: its group, if it has one of its own, and a look at the newest orphans
    alone, which takes less time than to fork.
    """
    killed: dict[int, None] = {}
    while stopped := _stop_descendants(pid, spare, killed):
        for found in stopped:
            _signal(found, signal.SIGKILL)
        killed.update(dict.fromkeys(stopped))
    return list(killed)


def _stop_descendants(pid: int, spare: Started, known: Mapping[int, None]) -> list[int]:
    """Stop the processes below `pid` until there is none that goes on; return those not `known`."""
    stopped: dict[int, None] = {}
    for _ in range(_MOST_ROUNDS):
        processes: list[_Process] = []
        below = _list_newest(pid, spare)
        fresh = [found for found in below if found not in stopped and found not in known]
        if not fresh:
            processes = _list_processes()
            below = _list_below(pid, processes, spare)
            fresh = [found for found in below if found not in stopped and found not in known]
        if not fresh:
            break
        for group in _own_groups(processes, set(below)):
            _signal(-group, signal.SIGSTOP)
        for found in fresh:
            stopped[found] = None
            _signal(found, signal.SIGSTOP)
    return list(stopped)


def _list_newest(pid: int, spare: Started) -> list[int]:
    """Return the children of `pid`, the newest first, as far as the system lists them by parent."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb", buffering=0) as stream:
                found += map(int, stream.readall().split())
    except OSError:
        return []
    found.reverse()
    if spare == NOBODY:
        return found
    processes = filter(None, map(_read_process, found))
    return [process.pid for process in processes if not spare.has(process)]


def _own_groups(processes: Iterable[_Process], below: AbstractSet[int]) -> set[int]:
    """Return the process groups in which there is nobody else than `below`."""
    own = {process.group for process in processes if process.pid in below}
    return own - {process.group for process in processes if process.pid not in below} - {0, 1}


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
