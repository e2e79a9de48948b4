"""Whole processes and what they cost: CPU seconds and memory of everything they start."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

REPOSITORY = Path(__file__).resolve().parents[2]
ZENCONV = (sys.executable, "-c", "from zenconv.cli.main import main; main()")
"""What the installed console script does."""

MEGABYTE = 1e6


@attrs.frozen
class Cost:
    """What one command cost: CPU and wall seconds, bytes of the largest process, exit code.

    `rest` holds the CPU seconds of reaped descendants too, as `cpu` does; a detached process
    that outlives the command is not counted.
    """

    cpu: float
    wall: float
    memory: int
    exit_code: int
    stdout: str
    stderr: str


@attrs.frozen
class Place:
    """Where a command runs: the folder, and the home of the imagined user."""

    folder: Path
    home: Path

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name != "PYTHONDONTWRITEBYTECODE" and not name.startswith(("ZENCONV_", "COV_"))
        }
        paths = [str(REPOSITORY), *filter(None, [kept.get("PYTHONPATH")])]
        return {
            **kept,
            "PYTHONPATH": os.pathsep.join(paths),
            "ZENCONV_HOME": str(self.home),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            **(extra or {}),
        }


def measure(command: Sequence[str], place: Place, *, env: Mapping[str, str] | None = None) -> Cost:
    """Run `command` to its end and return its cost."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            [*command],
            cwd=place.folder,
            env=place.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        return Cost(
            cpu=usage.ru_utime + usage.ru_stime,
            wall=wall,
            memory=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            exit_code=process.returncode,
            stdout=out.read().decode("utf-8", "replace"),
            stderr=errors.read().decode("utf-8", "replace"),
        )


def measure_memory(command: Sequence[str], place: Place) -> int:
    """Return the peak of the proportional memory (bytes) of a command and all it starts.

    Pages that several processes share count once. Sampled every 10 ms, so not to be timed.
    """
    import psutil

    process = psutil.Popen(
        [*command],
        cwd=place.folder,
        env=place.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peak = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.01):
            peak = max(peak, sum(map(_proportional, _tree(process))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    process.wait()
    done.set()
    watcher.join()
    return peak


def _tree(process: object) -> list[int]:
    import psutil

    try:
        return [process.pid, *(child.pid for child in process.children(recursive=True))]  # type: ignore[attr-defined]
    except psutil.Error:
        return []


def _proportional(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as stream:
            return sum(int(line.split()[1]) * 1024 for line in stream if line.startswith("Pss:"))
    except OSError:
        return 0
