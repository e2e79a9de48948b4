"""Workers with another interpreter: started from nothing, watched as those of a fork server are."""

from __future__ import annotations

import os
import select
import socket
import subprocess
from collections.abc import Sequence

from zenconv.engine.descendants import kill_tree
from zenconv.errors import StoreError

_MODULE = "zenconv.project.spawned"


class Spawner:
    """Starts workers with any interpreter; see `zenconv.engine.workers.WorkerSource`.

    They stay in this process's group, so that whoever ends it ends them, and die when it does. With
    `live` they have its stdout and stderr, to show what steps print.
    """

    def __init__(self, *, live: bool) -> None:
        if not hasattr(os, "pidfd_open"):
            raise StoreError("steps in environments of their own need Linux 5.3 or later")
        self._live = live
        self._workers: dict[int, subprocess.Popen[bytes]] = {}
        self._ends = select.epoll()
        self._descriptors: dict[int, tuple[int, int]] = {}

    def fileno(self) -> int:
        """Return a descriptor that is readable when a worker has ended."""
        return self._ends.fileno()

    def fork(self, connection: socket.socket, spool: int, number: int, python: str) -> int:
        """Start a worker that gets `connection` and the descriptor `spool`; return its process id.

        Raises
        ------
        StoreError
            The system refuses another process.
        """
        alive, leash = os.pipe()
        given = [connection.fileno(), spool, alive]
        words = [str(value) for value in (*given, number, os.getpid())]
        try:
            worker = subprocess.Popen(
                # Not the current folder: the root comes first on the import path, as in any worker.
                [python, "-P", "-m", _MODULE, *words],
                stdin=subprocess.DEVNULL,
                stdout=None if self._live else spool,
                stderr=None if self._live else spool,
                pass_fds=given,
                env=_environment(python),
            )
        except OSError as error:
            os.close(leash)
            raise StoreError(f"cannot start {python}: {error.strerror or error}") from error
        finally:
            os.close(alive)
        end = os.pidfd_open(worker.pid)
        self._ends.register(end, select.EPOLLIN)
        self._workers[worker.pid] = worker
        self._descriptors[worker.pid] = end, leash
        return worker.pid

    @property
    def has_ended(self) -> bool:
        """Whether it is known already that a worker has ended; `fileno` tells of all of them."""
        return False

    def signal(self, pid: int, number: int) -> None:
        """Send a signal to a worker, unless it has ended."""
        if pid in self._workers:
            os.kill(pid, number)

    def kill(self, pid: int) -> None:
        """Kill a worker and everything it started."""
        if pid in self._workers:
            kill_tree(pid)

    def stop(self, pid: int) -> None:
        """Kill a worker and everything it started."""
        self.kill(pid)

    def spare(self) -> None:
        """Leave alone what workers that have ended had started; nothing else ever happens to it."""

    def ended(self) -> Sequence[tuple[int, int]]:
        """Return (process id, wait status) of each worker that ended since the last call."""
        found = []
        for pid, worker in list(self._workers.items()):
            code = worker.poll()
            if code is not None:
                self._release(pid)
                found.append((pid, -code if code < 0 else code << 8))
        return found

    def _release(self, pid: int) -> None:
        del self._workers[pid]
        end, leash = self._descriptors.pop(pid)
        self._ends.unregister(end)
        os.close(end)
        os.close(leash)

    def close(self) -> None:
        """End what is left."""
        for pid, worker in list(self._workers.items()):
            kill_tree(pid)
            worker.wait()
            self._release(pid)
        self._ends.close()


def _environment(python: str) -> dict[str, str]:
    """Return the variables of a process in an environment: as its activation would set them."""
    folder = os.path.dirname(os.path.dirname(python))
    path = os.pathsep.join([os.path.dirname(python), os.environ.get("PATH", os.defpath)])
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONHOME"}
    return {**kept, "VIRTUAL_ENV": folder, "PATH": path}
