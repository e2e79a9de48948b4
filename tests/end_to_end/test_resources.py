"""``resources`` and ``gpu``: what steps take of this machine while they run."""

from __future__ import annotations

import pytest

WATCHED = """
import os, pathlib, time
import zenconv

class _Inside:
    def __init__(self, name): self.name = name
    def __enter__(self):
        pathlib.Path("inside").mkdir(exist_ok=True)
        (pathlib.Path("inside") / self.name).touch()
        return self
    def __exit__(self, *exc_info):
        self.others = sorted(os.listdir("inside"))
        (pathlib.Path("inside") / self.name).unlink()

def _look(name, seconds=0.4):
    with _Inside(name) as inside:
        time.sleep(seconds)
    return inside.others

def _meet(mine, other):
    pathlib.Path(mine).touch()
    deadline = time.monotonic() + 60
    while not pathlib.Path(other).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return [mine]
"""


@pytest.fixture
def make(project):
    def make(text: str):
        it = project({"steps_a.py": WATCHED})
        it.append("steps_a.py", text)
        return it

    return make


def test_a_step_that_takes_all_slots_runs_alone(make) -> None:
    text = """
    def one() -> list: return _look("one")

    @zenconv.mark.resources(cpu=2)
    def wide() -> list: return _look("wide")

    def two() -> list: return _look("two")
    """
    it = make(text)
    it.run("run", "-q", "-n", "2")
    assert it.value("wide") == ["wide"]


def test_a_gpu_is_one_steps_at_a_time_while_others_run(make) -> None:
    text = """
    @zenconv.mark.gpu
    def first(device: str) -> list: return [device, *_look("first")]

    @zenconv.mark.gpu
    def second(device: str) -> list: return [device, *_look("second")]

    def beside() -> list: return _look("beside", 0.6)
    """
    it = make(text)
    it.run("run", "-q", "-n", "3", env={"ZENCONV_GPUS": "1"})
    first, second = it.value("first"), it.value("second")
    assert first[0] == second[0] == "cuda:0"
    assert not {"first", "second"} <= set(first)
    assert not {"first", "second"} <= set(second)
    it.edit("steps_a.py", '_look("first")', '_meet("first", "second")')
    it.edit("steps_a.py", '_look("second")', '_meet("second", "first")')
    it.run("run", "-q", "-n", "3", env={"ZENCONV_GPUS": "2"})
    assert sorted([it.value("first")[0], it.value("second")[0]]) == ["cuda:0", "cuda:1"]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_without_a_gpu_the_step_runs_without_and_a_note_says_so(make, workers) -> None:
    text = """
    @zenconv.mark.gpu
    def train(device: str) -> str: return device
    """
    it = make(text)
    result = it.run("run", "-n", workers, env={"ZENCONV_GPUS": "0"})
    assert it.value("train") in ("cpu", "mps")
    assert "note: there is no GPU here: a::train run without" in result.stderr
    assert "no GPU" not in it.run("run", env={"ZENCONV_GPUS": "0"}).stderr


def test_the_device_is_no_part_of_the_key(make) -> None:
    it = make("def train(device: str) -> str: return device\n")
    it.run("run", "-q", env={"ZENCONV_GPUS": "1"})
    it.run("run", "-q", env={"ZENCONV_GPUS": "0"})
    assert it.executed() == []
    assert it.value("train") == "cuda:0"


@pytest.mark.parametrize("workers", ["0", "2"])
def test_what_this_machine_cannot_give_is_refused_before_anything_runs(make, workers) -> None:
    text = """
    def first(): ...

    @zenconv.mark.resources(cpu=4096, memory="900TB", gpu=3)
    def huge(first): ...

    @zenconv.mark.resources(gpu=1)
    def other(first): ...
    """
    it = make(text)
    line = it.read("steps_a.py").splitlines().index("def huge(first): ...")
    result = it.run("run", "-n", workers, env={"ZENCONV_GPUS": "0"}, check=4)
    for said in ("needs 4096 cores", "needs 900 TB of memory", "needs 3 GPUs, this machine has 0"):
        assert f"steps_a.py:{line}: a::huge {said}" in result.stderr
    assert "a::other needs 1 GPU, this machine has 0" in result.stderr
    assert not list((it.path / ".zenconv" / "runs").glob("*/events.log"))
    checked = it.run("check", env={"ZENCONV_GPUS": "0"}, check=False)
    assert checked.returncode == 4
    assert "a::huge needs 3 GPUs, this machine has 0" in checked.text
    it.run("run", "-q", "-n", workers, "first", env={"ZENCONV_GPUS": "0"})
    it.run("run", "-q", "-n", workers, "other", env={"ZENCONV_GPUS": "1"})


def test_a_fixture_of_the_run_may_not_ask_for_the_device_of_a_step(make) -> None:
    text = """
    @zenconv.fixture(scope="run")
    def model(device): return device

    def train(model): ...
    """
    it = make(text)
    result = it.run("run", check=2)
    assert "device" in result.stderr
    assert "scope" in result.stderr
