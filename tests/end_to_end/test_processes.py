"""Worker processes, ``-n``: the same runs as without them, side by side, and their ends."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end import test_crashes, test_running, test_values
from tests.end_to_end.test_crashes import is_alive, wait_for


def add_workers(args: tuple[str | Path, ...]) -> tuple[str | Path, ...]:
    return (*args, "-n", "3") if args[:1] == ("run",) and "-n" not in args else args


@pytest.fixture
def parallel(project) -> Callable:
    """Make projects of which every run has workers."""

    def make(*args, **options):
        it = project(*args, **options)
        run, start = it.run, it.start
        it.run = lambda *args, **more: run(*add_workers(args), **more)
        it.start = lambda *args, **more: start(*add_workers(args), **more)
        return it

    return make


SCENARIOS = [
    test_running.test_a_consumer_may_change_its_input_and_nobody_else_sees_it,
    test_running.test_a_failure_shows_the_users_frames_and_stops_only_what_depends_on_it,
    test_running.test_a_flipped_bit_is_noticed_and_recomputed_in_the_same_run,
    test_running.test_two_runs_at_once_compute_a_step_once,
    test_running.test_output_belongs_to_its_step_and_stays_when_the_step_is_reused,
    test_running.test_a_secret_is_in_no_file,
    test_values.test_a_live_value_is_made_again_in_each_consumer,
    test_values.test_nocache_and_now_run_every_time_and_dependents_by_content,
    test_crashes.test_nothing_that_was_done_before_a_crash_is_done_again,
    test_crashes.test_a_second_interrupt_ends_at_once,
    test_crashes.test_a_killed_run_is_shown_as_interrupted_and_loses_nothing,
    test_crashes.test_a_killed_runner_fails_its_step_and_the_run_goes_on,
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_with_workers_a_run_is_as_without(parallel, scenario) -> None:
    assert list(inspect.signature(scenario).parameters) == ["project"]
    scenario(parallel)


@pytest.mark.parametrize("kind", ["exit", "segfault", "kill", "fork", "close"])
def test_a_step_that_ends_its_worker_fails_and_the_rest_goes_on(parallel, kind: str) -> None:
    test_crashes.test_a_step_that_ends_its_process_fails_and_the_rest_goes_on(parallel, kind)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_tears_fixtures_down_in_workers_too(parallel, number: int, code: int) -> None:
    test_crashes.test_a_signal_tears_fixtures_down_and_ends_with_its_code(parallel, number, code)


def family(root: Path) -> list[int]:
    """Return the processes whose current folder is `root`: the run, its workers, what these started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "cwd") == str(root):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def wait_until_alone(root: Path, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while family(root) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert family(root) == []


SIDE_BY_SIDE = """
import os, pathlib, time

def _meet(me: str, other: str) -> bool:
    pathlib.Path(me).write_text(str(os.getpid()))
    deadline = time.monotonic() + 60
    while not pathlib.Path(other).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return pathlib.Path(other).exists()

def left() -> bool:
    print("left speaks")
    met = _meet("left", "right")
    print("left ends")
    return met

def right() -> bool:
    print("right speaks")
    met = _meet("right", "left")
    print("right ends")
    return met
"""


def test_steps_run_side_by_side_and_their_output_is_kept_apart(project) -> None:
    it = project({"steps_a.py": SIDE_BY_SIDE})
    it.run("run", "-n", "2")
    assert (it.value("left"), it.value("right")) == (True, True)
    assert it.read("left") != it.read("right")
    assert it.run("logs", "left").stdout == "left speaks\nleft ends\n"
    assert it.run("logs", "right").stdout == "right speaks\nright ends\n"
    assert family(it.path) == []


def test_where_one_step_waits_for_the_other_workers_are_started_one_by_one(project) -> None:
    it = project(
        {
            "steps_a.py": """
                import os, time
                def _note(text):
                    with open("imports", "a") as stream:
                        stream.write(text + chr(10))
                _note("begins")
                time.sleep(0.1)
                _note("ends")
                def first() -> None: time.sleep(0.5)
                def second(first) -> None: time.sleep(0.5)
                def third(second): return 1
                """
        }
    )
    it.run("run", "-n", "3")
    lines = it.read("imports").splitlines()
    assert len(lines) >= 4  # those of the runner, and of at least one worker
    assert lines == (["begins", "ends"] * len(lines))[: len(lines)]


def test_with_s_every_line_says_whose_it_is(project) -> None:
    it = project({"steps_a.py": SIDE_BY_SIDE})
    shown = it.run("run", "-n", "2", "-s").stdout.splitlines()
    assert sorted(line for line in shown if line.startswith("[")) == [
        "[steps_a.py::left] left ends",
        "[steps_a.py::left] left speaks",
        "[steps_a.py::right] right ends",
        "[steps_a.py::right] right speaks",
    ]


def test_the_stack_can_ask_for_workers(project) -> None:
    settings = "[tool.zenconv]\n[tool.zenconv.stacks.local]\nworkers = 2\n"
    it = project({"steps_a.py": SIDE_BY_SIDE, "pyproject.toml": settings})
    it.run("run")
    assert it.value("left") is True
    for name in ("left", "right"):
        (it.path / name).unlink()
    orchestrator = '[tool.zenconv]\n[tool.zenconv.stacks.local]\norchestrator = {id="processes", workers=2}\n'
    it.write({"pyproject.toml": orchestrator})
    it.run("run", "--force", "left", "--force", "right")
    assert it.read("left") != it.read("right")
    assert "-n many: expected a number" in it.run("run", "-n", "many", check=4).stderr


def test_fixtures_are_made_once_in_each_worker_and_torn_down_there(project) -> None:
    it = project(
        {
            "zenconf.py": """
import os
import zenconv

def note(text):
    with open("trace", "a") as stream:
        stream.write(f"{text} {os.getpid()}\\n")

@zenconv.fixture(scope="run")
def database():
    note("database up")
    yield 1
    note("database down")

@zenconv.fixture(scope="pipeline")
def session(database):
    note("session up")
    yield 2
    note("session down")
""",
            "steps_a.py": "import time\n"
            + "\n".join(
                f"def s{n}(session) -> int:\n    time.sleep(0.02)\n    return {n}\n" for n in range(12)
            ),
        }
    )
    it.run("run", "-n", "2")
    lines = [line.rsplit(" ", 1) for line in it.read("trace").splitlines()]
    workers = {pid for _, pid in lines}
    assert len(workers) in (1, 2)
    for worker in workers:
        mine = [text for text, pid in lines if pid == worker]
        assert mine == ["database up", "session up", "session down", "database down"]


def test_a_thousand_small_steps(project) -> None:
    steps = "".join(f"def s{n}(s{n - 1}) -> int:\n    return s{n - 1} + 1\n\n" for n in range(1, 500))
    more = "".join(f"def t{n}() -> int:\n    return {n}\n\n" for n in range(500))
    it = project({"steps_a.py": f"def s0() -> int:\n    return 0\n\n{steps}{more}"})
    it.run("run", "-q", "-n", "2")
    assert Counter(it.statuses().values()) == {"succeeded": 1000}
    assert it.value("s499") == 499
    it.run("run", "-q", "-n", "2")
    assert Counter(it.statuses().values()) == {"reused": 1000}


def test_a_big_array_goes_from_worker_to_worker_and_threads_are_divided(project) -> None:
    pytest.importorskip("numpy")
    it = project(
        {
            "steps_a.py": """
import os
import numpy as np

def big() -> np.ndarray:
    return np.arange(8_000_000, dtype=np.float64)

def first(big) -> float:
    big[0] = 1e9
    return float(big[:3].sum())

def second(big) -> float:
    return float(big[:3].sum())

def threads() -> str:
    return os.environ["OMP_NUM_THREADS"]
"""
        }
    )
    it.run("run", "-n", "2", env={"OMP_NUM_THREADS": "7"})
    assert (it.value("first"), it.value("second"), it.value("threads")) == (1e9 + 3, 3.0, "7")
    frames = sum(len(line) for line in (it._run_folder(None) / "events.log").open("rb"))
    assert frames < 100_000


def test_numerical_libraries_get_their_share_of_the_cores(project) -> None:
    it = project(
        {"steps_a.py": "import os\n\ndef threads() -> str:\n    return os.environ['MKL_NUM_THREADS']\n"}
    )
    it.run("run", "-n", "64", env={})
    if "MKL_NUM_THREADS" not in os.environ:
        from zenconv.settings.cores import count_cores

        assert it.value("threads") == str(count_cores())  # one step, so one worker


KILLED = """
import os, pathlib, subprocess, time

def left() -> int:
    child = subprocess.Popen(["sleep", "60"])
    pathlib.Path("child").write_text(str(child.pid))
    pathlib.Path("left").write_text(str(os.getpid()))
    time.sleep(60)
    return 1

def right() -> int:
    pathlib.Path("right").write_text(str(os.getpid()))
    time.sleep(60 if not pathlib.Path("go").exists() else 0)
    return 2
"""


@pytest.mark.parametrize(("count", "names"), [("2", ("left", "right", "child")), ("0", ("left", "child"))])
def test_steps_end_with_their_leader_and_so_does_what_they_started(project, count: str, names: tuple) -> None:
    it = project({"steps_a.py": KILLED})
    process = it.start("run", "-n", count)
    pids = [int(wait_for(it.path / name)) for name in names]
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 30
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(is_alive, pids))
    wait_until_alone(it.path)


def test_workers_end_when_the_runner_is_killed_and_what_they_did_is_done_again(project) -> None:
    it = project({"steps_a.py": KILLED})
    process = it.start("run", "-n", "2")
    left = int(wait_for(it.path / "left"))
    wait_for(it.path / "right")
    server = int(Path(f"/proc/{left}/stat").read_text().rpartition(")")[2].split()[1])
    runner = int(Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[1])
    it.edit("steps_a.py", "time.sleep(60)\n    return 1", "return 1")
    it.write({"go": "now"})
    os.kill(runner, signal.SIGKILL)
    assert process.wait(timeout=60) == 0
    process.communicate()
    assert it.statuses() == {"a::left": "succeeded", "a::right": "succeeded"}
    assert not is_alive(left)
    subprocess.run(["kill", it.read("child")], check=False)


def test_a_killed_worker_costs_only_its_step(project) -> None:
    it = project({"steps_a.py": KILLED})
    process = it.start("run", "-n", "2")
    left, child = int(wait_for(it.path / "left")), int(wait_for(it.path / "child"))
    wait_for(it.path / "right")
    os.kill(left, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(child)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    process.communicate()
    assert it.statuses() == {"a::left": "failed", "a::right": "interrupted"}
    wait_until_alone(it.path)


def test_an_interrupted_run_leaves_nobody_behind(project) -> None:
    it = project({"steps_a.py": KILLED.replace("time.sleep(60)\n    return 1", "child.wait()\n    return 1")})
    process = it.start("run", "-n", "2")
    pids = [int(wait_for(it.path / name)) for name in ("left", "right")]
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    process.communicate()
    assert [is_alive(pid) for pid in pids] == [False, False]
    assert it.statuses() == {"a::left": "interrupted", "a::right": "interrupted"}


def test_x_starts_nothing_more_but_lets_what_runs_end(project) -> None:
    it = project(
        {
            "steps_a.py": """
import pathlib, time

def _wait_until(is_so):
    deadline = time.monotonic() + 60
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)

def _bad_is_told() -> bool:
    logs = pathlib.Path(".zenconv/runs").glob("*/events.log")
    return any(b'"step_finished"' in line and b"::bad" in line for log in logs for line in log.open("rb"))

def bad() -> int:
    _wait_until(pathlib.Path("under way").exists)
    raise ValueError("no")

def beside() -> int:
    pathlib.Path("under way").touch()
    _wait_until(_bad_is_told)
    return 1

def later(beside) -> int:
    return 2
"""
        }
    )
    it.run("run", "-x", "-n", "2", check=1)
    assert it.statuses() == {"a::bad": "failed", "a::beside": "succeeded", "a::later": "skipped"}


def test_workers_execute_the_code_that_was_fingerprinted(project) -> None:
    it = project(
        {
            "helper.py": "def answer() -> int:\n    return 1\n",
            "steps_a.py": """
import pathlib
import helper

if not pathlib.Path("edited").exists():  # the runner comes first
    pathlib.Path("edited").write_text("yes")
    pathlib.Path("helper.py").write_text("def answer() -> int:\\n    return 2\\n")

def result() -> int:
    return helper.answer()
""",
        }
    )
    it.run("run", "-n", "2")
    assert it.value("result") == 1
    it.run("run", "-n", "2")
    assert (it.executed(), it.value("result")) == (["a::result"], 2)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("raise RuntimeError('not twice')", "RuntimeError: not twice"),
        ("os._exit(3)", "a worker ended while importing steps_a.py: exited with status 3"),
        ("del one", "the step is not there when a worker imports the project"),
    ],
)
def test_a_module_that_only_the_runner_can_import(project, body: str, text: str) -> None:
    it = project(
        {
            "steps_a.py": f"""
import os, pathlib

def one() -> int:
    return 1

if pathlib.Path("once").exists():
    {body}
pathlib.Path("once").write_text("yes")
"""
        }
    )
    result = it.run("run", "-n", "2", check=1 if "del" in body else 2)
    assert text in result.stderr


def test_two_consumers_of_one_damaged_result_have_it_computed_once(project) -> None:
    consumers = "".join(
        f"def use{n}(raw, extra: int = 0) -> int:\n    return sum(raw) + extra + {n}\n\n" for n in range(6)
    )
    it = project({"steps_a.py": f"def raw() -> list[int]:\n    return list(range(5000))\n\n{consumers}"})
    it.run("run", "-n", "3")
    (blob,) = test_running.blobs(it.path)
    data = bytearray(blob.read_bytes())
    data[100] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(bytes(data))
    it.run("run", "-n", "3", "--set", "extra=1")
    finished = Counter(e.node for e in it.events() if e.name == "step_finished" and e.status == "succeeded")
    assert set(finished.values()) == {1}
    assert len(finished) == 7
    assert [it.value(f"use{n}") for n in (0, 5)] == [sum(range(5000)) + 1, sum(range(5000)) + 6]


POOLS = """
    def library():
        import joblib
        return joblib.Parallel(2)(joblib.delayed(abs)(i) for i in range(3))
    def endless():
        import threading
        from concurrent.futures import ThreadPoolExecutor
        ThreadPoolExecutor(1).submit(threading.Event().wait)
        return 1
"""


@pytest.mark.parametrize("workers", ["0", "1"])
@pytest.mark.parametrize("step", ["library", "endless"])
def test_pools_that_a_step_leaves_behind_do_not_hold_up_the_end(project, step, workers):
    made = project({"steps_a.py": POOLS})
    made.run("run", step, "-n", workers, timeout=60)  # joblib's processes would go by themselves after 300 s
    assert made.executed() == [f"a::{step}"]
