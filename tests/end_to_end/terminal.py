"""The program in a pseudo-terminal, as a person uses it."""

from __future__ import annotations

import os
import pty
import select
import shlex
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.end_to_end.conftest import make_environment

PATIENCE = 60.0


class Terminal:
    """``zenconv *args`` in a pseudo-terminal of its own session.

    `shell` is what a shell does next; with `job_control` it is called from an interactive shell.
    """

    def __init__(
        self,
        it,
        *args: str,
        env: Mapping[str, str] | None = None,
        shell: str = "",
        job_control: bool = False,
    ) -> None:
        self.seen = ""
        self.pid, self._handle = pty.fork()
        if not self.pid:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # tests in the background inherit that it is ignored
            os.chdir(it.path)
            environment = make_environment(it.home, **{"TERM": "xterm", **(env or {})})
            command = [sys.executable, "-m", "zenconv", *args]
            if shell:
                command = ["/bin/bash", "-c", f"{shlex.join(command)}{shell}"]
            if job_control:
                command = ["/bin/bash", "--norc", "--noediting", "-i"]
            os.execve(command[0], command, environment)
        if job_control:
            self.type(shlex.join([sys.executable, "-m", "zenconv", *args]) + shell + "\n")

    def wait_for(self, text: str, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < deadline, f"{text!r} did not appear in {self.seen!r}"
            ready, _, _ = select.select([self._handle], [], [], 0.1)
            if ready:
                try:
                    self.seen += os.read(self._handle, 65536).decode(errors="replace")
                except OSError:
                    raise AssertionError(f"it ended without {text!r}: {self.seen!r}") from None

    def type(self, text: str) -> None:
        self.seen = ""
        os.write(self._handle, text.encode())

    def press(self, key: str, until: str, seconds: float = PATIENCE) -> None:
        """Press a key until it shows: a signal just before a prompt waits for input is seen by nobody."""
        deadline = time.monotonic() + seconds
        while True:
            self.type(key)
            try:
                self.wait_for(until, 1)
                return
            except AssertionError:
                if time.monotonic() > deadline:
                    raise

    def end(self, seconds: float = PATIENCE) -> int:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ready, _, _ = select.select([self._handle], [], [], 0.05)
            if ready:
                try:
                    self.seen += os.read(self._handle, 65536).decode(errors="replace")
                except OSError:
                    pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self._handle)
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"it did not end; {self.seen!r}")


def wait_for_file(path: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
