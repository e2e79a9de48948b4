"""A worker process from inside: collect the project once, then execute the tasks that come."""

from __future__ import annotations

import gc
import os
import select
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from zenconv import clock
from zenconv.engine.capture import Capture, Spool
from zenconv.engine.durability import Durability
from zenconv.engine.failures import plain_failure
from zenconv.engine.frames import FrameReader, encode_frame
from zenconv.engine.interruption import Interruption
from zenconv.engine.perform import Performer
from zenconv.engine.runner import end_process, internal_error
from zenconv.errors import ZenconvError
from zenconv.frozen import Frozen
from zenconv.interfaces.orchestrating import Task, TaskResult
from zenconv.records.events import Notice

if TYPE_CHECKING:
    from zenconv.engine.async_tasks import AsyncTasks

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
)
"""What numerical libraries read, when they are imported, to know how many threads to use."""

_READ_SIZE = 1 << 18

Message = dict[str, Any]


class Link:
    """The worker's end of its connection to the runner."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reader = FrameReader()
        self._owner = os.getpid()

    def fileno(self) -> int:
        """Return a descriptor that is readable when the runner has something to say."""
        return self._connection.fileno()

    def send(self, message: Message) -> None:
        """Tell the runner; nothing happens in a process that a step forked."""
        if os.getpid() == self._owner:
            self._connection.sendall(encode_frame(message))

    def receive(self, *, is_waiting: bool = True) -> list[Message]:
        """Return the messages that have arrived; with `is_waiting`, at least one."""
        messages: list[Message] = []
        while not messages:
            try:
                data = self._connection.recv(_READ_SIZE, 0 if is_waiting else socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            if not data:
                os._exit(1)  # the runner is gone, and with it everyone who could be told
            messages = self._reader.feed(data)
        return messages


@attrs.frozen(eq=False, repr=False)
class WorkerStart(Frozen):
    """What a worker begins with: its number, the runner's first message, its connection and output."""

    number: int
    beginning: Mapping[str, Any]
    link: Link
    capture: Capture
    interruption: Interruption


OpenPerformer = Callable[[WorkerStart], Performer]
"""Collects the project and returns what executes its steps."""


def run_worker(connection: socket.socket, spool: int, number: int, open_performer: OpenPerformer) -> None:
    """Do everything a worker does, and end the process.

    The runner's first message says how many ``threads`` numerical libraries may use and whether
    output is shown ``live``; the rest of it is for `open_performer`.
    """
    link = Link(connection)
    interruption = Interruption()
    interruption.install()
    gc.disable()  # until steps run: collecting makes many records and no garbage
    try:
        first, *messages = link.receive()
        beginning = first["begin"]
        divide_threads(beginning["threads"])
        capture = _open_capture(spool, f"worker {number}", live=beginning["live"])
        performer = open_performer(WorkerStart(number, beginning, link, capture, interruption))
        capture.flush()
        capture.spool.clear()
    except ZenconvError as error:
        link.send({"failed": str(error), "exit_code": error.exit_code})
    except Exception as error:  # noqa: BLE001 - told to the runner
        link.send({"failed": internal_error(error), "exit_code": 3})
    else:
        _work(link, performer, messages)
    end_process()


def _work(link: Link, performer: Performer, messages: list[Message]) -> None:
    gc.freeze()
    gc.enable()
    link.send({"ready": True})
    try:
        _Work(link, performer).run(messages)
    except ZenconvError as error:
        link.send({"failed": str(error), "exit_code": error.exit_code})
    except Exception as error:  # noqa: BLE001 - told to the runner
        link.send({"failed": internal_error(error), "exit_code": 3})
    else:
        link.send({"left": True})


def divide_threads(count: int) -> None:
    """Have numerical libraries that are imported later use `count` threads, unless the user said."""
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, str(count))


def _open_capture(spool: int, label: str, *, live: bool) -> Capture:
    capture = Capture(Spool.adopt(spool), live=live)
    capture.label = label
    capture.start()
    return capture


class _Work:
    """The tasks of a worker, one after another, or side by side those that are async."""

    def __init__(self, link: Link, performer: Performer) -> None:
        self._link = link
        self._performer = performer
        self._durability = Durability([performer.store.sync])
        self._async_tasks: AsyncTasks | None = None
        self._pending: list[Message] = []
        self._is_over = False
        self._called_off = 0
        performer.interruption.called_off = self._hear_call_off

    def run(self, messages: list[Message]) -> None:
        """Take messages until the runner says that it was the last, then tear everything down."""
        while True:
            for message in messages:
                self._take(message)
            if self._is_over and not self._async_tasks:
                break
            messages = self._wait()
        self._note(self._performer.endings.end_run())
        for problem in self._durability.finish():
            self._link.send({"notice": [problem]})
        self._link.send({"done": True})

    def _take(self, message: Message) -> None:
        if "task" in message:
            self._begin(Task.from_json(message["task"]))
        elif "end_pipeline" in message:
            self._note(self._performer.endings.end_pipeline(message["end_pipeline"]))
        elif "interrupt" in message:
            self._called_off = message["interrupt"]
        elif "end" in message:
            self._is_over = True

    def _begin(self, task: Task) -> None:
        self._performer.capture.label = task.node
        try:
            if self._performer.check is not None:
                self._performer.check(task.template or task.node)
        except ZenconvError as refusal:
            from zenconv.engine.environments import describe_refusal

            self._tell(TaskResult(task.node, "failed", error=describe_refusal(str(refusal))))
            return
        if (task.template or task.node) not in self._performer.pipeline.nodes:
            error = plain_failure("LookupError", "the step is not there when a worker imports the project")
            self._tell(TaskResult(task.node, "failed", error=error))
            return
        if not task.is_async:
            self._tell(self._performer.perform(task))
            return
        if self._async_tasks is None:
            from zenconv.engine.async_tasks import AsyncTasks

            self._async_tasks = AsyncTasks(self._performer, self._performer.scratch.parent)
        self._async_tasks.start(task)

    def _wait(self) -> list[Message]:
        """Return what the runner says next; meanwhile async tasks go on."""
        while self._async_tasks and not self._pending:
            for result in self._async_tasks.wait(None, self._link.fileno()):
                self._tell(result)
            self._look()
        if self._pending or self._is_over:
            messages, self._pending = self._pending, []
            return messages
        return self._link.receive()

    def _look(self) -> None:
        """Take in what the runner has said meanwhile."""
        heard = self._link.receive(is_waiting=False)
        for message in heard:
            self._called_off = self._called_off or message.get("interrupt", 0)
        self._pending += heard

    def _hear_call_off(self, patience: float) -> int:
        """Return the signal with which the runner calls off what it asked for, or 0.

        It says so before it sends that signal.
        """
        deadline = clock.monotonic() + patience
        self._look()
        while not self._called_off and (left := deadline - clock.monotonic()) > 0:
            select.select([self._link], [], [], left)
            self._look()
        return self._called_off

    def _note(self, notices: Iterable[Notice]) -> None:
        for notice in notices:
            self._link.send({"notice": [notice.text, notice.level]})

    def _tell(self, result: TaskResult) -> None:
        self._link.send({"result": result.to_json()})
        self._durability.note(sum(artifact.size for artifact in result.outputs.values()))
