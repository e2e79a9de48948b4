"""``zenconv shell``: a Python with the recorded inputs of a step, typed into or scripted."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.end_to_end.conftest import ProjectOnDisk
from tests.end_to_end.terminal import Terminal

VOTES = {
    "zenconv.toml": "params = {round_to = 2}\n",
    "steps_votes.py": """
        from typing import Annotated, NamedTuple

        def tally() -> dict[str, int]:
            return {"yes": 3, "no": 0}

        def split(tally: dict[str, int]) -> tuple[Annotated[int, "yes"], Annotated[int, "no"]]:
            return tally["yes"], tally["no"]

        def odds(yes: int, no: int, round_to: int, floor: float = 0.5) -> float:
            print("counting")
            return max(floor, round(yes / no, round_to))

        def headline(odds: float, tally: dict[str, int]) -> str:
            return f"{odds} to one of {sum(tally.values())}"

        def both(split) -> int:
            return sum(split)
    """,
}


@pytest.fixture(scope="module")
def votes(tmp_path_factory):
    """A project with a step that failed, one that was skipped, and others that succeeded.

    Shared: what changes it takes `changed_votes`.
    """
    folder = tmp_path_factory.mktemp("votes")
    it = ProjectOnDisk(folder / "project", folder / "home")
    it.write(VOTES)
    it.run("run", check=1)
    return it


@pytest.fixture
def changed_votes(project, votes):
    """A copy of its own."""
    it = project()
    shutil.copytree(votes.path, it.path, dirs_exist_ok=True)
    if votes.home.exists():
        shutil.copytree(votes.home, it.home, dirs_exist_ok=True)
    return it


def shell(it, *words: str, script: str = "", check: int = 0, **options):
    """Execute a script in the shell of a step."""
    return it.run("shell", *words, stdin=script, check=check, **options)


# ---------------------------------------------------------------- what is there


def test_a_failed_step_has_its_inputs_its_parameters_and_its_function(votes) -> None:
    done = shell(votes, "odds", script="print(yes, no, round_to, floor, odds.__name__, inputs)")
    assert done.stdout == "3 0 2 0.5 odds {'yes': 3, 'no': 0, 'round_to': 2, 'floor': 0.5}\n"


def test_call_executes_the_step_on_its_inputs_and_the_exception_shows_the_users_frames(votes) -> None:
    done = shell(votes, "odds", script="call()", check=1)
    assert done.stdout == "counting\n"
    assert "in odds\n" in done.stderr
    assert "ZeroDivisionError" in done.stderr
    assert "/zenconv/" not in done.stderr


def test_call_takes_other_values_and_what_was_put_into_inputs(votes) -> None:
    assert shell(votes, "odds", script="print(call(no=4))").stdout.endswith("0.75\n")
    assert shell(votes, "odds", script="inputs['no'] = 6\nprint(call(floor=0))").stdout.endswith("0.5\n")


@pytest.mark.parametrize("name", ["tally", "split", "both"])
def test_a_step_that_succeeded_can_be_executed_again(votes, name) -> None:
    expected = {"tally": "{'yes': 3, 'no': 0}", "split": "(3, 0)", "both": "3"}[name]
    assert shell(votes, name, script="print(call())").stdout == f"{expected}\n"


def test_a_reused_step_has_its_inputs_too(changed_votes) -> None:
    changed_votes.run("run", check=1)
    assert changed_votes.reused() == ["votes::both", "votes::split", "votes::tally"]
    assert (
        shell(changed_votes, "split", script="print(tally, call())").stdout == "{'yes': 3, 'no': 0} (3, 0)\n"
    )


def test_a_skipped_step_has_the_inputs_there_are_and_says_what_is_missing(votes) -> None:
    done = shell(votes, "headline", script="print(tally, 'odds' in inputs, call(odds=0.1))")
    assert done.stdout == "{'yes': 3, 'no': 0} False 0.1 to one of 3\n"
    assert "odds is missing: steps_votes.py::odds is failed in run 1-" in done.stderr
    done = shell(votes, "headline", script="call()", check=1)
    assert "'odds' is missing" in done.stderr
    assert "call(odds=...)" in done.stderr


def test_a_call_gets_objects_of_its_own(project) -> None:
    steps = """
        def a() -> list[int]:
            return [1]

        def b(a: list[int]) -> int:
            a.append(2)
            return len(a)
    """
    it = project({"steps_a.py": steps})
    it.run("run")
    assert shell(it, "b", script="print(call(), call(), a)").stdout == "2 2 [1]\n"


def test_an_async_step_is_awaited(project) -> None:
    it = project({"steps_a.py": "async def a(n: int = 20) -> int:\n    return n + 1\n"})
    it.run("run")
    assert shell(it, "a", script="print(call(), call(n=41))").stdout == "21 42\n"


def test_a_live_value_is_made_again(project) -> None:
    steps = """
        import sqlite3

        def rows() -> int:
            return 41

        def database(rows: int) -> sqlite3.Connection:
            connection = sqlite3.connect(":memory:")
            connection.execute("create table t (n)")
            connection.execute("insert into t values (?)", (rows,))
            return connection

        def total(database) -> int:
            return database.execute("select n from t").fetchone()[0] + 1
    """
    it = project({"steps_a.py": steps})
    it.run("run")
    assert shell(it, "total", script="print(type(database).__name__, call())").stdout == "Connection 42\n"


def test_branches_are_collected_and_a_branch_is_a_step(project) -> None:
    steps = """
        import zenconv

        @zenconv.parametrize("C", [1, 2])
        def part(C: int) -> int:
            return C * 10

        def total(part: zenconv.Collect[int]) -> int:
            return sum(part.values())
    """
    it = project({"steps_a.py": steps})
    it.run("run")
    assert shell(it, "total", script="print(dict(part), call())").stdout == "{'C=1': 10, 'C=2': 20} 30\n"
    assert shell(it, "1::part[C=2]", script="print(C, call(), call(C=4))").stdout == "2 20 40\n"


def test_items_that_only_the_run_knows_are_those_of_the_run(project) -> None:
    steps = """
        import zenconv

        def numbers() -> zenconv.Each[int]:
            return [1, 2, 0]

        def inverse(numbers: int) -> float:
            return 1 / numbers

        def total(inverse: zenconv.Collect[float]) -> float:
            return sum(inverse.values())
    """
    it = project({"steps_a.py": steps})
    it.run("run", check=1)
    assert shell(it, script="print(numbers, call(numbers=4))").stdout == "0 0.25\n"
    assert shell(it, "inverse[numbers=1]", script="print(numbers, call())").stdout == "2 0.5\n"
    assert shell(it, "total", script="print(len(inverse), inverse.failed, call())").stdout == (
        "2 ('numbers=2',) 1.5\n"
    )


def test_what_was_overridden_in_the_run_is_what_the_step_got(project) -> None:
    it = project({**VOTES, "n.json": "6", "t.json": '{"yes": 1, "no": 2}'})
    it.run("run", "odds", "--override", "no=n.json", "--override", "tally=t.json")
    done = shell(it, "odds", script="print(yes, no, floor)")
    assert done.stdout == "1 6 0.5\n"
    assert "changed since" not in done.stderr
    done = shell(it, "split", script="print(tally)")
    assert done.stdout == "{'yes': 1, 'no': 2}\n"


def test_places_to_write_are_the_sessions_own(project) -> None:
    steps = """
        from pathlib import Path
        from zenconv import Output

        def report(path: Output[Path]) -> None:
            path.write_text("written")
    """
    it = project({"steps_a.py": steps, "zenconv.toml": 'params = {path = "report.txt"}\n'})
    it.run("run")
    (it.path / "report.txt").write_text("mine now")
    done = shell(it, "report", script="call()\nprint(inputs['path'])")
    assert it.read("report.txt") == "mine now"
    assert not os.path.exists(done.stdout.strip())


# ---------------------------------------------------------------- which step, which run


@pytest.mark.parametrize(
    "words",
    [
        ("odds",),
        ("1::odds",),
        ("last::odds",),
        ("1", "odds"),
        ("last", "votes::odds"),
        ("1::votes::odds",),
        ("steps_votes.py::odds",),
        ("1::steps_votes.py::odds",),
        (),
        ("1",),
    ],
)
def test_a_step_is_named_as_elsewhere_and_without_one_it_is_the_one_that_failed(votes, words) -> None:
    assert shell(votes, *words, script="print(round_to)").stdout == "2\n"


def test_a_run_can_be_older(changed_votes) -> None:
    changed_votes.edit("steps_votes.py", '"no": 0', '"no": 2')
    changed_votes.run("run")
    assert shell(changed_votes, "1::odds", script="print(no)").stdout == "0\n"
    done = shell(changed_votes, "latest::odds", script="print(no, call())")
    assert done.stdout == "counting\n2 1.5\n"


def test_a_pipeline_may_be_called_like_a_run(project) -> None:
    it = project({"steps_2024.py": "def raw(n: int = 6) -> int:\n    return n\n"})
    it.run("run")
    assert shell(it, "2024::raw", script="print(n)").stdout == "6\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nothing",), "no step 'nothing'"),
        (("9::odds",), "there is no run '9'"),
        (("last", "odds", "more"), "unexpected argument 'more'"),
    ],
)
def test_what_is_not_recorded_is_an_error(votes, words, message) -> None:
    assert message in shell(votes, *words, check=4).stderr


def test_without_a_failed_step_one_has_to_be_named(project) -> None:
    it = project({"steps_a.py": "def a() -> int:\n    return 1\n"})
    it.run("run")
    assert "0 steps of run 1-" in shell(it, check=4).stderr


def test_a_step_that_is_gone_is_an_error_that_names_what_can_be_had(changed_votes) -> None:
    changed_votes.edit("steps_votes.py", "def both", "def other")
    done = shell(changed_votes, "both", check=4)
    assert "is no step of the project any more" in done.stderr
    assert "zenconv get 1 steps_votes.py::both" in done.stderr


def test_a_project_with_mistakes_says_so(changed_votes) -> None:
    changed_votes.append("steps_votes.py", "\ndef broken(\n")
    assert "steps_votes.py:" in shell(changed_votes, "odds", check=2).stderr


# ---------------------------------------------------------------- what has changed since


def test_it_says_when_the_code_has_changed(changed_votes) -> None:
    changed_votes.edit("steps_votes.py", "yes / no", "yes / max(no, 1)")
    done = shell(changed_votes, "odds", script="print(call())")
    assert "steps_votes.odds changed, steps_votes.py:" in done.stderr
    assert done.stdout.endswith("3.0\n")


def test_it_says_when_an_input_would_be_another_now(changed_votes) -> None:
    changed_votes.edit("steps_votes.py", '"no": 0', '"no": 2')
    done = shell(changed_votes, "odds", script="print(no)")
    assert done.stdout == "0\n"
    assert "a run now would not take steps_votes.py::split from run 1-" in done.stderr
    changed_votes.run("run")
    done = shell(changed_votes, "1::odds", script="print(no)")
    assert "steps_votes.py::split has another result since run 1-" in done.stderr


def test_nothing_is_said_when_nothing_changed(votes) -> None:
    assert shell(votes, "odds", script="print(no)").stderr == ""


def test_parameters_are_those_of_the_run(project) -> None:
    steps = """
        import datetime, enum
        from pathlib import Path

        class Colour(enum.Enum):
            RED = 1
            BLUE = 2

        def a(n: int, day: datetime.date, colour: Colour, file: Path, names: list[str] = ["x"]) -> int:
            return n
    """
    settings = 'params = {n = 1, day = 2024-01-01, colour = "RED", file = "data.txt"}\n'
    it = project({"steps_a.py": steps, "zenconv.toml": settings, "data.txt": "1", "other.txt": "2"})
    it.run("run", "--set", "day=2025-05-05", "--set=colour=BLUE", "--set", "file=other.txt")
    it.write({"zenconv.toml": settings.replace("n = 1", "n = 3")})
    done = shell(it, "a", script="print(n, day, colour.name, file.name, names)")
    assert done.stdout == "1 2025-05-05 BLUE other.txt ['x']\n"
    assert "n is 1 (now 3), day is datetime.date(2025, 5, 5) (now " in done.stderr
    assert "changed" not in done.stderr


# ---------------------------------------------------------------- ways to say what to execute


def test_c_is_code_and_config_a_file(changed_votes) -> None:
    changed_votes.write({"other.toml": "params = {round_to = 1}\n"})
    assert shell(changed_votes, "odds", "-c", "print(yes)").stdout == "3\n"
    done = changed_votes.run("-c", "other.toml", "shell", "odds", "-c", "print(round_to)")
    assert done.stdout == "2\n"
    assert "round_to is 2 (now 1)" in done.stderr


def test_a_mistake_in_the_script_is_shown_with_its_line(votes) -> None:
    done = shell(votes, "odds", script="x = 1\nx +\n", check=1)
    assert 'File "<stdin>", line 2' in done.stderr
    assert "SyntaxError" in done.stderr


def test_functions_of_a_script_see_its_names(votes) -> None:
    assert shell(votes, "odds", script="def f():\n    return yes + no\n\nprint(f())\n").stdout == "3\n"


def test_a_parameter_called_like_a_helper_goes_before_it(project) -> None:
    it = project({"steps_a.py": "def a(call: int = 1, inputs: int = 2) -> int:\n    return call + inputs\n"})
    it.run("run")
    assert shell(it, "a", script="print(call, inputs, call_(), inputs_)").stdout.startswith("1 2 3 {")


def test_the_help_says_that_the_project_is_imported(votes) -> None:
    assert "imports the project" in votes.run("shell", "--help").stdout


# ---------------------------------------------------------------- in a terminal


def test_a_person_gets_a_console_that_completes_names(votes) -> None:
    terminal = Terminal(votes, "shell", "odds", "--plain")
    terminal.wait_for(">>> ")
    for text in ("failed in run 1-", "ZeroDivisionError", "round_to", "<- zenconv.toml:1", "call()"):
        assert text in terminal.seen
    terminal.type("yes * 14000\n")
    terminal.wait_for("42000")
    terminal.type("call(no=1, floor=41000)\n")
    terminal.wait_for("41000\r\n")
    terminal.type("round_\t * 17000\n")
    terminal.wait_for("34000")
    terminal.press("\x03", until="KeyboardInterrupt")
    terminal.type("call()\n")
    terminal.wait_for("ZeroDivisionError")
    terminal.type("import pdb; pdb.pm()\n")
    terminal.wait_for("(Pdb)")
    terminal.type("p yes * 11000\n")
    terminal.wait_for("33000")
    terminal.type("q\n")
    terminal.wait_for(">>> ")
    terminal.type("\x04")
    assert terminal.end() == 0


def test_exit_with_a_number_is_the_exit_code(votes) -> None:
    terminal = Terminal(votes, "shell", "odds", "--plain")
    terminal.wait_for(">>> ")
    terminal.type("exit(7)\n")
    assert terminal.end() == 7
