"""``skip`` and ``skipif``: what does not run, and what waits for it."""

from __future__ import annotations

import pytest

STEPS = """
import os, sys
import zenconv

def raw():
    print("raw runs")
    return 1

@zenconv.mark.skipif(sys.maxsize > 0, reason="needs a smaller machine")
def train(raw): return 2

def metrics(train): return 3

def report(raw, metrics): return 4

@zenconv.mark.skipif(False, reason="never said")
def fine(raw): return raw + 1
"""


@pytest.fixture
def it(project):
    return project({"steps_a.py": STEPS})


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_skipped_step_and_all_that_wait_for_it_are_skipped_with_the_reason(it, workers) -> None:
    for round in ("succeeded", "reused"):
        result = it.run("run", "-n", workers)
        assert it.statuses() == {
            "a::raw": round,
            "a::train": "skipped",
            "a::metrics": "skipped",
            "a::report": "skipped",
            "a::fine": round,
        }
        reasons = it.reasons()
        assert reasons["a::train"] == "needs a smaller machine (steps_a.py:8)"
        chain = "waits for a::train, skipped: needs a smaller machine"
        assert reasons["a::metrics"] == reasons["a::report"] == chain
        assert "3 skipped in" in result.stdout


def test_the_plan_says_what_is_skipped_and_why(it) -> None:
    assert it.plan() == {
        "a::raw": "run",
        "a::train": "skip",
        "a::metrics": "skip",
        "a::report": "skip",
        "a::fine": "run",
    }
    assert "skip: waits for a::train, skipped: needs a smaller machine" in it.run("explain", "report").stdout


def test_what_only_skipped_steps_need_is_not_computed_for_them(it) -> None:
    it.run("run", "report")
    assert it.statuses() == dict.fromkeys(("a::raw", "a::train", "a::metrics", "a::report"), "skipped")
    assert it.reasons()["a::raw"] == "only steps that are skipped need it"
    it.run("run", "report", "fine")
    assert it.executed() == ["a::fine", "a::raw"]


def test_a_step_skipped_for_good_is_so_for_the_collection_index_too(project) -> None:
    text = """
    import zenconv
    def a(): return 1
    @zenconv.mark.skip("broken upstream")
    def b(a): return 2
    @zenconv.mark.skip
    def c(a): return 3
    @zenconv.mark.skip(reason="by name")
    def d(a): return 4
    """
    it = project({"steps_a.py": text, "zenconf.py": ""})
    plans = []
    for _ in ("imported", "indexed"):
        it.run("run", "-q")
        plans.append({node["step"]: node["reason"] for node in it.json("run", "--plan")["nodes"]})
    assert plans[0] == plans[1]
    assert plans[0]["b"] == "broken upstream (steps_a.py:3)"
    assert plans[0]["c"] == "unconditional skip (steps_a.py:5)"
    assert plans[0]["d"] == "by name (steps_a.py:7)"


def test_a_condition_is_looked_at_in_every_run(project) -> None:
    text = """
    import zenconv
    def _is_away(): return __import__("os").path.exists("away")
    @zenconv.mark.skipif(_is_away(), reason="away")
    def a(): return 1
    """
    it = project({"steps_a.py": text})
    it.run("run", "-q")
    assert it.statuses() == {"a::a": "succeeded"}
    (it.path / "away").touch()
    it.run("run", "-q")
    assert it.statuses() == {"a::a": "skipped"}
    (it.path / "away").unlink()
    it.run("run", "-q")
    assert it.statuses() == {"a::a": "reused"}
    assert "decides with skipif while it is imported" in it.run("run", "--plan", "-v").stdout


def test_numbers_and_arrays_may_be_conditions(project) -> None:
    text = """
    import zenconv
    class Truth:
        def __bool__(self): return True
    @zenconv.mark.skipif(1, reason="one")
    def a(): return 1
    @zenconv.mark.skipif(Truth(), reason="truth")
    def b(): return 1
    @zenconv.mark.skipif([], reason="nothing")
    def c(): return 1
    """
    it = project({"steps_a.py": text})
    it.run("run", "-q")
    assert it.statuses() == {"a::a": "skipped", "a::b": "skipped", "a::c": "succeeded"}


def test_of_several_conditions_the_first_that_holds_gives_the_reason(project) -> None:
    text = """
    import zenconv
    zenconvmark = zenconv.mark.skipif(True, reason="the module")
    @zenconv.mark.skipif(True, reason="farther")
    @zenconv.mark.skipif(True, reason="nearer")
    @zenconv.mark.skipif(False, reason="no")
    def a(): return 1
    def b(): return 1
    """
    it = project({"steps_a.py": text})
    it.run("run", "-q")
    reasons = it.reasons()
    assert reasons["a::a"].startswith("nearer")
    assert reasons["a::b"].startswith("the module")


def test_one_branch_may_be_skipped_and_what_collects_them_says_so(project) -> None:
    text = """
    import zenconv
    @zenconv.parametrize("n", [1, zenconv.param(2, marks=zenconv.mark.skip("two is odd")), 3])
    def square(n): return n * n
    def total(square: zenconv.Collect[int]): return sum(square.values())
    """
    it = project({"steps_a.py": text})
    it.run("run", "-q")
    statuses = it.statuses()
    assert [statuses[f"a::square[n={n}]"] for n in (1, 2, 3)] == ["succeeded", "skipped", "succeeded"]
    assert statuses["a::total"] == "skipped"
    assert it.reasons()["a::total"] == "waits for a::square[n=2], skipped: two is odd"


def test_a_condition_that_fails_is_a_mistake_of_the_file(project) -> None:
    text = """
    import zenconv
    class Vague:
        def __bool__(self): raise ValueError("neither")
    @zenconv.mark.skipif(Vague(), reason="x")
    def a(): return 1
    """
    it = project({"steps_a.py": text})
    result = it.run("run", check=2)
    assert "steps_a.py:4: mark 'skipif': the condition is neither true nor false: neither" in result.stderr
