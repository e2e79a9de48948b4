"""Worker processes as the runner sees them: started, handed tasks, heard, outlived, ended."""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs

from zenconv import clock
from zenconv.engine.capture import Spool
from zenconv.engine.endings import crash_error, describe_end
from zenconv.engine.failures import ProjectFiles
from zenconv.engine.frames import FrameReader, encode_frame
from zenconv.engine.interruption import Interruption
from zenconv.engine.printed import store_text
from zenconv.engine.secrets import Secrets
from zenconv.engine.stacks import take_crash
from zenconv.engine.time_limits import TimeWatch
from zenconv.engine.wakeups import drain
from zenconv.errors import ZenconvError
from zenconv.interfaces.orchestrating import Task, TaskResult, WorkerMessage
from zenconv.interfaces.storing import ArtifactStore
from zenconv.records.artifact import Artifact
from zenconv.records.events import OVER, Notice

GRACE_SECONDS = 10.0
"""How long workers get to tear their fixtures down where a run is stopped; else they take their time."""
_LOOKING_SECONDS = 0.5
"""How often a signal is looked for meanwhile."""

_READ_SIZE = 1 << 18


@attrs.define(eq=False, repr=False)
class _Worker:
    """A process: what it was told and what it said."""

    number: int
    pid: int
    connection: socket.socket
    spool: Spool
    doing: str = "it started"
    ending: str = ""
    is_ready: bool = False
    is_done: bool = False
    is_open: bool = True
    has_left: bool = False
    unfinished: int = 0
    reader: FrameReader = attrs.field(factory=FrameReader)

    def tell(self, message: dict[str, Any]) -> None:
        try:
            self.connection.sendall(encode_frame(message))
        except OSError:
            pass  # it has ended, and the server will say how

    def hear(self) -> list[dict[str, Any]]:
        """Return the messages that have arrived."""
        messages: list[dict[str, Any]] = []
        while self.is_open:
            try:
                data = self.connection.recv(_READ_SIZE, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            self.is_open = bool(data)  # a step may have closed it; only the process's end counts
            messages += self.reader.feed(data)
        return messages

    def close(self) -> None:
        self.connection.close()
        self.spool.close()


class WorkerSource(Protocol):
    """Where worker processes come from; see `ForkServer`, which forks them."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when a worker has ended, unless it `has_ended`."""

    @property
    def has_ended(self) -> bool:
        """Whether it is known already that a worker has ended."""

    def fork(self, connection: socket.socket, spool: int, number: int, python: str) -> int:
        """Start a worker and return its process id. `StoreError` where the system refuses."""

    def signal(self, pid: int, number: int) -> None:
        """Send a signal to a worker, unless it has ended."""

    def kill(self, pid: int) -> None:
        """Kill a worker with its group, also after its own end."""

    def spare(self) -> None:
        """Leave alone, from now on, what was started by workers that have ended."""

    def ended(self) -> Sequence[tuple[int, int]]:
        """Return (process id, wait status) of each worker that ended since the last call."""

    def close(self) -> None:
        """End what is left."""


class ProcessWorkers:
    """Worker processes on this machine; see `zenconv.interfaces.orchestrating.Workers`.

    Parameters
    ----------
    beginning
        The first message to each worker: what it needs to collect the same project.
    folder
        Where the files lie in which the text gathers that steps print.
    """

    def __init__(
        self,
        server: WorkerSource,
        beginning: Mapping[str, Any],
        folder: Path,
        store: ArtifactStore,
        secrets: Secrets,
        watch: TimeWatch,
        files: ProjectFiles,
        interruption: Interruption,
    ) -> None:
        self._server = server
        self._beginning = {"begin": dict(beginning)}
        self._folder = folder
        self._store = store
        self._secrets = secrets
        self._watch = watch
        self._files = files
        self._interruption = interruption
        self._workers: dict[int, _Worker] = {}
        self._notices: list[Notice] = []
        self._wakeup = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def start(self, python: str = "") -> int:
        number = next(n for n in range(1, len(self._workers) + 2) if n not in self._workers)
        ours, theirs = socket.socketpair()
        spool = Spool(self._folder)
        pid = self._server.fork(theirs, spool.descriptor, number, python)
        theirs.close()
        worker = self._workers[number] = _Worker(number, pid, ours, spool)
        worker.tell(self._beginning)
        return number

    def submit(self, worker: int, task: Task) -> None:
        chosen = self._workers[worker]
        chosen.unfinished += 1
        chosen.tell({"task": task.to_json()})
        if task.limit is not None:
            self._watch.begin(task.node, task.limit, chosen.pid, chosen.spool, is_async=task.is_async)

    def end(self, worker: int) -> None:
        self._workers[worker].tell({"end": True})

    def messages(self, timeout: float) -> Sequence[WorkerMessage]:
        open_workers = {w.connection.fileno(): w for w in self._workers.values() if w.is_open}
        has_ended = self._server.has_ended
        patience = 0.0 if has_ended else self._watch.patience(timeout)
        ready = self._select([self._server.fileno(), *open_workers], patience)
        messages: list[WorkerMessage] = []
        for descriptor in ready:
            if descriptor in open_workers:
                messages += self._hear(open_workers[descriptor])
        if has_ended or self._server.fileno() in ready:
            for pid, status in self._server.ended():
                messages += self._bury(pid, status)
        self._watch.act()
        return messages

    def _select(self, descriptors: Sequence[int], patience: float | None) -> Sequence[int]:
        """Wait until one of `descriptors` is readable, or a signal comes; return those that are."""
        reading, writing = self._wakeup
        self._interruption.on_signal = lambda: _wake(writing)
        try:
            ready = select.select([reading, *descriptors], [], [], patience)[0]
        finally:
            self._interruption.on_signal = None
        if reading in ready:
            drain(reading)
        return ready

    def end_pipeline(self, pipeline: str) -> None:
        self._tell_all({"end_pipeline": pipeline})

    def interrupt(self, number: int) -> None:
        for worker in self._workers.values():
            self._call_off(worker, number)

    def _call_off(self, worker: _Worker, number: int) -> None:
        # Said first: a worker takes a signal that comes without a word for somebody else's.
        worker.tell({"interrupt": number})
        self._server.signal(worker.pid, number)

    def notices(self) -> Sequence[Notice]:
        notices, self._notices = self._notices, []
        return notices

    def close(self) -> None:
        stopped = [worker for worker in self._workers.values() if worker.unfinished]
        for worker in self._workers.values():
            if not worker.is_ready:
                self._server.kill(worker.pid)
            elif worker.unfinished:
                self._call_off(worker, signal.SIGTERM)
        self._tell_all({"end": True})
        try:
            self._see_off(clock.monotonic() + GRACE_SECONDS if stopped else None)
            if not stopped and not self._interruption.signal:
                self._server.spare()
        finally:
            self._server.close()
            for worker in self._workers.values():
                worker.close()
            self._workers.clear()
            for descriptor in self._wakeup:
                os.close(descriptor)

    def _see_off(self, deadline: float | None) -> None:
        """Wait until all workers have ended; with a deadline only until then.

        From a signal on only for a while, and likewise when all that is left are threads and
        exit functions of libraries.
        """
        while self._workers:
            is_over = all(worker.is_done for worker in self._workers.values())
            if deadline is None and (is_over or self._interruption.signal):
                deadline = clock.monotonic() + GRACE_SECONDS
            left = _LOOKING_SECONDS if deadline is None else deadline - clock.monotonic()
            if left <= 0:
                break
            self.messages(min(left, _LOOKING_SECONDS))
        for worker in self._workers.values():
            if worker.ending not in ("", OVER):
                text = f"a teardown did not end within {GRACE_SECONDS:g} s and was cut off: {worker.ending}"
                self._notices.append(Notice(text, "error"))

    def _tell_all(self, message: dict[str, Any]) -> None:
        for worker in self._workers.values():
            worker.tell(message)

    def _hear(self, worker: _Worker) -> list[WorkerMessage]:
        said: list[WorkerMessage] = []
        for message in worker.hear():
            if "result" in message:
                worker.unfinished -= 1
                result = TaskResult.from_json(message["result"])
                self._watch.end(result.node)
                said.append(WorkerMessage(worker.number, "result", result))
            elif "ready" in message:
                worker.is_ready = True
                said.append(WorkerMessage(worker.number, "ready"))
            elif "done" in message:
                worker.is_done = True
            elif "failed" in message:
                error = {"message": message["failed"], "exit_code": message["exit_code"]}
                said.append(WorkerMessage(worker.number, "failed", error=error))
            else:
                self._note(worker, message)
        return said

    def _note(self, worker: _Worker, message: Mapping[str, Any]) -> None:
        if "secret" in message:
            self._secrets.get(message["secret"])
        elif "doing" in message:
            worker.doing = message["doing"]
        elif "ending" in message:
            worker.ending = message["ending"]
        elif "notice" in message:
            self._notices.append(Notice(*message["notice"]))
        elif "left" in message:
            worker.has_left = True

    def _bury(self, pid: int, status: int) -> list[WorkerMessage]:
        worker = next((w for w in self._workers.values() if w.pid == pid), None)
        if worker is None:
            return []
        said = self._hear(worker)
        late = self._watch.take_stopped(pid)
        del self._workers[worker.number]
        if not worker.has_left:
            self._server.kill(pid)
            error = crash_error(describe_end(status), take_crash(worker.spool, self._files))
            is_innocent = worker.ending not in ("", OVER)
            if is_innocent:
                text = f"a worker ended while it tore down {worker.ending}: {describe_end(status)}"
                self._notices.append(Notice(text, "error"))
            if not worker.is_ready:
                error["message"] = f"a worker ended while {worker.doing}: {describe_end(status)}"
            output = self._last_words(worker.spool)
            ended = WorkerMessage(worker.number, "ended", error=error, output=output, late=late)
            said.append(attrs.evolve(ended, is_innocent=is_innocent))
        worker.close()
        return said

    def _last_words(self, spool: Spool) -> Artifact | None:
        if not spool.size():
            return None
        try:
            return store_text(self._secrets.redacted_blocks(spool.blocks()), spool.size(), self._store)
        except ZenconvError:
            return None


def _wake(descriptor: int) -> None:
    try:
        os.write(descriptor, b"!")
    except BlockingIOError:
        pass  # full of signals that nobody has looked at yet
