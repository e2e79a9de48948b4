"""Values on the command line and in the settings that no step takes."""

from __future__ import annotations

import pytest

from tests.project.asking import error_of


def test_set_of_a_name_that_a_step_provides_names_override(project) -> None:
    error = error_of(project({"steps_a.py": "def raw(): ...\ndef a(raw): ...\n"}, sets=("raw=1",)))
    assert error.exit_code == 4
    assert "--set raw: 'raw' is no parameter; step 'raw' (steps_a.py:1) provides it" in str(error)
    assert "--override raw=PATH" in str(error)


def test_set_of_a_name_that_nobody_takes_is_an_error(project) -> None:
    error = error_of(project({"steps_a.py": "def a(depth=1): ...\n"}, sets=("dept=1",)))
    assert error.exit_code == 4
    assert "--set dept: no step has a parameter 'dept'" in str(error)
    assert "did you mean 'depth'?" in str(error)


def test_a_key_that_nobody_takes_is_a_warning(project) -> None:
    files = {"zenconv.toml": "[params]\ndept = 1\n", "steps_a.py": "def a(depth=1): ...\n"}
    opened = project(files)
    opened.checked()
    (warning,) = opened.warnings
    assert "zenconv.toml:2: params.dept is not used: no step has a parameter 'dept'" in str(warning)


def test_where_nothing_is_near_the_projects_own_names_are_listed(project) -> None:
    text = "def raw(zzz): ...\ndef clean(requst): ...\n"
    problems = error_of(project({"steps_a.py": text})).problems
    assert [problem.exists for problem in problems] == ["available: clean", "did you mean 'request'?"]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("Depth", "params.Depth is not used: no step has a parameter 'Depth'\n    did you mean 'depth'?"),
        ("other", "params.other is not used: no step has a parameter 'other'\n    available: depth"),
        (
            "b.depth",
            "params.b.depth is not used: nothing called 'b' has a parameter 'depth'\n"
            "    'depth' is a parameter of a",
        ),
    ],
)
def test_what_nobody_takes_is_told_with_what_is_meant(project, key: str, text: str) -> None:
    files = {"zenconv.toml": f'[params]\n"{key}" = 1\n', "steps_a.py": "def a(log, depth=1): ...\n"}
    opened = project(files)
    opened.checked()
    assert [str(warning) for warning in opened.warnings] == [f"zenconv.toml:2: {text}"]
