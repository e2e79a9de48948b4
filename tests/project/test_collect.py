from __future__ import annotations

import pickle
import sys

import pytest

from tests.project.asking import error_of, steps_of


def names(project, file="steps_a.py"):
    return list(steps_of(project, file))


def test_public_functions_are_steps_in_the_order_of_their_lines(project) -> None:
    text = """
    import os
    from os.path import join

    def second(): ...
    async def first(): ...
    def _helper(): ...
    class Thing: ...
    square = lambda x: x
    """
    assert names(project({"steps_a.py": text})) == ["second", "first"]


def test_functions_under_if_try_with_and_for_are_steps(project) -> None:
    text = """
    import contextlib
    if True:
        def a(): ...
    else:
        def a(): ...
    try:
        def b(): ...
    finally:
        def c(): ...
    with contextlib.suppress(Exception):
        def d(): ...
    for _ in [1]:
        def e(): ...
    """
    assert names(project({"steps_a.py": text})) == ["a", "b", "c", "d", "e"]


def test_of_two_definitions_in_an_if_the_executed_one_gives_the_line(project) -> None:
    text = "if False:\n    def a(): ...\nelse:\n    def a(x=1): ...\n"
    step = steps_of(project({"steps_a.py": text}))["a"]
    assert step.line == 4
    assert [p.name for p in step.parameters] == ["x"]


def test_helpers_and_imported_functions_are_no_steps(project) -> None:
    files = {
        "cleaning.py": "def scale(x): return x\n",
        "steps_a.py": """
        import zenconv
        from cleaning import scale
        from functools import partial

        @zenconv.helper
        def plot(data): ...

        def _make(n):
            def made(): ...
            return made

        made = _make(1)
        alias = _make

        def real(): ...
        """,
    }
    assert names(project(files)) == ["real"]


def test_a_decorated_function_is_a_step_whatever_the_decorator_left(project) -> None:
    text = """
    import functools

    def _plain(f):
        def wrapper(*args, **kwargs): return f(*args, **kwargs)
        return wrapper

    def _polite(f):
        @functools.wraps(f)
        def wrapper(*args, **kwargs): return f(*args, **kwargs)
        return wrapper

    class _Object:
        def __init__(self, f): self.f = f
        def __call__(self, *args, **kwargs): return self.f(*args, **kwargs)

    @_plain
    def one(a, *, b=2): ...

    @_polite
    def two(a, b): ...

    @_Object
    def three(a): ...

    @functools.lru_cache
    def four(a, b): ...

    @functools.partial
    def five(a): ...

    @_plain
    @_Object
    @_polite
    def six(a, /, b): ...
    """
    found = steps_of(project({"steps_a.py": text}))
    asked = {name: [p.name for p in step.parameters] for name, step in found.items()}
    assert asked == {
        "one": ["a", "b"],
        "two": ["a", "b"],
        "three": ["a"],
        "four": ["a", "b"],
        "five": ["a"],
        "six": ["a", "b"],
    }
    assert found["six"].parameters[0].positional_only
    lines = text.splitlines()
    for name, step in found.items():
        assert f"def {name}(" in lines[step.line - 1]


def test_a_decorator_that_leaves_no_function_is_a_warning(project) -> None:
    text = """
    def _call(f): return f()

    @_call
    def table(): return 3
    """
    opened = project({"steps_a.py": text})
    assert names(opened) == []
    (warning,) = opened.collection.warnings
    assert str(warning).startswith("steps_a.py:5: 'table' is no step: after the import it is a int")


def test_options_of_a_step_are_kept_and_may_rename_it(project) -> None:
    text = """
    import zenconv

    @zenconv.step(name="renamed", version=2)
    def original(): ...

    @zenconv.mark.nocache
    def always(): ...
    """
    found = steps_of(project({"steps_a.py": text}))
    assert found["renamed"].note.version == "2"
    assert not found["always"].note.cache


def test_async_and_generator_functions_are_marked(project) -> None:
    text = """
    async def waits(): ...
    def yields(): yield 1
    async def both(): yield 1
    def plain(): "Says what."
    """
    found = steps_of(project({"steps_a.py": text}))
    flags = {name: (step.is_async, step.is_generator) for name, step in found.items()}
    assert flags == {
        "waits": (True, False),
        "yields": (False, True),
        "both": (False, True),
        "plain": (False, False),
    }
    assert found["plain"].doc == "Says what."


def test_functions_of_zenconf_are_templates_and_its_hooks_are_not(project) -> None:
    files = {
        "zenconf.py": "def features(raw): ...\ndef zenconv_run_start(event): ...\n",
        "steps_a.py": "def raw(): ...\n",
    }
    (step,) = steps_of(project(files), "zenconf.py").values()
    assert (step.name, step.is_template) == ("features", True)


def test_fixtures_are_collected_imported_ones_too(project) -> None:
    files = {
        "resources.py": "import zenconv\n@zenconv.fixture(scope='run')\ndef db(): yield 1\n",
        "steps_a.py": """
        import zenconv
        from resources import db

        @zenconv.fixture(name="clock")
        def _clock(): ...

        def rows(db, clock): ...
        """,
    }
    opened = project(files)
    found = {f.name: f for f in opened.collection.files["steps_a.py"].fixtures}
    assert set(found) == {"db", "clock"}
    assert found["db"].is_generator
    assert opened.checked().pipeline.fixtures.keys() == {"steps_a.py::db", "steps_a.py::clock"}


def test_two_definitions_of_one_name_in_a_block_are_an_error(project) -> None:
    error = error_of(project({"steps_a.py": "def a(): ...\n\ndef a(): ...\n"}))
    assert error.exit_code == 2
    assert "steps_a.py:3: 'a' is defined twice" in str(error)
    assert "first at steps_a.py:1" in str(error)


def test_overloads_and_registered_functions_may_repeat_a_name(project) -> None:
    text = """
    from functools import singledispatch
    from typing import overload

    @overload
    def a(x: int) -> int: ...
    @overload
    def a(x: str) -> str: ...
    def a(x=1): ...

    @singledispatch
    def b(x=1): ...
    @b.register
    def b_int(x: int = 1): ...
    """
    assert names(project({"steps_a.py": text})) == ["a", "b", "b_int"]


def test_text_that_looks_like_a_definition_is_none(project) -> None:
    text = '''
    """
    def documented(): ...
    def documented(): ...
    """
    def real(): ...
    '''
    assert names(project({"steps_a.py": text})) == ["real"]


def test_two_steps_called_alike_by_their_options_are_an_error(project) -> None:
    text = """
    import zenconv
    def a(): ...
    @zenconv.step(name="a")
    def b(): ...
    @zenconv.step(name="no name")
    def c(): ...
    """
    error = str(error_of(project({"steps_a.py": text})))
    assert "steps_a.py:5: two steps or fixtures are called 'a'" in error
    assert "steps_a.py:7: 'no name' is no name for a step" in error


def test_modules_have_stable_import_names_in_folders_of_any_name(project) -> None:
    files = {
        "eu/steps_a.py": "class Model: ...\ndef model(): return Model()\n",
        "2024-eu/steps_a.py": "def model(): ...\n",
        "v1.2/steps_a.py": "def model(): ...\n",
        "email/steps_a.py": "def model(): ...\n",
    }
    collected = project(files).collection.files
    assert not [p for f in collected.values() for p in f.problems]
    assert {f.module for f in collected.values()} == {
        "eu.steps_a",
        "2024-eu.steps_a",
        "v1%2E2.steps_a",
        "email.steps_a",
    }
    model = collected["eu/steps_a.py"].steps[0].function()
    assert type(pickle.loads(pickle.dumps(model))) is sys.modules["eu.steps_a"].Model
    sys.modules.pop("email.steps_a")


def test_the_root_comes_first_on_the_import_path(project, tmp_path) -> None:
    _ = project({"steps_a.py": "def a(): ...\n"}).collection
    assert sys.path[0] == str(tmp_path)


def test_a_file_that_hides_a_library_is_a_warning(project) -> None:
    files = {"steps_a.py": "def a(): ...\n", "random.py": "", "click.py": "", "zenconv.py": "", "fine.py": ""}
    warnings = {w.file: w.what for w in project(files).collection.warnings}
    assert set(warnings) == {"random.py", "click.py", "zenconv.py"}
    assert "standard library" in warnings["random.py"]
    assert "installed package 'click'" in warnings["click.py"]
    assert "zenconv itself" in warnings["zenconv.py"]


def test_what_modules_print_goes_to_stderr(project, capsys) -> None:
    _ = project({"steps_a.py": "print('hello')\ndef a(): ...\n"}).collection
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "hello\n"


def test_only_some_files_can_be_collected(project) -> None:
    from zenconv.project.collect import collect

    opened = project({"steps_a.py": "def a(): ...\n", "steps_b.py": "raise SystemExit\n"})
    found = collect(opened.settings, opened.sources, only={"steps_a.py"})
    assert list(found.files) == ["steps_a.py"]


def test_progress_names_each_file_before_it_is_imported(project) -> None:
    told = []
    opened = project({"steps_a.py": "def a(): ...\n"})
    opened._tell = told.append
    _ = opened.collection
    assert told == ["importing steps_a.py"]


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_lines_are_right_whatever_ends_them(project, newline) -> None:
    text = newline.join(["import zenconv", "@zenconv.step", "def a(): ...", "def b(): ..."])
    found = steps_of(project({"steps_a.py": text.encode()}))
    assert {name: step.line for name, step in found.items()} == {"a": 3, "b": 4}
