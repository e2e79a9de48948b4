"""`zenconv clean` on a store that other projects use, too: what they need stays."""

from __future__ import annotations

import shutil
import time

import pytest

STEPS = """
    import os
    import numpy as np
    import zenconv

    def raw(size: int = 1000) -> np.ndarray:
        return np.arange(size * 10.0)

    @zenconv.mark.nocache
    def dice(raw: np.ndarray) -> bytes:
        return os.urandom(3000)
"""
SETTINGS = 'stack = "team"\n[stacks.team]\ntrust = "forbid"\nartifact_store = "{}"\n'


@pytest.fixture
def shared(request, tmp_path):
    kind = getattr(request, "param", "file")
    return f"{tmp_path}/shared" if kind == "folder" else f"file://{tmp_path}/shared"


BOTH_KINDS = pytest.mark.parametrize("shared", ["folder", "file"], indirect=True)


@pytest.fixture
def two(project, shared):
    """Two projects with the same code, of which the second reuses what the first has computed."""
    both = [project({"steps_a.py": STEPS, "zenconv.toml": SETTINGS.format(shared)}) for _ in range(2)]
    for it in both:
        it.run("run")
    assert both[1].reused() == ["a::raw"]
    return both


def blobs(tmp_path) -> int:
    return len(list((tmp_path / "shared" / "objects").glob("*/*")))


@BOTH_KINDS
def test_what_another_project_reused_stays_when_its_maker_cleans(two, tmp_path) -> None:
    mine, theirs = two
    mine.run("run", "--set", "size=500")
    dice = theirs.value("dice")
    assert blobs(tmp_path) == 5  # two arrays, three throws
    removed = mine.json("clean", "1", "2", "--yes")["removed"]
    assert removed["blobs"] == 3  # its array of its own, and its throws
    assert theirs.value("raw") == theirs.value("raw", "1")
    assert theirs.value("dice") == dice
    assert blobs(tmp_path) == 2
    theirs.run("run")
    assert theirs.reused() == ["a::raw"]


def test_what_another_project_has_made_is_not_mine_to_remove(two, tmp_path) -> None:
    mine, theirs = two
    theirs.run("run", "--set", "size=500")
    assert mine.json("clean", "--older-than", "0s", "--yes")["removed"]["blobs"] == 0
    mine.run("clean", "1", "--yes")
    theirs.run("run", "--set", "size=500")
    assert theirs.reused() == ["a::raw"]
    # Nor is it, although I vouch for the store, as long as its runs are kept.
    time.sleep(0.01)
    mine.run("clean", "--others", "--older-than", "1h", "--yes")
    for number in "123":
        assert theirs.value("dice", number) is not None


def test_what_a_vanished_project_had_goes_when_i_vouch_for_the_store(two, tmp_path) -> None:
    mine, theirs = two
    shutil.rmtree(theirs.path)
    assert mine.json("clean", "--older-than", "0s", "--yes")["removed"]["blobs"] == 0
    assert mine.json("clean", "--others", "--older-than", "0s", "--yes")["removed"]["blobs"] == 1
    assert mine.value("dice") is not None
    assert blobs(tmp_path) == 2


def test_a_run_that_was_killed_is_pinned_by_the_next_one(two, tmp_path) -> None:
    mine, theirs = two
    theirs.append(
        "steps_a.py",
        "\n\ndef end(dice) -> None:\n    os.kill(os.getppid(), 9)\n    os.kill(os.getpid(), 9)\n",
    )
    theirs.run("run", check=False)
    theirs.run("run", "raw")
    mine.run("clean", "1", "--yes")
    assert theirs.json("runs")["runs"][1]["status"] == "interrupted"
    assert theirs.value("dice", "2") is not None
    assert theirs.value("raw", "2") == theirs.value("raw", "1")


@BOTH_KINDS
def test_beside_a_run_of_another_project_nothing_that_it_found_is_lost(two, tmp_path) -> None:
    mine, theirs = two
    theirs.write(
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
    theirs.run("clean", "1", "--yes")  # its pin is gone, too
    running = theirs.start("run")
    while not (theirs.path / "planned").exists():
        assert running.poll() is None, running.communicate()
    mine.run("clean", "1", "--yes")
    (theirs.path / "go").touch()
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, out + err
    assert theirs.reused() == ["a::raw"]
    assert theirs.value("raw") is not None
    mine.run("clean", "--yes")  # what had to wait for the end of that run
    assert theirs.value("raw") is not None
    assert blobs(tmp_path) == 2


def test_copies_of_a_remote_store_go_with_the_runs_that_needed_them(project, tmp_path) -> None:
    it = project({"steps_a.py": STEPS, "zenconv.toml": SETTINGS.format(f"file://{tmp_path}/shared")})
    it.run("run")
    it.run("run", "--set", "size=500")
    copies = it.path / ".zenconv" / "remote-cache"
    assert len(list(copies.glob("*/objects/*/*"))) == 4
    it.run("clean", "1", "--yes")
    assert len(list(copies.glob("*/objects/*/*"))) == 2
    assert it.value("raw") is not None
