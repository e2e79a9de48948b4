"""What a step does to its process and its system means the same with worker processes and without."""

from __future__ import annotations

import os
import signal

import pytest

from tests.end_to_end.test_crashes import is_alive

STRAY = """
import asyncio, os, signal, time
from pathlib import Path

def left():
    os.kill(os.getpid(), signal.{name})
    time.sleep(60)

async def waiting():
    os.kill(os.getpid(), signal.{name})
    await asyncio.sleep(60)

def after():
    Path("pid").write_text(str(os.getpid()))
    return 1

def last(after):
    return after + 1
"""


@pytest.mark.parametrize("count", ["0", "1"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_to_one_process_fails_the_step_there_and_no_other(project, name: str, count: str) -> None:
    it = project({"steps_a.py": STRAY.format(name=name)})
    result = it.run("run", "-n", count, check=1)
    assert f"was sent {name}" in result.stdout
    assert "os.kill(os.getpid(), signal" in result.stderr
    expected = {"a::left": "failed", "a::waiting": "failed", "a::after": "succeeded", "a::last": "succeeded"}
    assert it.statuses() == expected


def test_a_signal_to_a_worker_that_waits_for_work_harms_no_step(project) -> None:
    it = project(
        {
            "steps_a.py": """
                import os, signal, threading
                def first():
                    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
                    return os.getpid()
                async def slow():
                    import asyncio
                    await asyncio.sleep(0.6)
                    return 1
                def second(first, slow): return first, os.getpid()
                """
        }
    )
    it.run("run", "-n", "2")
    assert set(it.statuses().values()) == {"succeeded"}


@pytest.mark.parametrize("count", ["0", "2"])
def test_a_signal_while_no_step_is_executed_harms_none(project, count: str) -> None:
    it = project(
        {
            "steps_a.py": """
                import os, signal
                class Loud:
                    def __getstate__(self):
                        os.kill(os.getpid(), signal.SIGTERM)  # while the result is stored
                        return {"there": 1}
                def first() -> Loud: return Loud()
                def second(first) -> int: return first.there
                """
        }
    )
    it.run("run", "-n", count)
    assert it.value("second") == 1


@pytest.mark.parametrize("count", ["0", "2"])
def test_what_a_step_left_running_goes_on_after_a_run_that_came_to_its_end(project, count: str) -> None:
    it = project(
        {
            "steps_a.py": """
                import subprocess
                def server(): return subprocess.Popen(["sleep", "60"]).pid
                def bad(server): raise ValueError(server)
                """
        }
    )
    it.run("run", "-n", count, check=1)
    left = it.value("server", run="last")
    assert is_alive(left)
    os.kill(left, signal.SIGKILL)


FORKING = """
import os, signal, time

def ended_by():
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"!")
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass  # as in a callback, where an exception is written down and forgotten
    os.read(reading, 1)
    os.kill(child, signal.SIGTERM)
    return os.WTERMSIG(os.waitpid(child, 0)[1])
"""


@pytest.mark.parametrize("count", ["0", "2"])
def test_sigterm_ends_what_a_step_forked_as_it_does_without_zenconv(project, count: str) -> None:
    it = project({"steps_a.py": FORKING})
    it.run("run", "-n", count)
    assert it.value("ended_by") == signal.SIGTERM
