"""Marks as a person uses them: declared, listed, selected, and no part of what is computed."""

from __future__ import annotations

import pytest

STEPS = """
    import zenconv

    def plain(): return 0

    @zenconv.mark.slow
    @zenconv.mark.retry(2, on=OSError)
    def big(plain): return 1

    @zenconv.mark.device(serial="1")
    def board(): return 2
"""
SETTINGS = '[tool.zenconv]\nmarkers = ["slow: takes minutes", "device(serial): runs on a device"]\n'


@pytest.fixture
def it(project):
    return project({"steps_a.py": STEPS, "pyproject.toml": SETTINGS})


def selected(it, expression, **options):
    return sorted(step["step"] for step in it.json("steps", "-m", expression, **options)["steps"])


@pytest.mark.parametrize("is_indexed", [False, True])
def test_m_selects_by_marks_whether_the_project_is_imported_or_not(it, is_indexed) -> None:
    if is_indexed:
        it.run("run")
    names = [(n.partition("::")[2]) for n in it.plan("-m", "slow or device(serial='1')")]
    assert names == ["plain", "big", "board"]
    assert list(it.plan("-m", "device(serial='2') or device")) == ["a::board"]
    assert list(it.plan("-m", "retry and not slow or device")) == ["a::board"]
    if not is_indexed:
        it.run("run", "-m", "slow", "-q")
        assert it.executed() == ["a::big", "a::plain"]


def test_m_that_matches_nothing_tells_which_marks_there_are(it) -> None:
    result = it.run("run", "-m", "slwo", check=5)
    assert "-m 'slwo' matches no step" in result.stderr
    assert "the steps have device, retry, slow" in result.stderr


def test_steps_shows_marks_with_their_arguments_and_places(it) -> None:
    for _ in ("imported", "indexed"):
        steps = {step["step"]: step["marks"] for step in it.json("steps")["steps"]}
        assert steps["plain"] == []
        assert steps["big"] == [
            {"name": "retry", "args": ["2"], "kwargs": {"on": "OSError"}, "where": "steps_a.py:6"},
            {"name": "slow", "args": [], "kwargs": {}, "where": "steps_a.py:5"},
        ]
    assert "marked retry(2, on=OSError), slow" in it.run("steps").stdout


def test_adding_marks_that_change_no_result_runs_nothing_again(it) -> None:
    it.run("run", "-q")
    it.edit("steps_a.py", "def plain", "@zenconv.mark.timeout('10m')\n@zenconv.mark.gpu\ndef plain")
    it.edit("steps_a.py", "retry(2, on=OSError)", "retry(5)")
    it.append("steps_a.py", "\nzenconvmark = zenconv.mark.slow\n")
    it.run("run", "-q")
    assert it.executed() == []


def test_an_undeclared_mark_stops_the_run_before_it_starts(it) -> None:
    it.edit("steps_a.py", "mark.slow", "mark.slwo")
    result = it.run("run", check=2)
    assert "steps_a.py:5: unknown mark 'slwo'\n    did you mean 'slow'?" in result.stderr
    assert 'add "slwo: what it says of a step" to markers, pyproject.toml:2' in result.stderr


def test_strictness_can_be_switched_off_and_on_again(it) -> None:
    it.edit("pyproject.toml", "markers", "strict_markers = false\nmarkers")
    it.edit("steps_a.py", "mark.slow", "mark.slwo")
    assert "warning: steps_a.py:5: unknown mark 'slwo'" in it.run("run").stderr
    assert "unknown mark 'slwo'" in it.run("run", "--strict-markers", check=2).stderr


def test_declaring_a_mark_is_seen_although_no_step_file_changed(it) -> None:
    it.run("run", "-q")
    it.edit("pyproject.toml", '"slow: takes minutes", ', "")
    assert "unknown mark 'slow'" in it.run("run", check=2).stderr


def test_markers_lists_them_without_importing_the_project(it) -> None:
    it.write({"steps_b.py": "raise SystemExit('imported')"})
    lines = it.run("--markers").stdout.splitlines()
    assert lines[:2] == [
        "zenconv.mark.slow: takes minutes",
        "zenconv.mark.device(serial): runs on a device",
    ]
    assert any(line.startswith("zenconv.mark.retry(times=, on=, backoff=, jitter=): ") for line in lines)
    assert it.json("run", "--markers")["markers"][0]["origin"] == "pyproject.toml:2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("markers = ['two words: x']", "pyproject.toml:2: markers[0]: 'two words' is no name for a mark"),
        ("markers = 3", "pyproject.toml:2: markers: expected a list of str, got 3"),
        ("strict_markers = 'no'", "strict_markers: expected true or false, got 'no'"),
        ("timeout = 'soon'", "pyproject.toml:2: timeout: 'soon' is no duration"),
    ],
)
def test_mistakes_in_the_settings_of_marks_are_told_with_their_place(it, text, message) -> None:
    it.write({"pyproject.toml": f"[tool.zenconv]\n{text}\n"})
    assert message in it.run("run", check=4).stderr
