"""Threads and processes in tests: real ones, started, awaited and ended."""

from __future__ import annotations

import multiprocessing
import pickle
import threading
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

PROCESSES = 3
_START_SECONDS = 120.0
_END_SECONDS = 240.0
"""How long processes may take that are as good as any: of a machine that is busy, and a store far away."""


def start_process(target: Callable[..., None], *arguments: Any) -> BaseProcess:
    """Run ``target(*arguments)`` in a new interpreter."""
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def need_processes(reopen: object) -> None:
    """Skip the test unless `reopen` can be sent to another process."""
    try:
        pickle.dumps(reopen)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        pytest.skip(f"`reopen` cannot be sent to another process: {error}")


def run_threads(target: Callable[[], None], count: int = 6) -> None:
    """Run `target` in several threads at once; raise the first error of any."""
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            target()
        except BaseException as error:  # noqa: BLE001  raised again in the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=guarded) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def wait_for_file(path: Path, process: BaseProcess) -> None:
    """Return when `process` has made the file `path`."""
    deadline = time.monotonic() + _START_SECONDS
    while not path.exists():
        assert process.is_alive(), f"the child ended with {process.exitcode}"
        assert time.monotonic() < deadline, "the child did not get ready"
        time.sleep(0.01)


def make_barrier(parties: int) -> Barrier:
    """Return what lets so many processes go on together, as often as all of them have come to it."""
    return multiprocessing.get_context("spawn").Barrier(parties, timeout=_START_SECONDS)


def kill_after(path: Path, process: BaseProcess, count: int, seconds: float = 0.0) -> list[str]:
    """Kill `process` some time after it has written `count` lines to `path`; return the whole lines."""
    wait_for_file(path, process)
    deadline = time.monotonic() + _START_SECONDS
    while path.read_bytes().count(b"\n") < count:
        assert process.is_alive(), f"the child ended with {process.exitcode}"
        assert time.monotonic() < deadline, "the child is too slow"
        time.sleep(0.005)
    time.sleep(seconds)
    process.kill()
    process.join()
    return path.read_text().split("\n")[:-1]


def finish(processes: list[BaseProcess]) -> None:
    """Wait until all `processes` ended well."""
    for process in processes:
        process.join(_END_SECONDS)
    codes = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
    assert codes == [0] * len(codes)
