"""``timeout``: a step that takes too long ends, with everything it started, and nothing else does."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from tests.end_to_end.test_processes import family, wait_until_alone

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what left its parent is found on Linux only")

BOTH = pytest.mark.parametrize("workers", ["0", "2"])

START = """
import os, pathlib, signal, subprocess, sys, threading, time
import zenconv

def _daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (1, 2, 3, 15):
                signal.signal(number, signal.SIG_IGN)
            time.sleep(300)
        os._exit(0)
    os.wait()
    subprocess.Popen(["sleep", "300"], start_new_session=True)

def _stubborn():
    while True:
        try:
            time.sleep(300)
        except BaseException:
            pass

def after() -> int:
    return 1
"""

STEPS = {
    "sleeps": "time.sleep(300)",
    "waits_for_a_thread": "threading.Event().wait()",
    "waits_for_a_program": "subprocess.run(['sleep', '300'])",
    "swallows_what_is_raised": "_stubborn()",
    "blocks_signals": "signal.pthread_sigmask(signal.SIG_BLOCK, {2, 15}); time.sleep(300)",
    "spins_in_c": "sum(range(10**13))",
    "hears_nothing": "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()); sum(range(10**13))",
    "leaves_daemons": "_daemon(); time.sleep(300)",
    "leaves_daemons_and_is_stubborn": "_daemon(); _stubborn()",
    "leaves_its_group": "os.setpgid(0, os.getpgid(os.getppid())); _daemon(); _stubborn()",
    "has_threads": "[threading.Thread(target=_stubborn).start() for _ in range(3)]; _stubborn()",
    "stops_itself": "os.kill(os.getpid(), signal.SIGSTOP)",
}


@BOTH
def test_a_step_past_its_time_is_stopped_with_all_it_started_and_the_rest_goes_on(project, workers) -> None:
    it = project({"steps_a.py": START})
    for name, body in STEPS.items():
        text = f"def {name}():\n    print('before', flush=True)\n    {body}\n"
        it.append("steps_a.py", f"\n@zenconv.mark.timeout(0.4, grace=0.4)\n{text}")
        it.append("steps_a.py", f"\ndef after_{name}({name}): ...\n")
    it.run("run", "-n", workers, check=1)
    wait_until_alone(it.path)
    statuses = it.statuses()
    assert statuses.pop("a::after") == "succeeded"
    assert statuses == {
        **{f"a::{name}": "failed" for name in STEPS},
        **{f"a::after_{name}": "skipped" for name in STEPS},
    }
    steps = {step["step"]: step for step in it.json("show")["steps"]}
    lines = it.read("steps_a.py").splitlines()
    for name in STEPS:
        error = steps[name]["error"]
        assert error["message"].startswith("timed out after 0.4 s"), (name, error)
        assert error["hint"] == f"the limit is set at steps_a.py:{lines.index(f'def {name}():')}"
        assert 0.3 <= steps[name]["seconds"] < 10
        if name != "hears_nothing":
            assert error["frames"][0]["function"] == name, (name, error)
            assert error["frames"][0]["file"] == "steps_a.py"
    assert it.run("logs", "spins_in_c").stdout == "before\n"


@BOTH
def test_fixtures_are_torn_down_when_a_step_times_out(project, workers) -> None:
    text = """
    @zenconv.fixture
    def connection():
        yield "open"
        print("closed")

    @zenconv.mark.timeout("0.3s")
    def late(connection):
        try:
            time.sleep(300)
        finally:
            print("cleaned up")
    """
    it = project({"steps_a.py": START})
    it.append("steps_a.py", text)
    it.run("run", "-q", "-n", workers, check=1)
    assert it.run("logs", "late").stdout == "cleaned up\nclosed\n"
    assert "was killed" not in it.json("show", "late")["step"]["error"]["message"]


@BOTH
def test_a_fixture_that_takes_too_long_is_stopped_and_made_again_for_others(project, workers) -> None:
    text = """
    @zenconv.fixture(scope="run")
    def helper():
        child = subprocess.Popen(["sleep", "300"])
        yield child
        child.kill()
        child.wait()

    @zenconv.fixture(scope="run")
    def slow(helper):
        if not pathlib.Path("tried").exists():
            pathlib.Path("tried").touch()
            time.sleep(300)
        return "ready"

    @zenconv.mark.timeout(0.5)
    def first(slow): return slow

    @zenconv.mark.timeout(20)
    def second(slow, helper): return [slow, helper.poll()]
    """
    it = project({"steps_a.py": START})
    it.append("steps_a.py", text)
    it.run("run", "-q", "-n", workers, "first", check=1)
    wait_until_alone(it.path)
    assert it.json("show", "first")["step"]["error"]["frames"][-1]["function"] == "slow"
    (it.path / "tried").unlink()
    it.run("run", "-q", "-n", "0" if workers == "0" else "1", check=1)
    assert it.value("second", run="last") == ["ready", None]
    wait_until_alone(it.path)


@BOTH
def test_what_a_fixture_has_started_outlives_a_step_that_times_out(project, workers) -> None:
    text = """
    @zenconv.fixture(scope="run")
    def server():
        child = subprocess.Popen(["sleep", "300"])
        yield child
        child.kill()

    @zenconv.mark.timeout(0.5)
    def first(server):
        subprocess.Popen(["sleep", "300"])
        time.sleep(300)

    def second(server): return server.poll()
    """
    it = project({"steps_a.py": START})
    it.append("steps_a.py", text)
    it.run("run", "-q", "-n", "0" if workers == "0" else "1", check=1)
    assert it.value("second", run="last") is None
    wait_until_alone(it.path)


def test_a_teardown_that_takes_too_long_is_stopped_too(project) -> None:
    text = """
    @zenconv.fixture
    def sticky():
        yield
        time.sleep(300)

    @zenconv.mark.timeout(0.3, grace=0.4)
    def late(sticky): time.sleep(300)
    """
    it = project({"steps_a.py": START})
    it.append("steps_a.py", text)
    it.run("run", "-q", check=1)
    error = it.json("show", "late")["step"]["error"]
    assert error["message"].endswith("did not end within 0.4 s of being asked to, and was killed")
    assert error["frames"][-1]["function"] == "sticky"


@BOTH
def test_a_step_that_returns_after_its_time_has_failed_all_the_same(project, workers) -> None:
    text = """
    @zenconv.mark.timeout(0.3, grace=20)
    def late():
        try:
            time.sleep(300)
        except BaseException as error:
            print("told:", type(error).__name__)
        return 1

    @zenconv.mark.timeout(0.3, grace=20)
    def wrapped():
        try:
            time.sleep(300)
        except BaseException as error:
            raise ValueError("mine") from error
    """
    it = project({"steps_a.py": START})
    it.append("steps_a.py", text)
    result = it.run("run", "-n", workers, check=1)
    assert it.statuses() == {"a::after": "succeeded", "a::late": "failed", "a::wrapped": "failed"}
    assert result.stderr.count("TimeoutError: timed out after 0.3 s\n") == 2
    assert "ValueError: mine" in result.stderr


@BOTH
def test_a_step_within_its_time_is_not_touched(project, workers) -> None:
    text = """
    @zenconv.mark.timeout(20)
    def quick():
        _daemon()
        return 1

    @zenconv.mark.timeout(0.2)
    def first(): return 1

    def much_later(first):
        time.sleep(0.5)
        return 2
    """
    it = project({"steps_a.py": START})
    it.append("steps_a.py", text.replace("_daemon()", ""))
    it.run("run", "-q", "-n", workers)
    assert set(it.statuses().values()) == {"succeeded"}


SOURCES = {
    "setting": ((), {"pyproject.toml": "[tool.zenconv]\ntimeout = 0.4\n"}, {}, "pyproject.toml:2"),
    "text": ((), {"pyproject.toml": "[tool.zenconv]\ntimeout = '0.4s'\n"}, {}, "pyproject.toml:2"),
    "flag": (("--timeout", "0.4"), {"pyproject.toml": "[tool.zenconv]\ntimeout = '1h'\n"}, {}, "--timeout"),
    "variable": ((), {}, {"ZENCONV_TIMEOUT": "0.4s"}, "ZENCONV_TIMEOUT"),
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_limit_for_all_steps_holds_where_a_step_says_nothing(project, source) -> None:
    args, files, env, where = SOURCES[source]
    text = """
    def late(): time.sleep(300)

    @zenconv.mark.timeout(None)
    def patient(): time.sleep(0.6)

    @zenconv.mark.timeout("1h")
    def own(): time.sleep(0.6)
    """
    it = project({"steps_a.py": START, **files})
    it.append("steps_a.py", text)
    result = it.run("run", *args, env=env, check=1)
    failed = [node for node, status in it.statuses().items() if status == "failed"]
    assert failed == ["a::late"]
    assert f"the limit is set at {where}" in result.stderr


@BOTH
@pytest.mark.parametrize(
    ("on", "body"),
    [("Exception", "time.sleep(300)"), ("TimeoutError", "_stubborn()"), ("ValueError", "_stubborn()")],
)
def test_a_timeout_counts_as_a_timeout_error_for_retries(project, workers, on, body) -> None:
    text = f"""
    @zenconv.mark.retry(1, on={on})
    @zenconv.mark.timeout(0.3, grace=0.2)
    def late():
        if not pathlib.Path("tried").exists():
            pathlib.Path("tried").touch()
            {body}
        return 1
    """
    it = project({"steps_a.py": START})
    it.append("steps_a.py", text)
    it.run("run", "-q", "-n", workers, check=1 if on == "ValueError" else 0)
    attempts = it.json("show", "late")["step"]["attempts"]
    assert [attempt["error"]["type"] for attempt in attempts] == ["TimeoutError"] * (on != "ValueError")


@BOTH
def test_async_steps_are_cancelled_one_by_one(project, workers) -> None:
    text = """
    import asyncio

    @zenconv.mark.timeout(0.3)
    async def late():
        try:
            await asyncio.sleep(300)
        finally:
            print("cancelled")

    @zenconv.mark.timeout(20)
    async def beside():
        await asyncio.sleep(0.6)
        return 2
    """
    it = project({"steps_a.py": START})
    it.append("steps_a.py", text)
    it.run("run", "-q", "-n", workers, check=1)
    assert it.statuses() == {"a::after": "succeeded", "a::late": "failed", "a::beside": "succeeded"}
    assert it.run("logs", "late").stdout == "cancelled\n"
    assert "was killed" not in it.json("show", "late")["step"]["error"]["message"]


ASYNC = {
    "will not be cancelled": """
        while True:
            try:
                await asyncio.sleep(300)
            except BaseException:
                pass
    """,
    "holds up the loop": """
        await asyncio.sleep(0.1)
        time.sleep(300)
    """,
    "leaves a program behind": """
        await asyncio.create_subprocess_exec("sleep", "300", start_new_session=True)
        await asyncio.sleep(300)
    """,
}


@BOTH
@pytest.mark.parametrize("name", ASYNC)
def test_an_async_step_that_cannot_be_cancelled_fails_alone_too(project, workers, name) -> None:
    text = f"""
    import asyncio

    @zenconv.mark.timeout(0.5, grace=0.5)
    async def late():
        {ASYNC[name].strip()}

    async def beside():
        await asyncio.sleep(1.5)
        return 2
    """
    it = project({"steps_a.py": START})
    it.append("steps_a.py", text)
    it.run("run", "-q", "-n", "0" if workers == "0" else "1", check=1)
    assert it.statuses() == {"a::after": "succeeded", "a::late": "failed", "a::beside": "succeeded"}
    assert "timed out after 0.5 s" in it.json("show", "late")["step"]["error"]["message"]
    wait_until_alone(it.path)


def test_an_interrupt_while_a_step_is_past_its_time_ends_the_run(project) -> None:
    text = "@zenconv.mark.timeout(0.3, grace='10m')\ndef late():\n    print('x')\n    _stubborn()\n"
    it = project({"steps_a.py": START + text})
    process = it.start("run")
    deadline = time.monotonic() + 60
    while len(family(it.path)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.8)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    wait_until_alone(it.path)


def test_live_output_shows_no_stack_and_the_record_has_the_frames(project) -> None:
    text = "@zenconv.mark.timeout(0.4, grace=0.4)\ndef late():\n    print('seen')\n    _stubborn()\n"
    it = project({"steps_a.py": START + text})
    result = it.run("run", "-s", check=1)
    assert "seen" in result.text
    assert "Thread 0x" not in result.text
    assert [f["function"] for f in it.json("show", "late")["step"]["error"]["frames"]] == [
        "late",
        "_stubborn",
    ]


def test_a_person_at_the_debugger_may_take_any_time(project) -> None:
    text = "@zenconv.mark.timeout(0.5, grace=0.2)\ndef a():\n    breakpoint()\n    return 1\n"
    it = project({"steps_a.py": START + text})
    commands = "import time\ntime.sleep(1.2)\nc\n"
    it.run("run", "-s", stdin=commands)
    assert it.value("a") == 1


def test_the_debugger_opens_where_a_step_timed_out(project) -> None:
    text = "@zenconv.mark.timeout(0.5)\ndef a():\n    here = 'in the step'\n    time.sleep(300)\n"
    it = project({"steps_a.py": START + text})
    commands = "p here\nimport time\ntime.sleep(0.6)\np 6 * 7\nq\n"
    result = it.run("run", "--pdb", stdin=commands, check=False)
    assert "'in the step'" in result.stdout
    assert "42" in result.stdout


def test_a_timed_out_step_is_not_stored(project) -> None:
    text = """
    @zenconv.mark.timeout(0.3)
    def late():
        if not pathlib.Path("go").exists():
            time.sleep(300)
        return 5
    """
    it = project({"steps_a.py": START})
    it.append("steps_a.py", text)
    it.run("run", "-q", check=1)
    Path(it.path / "go").touch()
    it.run("run", "-q")
    assert it.value("late") == 5
