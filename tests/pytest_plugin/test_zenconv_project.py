"""The fixture `zenconv_project`: real tests of a real project, run by pytest in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.end_to_end.conftest import make_environment

STEPS = """
    import zenconv

    def raw(csv: str = "none.csv") -> list[float]:
        return [float(line) for line in open(csv)]

    def scaled(raw: list[float], factor: float = 2.0) -> list[float]:
        return [x * factor for x in raw]

    async def counted(scaled: list[float]) -> int:
        return len(scaled)

    def metrics(scaled: list[float], offset, tmp_path) -> dict[str, float]:
        assert tmp_path.is_dir()
        return {"sum": sum(scaled) + offset}

    def check_sum(metrics):
        assert metrics["sum"] > 0

    @zenconv.fixture
    def offset():
        yield 100
        print("offset torn down")
    """


PYTEST = [sys.executable, "-m", "pytest", "-p", "zenconv.pytest_plugin", "-q"]


class Suite:
    """A project with tests of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tests").mkdir(parents=True)
        self.write("steps_training.py", STEPS)
        self.write("pytest.ini", "[pytest]\npythonpath = .\n")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(textwrap.dedent(text))

    def run(self, source: str, *arguments: str, cwd: str = ".") -> subprocess.CompletedProcess[str]:
        """Write one test file and run it."""
        self.write("tests/test_it.py", "import pytest\n" + textwrap.dedent(source))
        environment = make_environment(self.folder / "home", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
        return subprocess.run(
            [*PYTEST, "-p", "no:cacheprovider", *arguments],
            cwd=self.folder / cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def passes(self, source: str, **options: str) -> None:
        done = self.run(source, **options)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path / "project")


def test_pytest_finds_the_plugin_by_its_entry_point():
    assert [point.value for point in entry_points(group="pytest11", name="zenconv")] == [
        "zenconv.pytest_plugin"
    ]


def test_a_step_is_run_with_inputs_of_the_test(suite):
    suite.passes(
        """
        def test_it(zenconv_project):
            assert zenconv_project.run_step("scaled", raw=[1.0]) == [2.0]
            assert zenconv_project.run_step("training::scaled", raw=[1.0], factor=3) == [3.0]
            id = "steps_training.py::scaled"
            assert zenconv_project.run_step(id, raw=[1.0], params={"factor": 4}) == [4.0]
        """
    )


def test_fixtures_are_set_up_unless_the_test_gives_them_and_async_steps_are_awaited(suite):
    done = suite.run(
        """
        def test_it(zenconv_project):
            assert zenconv_project.run_step("metrics", scaled=[1.0]) == {"sum": 101}
            assert zenconv_project.run_step("metrics", scaled=[1.0], offset=0) == {"sum": 1}
            assert zenconv_project.run_step("counted", scaled=[1.0]) == 1
        """,
        "-s",
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("offset torn down") == 1


def test_a_step_may_be_called_like_its_pipeline(suite):
    suite.write("steps_churn.py", "def table(): return [1]\ndef churn(table): return len(table)\n")
    suite.passes(
        """
        def test_it(zenconv_project):
            assert zenconv_project.run_step("churn", table=[1, 2]) == 2
        """
    )


def test_a_mistake_of_a_test_is_shown_without_frames_of_zenconv(suite):
    done = suite.run(
        """
        def test_it(zenconv_project):
            zenconv_project.run_step("scald", raw=[1.0])
        """
    )
    assert "did you mean 'scaled'" in done.stdout
    assert "single_step" not in done.stdout
    assert "select.py" not in done.stdout


def test_what_is_missing_or_unknown_is_said(suite):
    suite.passes(
        """
        from zenconv.errors import UsageError

        def test_it(zenconv_project):
            with pytest.raises(UsageError, match="also needs 'raw', which other steps compute"):
                zenconv_project.run_step("scaled")
            with pytest.raises(UsageError, match="no parameter 'rwa'.*\\n.*did you mean 'raw'"):
                zenconv_project.run_step("scaled", rwa=1)
            with pytest.raises(UsageError, match="'scalde' is no step"):
                zenconv_project.run_step("scalde")
            with pytest.raises(FileNotFoundError):
                zenconv_project.run_step("raw")
        """
    )


def test_mistakes_elsewhere_do_not_keep_a_step_from_being_tested(suite):
    suite.write("steps_broken.py", "def bad(nobody_has_this): return 1\n")
    suite.write("steps_training.py", STEPS.replace('csv: str = "none.csv"', "csv: str"))
    suite.passes(
        """
        from zenconv.errors import CollectionError

        def test_it(zenconv_project):
            assert zenconv_project.run_step("scaled", raw=[1.0]) == [2.0]
            with pytest.raises(CollectionError, match="asks for 'csv'"):
                zenconv_project.run_step("raw")
            with pytest.raises(CollectionError, match="asks for 'nobody_has_this'"):
                zenconv_project.run_step("bad")
            assert zenconv_project.run_step("bad", nobody_has_this=1) == 1
        """
    )


def test_a_single_step_sees_what_the_test_has_patched(suite):
    suite.passes(
        """
        import steps_training

        def test_it(zenconv_project, monkeypatch):
            monkeypatch.setattr(steps_training, "open", lambda _: ["7"], raising=False)
            assert zenconv_project.run_step("raw") == [7.0]
            assert steps_training.scaled([1.0]) == [2.0]
        """
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_a_sub_graph_runs_with_a_function_or_a_value_in_place_of_a_step(suite, workers):
    suite.passes(
        f"""
        FEW = [1.0, 2.0]

        def make_raw(last: float = 5.0):
            return [*FEW, last]

        def test_it(zenconv_project):
            zenconv_project.override("raw", make_raw)
            run = zenconv_project.run("metrics", params={{"factor": 10, "last": 7.0}}, workers={workers})
            assert run.status == "succeeded"
            assert run["metrics"].load() == {{"sum": 200.0}}
            assert zenconv_project.load("raw") == [1.0, 2.0, 7.0]
            again = zenconv_project.run("metrics", params={{"factor": 10, "last": 7.0}})
            assert (again["raw"].status, again["metrics"].status) == ("succeeded", "reused")
            zenconv_project.override("training::raw", [1.0])
            run = zenconv_project.run()
            assert run["metrics"].load() == {{"sum": 102.0}}
            assert run["check_sum"].status == "succeeded"
        """
    )


def test_an_override_may_ask_for_other_steps(suite):
    suite.passes(
        """
        def test_it(zenconv_project):
            zenconv_project.override("raw", lambda: [3.0])
            zenconv_project.override("metrics", lambda raw, scaled: {"sum": len(raw) + sum(scaled)})
            assert zenconv_project.run()["metrics"].load() == {"sum": 7.0}
        """
    )


def test_a_run_that_fails_raises_with_what_failed(suite):
    suite.passes(
        """
        from zenconv.errors import ExecutionError, UsageError

        def test_it(zenconv_project):
            with pytest.raises(ExecutionError, match="raw failed\\n(.|\\n)*No such file"):
                zenconv_project.run()
            run = zenconv_project.run(check=False)
            assert (run.status, run["metrics"].status) == ("failed", "skipped")
            with pytest.raises(UsageError, match="nope"):
                zenconv_project.run("nope")
            with pytest.raises(UsageError, match="no step 'rwa'"):
                zenconv_project.override("rwa", 1)
                zenconv_project.run()

        def test_check(zenconv_project):
            zenconv_project.override("raw", [-500.0])
            with pytest.raises(ExecutionError, match="assert -900.0 > 0"):
                zenconv_project.run()
            assert zenconv_project.run(check=False)["check_sum"].status == "failed"
        """
    )


def test_an_override_that_cannot_travel_says_so(suite):
    suite.passes(
        """
        import threading
        from zenconv.errors import UsageError

        def test_it(zenconv_project):
            zenconv_project.override("raw", [threading.Lock()])
            with pytest.raises(UsageError, match="override of 'raw' cannot be sent"):
                zenconv_project.run()
        """
    )


def test_every_test_has_a_stack_of_its_own_and_the_project_stays_as_it_was(suite):
    suite.write(
        "zenconv.toml",
        """
        stack = "production"
        [stacks.production]
        artifact_store = "s3://nowhere/zenconv"
        """,
    )
    before = sorted(os.listdir(suite.folder))
    suite.passes(
        """
        @pytest.mark.parametrize("number", [1, 2])
        def test_it(zenconv_project, number):
            assert len(zenconv_project.runs()) == 0
            zenconv_project.override("raw", [1.0])
            assert zenconv_project.run().counts == {"succeeded": 5}
            assert zenconv_project.run().counts == {"succeeded": 1, "reused": 4}
        """
    )
    assert sorted(set(os.listdir(suite.folder)) - {"__pycache__"}) == before


def test_the_project_is_found_from_the_test_or_by_the_setting_or_by_a_fixture(suite, tmp_path):
    source = """
        def test_it(zenconv_project):
            assert zenconv_project.run_step("scaled", raw=[1.0]) == [2.0]
        """
    suite.passes(source, cwd="tests")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "test_it.py").write_text(textwrap.dedent(source))
    (elsewhere / "pytest.ini").write_text("[pytest]\nzenconv_root = ../project\n")
    environment = make_environment(tmp_path / "home", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    for setting in ("zenconv_root = ../project\n", "\n"):
        (elsewhere / "pytest.ini").write_text(f"[pytest]\n{setting}")
        done = subprocess.run(
            PYTEST, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
        (elsewhere / "conftest.py").write_text(
            "import pathlib, pytest\n@pytest.fixture\ndef zenconv_root():\n"
            "    return pathlib.Path(__file__).parents[1] / 'project'\n"
        )


def test_the_plugin_costs_nothing_before_it_is_used():
    code = (
        "import pytest, sys; import zenconv.pytest_plugin; "
        "print([m for m in sys.modules if m.startswith('zenconv')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['zenconv', 'zenconv.pytest_plugin']"
