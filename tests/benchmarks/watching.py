"""``run --watch`` in a project of large libraries: edit to result, and what waiting costs."""

from __future__ import annotations

import importlib.util
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from tests.benchmarks.measurements import Failed, Row, make_place
from tests.benchmarks.processes import ZENCONV, Place

LIBRARIES = {"pandas": "import pandas", "sklearn": "import sklearn.linear_model", "torch": "import torch"}
EDITS = 7
IDLE_SECONDS = 5.0
PATIENCE_SECONDS = 120.0


def warm() -> Iterator[Row]:
    """Edits of a trivial step, one after another, once libraries are imported."""
    imports = [line for name, line in LIBRARIES.items() if importlib.util.find_spec(name)]
    text = "\n".join([*imports, "", "def trivial() -> int:", "    return 0", ""])
    with make_place(text) as place, _Session(place) as session:
        session.wait_for("libraries are imported")
        costs = [session.edit(number) for number in range(1, EDITS + 1)]
        wall, cpu = (min(values) for values in zip(*costs, strict=True))
        names = ", ".join(line.split()[1] for line in imports)
        yield Row("warm", "watch: edit to result, wall", wall, bar=0.3, note=f"imports {names}")
        yield Row("warm", "watch: CPU of a round, all processes", cpu)
        before = session.cpu_seconds()
        time.sleep(IDLE_SECONDS)
        idle = (session.cpu_seconds() - before) / IDLE_SECONDS
        yield Row("warm", "watch: CPU while waiting", 100 * idle, bar=1.0, unit="%")


class _Session:
    """A watch under way; what it prints is read as it comes."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lines: list[tuple[float, str]] = []
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            [*ZENCONV, "run", "--watch", "-v"],
            cwd=place.folder,
            env=place.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self._lines.append((time.perf_counter(), line))
                self._changed.notify_all()

    def wait_for(self, pattern: str, start: int = 0) -> tuple[int, float]:
        """Return which line matches, from `start` on, and when it came."""
        deadline = time.perf_counter() + PATIENCE_SECONDS
        with self._changed:
            while time.perf_counter() < deadline:
                for number in range(start, len(self._lines)):
                    if re.search(pattern, self._lines[number][1]):
                        return number, self._lines[number][0]
                self._changed.wait(1)
        raise Failed(f"{pattern!r} was not printed, but {''.join(line for _, line in self._lines)[-400:]!r}")

    def edit(self, number: int) -> tuple[float, float]:
        """Edit the step; return the wall seconds to its result, and the CPU seconds of all processes."""
        file = self._place.folder / "steps_work.py"
        text = re.sub(r"return \d+", f"return {number}", file.read_text("utf-8"))
        seen, cpu = len(self._lines), self.cpu_seconds()
        started = time.perf_counter()
        file.write_text(text, "utf-8")
        line, came = self.wait_for(r"\(run \d+-", seen)
        self.wait_for("waiting for changes", line)
        time.sleep(0.1)  # until what the round started is gone, and counted
        return came - started, self.cpu_seconds() - cpu

    def cpu_seconds(self) -> float:
        """Return what the session has used so far, with all that has ended."""
        import psutil

        watching = psutil.Process(self._process.pid)
        total = 0.0
        for process in (watching, *watching.children()):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
        return total


if sys.platform != "linux":  # elsewhere libraries are imported in each round
    LIBRARIES.clear()
