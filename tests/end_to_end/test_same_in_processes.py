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


SIGNAL_TO_IDLE = """
import asyncio, os, signal
from pathlib import Path

def first():
    Path("pid").write_text(str(os.getpid()))
    return os.getpid()

async def slow():
    while not any(b'"step_finished"' in line and b"::first" in line for line in _log()):
        await asyncio.sleep(0.01)
    os.kill(int(Path("pid").read_text()), signal.SIGTERM)
    await asyncio.sleep(0.3)
    return 1

def _log():
    return b"".join(log.read_bytes() for log in Path(".zenconv/runs").glob("*/events.log")).splitlines()

def second(first, slow): return first, os.getpid()
"""


def test_a_signal_to_a_worker_that_waits_for_work_harms_no_step(project) -> None:
    it = project({"steps_a.py": SIGNAL_TO_IDLE})
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


LEFT_BEHIND = """
import locale, logging, os, signal, sys, time
from collections.abc import Iterator
import zenconv

LOCALE = locale.setlocale(locale.LC_ALL)

class Deaf:
    def __getattr__(self, name): return lambda *_: None

@zenconv.fixture(scope="run", autouse=True)
def deep():
    sys.setrecursionlimit(4321)  # meant for all steps
    yield
    sys.setrecursionlimit(1000)

def first() -> int:
    os.chdir("/")
    os.environ["LEFT"] = "1"
    del os.environ["GIVEN"]
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()
    os.umask(0o777)
    sys.setrecursionlimit(7777)
    locale.setlocale(locale.LC_ALL, "C")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.alarm(60)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    logging.basicConfig(level=logging.DEBUG)
    sys.stdout = sys.stderr = Deaf()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.close(2)
    return 1

def items() -> Iterator[int]:
    yield 1
    os.environ["LEFT"] = "3"
    sys.stdout = Deaf()
    yield 2

{failing}

def second(first, items) -> dict:
    print("heard")
    print("this too", file=sys.stderr)
    mask = os.umask(0)
    os.umask(mask)
    return {{
        "folder": os.getcwd(),
        "variables": [os.environ.get(name) for name in ("LEFT", "GIVEN", "TZ")],
        "zone": time.tzname[0],
        "mask": mask,
        "depth": sys.getrecursionlimit(),
        "locale": locale.setlocale(locale.LC_ALL) == LOCALE,
        "handlers": [callable(signal.getsignal(n)) for n in (signal.SIGINT, signal.SIGTERM)],
        "alarm": signal.alarm(0),
        "blocked": [int(n) for n in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
        "logging": [len(logging.root.handlers), logging.root.level],
    }}
"""
FAILING = """def failing(first) -> None:
    os.environ["LEFT"] = "2"
    sys.setrecursionlimit(7777)
    raise ValueError
"""


@pytest.mark.parametrize("count", ["0", "1"])
@pytest.mark.parametrize("failing", ["", FAILING])
def test_what_a_step_changes_about_its_process_is_gone_for_the_next(project, count: str, failing: str):
    it = project({"steps_a.py": LEFT_BEHIND.format(failing=failing)})
    code = 1 if failing else 0
    it.run("run", "-n", count, check=code, env={"GIVEN": "yes", "TZ": "UTC", "LC_ALL": "C.UTF-8"})
    mask = os.umask(0)
    os.umask(mask)
    found = it.value("second", run="last")
    assert found == {
        "folder": str(it.path),
        "variables": [None, "yes", "UTC"],
        "zone": "UTC",
        "mask": mask,
        "depth": 4321,
        "locale": True,
        "handlers": [True, True],
        "alarm": 0,
        "blocked": [],
        "logging": [0, 30],
    }
    assert it.run("logs", "second").stdout == "heard\nthis too\n"


def test_variables_that_a_library_sets_for_itself_stay(project) -> None:
    it = project(
        {
            "steps_a.py": """
                import os, sys
                sys.path.insert(0, "site-packages")
                def first():
                    import library
                    return 1
                def second(first): return os.environ["LIBRARY"]
                """,
            "site-packages/library.py": "import os\nos.environ['LIBRARY'] = 'set'\n",
        }
    )
    it.run("run")
    assert it.value("second") == "set"


def test_the_lines_of_an_exception_that_nobody_catches_are_no_input(project) -> None:
    it = project(
        {
            "steps_a.py": """
                import threading
                class Bad:
                    def __del__(self): raise ValueError("in a finalizer")
                def finalizer():
                    Bad()
                    return 1
                def thread():
                    failing = threading.Thread(target=lambda: 1 / 0)
                    failing.start()
                    failing.join()
                    return 1
                """
        }
    )
    assert "without asking" not in it.run("run").text
    assert "in a finalizer" in it.run("logs", "finalizer").stdout
    assert "ZeroDivisionError" in it.run("logs", "thread").stdout
    it.append("steps_a.py", "# a comment")
    it.run("run")
    assert it.executed() == []
