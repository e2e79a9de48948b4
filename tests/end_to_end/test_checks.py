"""`check_*` functions: run after what they ask for, tell the values, end with exit code 10."""

from __future__ import annotations

import pytest

CHECKED = """
    def raw() -> list[float]:
        return [1.0, 2.0, 3.0]

    def metrics(raw: list[float]) -> dict[str, float]:
        return {"auc": sum(raw) / 10, "n": len(raw)}

    def check_auc(metrics: dict[str, float], lowest: float = 0.5):
        assert metrics["auc"] > lowest

    def check_rows(raw):
        assert len(raw) == 3, "rows are missing"
    """


def test_checks_run_with_their_pipeline_and_are_reused(project):
    it = project({"steps_t.py": CHECKED})
    result = it.run("run")
    assert "t::check_auc   passed" in result.stderr
    assert it.executed() == ["t::check_auc", "t::check_rows", "t::metrics", "t::raw"]
    it.run("run")
    assert it.executed() == []


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_failed_check_is_exit_code_10_and_tells_the_values(project, workers):
    it = project({"steps_t.py": CHECKED})
    failed = it.run("run", "-n", workers, "--set", "lowest=0.7", check=10)
    for line in (
        'assert metrics["auc"] > lowest',
        "AssertionError: assert 0.6 > 0.7",
        " +  where 0.6 = metrics['auc']",
        " +    where metrics = {'auc': 0.6, 'n': 3}",
    ):
        assert line in failed.stderr
    assert it.statuses()["t::check_rows"] == "succeeded"
    assert "assert 0.6 > 0.7" in it.run("show").stdout
    assert it.json("runs")["runs"][0]["status"] == "failed"
    it.run("run", "--set", "lowest=0.7", check=10)
    assert it.executed() == ["t::check_auc"]
    it.run("run")


def test_a_failed_step_counts_more_than_a_failed_check(project):
    it = project({"steps_t.py": CHECKED})
    it.append("steps_t.py", "\ndef broken(): raise ValueError\n")
    it.run("run", "--set", "lowest=0.7", check=1)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise KeyError('auc')", "KeyError: 'auc'"),
        ("import os; os._exit(0)", "the step ended its process"),
        ("return metrics['auc'] > 0.5", "check_it returned True; a check asserts"),
    ],
)
def test_a_check_that_ends_otherwise_has_failed(project, body, message):
    it = project({"steps_t.py": CHECKED})
    it.append("steps_t.py", f"\ndef check_it(metrics):\n    {body}\n")
    assert message in it.run("run", check=10).stderr


def test_a_check_gives_nothing_that_could_be_asked_for(project):
    it = project({"steps_t.py": CHECKED})
    it.append("steps_t.py", "\ndef after(check_auc): return 1\n")
    assert "'check_auc' is a check (steps_t.py:7): it gives no value" in it.run("run", check=2).stderr


def test_a_target_brings_its_ancestors_and_no_checks(project):
    it = project({"steps_t.py": CHECKED})
    it.run("run", "metrics")
    assert it.executed() == ["t::metrics", "t::raw"]
    it.run("run", "check_rows")
    assert it.executed() == ["t::check_rows"]


def test_shared_checks_are_part_of_every_pipeline_that_has_what_they_ask_for(project):
    it = project(
        {
            "zenconf.py": """
            def check_positive(raw):
                assert min(raw) > 0

            def check_idle(nobody_has_this):
                assert nobody_has_this
            """,
            "steps_a.py": "def raw(): return [1]\n",
            "steps_b.py": "def raw(): return [-1]\n",
            "steps_c.py": "def other(): return 1\n",
            "eu/zenconf.py": "def check_positive(raw):\n    assert max(raw) < 100\n",
            "eu/steps_d.py": "def raw(): return [500]\n",
        }
    )
    failed = it.run("run", check=10)
    statuses = it.statuses()
    assert {node: status for node, status in statuses.items() if "check" in node} == {
        "a::check_positive": "succeeded",
        "b::check_positive": "failed",
        "eu/d::check_positive": "failed",
    }
    assert "assert 500 < 100" in failed.stderr
    assert "check 'check_idle' is part of no pipeline" in failed.stderr


def test_checks_of_branches_and_of_all_of_them(project):
    it = project(
        {
            "steps_f.py": """
            import zenconv
            from zenconv import Collect

            @zenconv.parametrize("C", [1, 5])
            def score(C: int) -> int: return C
            def check_score(score): assert score < 3
            def check_all(score: Collect[int]): assert sum(score.values()) == 6
            """
        }
    )
    it.run("run", check=10)
    statuses = it.statuses()
    assert (statuses["f::check_score[C=1]"], statuses["f::check_score[C=5]"]) == ("succeeded", "failed")
    assert statuses["f::check_all"] == "succeeded"


def test_checks_can_be_called_like_any_function(project):
    it = project({"steps_t.py": CHECKED})
    code = "import steps_t; steps_t.check_rows([1, 2, 3]); steps_t.check_auc({'auc': 0.9})"
    assert it.python(code).returncode == 0


def test_what_an_assertion_says_does_not_change_the_fingerprint(project):
    it = project({"steps_t.py": CHECKED})
    it.run("run")
    it.edit("steps_t.py", "assert len(raw) == 3", "# three\n        assert  len(raw)  == 3")
    it.run("run")
    assert it.executed() == []
    it.edit("steps_t.py", "assert  len(raw)  == 3", "assert len(raw) >= 3")
    it.run("run")
    assert it.executed() == ["t::check_rows"]
