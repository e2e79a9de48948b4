"""Success is only what returned: whatever ends a step's process is that step's failure."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.end_to_end.conftest import hangups

CRASHES = {
    "exit": "import os; os._exit(0)",
    "sys_exit": "import sys; sys.exit(0)",
    "segfault": "import ctypes; ctypes.string_at(0)",
    "kill": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "abort": "import os; os.abort()",
    "fork": "import os; os.fork()",
    "close": "import os; os.closerange(3, 100); os._exit(0)",
}


def steps(body: str) -> dict[str, str]:
    return {
        "steps_a.py": f"""
def before() -> int:
    return 1

def bad(before):
    print("last words")
    {body}
    return 2

def after(bad):
    return bad

def other(before) -> int:
    return before + 1
"""
    }


@pytest.mark.parametrize("kind", CRASHES)
def test_a_step_that_ends_its_process_fails_and_the_rest_goes_on(project, kind: str) -> None:
    it = project(steps(CRASHES[kind]))
    result = it.run("run", check=1)
    assert it.statuses() == {
        "a::before": "succeeded",
        "a::bad": "failed",
        "a::after": "skipped",
        "a::other": "succeeded",
    }, result
    assert "bad" in result.text
    assert it.value("other", run="last") == 2


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize(
    ("kind", "line", "more"),
    [("exit", 4, ""), ("segfault", 6, "Fatal Python error: Segmentation fault\n")],
)
def test_the_record_of_a_crashed_step_is_as_full_as_that_of_any_failure(
    project, kind: str, line: int, more: str, workers: str
) -> None:
    it = project(steps(CRASHES[kind]))
    result = it.run("run", "-n", workers, check=1)
    assert it.run("logs", "bad").stdout == f"last words\n{more}"
    text = result.stderr.partition("a::bad")[2].partition("a::after")[0]
    assert f"no earlier result\n    steps_a.py:{line} in bad" in text
    assert "/zenconv/" not in text + it.run("show").stdout
    step = it.json("show", "bad")["step"]
    assert step["reason"] == "no earlier result"
    assert step["inputs"] == {"before": {"node": "steps_a.py::before", "type": "int", "value": 1}}
    (frame,) = step["error"]["frames"]
    assert (frame["file"], frame["line"], frame["function"]) == ("steps_a.py", line, "bad")
    assert len(step["key"]) > 64


def test_nothing_that_was_done_before_a_crash_is_done_again(project) -> None:
    it = project(steps("import os; os._exit(0)"))
    it.run("run", check=1)
    it.run("run", check=1)
    assert it.statuses()["a::before"] == "reused"
    it.edit("steps_a.py", "import os; os._exit(0)", "pass")
    it.run("run")
    assert it.executed() == ["a::after", "a::bad"]


def test_a_module_that_ends_the_process_while_imported_is_an_error(project) -> None:
    it = project({"steps_a.py": "import os\nos._exit(0)\n"})
    for command in (["run"], ["run", "--plan"], ["steps"], ["explain"]):
        result = it.run(*command, check=2)
        assert "the process ended" in result.stderr
        assert "exited with status 0" in result.stderr


def test_a_step_that_raises_keyboard_interrupt_by_itself_has_failed(project) -> None:
    it = project({"steps_a.py": "def a():\n    raise KeyboardInterrupt\n"})
    it.run("run", check=1)
    assert it.statuses() == {"a::a": "failed"}


SLOW = """
import os, pathlib, time, zenconv

@zenconv.fixture
def resource():
    yield 1
    pathlib.Path("torn_down").write_text("yes")

def first() -> int:
    return 1

def slow(first, resource) -> int:
    pathlib.Path("started").write_text(str(os.getpid()))
    time.sleep(60)
    return 2
"""


def wait_for(path, seconds: float = 60) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if path.exists() and path.read_text():
            return path.read_text()
        time.sleep(0.01)
    raise AssertionError(f"{path} did not appear")


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_tears_fixtures_down_and_ends_with_its_code(project, number: int, code: int) -> None:
    it = project({"steps_a.py": SLOW})
    with hangups(signal.SIG_DFL):
        process = it.start("run")
    runner = int(wait_for(it.path / "started"))
    process.send_signal(number)
    if number == signal.SIGHUP:
        process.send_signal(number)  # from the shell, and from the system
    assert process.wait(timeout=60) == code
    assert (it.path / "torn_down").exists()
    assert not is_alive(runner)
    assert it.json("runs")["runs"][0]["status"] == "interrupted"
    assert it.statuses()["a::first"] == "succeeded"
    process.communicate()


def test_under_nohup_the_end_of_the_terminal_ends_nothing(project) -> None:
    it = project({"steps_a.py": SLOW.replace("time.sleep(60)", "time.sleep(0.5)")})
    with hangups(signal.SIG_IGN):
        process = it.start("run")
    runner = int(wait_for(it.path / "started"))
    process.send_signal(signal.SIGHUP)
    os.kill(runner, signal.SIGHUP)
    assert process.wait(timeout=60) == 0
    process.communicate()


def test_a_second_interrupt_ends_at_once(project) -> None:
    loop = """deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            pathlib.Path("started").write_text(str(os.getpid()))
            time.sleep(60)
        except BaseException:
            pathlib.Path("caught").write_text("yes")"""
    before, _, after = SLOW.partition(
        'pathlib.Path("started").write_text(str(os.getpid()))\n    time.sleep(60)'
    )
    it = project({"steps_a.py": f"{before}{loop}{after}"})
    process = it.start("run")
    runner = int(wait_for(it.path / "started"))
    process.send_signal(signal.SIGINT)
    wait_for(it.path / "caught")
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert time.monotonic() - began < 9  # one signal alone would have it killed after 10
    assert not is_alive(runner)
    process.communicate()


def test_a_killed_run_is_shown_as_interrupted_and_loses_nothing(project) -> None:
    it = project({"steps_a.py": SLOW})
    process = it.start("run")
    runner = int(wait_for(it.path / "started"))
    assert it.json("runs")["runs"][0]["status"] == "running"
    process.kill()
    process.communicate()
    assert it.json("runs")["runs"][0]["status"] == "interrupted"
    deadline = time.monotonic() + 30
    while is_alive(runner) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(runner)
    it.edit("steps_a.py", "time.sleep(60)", "time.sleep(0)")
    it.run("run")
    assert it.statuses() == {"a::first": "reused", "a::slow": "succeeded"}


def test_a_killed_runner_fails_its_step_and_the_run_goes_on(project) -> None:
    it = project({"steps_a.py": SLOW + "\ndef unrelated() -> int:\n    return 3\n"})
    process = it.start("run")
    os.kill(int(wait_for(it.path / "started")), signal.SIGKILL)
    assert process.wait(timeout=60) == 1
    _, errors = process.communicate()
    assert "SIGKILL" in errors
    assert it.statuses() == {"a::first": "succeeded", "a::slow": "failed", "a::unrelated": "succeeded"}
