"""What a person reads when something goes wrong: the place, the name, the way out; no frame of zenconv.

The errors met here are `NothingSelected`, `UsageError`, `CollectionError`, `ProjectError`, `FixtureError`,
`SaveError`, and in Python `RunFailed`, which is an `ExecutionError`.
"""

from __future__ import annotations

import pytest

ONE_STEP = {"steps_a.py": "def one() -> int:\n    return 1\n"}


def assert_is_calm(result):
    """No traceback through zenconv, and not more than a screen."""
    assert "Traceback" not in result.text
    assert "site-packages/zenconv" not in result.text
    assert "zenconv/engine" not in result.text
    assert len(result.text.splitlines()) < 40


def test_a_keyword_that_matches_nothing_is_exit_code_5(project):
    result = project(ONE_STEP).run("run", "-k", "nothing_like_it", check=5)
    assert "nothing_like_it" in result.stderr
    assert_is_calm(result)


def test_an_unknown_target_names_what_is_meant(project):
    result = project(ONE_STEP).run("run", "oen", check=4)
    assert "did you mean" in result.stderr
    assert "one" in result.stderr
    assert_is_calm(result)


def test_a_typo_in_a_parameter_is_found_before_anything_runs(project):
    it = project(
        {"steps_a.py": "def orders():\n    return []\n\n\ndef total(oders):\n    return len(oders)\n"}
    )
    result = it.run("run", check=2)
    assert "steps_a.py:5" in result.stderr
    assert "orders" in result.stderr
    assert_is_calm(result)


def test_all_mistakes_are_shown_together(project):
    it = project(
        {
            "steps_a.py": "def one(missing_a): return missing_a\n",
            "steps_b.py": "def two(missing_b): return missing_b\n",
        }
    )
    result = it.run("run", check=2)
    assert "missing_a" in result.stderr
    assert "missing_b" in result.stderr


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("def one(:\n    return 1\n", "steps_a.py:1"),
        ("import not_there_at_all\n", "steps_a.py:1"),
        ("x = 1\n1 / 0\n", "steps_a.py:2"),
        ("def one():\n    return 1\n\n\ndef one():\n    return 2\n", "steps_a.py:5"),
        ("def a(b):\n    return b\n\n\ndef b(a):\n    return a\n", "steps_a.py:1"),
        ("import sys\nsys.exit(0)\n", "steps_a.py:2"),
    ],
    ids=["syntax", "import", "exception", "duplicate", "cycle", "exit"],
)
def test_a_mistake_in_a_file_is_shown_with_its_line(project, text, where):
    result = project({"steps_a.py": text}).run("run", check=2)
    assert where in result.stderr
    assert_is_calm(result)


def test_bytes_that_are_no_utf8_are_named(project):
    result = project({"steps_a.py": b"def one():\n    return '\xff'\n"}).run("run", check=2)
    assert "steps_a.py" in result.stderr
    assert_is_calm(result)


def test_a_project_that_ends_its_process_at_import_is_told_apart(project):
    result = project({"steps_a.py": "import os\nos._exit(0)\n"}).run("run", check=False)
    assert result.returncode not in (0, 3)
    assert "steps_a" in result.stderr
    assert_is_calm(result)


def test_the_plan_of_a_project_that_ends_its_process_says_so(project):
    result = project({"steps_a.py": "import os\nos._exit(0)\n"}).run("run", "--plan", check=False)
    assert result.returncode != 0
    assert "the process ended" in result.stderr
    assert_is_calm(result)


def test_a_fixture_that_fails_is_named_with_its_place(project):
    it = project(
        {
            "zenconf.py": """
                import zenconv

                @zenconv.fixture
                def database():
                    raise OSError("no route to host")
            """,
            "steps_a.py": "def one(database):\n    return 1\n",
        }
    )
    result = it.run("run", check=1)
    assert "database" in result.text
    assert "no route to host" in result.text
    assert "zenconf.py:" in result.text
    assert_is_calm(result)


def test_an_output_that_cannot_be_stored_names_step_and_type(project):
    it = project({"steps_a.py": "import threading\n\n\ndef one():\n    return {'key': threading.Lock()}\n\n\n"
                                "def two(one):\n    return 2\n"})  # fmt: skip
    result = it.run("run", check=1)
    assert "steps_a.py::one: cannot store a dict" in result.text
    assert "its member ['key'] is a _thread.lock" in result.text
    assert "hint:" in result.text
    assert_is_calm(result)


def test_a_failed_run_raises_in_python_and_names_the_run(project):
    it = project({"steps_a.py": "def one():\n    return 1 / 0\n"})
    done = it.python(
        """
        import zenconv
        from zenconv.errors import ExecutionError
        from zenconv.notebook import RunFailed

        try:
            zenconv.Project().run(quiet=True)
        except RunFailed as error:
            assert isinstance(error, ExecutionError)
            print(error.run["one"].status, error.exit_code)
            print(error)
        """
    )
    first, *rest = done.stdout.splitlines()
    assert first == "failed 1"
    assert "ZeroDivisionError" in "\n".join(rest)
    assert "zenconv show" in "\n".join(rest)


def test_a_folder_without_a_project_says_how_to_begin(project):
    result = project().run("run", check=4)
    assert "steps_" in result.stderr
    assert_is_calm(result)
