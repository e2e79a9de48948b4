"""``retry``: a step that fails is executed again, as its mark says, and everything is recorded."""

from __future__ import annotations

import signal
import time

import pytest

COUNTING = """
import os, pathlib, time
import zenconv

def _count(name):
    with open(f"count-{name}", "a") as stream:
        stream.write("x")
    return pathlib.Path(f"count-{name}").stat().st_size
"""
BOTH = pytest.mark.parametrize("workers", ["0", "2"])


def counted(it, name: str) -> int:
    path = it.path / f"count-{name}"
    return path.stat().st_size if path.exists() else 0


def events(it, name: str):
    return [event for event in it.events() if event.name == name]


def await_retry(it, seconds: float = 60) -> None:
    """Wait until the newest run has recorded a failed attempt."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        logs = sorted(it.path.glob(".zenconv/runs/*/events.log"))
        if logs and b"step_retried" in logs[-1].read_bytes():
            return
        time.sleep(0.02)
    raise AssertionError("nothing was tried again")


@BOTH
def test_a_step_that_fails_twice_and_then_succeeds_has_succeeded(project, workers) -> None:
    text = """
    @zenconv.mark.retry(3, on=ConnectionError)
    def fetched() -> int:
        number = _count("fetched")
        print("attempt", number)
        if number < 3:
            raise ConnectionResetError(f"no route {number}")
        return number

    def used(fetched): return fetched * 10
    """
    it = project({"steps_a.py": COUNTING})
    it.append("steps_a.py", text)
    result = it.run("run", "-n", workers)
    assert it.value("used") == 30
    assert "a::fetched  failed" in result.stderr
    assert "attempt 1 of 4; again" in result.stderr
    assert "ConnectionResetError: no route 1" in result.stderr
    assert "2 ran in" in result.stdout
    retried = events(it, "step_retried")
    assert [(e.attempt, e.of, e.error["message"]) for e in retried] == [
        (1, 4, "no route 1"),
        (2, 4, "no route 2"),
    ]
    assert it.run("logs", "fetched").stdout == "attempt 3\n"
    step = it.json("show", "fetched")["step"]
    assert [attempt["error"]["type"] for attempt in step["attempts"]] == ["ConnectionResetError"] * 2
    shown = it.run("show", "fetched", "-v").stdout
    assert "no route 1" in shown
    assert "attempt 2" in shown
    it.run("run", "-n", workers)
    assert counted(it, "fetched") == 3


@BOTH
def test_when_no_attempt_is_left_the_step_has_failed_with_the_last_error(project, workers) -> None:
    text = """
    @zenconv.mark.retry(2)
    def hopeless():
        raise ValueError(f"attempt {_count('hopeless')}")

    def used(hopeless): ...
    """
    it = project({"steps_a.py": COUNTING})
    it.append("steps_a.py", text)
    result = it.run("run", "-n", workers, check=1)
    assert counted(it, "hopeless") == 3
    assert it.statuses() == {"a::hopeless": "failed", "a::used": "skipped"}
    assert "ValueError: attempt 3" in result.stderr
    shown = it.run("show").stdout
    assert shown.index("attempt 1") < shown.index("attempt 2") < shown.index("attempt 3")


ERRORS = {
    "the class itself": ("ConnectionError", "ConnectionError()", True),
    "a class derived from it": ("OSError", "ConnectionError()", True),
    "another class": ("(ConnectionError, KeyError)", "ValueError()", False),
    "one of several": ("(ConnectionError, KeyError)", "KeyError('x')", True),
    "a group of what is asked for": ("OSError", "ExceptionGroup('x', [OSError(), TimeoutError()])", True),
    "a group with something else": ("OSError", "ExceptionGroup('x', [OSError(), ValueError()])", False),
    "sys.exit by default": ("Exception", "SystemExit(1)", False),
    "sys.exit where asked": ("SystemExit", "SystemExit(1)", True),
}


@pytest.mark.parametrize("name", ERRORS)
def test_only_errors_that_are_asked_for_lead_to_another_attempt(project, name) -> None:
    on, error, is_retried = ERRORS[name]
    it = project({"steps_a.py": COUNTING})
    it.append(
        "steps_a.py", f"@zenconv.mark.retry(1, on={on})\ndef a():\n    _count('a')\n    raise {error}\n"
    )
    it.run("run", "-q", check=1)
    assert counted(it, "a") == (2 if is_retried else 1)


@BOTH
@pytest.mark.parametrize("on", ["Exception", "'crash'", "(OSError, 'crash')"])
def test_a_crash_leads_to_another_attempt_only_where_asked(project, workers, on) -> None:
    text = f"""
    @zenconv.mark.retry(2, on={on})
    def crashing():
        if _count("crashing") < 3:
            print("last words", flush=True)
            os._exit(3)
        return 1

    def beside(): return 2
    """
    it = project({"steps_a.py": COUNTING})
    it.append("steps_a.py", text)
    is_asked = "crash" in on
    it.run("run", "-q", "-n", workers, check=0 if is_asked else 1)
    assert counted(it, "crashing") == (3 if is_asked else 1)
    assert it.statuses()["a::beside"] == "succeeded"
    if is_asked:
        attempts = it.json("show", "crashing")["step"]["attempts"]
        assert [attempt["error"]["type"] for attempt in attempts] == ["Crash", "Crash"]
        assert "last words" in it.run("show", "crashing", "-v").stdout


def test_a_crash_that_goes_on_fails_with_all_its_attempts(project) -> None:
    it = project({"steps_a.py": COUNTING})
    it.append(
        "steps_a.py", "@zenconv.mark.retry(1, on='crash')\ndef a():\n    _count('a')\n    os._exit(1)\n"
    )
    it.run("run", "-q", check=1)
    assert counted(it, "a") == 2
    (end,) = events(it, "step_finished")
    assert [attempt["attempt"] for attempt in end.attempts] == [1]


def test_fixtures_of_the_step_are_made_anew_for_each_attempt_and_wider_ones_are_not(project) -> None:
    text = """
    @zenconv.fixture
    def own():
        yield _count("made")
        _count("ended")

    @zenconv.fixture(scope="run")
    def shared():
        return _count("shared")

    @zenconv.mark.retry(2)
    def a(own, shared, tmp_path):
        assert not list(tmp_path.iterdir())
        (tmp_path / "left").touch()
        if own < 3:
            raise OSError
        return [own, shared]
    """
    it = project({"steps_a.py": COUNTING})
    it.append("steps_a.py", text)
    it.run("run", "-q")
    assert it.value("a") == [3, 1]
    assert [counted(it, name) for name in ("made", "ended", "shared")] == [3, 3, 1]


def test_a_mistake_in_how_a_step_returns_is_not_tried_again(project) -> None:
    text = "@zenconv.mark.retry(3)\ndef a(): _count('a')\ndef b(a): ...\n"
    it = project({"steps_a.py": COUNTING + text})
    assert "returned None, but other steps ask for it" in it.run("run", check=1).stderr
    assert counted(it, "a") == 1


def test_a_fixture_that_fails_is_tried_again_too(project) -> None:
    text = """
    @zenconv.fixture
    def connection():
        if _count("tries") < 2:
            raise ConnectionError("refused")
        return "open"

    @zenconv.mark.retry(1, on=ConnectionError)
    def a(connection): return connection
    """
    it = project({"steps_a.py": COUNTING})
    it.append("steps_a.py", text)
    it.run("run", "-q")
    assert it.value("a") == "open"


@pytest.mark.parametrize("workers", ["0", "1"])
def test_other_steps_run_while_one_waits_for_its_next_attempt(project, workers) -> None:
    text = """
    @zenconv.mark.retry(1, backoff=0.5)
    def a_flaky():
        if _count("flaky") < 2:
            raise OSError
        return pathlib.Path("beside").exists()

    def beside():
        pathlib.Path("beside").touch()
    """
    it = project({"steps_a.py": COUNTING})
    it.append("steps_a.py", text)
    it.run("run", "-q", "-n", workers)
    assert it.value("a_flaky") is True
    assert events(it, "step_retried")[0].wait == 0.5


def test_pauses_are_kept(project) -> None:
    text = """
    @zenconv.mark.retry(2, backoff="0.2s")
    def steady():
        with open("times", "a") as stream:
            stream.write(f"{time.monotonic()} ")
        raise OSError
    """
    it = project({"steps_a.py": COUNTING})
    it.append("steps_a.py", text)
    it.run("run", "-q", check=1)
    first, second, third = map(float, it.read("times").split())
    assert second - first >= 0.2
    assert third - second >= 0.2


def test_exponential_pauses_begin_with_a_second_and_double(project) -> None:
    text = "@zenconv.mark.retry(9, backoff='exponential')\ndef a(): raise OSError\n"
    it = project({"steps_a.py": COUNTING + text})
    process = it.start("run")
    await_retry(it)
    while len(events(it, "step_retried")) < 2:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert [event.wait for event in events(it, "step_retried")] == [1, 2]


@BOTH
def test_an_interrupt_ends_a_pause_at_once(project, workers) -> None:
    text = "@zenconv.mark.retry(5, backoff='10m')\ndef a():\n    raise OSError('no luck')\ndef b(a): ...\n"
    it = project({"steps_a.py": COUNTING + text})
    process = it.start("run", "-n", workers)
    await_retry(it)
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert time.monotonic() - asked < 9  # what does not heed a signal is killed after 10
    step = it.json("show", "a")["step"]
    assert step["status"] == "interrupted"
    assert step["error"]["message"] == "no luck"


def test_after_a_failure_elsewhere_x_waits_for_no_further_attempt(project) -> None:
    text = """
    @zenconv.mark.retry(5, backoff="10m")
    def a(): raise OSError("first")

    def b(): raise ValueError("second")
    """
    it = project({"steps_a.py": COUNTING})
    it.append("steps_a.py", text)
    it.run("run", "-q", "-x", check=1)
    assert it.statuses() == {"a::a": "failed", "a::b": "failed"}


def test_x_does_not_mind_a_failure_that_is_tried_again(project) -> None:
    text = """
    @zenconv.mark.retry(1)
    def a():
        if _count("a") < 2:
            raise OSError
        return 1

    def b(a): ...
    """
    it = project({"steps_a.py": COUNTING})
    it.append("steps_a.py", text)
    it.run("run", "-q", "-x")
    assert it.statuses() == {"a::a": "succeeded", "a::b": "succeeded"}


@BOTH
def test_an_async_step_is_tried_again_while_others_go_on(project, workers) -> None:
    text = """
    import asyncio

    @zenconv.mark.retry(2, on=ConnectionError, backoff=0.05)
    async def a():
        await asyncio.sleep(0)
        if _count("a") < 3:
            raise ConnectionError
        return 1

    async def b():
        await asyncio.sleep(0.3)
        return 2
    """
    it = project({"steps_a.py": COUNTING})
    it.append("steps_a.py", text)
    it.run("run", "-q", "-n", workers)
    assert it.statuses() == {"a::a": "succeeded", "a::b": "succeeded"}
    assert counted(it, "a") == 3


def test_a_crash_of_another_step_keeps_the_attempts_counted_so_far(project) -> None:
    text = """
    @zenconv.mark.retry(2)
    def a():
        raise OSError(f"attempt {_count('a')}")

    def b(): os._exit(1)
    """
    it = project({"steps_a.py": COUNTING})
    it.append("steps_a.py", text.replace("retry(2)", "retry(2, backoff=0.2)"))
    it.run("run", "-q", check=1)
    assert counted(it, "a") == 3
    assert it.statuses() == {"a::a": "failed", "a::b": "failed"}


def test_the_retried_step_may_be_computed_by_another_run_meanwhile(project) -> None:
    text = """
    @zenconv.mark.retry(1000, backoff=0.3)
    def a():
        _count("a")
        if "FAILING" in os.environ:
            raise OSError
        return 1
    """
    it = project({"steps_a.py": COUNTING})
    it.append("steps_a.py", text)
    first = it.start("run", env={"FAILING": "yes"})
    await_retry(it)
    it.run("run", "-q")
    first.communicate(timeout=60)
    assert first.returncode == 0
    folders = sorted((it.path / ".zenconv" / "runs").iterdir())
    assert it.statuses(folders[0].name) == {"a::a": "reused"}
    assert it.statuses(folders[1].name) == {"a::a": "succeeded"}
