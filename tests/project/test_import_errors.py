from __future__ import annotations

import os
import sys

import pytest

from tests.project.asking import error_of
from zenconv.project.import_errors import IMPORTS


def problem_of(project, files):
    error = error_of(project(files))
    assert error.exit_code == 2
    (problem,) = error.problems
    assert "zenconv/project" not in str(error)
    return problem


def test_a_syntax_error_is_shown_where_it_is(project) -> None:
    problem = problem_of(project, {"steps_a.py": "def a():\n    return (1\n"})
    assert problem.where == "steps_a.py:2"
    assert "SyntaxError: '(' was never closed: return (1" in problem.what


def test_a_syntax_error_of_a_helper_is_shown_there_with_the_chain(project) -> None:
    files = {"cleaning.py": "x = 1\ndef broken(:\n", "steps_a.py": "\nimport cleaning\n"}
    problem = problem_of(project, files)
    assert problem.where == "cleaning.py:2"
    assert problem.exists == "imported by steps_a.py:2"


def test_an_exception_at_import_is_shown_in_the_innermost_project_file(project) -> None:
    files = {
        "lower.py": "def read():\n    return {}['key']\nvalue = read()\n",
        "upper.py": "import lower\n",
        "steps_a.py": "import upper\n",
    }
    problem = problem_of(project, files)
    assert problem.where == "lower.py:2"
    assert problem.what == "KeyError: 'key'"
    assert problem.exists == "imported by steps_a.py:1 -> upper.py:1"


def test_the_same_mistake_reached_twice_is_shown_once(project) -> None:
    files = {"cleaning.py": "1 / 0\n", "steps_a.py": "import cleaning\n", "steps_b.py": "import cleaning\n"}
    assert len({p.where for p in error_of(project(files)).problems}) == 1


def test_leaving_the_program_at_import_is_the_files_mistake(project) -> None:
    problem = problem_of(project, {"steps_a.py": "import sys\nsys.exit(3)\n"})
    assert problem.where == "steps_a.py:2"
    assert "ends the program while it is imported (sys.exit(3))" in problem.what
    assert "__main__" in problem.hint


def test_a_raised_keyboard_interrupt_is_the_files_mistake(project) -> None:
    problem = problem_of(project, {"steps_a.py": "raise KeyboardInterrupt\n"})
    assert problem.where == "steps_a.py:1"


def test_a_missing_library_is_named_with_its_distribution(project) -> None:
    problem = problem_of(project, {"steps_a.py": "import cv2\n"})
    assert problem.hint == "pip install opencv-python"


def test_a_library_with_the_name_of_another_almost_is_asked_about(project) -> None:
    problem = problem_of(project, {"steps_a.py": "import colorsis\n"})
    assert problem.hint == "did you mean 'colorsys'? If not: pip install colorsis"


def test_a_misspelt_project_module_is_suggested(project) -> None:
    files = {"cleaning.py": "", "steps_a.py": "import cleanin\n"}
    assert problem_of(project, files).hint == "did you mean 'cleaning'?"


def test_a_module_beside_a_file_in_a_folder_is_imported_from_the_root(project) -> None:
    files = {"eu/cleaning.py": "", "eu/steps_a.py": "import cleaning\n"}
    assert "from eu import cleaning" in problem_of(project, files).hint


def test_a_misspelt_name_of_a_module_is_suggested(project) -> None:
    files = {"cleaning.py": "def scale(): ...\n", "steps_a.py": "from cleaning import scal\n"}
    problem = problem_of(project, files)
    assert problem.where == "steps_a.py:1"
    assert problem.hint == "did you mean 'scale'?"


def test_a_misspelt_variable_is_suggested(project) -> None:
    problem = problem_of(project, {"steps_a.py": "threshold = 1\nprint(treshold)\n"})
    assert problem.where == "steps_a.py:2"
    assert problem.hint == "did you mean 'threshold'?"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("x = np.array([1])", "import numpy as np"),
        ("@dataclass\nclass A: ...", "from dataclasses import dataclass"),
        ("@zenconv.fixture\ndef a(): ...", "import zenconv"),
        ("@parametrize('a', [1])\ndef b(a): ...", "from zenconv import parametrize"),
    ],
)
def test_a_forgotten_import_is_the_hint(project, line: str, hint: str) -> None:
    assert problem_of(project, {"steps_a.py": line + "\n"}).hint == hint


def test_every_import_that_is_told_provides_its_name() -> None:
    for name, statement in IMPORTS.items():
        top = statement.split()[1].partition(".")[0]
        if top in sys.stdlib_module_names or top == "zenconv":
            found: dict[str, object] = {}
            exec(statement, found)
            assert name in found


@pytest.mark.parametrize("statement", ["from one import x", "import one; one.x"])
def test_a_circular_import_is_drawn(project, statement) -> None:
    files = {"one.py": "import two\nx = 1\n", "two.py": statement + "\n", "steps_a.py": "import one\n"}
    problem = problem_of(project, files)
    assert "circular import: one.py:1 -> two.py:1 -> one.py" in problem.what
    assert problem.where == "two.py:1"


def test_a_file_that_is_not_utf8_is_a_problem_with_its_line(project) -> None:
    problem = problem_of(project, {"steps_a.py": b"x = 1\ny = '\xe9'\n"})
    assert problem.where == "steps_a.py:2"
    assert "not UTF-8 (byte 0xe9)" in problem.what
    assert "latin-1" in problem.hint


@pytest.mark.parametrize(
    ("data", "line", "what"),
    [
        (b"x = 1\n# caf\xe9\n", 2, "this file is not UTF-8 (byte 0xe9)"),
        (b"# -*- coding: klingon -*-\nx = 'a'\n", 1, "SyntaxError: unknown encoding: klingon"),
        (
            "# -*- coding: ascii -*-\nx = 'é'\n".encode(),
            2,
            "this file is not in the encoding that it names: ",
        ),
    ],
    ids=["comment", "unknown", "other"],
)
def test_text_in_another_encoding_is_a_problem_wherever_it_stands(project, data, line, what) -> None:
    problem = problem_of(project, {"steps_a.py": data})
    assert problem.where == f"steps_a.py:{line}"
    assert problem.what.startswith(what)


def test_a_declared_encoding_is_honoured(project) -> None:
    data = "# -*- coding: latin-1 -*-\ndef a(x='é'): ...\n".encode("latin-1")
    pipeline = project({"steps_a.py": data}).checked().pipeline
    assert list(pipeline.nodes) == ["steps_a.py::a"]


def test_null_bytes_are_a_problem_with_their_line(project) -> None:
    problem = problem_of(project, {"steps_a.py": b"x = 1\n\x00\n"})
    assert problem.where == "steps_a.py:2"
    assert "null bytes" in problem.what


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file_is_a_problem(project, tmp_path) -> None:
    opened = project({"steps_a.py": "def a(): ...\n"})
    (tmp_path / "steps_a.py").chmod(0)
    (problem,) = error_of(opened).problems
    assert "cannot be read" in problem.what


def test_a_link_to_nothing_is_a_problem(project, tmp_path) -> None:
    opened = project({"steps_b.py": "def b(): ...\n"})
    os.symlink(tmp_path / "gone.py", tmp_path / "steps_a.py")
    (problem,) = error_of(opened).problems
    assert problem.file == "steps_a.py"
    assert problem.what == f"this link leads to nothing that exists: {str(tmp_path / 'gone.py')!r}"


def test_an_error_of_a_library_is_located_at_the_users_line(project) -> None:
    problem = problem_of(project, {"steps_a.py": "import json\njson.loads('{')\n"})
    assert problem.where == "steps_a.py:2"
    assert problem.what.startswith("JSONDecodeError")


def test_an_exception_that_cannot_be_printed_is_still_shown(project) -> None:
    text = "class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd\n"
    assert problem_of(project, {"steps_a.py": text}).what == "Odd"


def test_only_files_that_the_selection_needs_can_stop_it(project) -> None:
    files = {"steps_a.py": "def a(): ...\n", "steps_b.py": "1 / 0\n", "eu/steps_c.py": "def c(a): ...\n"}
    opened = project(files)
    assert list(opened.checked(["c"]).pipeline.nodes) == ["steps_a.py::a", "eu/steps_c.py::c"]
    for target in ("steps_b.py", "b"):
        assert "steps_b.py:1: ZeroDivisionError" in str(error_of(opened, target))


def test_a_broken_file_that_may_provide_a_name_is_needed(project) -> None:
    files = {"steps_a.py": "def a(b): ...\ndef c(): ...\n", "steps_b.py": "1 / 0\ndef b(): ...\n"}
    error = error_of(project(files), "a")
    assert [p.where for p in error.problems] == ["steps_b.py:1"]


def test_a_step_of_a_broken_file_is_not_called_unknown(project) -> None:
    files = {"steps_a.py": "def a(): ...\n", "steps_b.py": "1 / 0\ndef late(): ...\n"}
    assert "ZeroDivisionError" in str(error_of(project(files), "late"))
    assert "not read for its errors: steps_b.py" in str(error_of(project(files), "lates"))
