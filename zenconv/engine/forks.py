"""Notice a step that comes back twice: in the runner, and in a child that it forked."""

from __future__ import annotations

import os
import select
import time

from zenconv.engine.failures import plain_failure
from zenconv.interfaces.orchestrating import TaskResult
from zenconv.records.step import Node

_PATIENCE_SECONDS = 0.25


class ForkWatch:
    """Entered around a step's code; a forked child that leaves it is ended on the spot.

    A child may live as long as it likes, but only the runner goes on with the run: the child
    says through a pipe that it came back, and the step counts as failed.
    """

    def __init__(self) -> None:
        self._runner = os.getpid()
        self._forks = 0
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.register_at_fork(after_in_parent=self._count)

    def _count(self) -> None:
        self._forks += 1

    def __enter__(self) -> None:
        self._forks = 0

    def __exit__(self, *exc_info: object) -> None:
        self.end_child()

    def end_child(self) -> None:
        """End this process on the spot if it is a child that a step forked."""
        if os.getpid() != self._runner:
            os.write(self._write, b"x")
            os._exit(70)

    def returned_twice(self) -> bool:
        """Return whether a child forked since the last entry came back too.

        Children that are still busy get a moment to show where they are going.
        """
        if not self._forks:
            return False
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            ready, _, _ = select.select([self._read], [], [], 0.01)
            if ready:
                return bool(os.read(self._read, 1 << 16))
            if time.monotonic() > deadline or not _has_busy_child():
                return False


def describe_fork(node: Node) -> TaskResult:
    """Return the failure of a step that came back twice."""
    error = plain_failure(
        "Forked",
        "a process that the step forked came back from it as well",
        hint="end the child with os._exit(), or use subprocess or multiprocessing",
    )
    return TaskResult(node.id, "failed", error=error)


def _has_busy_child() -> bool:
    try:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return ended is None
