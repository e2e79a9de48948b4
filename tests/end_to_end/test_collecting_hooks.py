"""Hooks that have a say in what steps there are, what they are given, and what counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_zenconf_decides_what_is_a_step_before_the_step_files_are_read(project: Make, workers: str) -> None:
    it = project(
        {
            "steps_a.py": "def one() -> int: return 1\ndef plot_it(one): raise AssertionError\n",
            "zenconf.py": """
            def zenconv_collect_step(name, function, file):
                assert callable(function)
                return False if name.startswith("plot_") else None
            """,
        }
    )
    it.run("run", "-n", workers)
    assert it.executed() == ["a::one"]
    assert "plot_it" not in it.run("steps").stdout


def test_a_zenconf_in_a_folder_decides_for_that_folder_only(project: Make) -> None:
    it = project(
        {
            "steps_a.py": "def plot_it(): return 1\n",
            "eu/steps_b.py": "def plot_it(): return 2\ndef two(): return 2\n",
            "eu/zenconf.py": "def zenconv_collect_step(name):\n    return not name.startswith('plot_')\n",
        }
    )
    it.run("run")
    assert it.executed() == ["a::plot_it", "eu/b::two"]


def test_marks_of_a_plugin_change_how_a_step_is_executed(project: Make) -> None:
    it = project(
        {
            "steps_a.py": """
            from pathlib import Path

            def load():
                tries = len(list(Path().glob("try*")))
                Path(f"try{tries}").touch()
                if tries < 2:
                    raise OSError("not yet")
                return tries
            """,
            "zenconf.py": """
            import zenconv

            def zenconv_mark_step(name):
                if name == "load":
                    return [zenconv.mark.retry(3), zenconv.mark.nocache]
            """,
        }
    )
    it.run("run")
    assert it.value("load") == 2
    it.run("run")
    assert it.executed() == ["a::load"]
    assert "marked retry(3), nocache" in it.run("steps").stdout


def test_what_is_no_mark_is_an_error_that_names_the_place(project: Make) -> None:
    hooks = "def zenconv_mark_step(name):\n    return ['retry']\n"
    it = project({"steps_a.py": "def one(): return 1\n", "zenconf.py": hooks})
    result = it.run("run", check=4)
    assert "zenconf.py:1: zenconv_mark_step failed: it returned 'retry', which is no mark" in result.stderr


RESOLVING = """
from zenconv.hooks import ParameterValue

def zenconv_resolve_parameter(name, owner, pipeline):
    if name == "where":
        return ParameterValue(f"{pipeline}.{owner}", "a table of mine")
    if name == "times":
        return ParameterValue(3, "a table of mine")
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_parameter_that_nothing_provides_comes_from_a_plugin_converted(project: Make, workers: str) -> None:
    it = project(
        {
            "steps_a.py": "def one(where, times: float = 1): return [where, times]\n",
            "zenconf.py": RESOLVING,
        }
    )
    it.run("run", "-n", workers)
    assert it.value("one") == ["a.one", 3.0]
    assert "times=3.0 <- a table of mine" in it.run("steps").stdout
    it.run("run", "--set", "times=5", "-n", workers)
    assert it.value("one") == ["a.one", 5.0]


def test_a_value_that_does_not_fit_is_a_mistake_with_its_origin(project: Make) -> None:
    it = project({"steps_a.py": "def one(where: int): return where\n", "zenconf.py": RESOLVING})
    result = it.run("run", check=False)
    assert result.returncode in (2, 4)
    assert "a table of mine" in result.stderr
    assert "'where'" in result.stderr


def test_a_failing_hook_at_collection_is_an_error_that_names_it(project: Make) -> None:
    hooks = "def zenconv_resolve_parameter(name):\n    raise KeyError(name)\n"
    it = project({"steps_a.py": "def one(where): return where\n", "zenconf.py": hooks})
    result = it.run("run", check=4)
    assert "zenconf.py:2: zenconv_resolve_parameter failed: KeyError: 'where'" in result.stderr
    assert "Traceback" not in result.text


LIBRARY = """
def zenconv_collect_step(name):
    return None if name != "plot_it" else False
"""


def test_the_project_is_imported_each_time_unless_a_plugin_says_what_its_answers_depend_on(
    project: Make,
) -> None:
    it = project({"steps_a.py": "print('module begins')\ndef one(): return 1\n", "lib/mine.py": LIBRARY})
    env = {"PYTHONPATH": str(it.path / "lib")}
    it.run("run", "-p", "mine", env=env)
    result = it.run("run", "--plan", "-v", "-p", "mine", env=env)
    assert "module begins" in result.stderr
    assert "the plugin 'mine' takes part in collecting" in result.stdout
    it.append("lib/mine.py", "\ndef zenconv_collection_version():\n    return open('version').read()\n")
    it.write({"version": "1"})
    it.run("run", "-p", "mine", env=env)
    assert "module begins" not in it.run("run", "-p", "mine", env=env).stderr
    assert "module begins" not in it.run("steps", "-p", "mine", env=env).stderr
    it.write({"version": "2"})
    assert "module begins" in it.run("steps", "-p", "mine", env=env).stderr


NOTING = """
def note(what):
    with open("asked", "a") as stream:
        stream.write(what)

def zenconv_collect_step(name):
    note("c")

def zenconv_collection_version():
    note("v")
    return "1"
"""


@pytest.mark.parametrize("command", ["run", "steps"])
def test_what_its_answers_depend_on_is_asked_once_and_before_the_project_is_collected(
    project: Make, command: str
) -> None:
    it = project({"steps_a.py": "def one(): return 1\n", "lib/mine.py": NOTING})
    it.run(command, "-p", "mine", env={"PYTHONPATH": str(it.path / "lib")})
    assert it.read("asked") == "vc"


def test_what_a_plugin_adds_to_a_key_counts_and_is_explained(project: Make) -> None:
    it = project(
        {
            "steps_a.py": "def one(): return 1\ndef two(): return 2\n",
            "zenconf.py": """
            from pathlib import Path

            def zenconv_key_parts(node):
                if node.step.name == "one":
                    return {"calibration": Path("calibration").read_text()}
            """,
            "calibration": "spring",
        }
    )
    it.run("run")
    it.write({"calibration": "autumn"})
    explained = it.run("explain", "one").stdout
    assert "plugin zenconf.py calibration" in explained
    assert "autumn" in explained
    it.run("run")
    assert it.executed() == ["a::one"]
    it.write({"calibration": "spring"})
    it.run("run")
    assert it.executed() == []


HASHING = """
from zenconv import hookimpl

def zenconv_hash_value(value):
    if type(value).__name__ == "Opaque":
        return value.level
"""

OPAQUE = """
class Opaque:
    __slots__ = ("level", "cache")

    def __init__(self, level):
        self.level, self.cache = level, iter(())
"""


def test_a_value_that_nobody_can_look_into_counts_by_what_a_plugin_says(project: Make) -> None:
    steps = "from opaque import Opaque\n\nSCALE = Opaque(LEVEL)\n\ndef one():\n    return SCALE.level\n"
    it = project(
        {
            "steps_a.py": steps.replace("LEVEL", "1"),
            "zenconf.py": HASHING,
            "opaque.py": OPAQUE,
        }
    )
    assert "warning" not in it.run("run").text
    it.write({"steps_a.py": steps.replace("LEVEL", "1 + 0")})
    it.run("run")
    assert it.executed() == []
    it.write({"steps_a.py": steps.replace("LEVEL", "2")})
    it.run("run")
    assert it.executed() == ["a::one"]


def test_an_installed_plugin_counts_in_keys_only_where_the_settings_name_it(project: Make) -> None:
    hooks = "def zenconv_key_parts(node): return {'mine': 'x'}\n"
    it = project({"steps_a.py": "def one(): return 1\n", "lib/mine.py": hooks})
    env = {"PYTHONPATH": str(it.path / "lib")}
    it.run("run")
    it.run("run", "-p", "mine", env=env)
    assert it.executed() == []
    assert (
        "not asked for zenconv_key_parts: the settings do not name it"
        in it.run("plugins", "-p", "mine", env=env).stdout
    )


def test_splitters_scorers_and_kernels_of_scikit_learn_count_by_what_they_are(project: Make) -> None:
    pytest.importorskip("sklearn")
    steps = """
    import random
    import string
    from sklearn.gaussian_process.kernels import RBF
    from sklearn.metrics import fbeta_score, make_scorer
    from sklearn.model_selection import KFold

    FOLDS = KFold(5, shuffle=True, random_state=0)
    SCORES = {"f2": make_scorer(fbeta_score, beta=2)}
    KERNEL = 2 * RBF(1.0)
    PROMPT = string.Template("Hello $name")
    CHANCE = random.Random(3)

    def one():
        return [FOLDS.n_splits, len(SCORES), KERNEL.theta.size, PROMPT.template, CHANCE.random()]
    """
    it = project({"steps_a.py": steps})
    assert "warning" not in it.run("run").text
    for old, new in (
        ("KFold(5,", "KFold(4,"),
        ("beta=2", "beta=3"),
        ("RBF(1.0)", "RBF(2.0)"),
        ("Hello", "Bye"),
        ("Random(3)", "Random(4)"),
    ):
        it.edit("steps_a.py", old, new)
        assert it.plan() == {"a::one": "run"}, new
        it.edit("steps_a.py", new, old)
    assert it.plan() == {"a::one": "reuse"}


def test_a_plugin_shows_a_result_of_its_own_kind(project: Make) -> None:
    it = project(
        {
            "steps_a.py": "def one() -> dict[str, int]: return {'a': 1}\n",
            "lib/mine.py": "def zenconv_render(artifact, load):\n    return f'a {artifact.type}: {load()}'\n",
        }
    )
    it.run("run")
    env = {"PYTHONPATH": str(it.path / "lib")}
    assert it.run("get", "one", "-p", "mine", env=env).stdout == "a dict: {'a': 1}\n"
    assert it.run("get", "one").stdout.split() == ["{", '"a":', "1", "}"]
