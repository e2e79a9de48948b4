"""A ``zenconv run --watch`` under way, as a person at a terminal sees it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from tests.end_to_end.conftest import ProjectOnDisk, make_environment

PATIENCE = 40.0
END = r"\(run (\d+-\w+)\)"
IDLE = "waiting for changes"


class Watching:
    """Started with ``with``; every line that comes is kept.

    Its own process group, so that a test can do to it what a terminal does.
    """

    def __init__(self, project: ProjectOnDisk, *args: str, env: Mapping[str, str] | None = None) -> None:
        self.project = project
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "zenconv", "run", "--watch", *args],
            cwd=project.path,
            env=make_environment(project.home, **(env or {})),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        self.wait_for(IDLE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, pattern: str, start: int = 0) -> int:
        """Return where the first line from `start` on is that matches; wait for it."""
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while True:
                for number in range(start, len(self.lines)):
                    if re.search(pattern, self.lines[number]):
                        return number
                left = deadline - time.monotonic()
                assert left > 0, f"{pattern!r} did not come\n{self.text}"
                assert self._reader.is_alive() or self.process.poll() is None, self.text
                self._changed.wait(left)

    def after(self, *edits: tuple[str, str, str] | Mapping[str, str | bytes], until: str = END) -> list[str]:
        """Make the edits, and return what is printed until everything is done again."""
        start = len(self.lines)
        for edit in edits:
            if isinstance(edit, Mapping):
                self.project.write(edit)
            else:
                self.project.edit(*edit)
        return self.round(start, until)

    def round(self, start: int, until: str = END) -> list[str]:
        """Return the lines from `start` on of the round that is under way or to come."""
        end = self.wait_for(IDLE, self.wait_for(until, start))
        return self.lines[start:end]

    def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)
