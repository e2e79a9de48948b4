"""Teardowns: in reverse, all of them, whatever failed; and what is told of the failures."""

from __future__ import annotations

import signal

import pytest

from tests.end_to_end.test_crashes import wait_for

NOTING = """
def note(text):
    with open("trace", "a") as stream:
        stream.write(text + "\\n")
"""


def trace(it) -> list[str]:
    return it.read("trace").split("\n")[:-1]


CHAIN = """
import zenconv
from noting import note

@zenconv.fixture
def outer():
    note("outer up")
    yield 1
    note("outer down")
    raise ValueError("outer cannot close")

@zenconv.fixture
def inner(outer):
    note("inner up")
    yield 2
    note("inner down")
    raise KeyError("inner cannot close")
"""


def test_after_a_failed_step_all_teardowns_run_and_every_error_is_told_the_steps_first(project) -> None:
    it = project(
        {
            "noting.py": NOTING,
            "zenconf.py": CHAIN,
            "steps_a.py": "def one(outer, inner): raise RuntimeError('the step itself')\n",
        }
    )
    shown = it.run("run", check=1).stderr
    assert trace(it) == ["outer up", "inner up", "inner down", "outer down"]
    order = [
        "RuntimeError: the step itself",
        "KeyError: 'inner cannot close'",
        "ValueError: outer cannot close",
    ]
    assert sorted(order, key=shown.index) == order
    assert "in the teardown of fixture 'inner' (zenconf.py:12)" in shown
    again = it.run("show").stdout
    assert all(text in again for text in order)


def test_a_step_whose_fixture_cannot_be_torn_down_has_failed_and_is_not_kept(project) -> None:
    it = project({"noting.py": NOTING, "zenconf.py": CHAIN, "steps_a.py": "def one(inner): return 1\n"})
    for _ in range(2):
        shown = it.run("run", check=1).stderr
        assert it.executed() == ["a::one"]
    assert shown.index("KeyError: 'inner cannot close'") < shown.index("ValueError: outer cannot close")
    assert "hint: raised while a fixture was torn down" in shown


def test_after_a_failed_set_up_what_was_set_up_before_is_torn_down(project) -> None:
    it = project(
        {
            "noting.py": NOTING,
            "steps_a.py": """
            import zenconv
            from noting import note

            @zenconv.fixture
            def first():
                note("first up")
                yield 1
                note("first down")

            @zenconv.fixture
            def second(first, request):
                request.addfinalizer(lambda: note("second's finalizer"))
                raise OSError("no second")
                yield
                note("never")

            @zenconv.fixture
            def third(second):
                note("never")

            def one(third): note("never")
            """,
        }
    )
    shown = it.run("run", check=1).stderr
    assert trace(it) == ["first up", "second's finalizer", "first down"]
    assert "OSError: no second" in shown
    assert "fixture 'second' (steps_a.py:11) failed, asked for by" in shown
    assert "fixture 'third' (steps_a.py:18) <- step 'one' (steps_a.py:21)" in shown


FINALIZERS = """
import zenconv
from noting import note

@zenconv.fixture
def resource(request):
    request.addfinalizer(lambda: note("added first"))
    request.addfinalizer(lambda: note("added second"))
    yield 1
    note("after the yield")

@zenconv.fixture
def late():
    yield 2
    note("late down")

def one(resource, request):
    request.getfixturevalue("late")
    request.addfinalizer(lambda: note("the step's own"))
"""


def test_finalizers_run_last_added_first_before_what_they_need_ends(project) -> None:
    it = project({"noting.py": NOTING, "steps_a.py": FINALIZERS})
    it.run("run")
    assert trace(it) == ["the step's own", "late down", "after the yield", "added second", "added first"]


WIDE = """
import zenconv

@zenconv.fixture(scope="{scope}")
def db():
    yield 1
    print("half of it is closed")
    raise ValueError("cannot close")

def one(db) -> int:
    return db
"""


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("scope", ["pipeline", "run"])
def test_a_run_fails_in_which_a_wider_fixture_cannot_be_torn_down_and_its_steps_are_kept(
    project, scope, workers
) -> None:
    it = project({"steps_a.py": WIDE.replace("{scope}", scope)})
    result = it.run("run", "-n", str(workers), check=1)
    assert "error: a teardown failed\n    steps_a.py:7 in db\n" in result.stderr
    assert "ValueError: cannot close" in result.stderr
    assert "in the teardown of fixture 'db' (steps_a.py:4)" in result.stderr
    assert "half of it is closed" in result.stderr
    assert result.stdout.startswith("failed: 1 ran in ")
    assert it.json("runs")["runs"][0]["status"] == "failed"
    it.run("run", "-n", str(workers))
    assert it.reused() == ["a::one"]


def test_a_fixture_yields_exactly_once(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import zenconv

            @zenconv.fixture
            def never():
                return
                yield

            @zenconv.fixture
            def twice():
                yield 1
                yield 2

            def one(never): ...
            def two(twice): ...
            """
        }
    )
    shown = it.run("run", check=1).stderr
    assert "fixture 'never' ended without a yield" in shown
    assert "fixture 'twice' (steps_a.py:9) yields more than once" in shown


def test_a_fixture_is_not_set_up_in_a_teardown(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import zenconv

            @zenconv.fixture
            def late(): return 1

            @zenconv.fixture
            def early(request):
                yield 1
                request.getfixturevalue("late")

            def one(early): ...
            """
        }
    )
    shown = it.run("run", check=1).stderr
    assert "asks for 'late' in its teardown, where nothing is set up any more" in shown
    assert "hint: raised while a fixture was torn down" in shown


SIGNALLED = """
import time
import zenconv
from noting import note

def _fixture(name, scope):
    def make(request):
        yield name
        note(name + " down")
    return zenconv.fixture(scope=scope, name=name)(make)

database = _fixture("database", "run")
session = _fixture("session", "pipeline")
cursor = _fixture("cursor", "step")

def one(database, session, cursor):
    note("one begins")
    time.sleep(60)
"""


@pytest.mark.parametrize("workers", ["0", "1"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_tears_down_every_open_fixture_last_made_first(project, number, code, workers) -> None:
    it = project({"noting.py": NOTING, "steps_a.py": SIGNALLED})
    process = it.start("run", "-n", workers)
    wait_for(it.path / "trace")
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == code
    assert trace(it) == ["one begins", "cursor down", "session down", "database down"]


def test_a_signal_in_a_set_up_tears_down_what_was_there_and_fails_no_other_step(project) -> None:
    it = project(
        {
            "noting.py": NOTING,
            "steps_a.py": """
            import time
            import zenconv
            from noting import note

            @zenconv.fixture(scope="run")
            def first():
                yield 1
                note("first down")

            @zenconv.fixture(scope="run")
            def second(first):
                note("second begins")
                time.sleep(60)
                yield 2

            def one(second): ...
            """,
        }
    )
    process = it.start("run")
    wait_for(it.path / "trace")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert trace(it) == ["second begins", "first down"]
    assert it.statuses() == {"a::one": "interrupted"}


def test_what_failed_in_teardowns_of_an_interrupted_step_is_told_too(project) -> None:
    it = project(
        {
            "noting.py": NOTING,
            "steps_a.py": """
            import time
            import zenconv
            from noting import note

            @zenconv.fixture
            def broken():
                yield 1
                raise ValueError("cannot close")

            def one(broken):
                note("begun")
                time.sleep(60)
            """,
        }
    )
    process = it.start("run")
    wait_for(it.path / "trace")
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert "ValueError: cannot close in the teardown of fixture 'broken' (steps_a.py:6)" in stderr


def test_a_child_that_a_teardown_forked_does_not_go_on_with_the_run(project) -> None:
    it = project(
        {
            "noting.py": NOTING,
            "steps_a.py": """
            import os
            import zenconv
            from noting import note

            @zenconv.fixture(scope="pipeline")
            def wide():
                yield 1
                if not os.fork():
                    return
                os.wait()

            @zenconv.fixture
            def narrow():
                yield 1
                if not os.fork():
                    return
                os.wait()

            def one(wide, narrow): note("one")
            def two(wide): note("two")
            """,
        }
    )
    it.run("run")
    assert trace(it) == ["one", "two"]


ENDING = """
import os
import time
import zenconv

@zenconv.fixture(scope="{scope}")
def resource():
    yield 1
    {ending}
    with open("ended", "w") as stream:
        stream.write("yes")

def first(resource) -> int: return 1
"""


@pytest.mark.parametrize("workers", ["0", "1"])
@pytest.mark.parametrize("scope", ["pipeline", "run"])
def test_a_process_that_ends_in_a_teardown_fails_the_run_and_no_step(project, scope, workers) -> None:
    text = ENDING.replace("{scope}", scope).replace("{ending}", "os._exit(0)")
    it = project({"steps_a.py": text, "steps_b.py": "def second() -> int: return 2\n"})
    result = it.run("run", "-n", workers, check=1)
    assert "while it tore down fixture 'resource' (steps_a.py:6): exited with status 0" in result.stderr
    assert set(it.statuses().values()) <= {"succeeded", "reused"}
    assert it.value("second", "last") == 2


def test_a_slow_teardown_in_a_worker_gets_the_time_it_takes(project) -> None:
    text = ENDING.replace("{scope}", "run").replace("{ending}", "time.sleep(1)")
    it = project({"steps_a.py": text})
    code = """
        import runpy, sys
        import zenconv.engine.workers
        zenconv.engine.workers.GRACE_SECONDS = 0.2  # what a run gets that is stopped
        sys.argv = ["zenconv", "run", "-n", "1"]
        runpy.run_module("zenconv", run_name="__main__")
    """
    assert "1 ran" in it.python(code).stdout
    assert it.read("ended") == "yes"
