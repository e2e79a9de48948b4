"""A process that only forks: made before any of the user's code is imported, and never runs it.

Workers are forked from it, so each of them begins as clean as the runner did, also when it takes
the place of one that died. The server reaps them and tells how each ended. It ends with the
runner, and whatever ends it ends the workers and everything they started, unless it was told to
spare what is left of those that have ended.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable

from zenconv.engine.descendants import kill_tree
from zenconv.engine.endings import kill_group
from zenconv.engine.runner import leave_parent
from zenconv.errors import StoreError

WorkerBody = Callable[[socket.socket, int, int], None]
"""What a worker does: gets its socket, the descriptor of its spool and its number."""

_MESSAGE = struct.Struct("<cii")
_FORK, _SIGNAL, _KILL, _STOP, _SPARE = b"f", b"s", b"k", b"t", b"p"
_FORKED, _ENDED = b"F", b"E"
_PATIENCE_SECONDS = 1.0


class ForkServer:
    """The runner's end of the connection to its fork server.

    Parameters
    ----------
    body
        What workers do.
    release
        Called in forked children to let go of what is the runner's: with True in the server
        itself, which lasts as long as any worker, with False in workers.
    prepare
        What the server does before it serves; its children begin with what that has made.
    """

    def __init__(
        self,
        body: WorkerBody,
        release: Callable[[bool], object],
        prepare: Callable[[], object] = lambda: None,
    ) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        runner = os.getpid()
        self._control, theirs = socket.socketpair()
        self._ended: list[tuple[int, int]] = []
        self._pid = os.fork()
        if not self._pid:
            try:
                self._control.close()
                _Server(runner, theirs, body, release).serve(prepare)
            finally:
                os._exit(70)
        theirs.close()

    def fileno(self) -> int:
        """Return a descriptor that is readable when a worker has ended, unless it `has_ended`."""
        return self._control.fileno()

    @property
    def has_ended(self) -> bool:
        """Whether it is known already that a worker has ended: it was heard while another was forked."""
        return bool(self._ended)

    def fork(self, connection: socket.socket, spool: int, number: int, python: str = "") -> int:
        """Fork a worker that gets `connection` and the descriptor `spool`; return its process id.

        There is no choice of interpreter: `python` is empty.

        Raises
        ------
        StoreError
            The system refuses another process, or the server is gone.
        """
        message = _MESSAGE.pack(_FORK, number, 0)
        try:
            socket.send_fds(self._control, [message], [connection.fileno(), spool])
            while True:
                kind, pid, value = self._read()
                if kind == _FORKED:
                    break
                self._ended.append((pid, value))
        except OSError as error:
            raise StoreError(f"cannot start a worker process: {error}") from error
        if not pid:
            raise StoreError(f"cannot start a worker process: {os.strerror(value)}")
        return pid

    def signal(self, pid: int, number: int) -> None:
        """Send a signal to a worker, unless it has ended."""
        self._tell(_SIGNAL, pid, number)

    def kill(self, pid: int) -> None:
        """Kill a worker and everything of its group, also after its own end."""
        self._tell(_KILL, pid, 0)

    def stop(self, pid: int) -> None:
        """Kill a worker and everything it started, whatever that did to get away."""
        self._tell(_STOP, pid, 0)

    def spare(self) -> None:
        """Leave alone, from now on, what was started by workers whose end was told of."""
        self._tell(_SPARE, 0, 0)

    def ended(self) -> list[tuple[int, int]]:
        """Return (process id, wait status) of each worker that ended since the last call."""
        try:
            while select.select([self._control], [], [], 0)[0]:
                _, pid, status = self._read()
                self._ended.append((pid, status))
        except OSError as error:
            raise StoreError(f"the process that starts workers has ended: {error}") from error
        ended, self._ended = self._ended, []
        return ended

    def close(self) -> None:
        """End the server; workers that are left are killed, and what those started that are not spared."""
        self._control.close()
        try:
            os.waitpid(self._pid, 0)
        except ChildProcessError:
            pass

    def abandon(self) -> None:
        """End the server at once, whatever it is doing; its children die with it."""
        kill_group(self._pid)
        try:
            os.kill(self._pid, signal.SIGKILL)  # it may not have a group of its own yet
        except ProcessLookupError:
            pass
        self.close()

    def _tell(self, kind: bytes, pid: int, value: int) -> None:
        try:
            self._control.sendall(_MESSAGE.pack(kind, pid, value))
        except OSError as error:
            raise StoreError(f"the process that starts workers has ended: {error}") from error

    def _read(self) -> tuple[bytes, int, int]:
        data = self._control.recv(_MESSAGE.size, socket.MSG_WAITALL)
        if len(data) < _MESSAGE.size:
            raise BrokenPipeError("it is gone")
        kind, pid, value = _MESSAGE.unpack(data)
        return kind, pid, value


class _Server:
    """The server's own side, in the forked process."""

    def __init__(
        self, runner: int, control: socket.socket, body: WorkerBody, release: Callable[[bool], object]
    ) -> None:
        self._runner = runner
        self._control = control
        self._body = body
        self._release = release
        self._leashes: dict[int, int] = {}
        self._started: set[int] = set()
        self._wakeup = os.pipe()

    def serve(self, prepare: Callable[[], object]) -> None:
        """Fork and reap until the runner is gone, then end what is left."""
        os.setpgid(0, 0)  # what kills the runner's group leaves us the time to clean up
        self._release(True)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for descriptor in self._wakeup:
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(self._wakeup[1], warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        try:
            prepare()
            while self._turn():
                pass
        finally:
            for pid in self._started:
                kill_group(pid)
            while self._leashes:
                pid, _ = os.waitpid(-1, 0)
                self._leashes.pop(pid, None)
            os._exit(0)

    def _turn(self) -> bool:
        """Wait for something and do it; return whether the runner is still there."""
        control = self._control.fileno()
        ready, _, _ = select.select([control, self._wakeup[0]], [], [], _PATIENCE_SECONDS)
        if os.getppid() != self._runner:
            return False
        if self._wakeup[0] in ready:
            self._drain()
        self._reap()
        return control not in ready or self._obey()

    def _drain(self) -> None:
        try:
            while os.read(self._wakeup[0], 4096):
                pass
        except BlockingIOError:
            pass

    def _reap(self) -> None:
        while self._leashes:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            os.close(self._leashes.pop(pid))
            self._answer(_ENDED, pid, status)

    def _obey(self) -> bool:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, _MESSAGE.size, 2)
        except OSError:
            return False
        if len(data) < _MESSAGE.size:
            return False
        kind, first, second = _MESSAGE.unpack(data)
        if kind == _FORK:
            self._fork(first, descriptors)
        elif kind == _SIGNAL and first in self._leashes:
            os.kill(first, second)
        elif kind == _STOP and first in self._leashes:
            kill_tree(first)
        elif kind == _KILL and first in self._started:
            kill_group(first)
            if first not in self._leashes:
                self._started.discard(first)
        elif kind == _SPARE:
            self._started &= self._leashes.keys()
        return True

    def _fork(self, number: int, descriptors: list[int]) -> None:
        alive, leash = os.pipe()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(leash)
            self._answer(_FORKED, 0, error.errno or 0)
        else:
            if not pid:
                self._become_worker(number, descriptors, alive, leash)
            _set_group(pid)
            self._leashes[pid] = leash
            self._started.add(pid)
            self._answer(_FORKED, pid, 0)
        finally:
            for descriptor in (alive, *descriptors):
                os.close(descriptor)

    def _become_worker(self, number: int, descriptors: list[int], alive: int, leash: int) -> None:
        try:
            server = os.getppid()
            leave_parent(server, alive)
            self._control.close()
            for descriptor in (leash, *self._wakeup, *self._leashes.values()):
                os.close(descriptor)
            self._release(False)
            connection, spool = descriptors
            self._body(socket.socket(fileno=connection), spool, number)
        finally:
            os._exit(70)

    def _answer(self, kind: bytes, first: int, second: int) -> None:
        try:
            self._control.sendall(_MESSAGE.pack(kind, first, second))
        except OSError:
            pass  # the runner is gone; the next turn sees it


def _set_group(pid: int) -> None:
    # The child does the same; whoever comes first, the group is there before anyone kills it.
    try:
        os.setpgid(pid, pid)
    except OSError:
        pass
