"""Steps that take too long: asked to end, then made to, by a process that they cannot hold up.

When its time is up, a step's process gets a signal that raises `TimedOut` in the step's code, so
that its own ``finally`` and its fixtures have their turn. In the middle of its grace it gets one
that writes down where it is, even from inside C code. At the end of it, it is killed with
everything it started.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import attrs

from zenconv import clock
from zenconv.engine.capture import Spool
from zenconv.engine.failures import ProjectFiles
from zenconv.engine.signals import ASK_TO_END, TELL_STACK
from zenconv.records.marks import TimeLimit

_SHORTEST_GRACE_SECONDS = 0.2
_ASK_AGAIN_SECONDS = 0.2
_TELLING_SECONDS = 0.1

Error = dict[str, Any]


@attrs.define(eq=False, repr=False)
class _Watched:
    """A step that runs under a limit, the process it is in, and what was done about it so far."""

    node: str
    limit: TimeLimit
    pid: int
    spool: Spool
    is_async: bool
    due: float
    ends: float
    next: float
    told_from: int = -1


class TimeWatch:
    """Watches the time of steps in other processes.

    Parameters
    ----------
    send
        Sends a signal to a process: gets its id and the number.
    kill
        Kills a process and everything it started.
    files
        Tells which frames of a stack are the user's.
    """

    def __init__(
        self, send: Callable[[int, int], object], kill: Callable[[int], object], files: ProjectFiles
    ) -> None:
        self._send = send
        self._kill = kill
        self._files = files
        self._watched: dict[str, _Watched] = {}
        self._stopped: dict[int, list[_Watched]] = {}

    def begin(self, node: str, limit: TimeLimit, pid: int, spool: Spool, *, is_async: bool) -> None:
        """Watch a step that begins now. One that `is_async` is asked to end by its own process."""
        due = clock.monotonic() + limit.seconds
        ends = due + max(limit.grace, _SHORTEST_GRACE_SECONDS)
        self._watched[node] = _Watched(node, limit, pid, spool, is_async, due, ends, due)

    def end(self, node: str) -> None:
        """Forget a step that has ended."""
        self._watched.pop(node, None)

    def end_all(self) -> None:
        """Forget all steps: those that run now may take any time."""
        self._watched.clear()

    def patience(self, most: float | None) -> float | None:
        """Return the seconds until there is something to do, `most` (None: for ever) at most."""
        if not self._watched:
            return most
        left = max(0.0, min(watched.next for watched in self._watched.values()) - clock.monotonic())
        return left if most is None else min(most, left)

    def act(self) -> None:
        """Do what is due."""
        if not self._watched:
            return
        now = clock.monotonic()
        for watched in [w for w in self._watched.values() if w.next <= now]:
            if now >= watched.ends:
                self._stop(watched)
            else:
                self._press(watched, now)

    def _press(self, watched: _Watched, now: float) -> None:
        tells = watched.due + (watched.ends - watched.due) / 2
        if now >= tells and watched.told_from < 0:
            watched.told_from = watched.spool.size()
            self._send(watched.pid, TELL_STACK)
        elif watched.told_from < 0 and not watched.is_async:
            self._send(watched.pid, ASK_TO_END)
        self._send(watched.pid, signal.SIGCONT)  # a process that stands still hears nothing until then
        watched.next = watched.ends if watched.told_from >= 0 else min(now + _ASK_AGAIN_SECONDS, tells)

    def _stop(self, watched: _Watched) -> None:
        if watched.told_from < 0:
            # Whoever should have asked in time was held up itself.
            watched.told_from = watched.spool.size()
            self._send(watched.pid, TELL_STACK)
            watched.next = watched.ends = clock.monotonic() + _TELLING_SECONDS
            return
        del self._watched[watched.node]
        self._stopped.setdefault(watched.pid, []).append(watched)
        self._kill(watched.pid)

    def take_stopped(self, pid: int) -> dict[str, Error]:
        """Return, once a process has ended, the steps it was killed for, each with its error."""
        stopped = self._stopped.pop(pid, [])
        for node in [w.node for w in self._watched.values() if w.pid == pid]:
            del self._watched[node]
        if not stopped:
            return {}
        from zenconv.engine.stacks import take_stack

        frames = take_stack(stopped[0].spool, stopped[0].told_from, self._files)
        return {w.node: describe_timeout(w.limit, frames, is_killed=True) for w in stopped}


def describe_timeout(limit: TimeLimit, frames: list[dict[str, Any]], *, is_killed: bool = False) -> Error:
    """Return the recorded error of a step that took longer than `limit`; `frames` are where it was."""
    error: Error = {
        "type": "TimeoutError",
        "message": f"timed out after {limit.seconds:g} s",
        "frames": frames,
        "hint": f"the limit is set at {limit.where}" if limit.where else "",
    }
    if is_killed:
        error["message"] += f"; it did not end within {limit.grace:g} s of being asked to, and was killed"
    return error
