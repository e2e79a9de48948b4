"""How ``zenconv run --watch`` ends, and how rounds end while it goes on."""

import signal
import time

import psutil
import pytest

from tests.end_to_end.conftest import hangups
from tests.end_to_end.watching import END, IDLE, Watching

SIMPLE = """
    def one() -> int:
        return 1

    def two(one: int) -> int:
        return one + 1

    def other() -> int:
        return 10
"""


def test_an_edit_during_a_round_is_played_after_it(project):
    it = project(
        {
            "steps_a.py": """
                import os, time

                def slow() -> int:
                    open("started", "w").close()
                    while not os.path.exists("go"):
                        time.sleep(0.01)
                    return 1

                def after(slow: int) -> int:
                    return slow + 1
            """
        }
    )
    (it.path / "go").touch()
    with Watching(it) as watching:
        (it.path / "go").unlink()
        (it.path / "started").unlink()
        start = len(watching.lines)
        it.edit("steps_a.py", "return 1\n", "return 2\n")
        while not (it.path / "started").exists():
            time.sleep(0.01)
        it.edit("steps_a.py", "slow + 1", "slow + 100")
        (it.path / "go").touch()
        watching.round(watching.wait_for(END, start) + 1)
        assert it.value("after") == 102


def test_an_edit_of_what_is_being_executed_ends_the_round_and_begins_the_next(project):
    it = project(
        {
            "steps_a.py": """
                import time

                def slow(seconds: float = 0.0) -> float:
                    open("started", "w").close()
                    time.sleep(seconds)
                    return seconds
            """
        }
    )
    with Watching(it) as watching:
        (it.path / "started").unlink()
        start = len(watching.lines)
        it.edit("steps_a.py", "seconds: float = 0.0", "seconds: float = 600.0")
        while not (it.path / "started").exists():
            time.sleep(0.01)
        it.edit("steps_a.py", "seconds: float = 600.0", "seconds: float = 0.01")
        watching.round(watching.wait_for(END, start) + 1)
        assert it.value("slow") == 0.01
    assert [run["status"] for run in it.json("runs")["runs"]] == ["succeeded", "interrupted", "succeeded"]


def test_a_mistake_in_between_does_not_end_what_is_being_executed(project):
    it = project(
        {
            "steps_a.py": """
                import os, time

                def slow() -> int:
                    open("started", "w").close()
                    while not os.path.exists("go"):
                        time.sleep(0.01)
                    return 1
            """
        }
    )
    (it.path / "go").touch()
    with Watching(it) as watching:
        (it.path / "go").unlink()
        (it.path / "started").unlink()
        start = len(watching.lines)
        it.edit("steps_a.py", "return 1", "return 2")
        while not (it.path / "started").exists():
            time.sleep(0.01)
        it.append("steps_a.py", "\ndef broken(:\n")
        time.sleep(1.0)
        (it.path / "go").touch()
        watching.wait_for("error: ", watching.wait_for(END, start))
    assert it.json("runs")["runs"][1]["status"] == "succeeded"


def test_a_training_goes_on_while_the_evaluation_is_edited(project):
    it = project(
        {
            "steps_a.py": """
                import os, time

                def training() -> int:
                    open("started", "w").close()
                    while not os.path.exists("go"):
                        time.sleep(0.01)
                    return 1

                def evaluation(training: int) -> int:
                    return training
            """
        }
    )
    (it.path / "go").touch()
    with Watching(it) as watching:
        (it.path / "go").unlink()
        (it.path / "started").unlink()
        start = len(watching.lines)
        it.edit("steps_a.py", "return 1", "return 2")
        while not (it.path / "started").exists():
            time.sleep(0.01)
        it.edit("steps_a.py", "return training", "return training * 10")
        time.sleep(1.0)  # in which it could have been ended
        (it.path / "go").touch()
        watching.round(watching.wait_for(END, start) + 1)
        assert it.value("evaluation") == 20
    assert {run["status"] for run in it.json("runs")["runs"]} == {"succeeded"}


def test_ctrl_c_tears_fixtures_down_and_leaves_nothing_running(project):
    it = project(
        {
            "steps_a.py": """
                import time, zenconv

                @zenconv.fixture
                def connection():
                    yield 1
                    open("torn_down", "w").close()

                def hang(connection, seconds: float = 0.0) -> int:
                    open("started", "w").close()
                    time.sleep(seconds)
                    return 1
            """
        }
    )
    with Watching(it) as watching:
        (it.path / "torn_down").unlink()
        (it.path / "started").unlink()
        it.edit("steps_a.py", "seconds: float = 0.0", "seconds: float = 600.0")
        while not (it.path / "started").exists():
            time.sleep(0.01)
        children = psutil.Process(watching.process.pid).children(recursive=True)
        assert watching.end() == 130
        assert (it.path / "torn_down").exists()
        assert it.events()[-1].status == "interrupted"
        psutil.wait_procs(children, timeout=30)
        assert not any(child.is_running() for child in children)


def test_a_second_ctrl_c_ends_at_once(project):
    it = project(
        {
            "steps_a.py": """
                import time

                def stubborn(seconds: float = 0.0) -> int:
                    end = time.monotonic() + seconds
                    while time.monotonic() < end:
                        try:
                            open("started", "w").close()
                            time.sleep(0.05)
                        except BaseException:
                            open("first", "w").close()
                    return 1
            """
        }
    )
    with Watching(it) as watching:
        (it.path / "started").unlink(missing_ok=True)
        it.edit("steps_a.py", "seconds: float = 0.0", "seconds: float = 600.0")
        while not (it.path / "started").exists():
            time.sleep(0.01)
        watching.process.send_signal(signal.SIGINT)
        while not (it.path / "first").exists():
            time.sleep(0.01)
        started = time.monotonic()
        assert watching.end() == 130
        assert time.monotonic() - started < 9  # one signal alone would have it killed after 10


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
def test_everything_goes_when_the_watching_process_or_its_terminal_goes(project, number):
    it = project(
        {
            "steps_a.py": """
                import time

                def hang(seconds: float = 0.0) -> int:
                    open("started", "w").close()
                    time.sleep(seconds)
                    return 1
            """
        }
    )
    with hangups(signal.SIG_DFL):
        started = Watching(it)
    with started as watching:
        (it.path / "started").unlink()
        it.edit("steps_a.py", "seconds: float = 0.0", "seconds: float = 600.0")
        while not (it.path / "started").exists():
            time.sleep(0.01)
        children = psutil.Process(watching.process.pid).children(recursive=True)
        assert len(children) >= 3
        code = watching.end(number)
        assert code == (129 if number == signal.SIGHUP else -signal.SIGKILL)
        _, alive = psutil.wait_procs(children, timeout=30)
        assert not alive
    assert it.json("runs")["runs"][0]["status"] == "interrupted"


def test_it_ends_when_nobody_reads_what_it_prints(project):
    it = project({"steps_a.py": SIMPLE})
    watching = it.start("run", "--watch")
    while IDLE not in watching.stderr.readline():
        pass
    watching.stdout.close()
    it.edit("steps_a.py", "return 1\n", "return 5\n")
    assert watching.wait(60) == 141
    watching.stderr.close()
