"""`zenconv clean` beside runs, several at once, and killed in the middle: nothing that is kept is lost."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

STEPS = """
    import numpy as np

    def raw(size: int = 1000) -> np.ndarray:
        return np.arange(size * 10.0)

    def total(raw: np.ndarray) -> float:
        print("adding up " * 200)
        return float(raw.sum())
"""
ALL = ("clean", "--older-than", "0s", "--yes")

LOAD_ALL = """
    import zenconv
    for run in zenconv.runs():
        for name in ("raw", "total"):
            step = run[name]
            if step.status in ("succeeded", "reused"):
                step.load()
                step.log()
        print(run.id, run.status)
"""


def wait_for(path: Path, process) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def end(process) -> None:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err


@pytest.mark.parametrize("workers", ["0", "2"])
def test_what_a_run_is_about_to_reuse_stays_although_no_record_says_so_yet(project, workers: str) -> None:
    it = project({"steps_a.py": STEPS})
    it.run("run")
    it.write(
        {
            "zenconf.py": """
                import pathlib, time

                def zenconv_plan_ready(plan):
                    pathlib.Path("planned").touch()
                    while not pathlib.Path("go").exists():
                        time.sleep(0.01)
            """
        }
    )
    running = it.start("run", "-n", workers)
    wait_for(it.path / "planned", running)
    data = it.json("clean", "1", "--yes")
    assert data["removed"]["runs"] == [data["runs"][-1]["id"]]
    (it.path / "go").touch()
    end(running)
    assert it.reused() == ["a::raw", "a::total"]
    assert "2-" in it.python(LOAD_ALL).stdout
    assert "adding up" in it.run("logs", "2", "total").stdout


@pytest.mark.parametrize("workers", ["0", "2"])
def test_what_a_step_is_storing_stays_although_an_old_run_wrote_the_same(project, workers: str) -> None:
    it = project(
        {
            "steps_a.py": """
                import pathlib, time
                from collections.abc import Iterator
                import numpy as np
                import zenconv

                @zenconv.mark.nocache
                def parts() -> Iterator[np.ndarray]:
                    yield np.arange(1000.0)
                    yield np.arange(2000.0)
                    pathlib.Path("stored").touch()
                    while not pathlib.Path("go").exists():
                        time.sleep(0.01)

                def total(parts) -> float:
                    return float(sum(part.sum() for part in parts))
            """
        }
    )
    (it.path / "go").touch()
    it.run("run")
    for name in ("go", "stored"):
        (it.path / name).unlink()
    running = it.start("run", "-n", workers)
    wait_for(it.path / "stored", running)
    assert len(it.json("clean", "1", "--yes")["removed"]["runs"]) == 1
    (it.path / "go").touch()
    end(running)
    assert it.python("import zenconv; print(sum(len(p) for p in zenconv.load('parts')))").stdout == "3000\n"


def test_a_running_run_is_never_removed(project) -> None:
    it = project(
        {
            "steps_a.py": """
                import pathlib, time

                def slow() -> int:
                    pathlib.Path("begun").touch()
                    while not pathlib.Path("go").exists():
                        time.sleep(0.01)
                    return 1
            """
        }
    )
    running = it.start("run")
    wait_for(it.path / "begun", running)
    assert it.json(*ALL)["runs"][0]["reason"] == "running"
    assert "is running" in it.run("clean", "1", "--yes", check=4).text
    (it.path / "go").touch()
    end(running)
    assert it.value("slow") == 1


def test_killed_at_any_moment_it_leaves_whole_runs_and_the_next_clean_goes_on(project) -> None:
    it = project({"steps_a.py": STEPS})
    chance = random.Random(5)
    for number in range(4):
        for size in range(2):
            it.run("run", "--set", f"size={1000 + 10 * number + size}")
        cleaning = it.start(*ALL)
        time.sleep(chance.uniform(0.1, 0.35))
        cleaning.send_signal(signal.SIGKILL)
        cleaning.communicate()
        assert "succeeded" in it.python(LOAD_ALL).stdout
    it.run(*ALL)
    assert len(it.python(LOAD_ALL).stdout.splitlines()) == 1
    blobs = list((it.path / ".zenconv" / "store" / "objects").glob("*/*"))
    assert len(blobs) == 2  # the array and the text
    assert it.json(*ALL)["leftovers"] == []


def test_runs_and_cleans_side_by_side_lose_nothing(project) -> None:
    it = project({"steps_a.py": STEPS})
    for size in range(4):
        it.run("run", "--set", f"size={1000 + size}")
    chance = random.Random(6)
    for _ in range(3):
        sizes = [1000 + chance.randrange(4) for _ in range(2)]
        processes = [it.start("run", "--set", f"size={size}") for size in sizes]
        processes += [it.start(*ALL), it.start("clean", "--keep-last", "1", "--yes")]
        for process in processes:
            end(process)
        assert "succeeded" in it.python(LOAD_ALL).stdout
