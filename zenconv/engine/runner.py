"""The process that runs the user's code: forked off before any of it is imported.

What it has to say goes as frames through a pipe, and into the log of the run. Its exit code
says nothing: only the message `RunnerFinished` means that it did all it could.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

import attrs

from zenconv.engine.calling_off import CallOff
from zenconv.engine.wakeups import heeds_hangup
from zenconv.errors import ZenconvError
from zenconv.frozen import Frozen
from zenconv.records.events import (
    Answer,
    Event,
    Notice,
    PluginPrinted,
    Progress,
    ProjectFailed,
    RunHeader,
    RunnerFinished,
    RunSummary,
    encode,
)
from zenconv.records.log import EventLog

_PASSING = Progress | Answer | RunHeader | PluginPrinted | RunSummary
"""Events that are shown, or answered, and no part of the record."""


_POOL_SECONDS = 1.0
"""How long a pool of threads or processes gets to end, once nothing more is to be done."""


class Channel:
    """The runner's end: every event goes to the log first, then to the supervisor.

    `has_error`: one of them told of a failure outside of any step. `call_off` is what the supervisor
    says.
    """

    def __init__(self, descriptor: int, call_off: CallOff) -> None:
        self._descriptor = descriptor
        self._log: EventLog | None = None
        self.call_off = call_off
        self._owner = os.getpid()
        self.has_error = False

    def open(self, open_log: Callable[[], EventLog | None]) -> None:
        """Have all that is sent from now on go to the log as well."""
        self._log = open_log()

    def send(self, event: Event) -> None:
        """Log and send `event`; nothing happens in a process that a step forked."""
        if os.getpid() != self._owner:
            return
        line = encode(event)
        if isinstance(event, Notice):
            self.has_error |= event.level == "error"
        if self._log is not None and not isinstance(event, _PASSING):
            self._log.append_line(line)
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def drop(self, *, keep_open: bool = False) -> None:
        """Forget, in a forked child, what belongs to the runner.

        With `keep_open` the child keeps the pipe, so that the supervisor sees when it has ended.
        """
        if self._log is not None:
            self._log.close()
            self._log = None
        if not keep_open:
            os.close(self._descriptor)

    def sync(self) -> None:
        """Bring the log to the disk."""
        if self._log is not None:
            self._log.sync()


@attrs.frozen(eq=False, repr=False)
class Runner(Frozen):
    """A forked process as its parent sees it.

    `events` is the reading end of its pipe; it dies when its parent closes `leash`, or dies.
    `call_off` is where it is told that a signal means the run.
    """

    pid: int
    events: int
    leash: int
    call_off: CallOff

    def close(self) -> None:
        """Release the pipes, after the process has ended."""
        os.close(self.events)
        os.close(self.leash)


Body = Callable[[Channel], bool]
"""What a runner does. Returns whether it was interrupted."""


def fork_runner(body: Body, open_log: Callable[[], EventLog | None]) -> Runner:
    """Fork a runner. The caller is single-threaded and has not imported any of the user's code."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    reading, writing = os.pipe()
    alive, leash = os.pipe()
    call_off = CallOff()
    pid = os.fork()
    if pid:
        os.close(writing)
        os.close(alive)
        return Runner(pid, reading, leash, call_off)
    try:
        os.close(reading)
        os.close(leash)
        leave_parent(parent, alive)
        run_body(body, Channel(writing, call_off), open_log)
    finally:
        os._exit(70)


def run_body(body: Body, channel: Channel, open_log: Callable[[], EventLog | None]) -> None:
    """Do everything a runner does, and end the process."""
    try:
        channel.open(open_log)
        interrupted = body(channel)
        channel.send(RunnerFinished(interrupted))
    except ZenconvError as error:
        channel.send(ProjectFailed(str(error), error.exit_code))
        channel.send(RunnerFinished())
    except BrokenPipeError:
        os._exit(1)  # the supervisor is gone, and with it everyone who could be told
    except KeyboardInterrupt:
        channel.send(RunnerFinished(interrupted=True))
    except Exception as error:  # noqa: BLE001 - told to the supervisor
        channel.send(ProjectFailed(internal_error(error), 3))
        channel.send(RunnerFinished())
    end_process()


def end_process() -> NoReturn:
    """End this process in good order: exit functions of libraries still have their turn.

    Pools of threads and processes are told to end before, as Python does it: exit functions wait
    for processes that nobody else would tell to go.
    """
    for function in reversed(getattr(threading, "_threading_atexits", ())):
        # In a thread of its own: a pool whose task never ends would be waited for.
        ending = threading.Thread(target=function, daemon=True)
        ending.start()
        ending.join(_POOL_SECONDS)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    os._exit(0)


def internal_error(error: Exception) -> str:
    """Return what people see of a mistake in zenconv itself."""
    import traceback

    text = f"internal error: {type(error).__name__}: {error}"
    if os.environ.get("ZENCONV_DEBUG"):
        return text + "\n" + "".join(traceback.format_exception(error))
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{text}\n    at {frame.filename}:{frame.lineno}; set ZENCONV_DEBUG=1 for the traceback"


def leave_parent(parent: int, alive: int) -> None:
    """Give a forked child a process group of its own, default signals, and have it die with its parent.

    `alive` is the reading end of a pipe whose other end only the parent holds.
    """
    os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if heeds_hangup():
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # Exit functions registered so far are the parent's to call.
    atexit._clear()
    die_with(parent, alive)


def die_with(parent: int, alive: int) -> None:
    """Have this process die with its parent, which alone holds the other end of the pipe `alive`."""
    if sys.platform == "linux":
        die_at_end_of(alive)
    else:
        _watch_parent(parent)


def die_at_end_of(descriptor: int) -> None:
    """Have the kernel kill this process when the other end of a pipe closes, whatever it is doing.

    Where it leads a group, what it has started goes as well.
    """
    import fcntl

    fcntl.fcntl(descriptor, fcntl.F_SETOWN, -os.getpid() if os.getpgrp() == os.getpid() else os.getpid())
    fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    try:
        if not os.read(descriptor, 1):  # it closed before it was watched
            os._exit(1)
    except BlockingIOError:
        pass


def _watch_parent(parent: int) -> None:
    import time

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
