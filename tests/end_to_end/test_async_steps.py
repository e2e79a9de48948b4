"""``async def`` steps: under way together in one process, each with its own record."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.end_to_end.test_crashes import wait_for

TOGETHER = {
    "zenconf.py": """
import zenconv

@zenconv.fixture
def connection(request):
    yield request.node.name
    with open("closed", "a") as stream:
        stream.write(request.node.name + "\\n")
""",
    "steps_a.py": """
import asyncio, logging, os, sys, warnings

_arrived = []

async def _meet(me):
    print(me, "arrives")
    _arrived.append(me)
    for _ in range(6000):
        if len(_arrived) >= 3:
            break
        await asyncio.sleep(0.01)
    print(me, "leaves", file=sys.stderr)
    await asyncio.to_thread(print, me, "in a thread")
    await asyncio.create_task(_last(me))
    return len(_arrived)

async def _last(me):
    print(me, "in a task")

async def one(connection) -> int:
    assert connection == "one"
    return await _meet("one")

async def two(connection) -> int:
    return await _meet("two")

async def three(connection, log) -> int:
    log.info("three logs")
    return await _meet("three")

def plain() -> str:
    print("plain")
    return "plain"

def total(one, two, three, plain) -> int:
    return one + two + three
""",
}


@pytest.mark.parametrize("workers", ["0", "2"])
def test_async_steps_are_under_way_together_and_their_output_is_kept_apart(project, workers: str) -> None:
    it = project(TOGETHER)
    it.run("run", "-n", workers)
    assert it.value("total") == 9
    assert sorted(it.read("closed").split()) == ["one", "three", "two"]
    for name in ("one", "two"):
        text = it.run("logs", name).stdout
        assert text == f"{name} arrives\n{name} leaves\n{name} in a thread\n{name} in a task\n"
    assert it.run("logs", "three").stdout.startswith("INFO three logs\nthree arrives\n")
    assert it.run("logs", "plain").stdout == "plain\n"
    it.run("run", "-n", workers)
    assert it.executed() == []


@pytest.mark.parametrize("workers", ["0", "2"])
def test_one_async_step_that_fails_leaves_the_others_alone(project, workers: str) -> None:
    it = project(
        {
            "steps_a.py": """
import asyncio

async def good() -> int:
    await asyncio.sleep(0.2)
    return 1

async def bad() -> int:
    await asyncio.sleep(0.05)
    return {}["no"]

async def leaves() -> int:
    asyncio.get_running_loop().create_task(asyncio.sleep(60))
    raise SystemExit(0)

async def after(good) -> int:
    await asyncio.sleep(0)
    return good + 1
"""
        }
    )
    result = it.run("run", "-n", workers, check=1)
    assert it.statuses() == {
        "a::good": "succeeded",
        "a::bad": "failed",
        "a::leaves": "failed",
        "a::after": "succeeded",
    }
    assert "steps_a.py:9 in bad" in result.stderr
    assert "the step called sys.exit(0)" in result.stderr


def test_async_steps_that_are_ready_later_join_those_under_way(project) -> None:
    it = project(
        {
            "steps_a.py": """
import asyncio, pathlib

async def short() -> int:
    return 1

async def next(short) -> int:
    pathlib.Path("here").write_text("yes")
    return 2

async def long() -> bool:
    for _ in range(6000):
        if pathlib.Path("here").exists():
            return True
        await asyncio.sleep(0.01)
    return False
"""
        }
    )
    it.run("run")
    assert it.value("long") is True


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_async_steps_and_tears_down(project, workers: str, number: int, code: int) -> None:
    it = project(
        {
            "steps_a.py": """
import asyncio, os, pathlib, zenconv

@zenconv.fixture
def resource():
    yield 1
    pathlib.Path("torn_down").write_text("yes")

async def _sleep(name):
    try:
        pathlib.Path(name).write_text(str(os.getpid()))
        await asyncio.sleep(60)
    finally:
        print(name, "cleans up")
    return 1

async def one(resource) -> int:
    return await _sleep("one")

async def two() -> int:
    return await _sleep("two")
"""
        }
    )
    process = it.start("run", "-n", workers)
    assert wait_for(it.path / "one") == wait_for(it.path / "two")
    began = time.monotonic()
    process.send_signal(number)
    assert process.wait(timeout=60) == code
    assert time.monotonic() - began < 9  # what does not heed a signal is killed after 10
    process.communicate()
    assert (it.path / "torn_down").exists()
    assert it.statuses() == {"a::one": "interrupted", "a::two": "interrupted"}
    assert it.run("logs", "one").stdout == "one cleans up\n"


CRASHING = {
    "steps_a.py": """
import asyncio, os

async def good() -> int:
    await asyncio.sleep(0.3)
    return 1

async def fine() -> int:
    await asyncio.sleep(0.3)
    return 2

async def crash() -> int:
    await asyncio.sleep(0.1)
    os._exit(0)
"""
}


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_crash_among_async_steps_costs_only_the_one_that_crashed(project, workers: str) -> None:
    it = project(CRASHING)
    it.run("run", "-n", workers, check=1)
    assert it.statuses() == {"a::good": "succeeded", "a::fine": "succeeded", "a::crash": "failed"}
    assert it.json("show")["run"]["status"] == "failed"


def test_a_live_value_made_by_an_async_step_is_made_again_for_any_consumer(project) -> None:
    it = project(
        {
            "steps_a.py": """
import asyncio, sqlite3

async def connection():
    await asyncio.sleep(0.01)
    made = sqlite3.connect(":memory:")
    made.execute("create table t (x)")
    return made

def count(connection) -> int:
    return connection.execute("select count(*) from t").fetchone()[0]

async def again(connection) -> int:
    await asyncio.sleep(0.01)
    return connection.execute("select count(*) from t").fetchone()[0]
"""
        }
    )
    for workers in ("0", "2"):
        it.run("run", "-n", workers, "--force", "count", "--force", "again")
        assert it.statuses()["a::count"] == "succeeded"
        assert (it.value("count"), it.value("again")) == (0, 0)


def test_a_step_that_forks_while_async_is_noticed(project) -> None:
    body = "    await asyncio.sleep(0.01)\n    os.fork()\n    return 1\n"
    it = project({"steps_a.py": f"import asyncio, os\n\nasync def a() -> int:\n{body}"})
    it.run("run", check=1)
    assert it.statuses() == {"a::a": "failed"}
    assert os.path.exists(it.path / ".zenconv")


def test_dozens_of_async_steps_wait_at_the_same_time(project) -> None:
    meeting = """
import asyncio

_arrived = []

async def _meet() -> bool:
    _arrived.append(1)
    for _ in range(6000):
        if len(_arrived) >= 16:
            return True
        await asyncio.sleep(0.01)
    return False
"""
    steps = "".join(f"async def s{n}() -> bool:\n    return await _meet()\n\n" for n in range(32))
    it = project({"steps_a.py": f"{meeting}\n{steps}"})
    it.run("run", "-q")
    assert all(it.value(f"s{n}") for n in (0, 1, 31))


def test_a_file_that_an_async_step_names_in_its_code_counts(project) -> None:
    it = project(
        {
            "steps_a.py": """
from pathlib import Path

async def raw() -> str:
    return Path("data/in.txt").read_text()
""",
            "data/in.txt": "abc",
        }
    )
    it.run("run")
    (it.path / "data/in.txt").write_text("xyz")
    it.run("run")
    assert (it.executed(), it.value("raw")) == (["a::raw"], "xyz")
