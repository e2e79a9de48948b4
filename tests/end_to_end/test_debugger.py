"""``zenconv run --pdb``: the debugger where a step fails, in a terminal or scripted."""

from __future__ import annotations

import os
import signal
from datetime import datetime

import pytest

from tests.end_to_end.terminal import Terminal, wait_for_file

VOTES = {
    "steps_votes.py": """
        import json

        def tally() -> dict[str, int]:
            return {"yes": 3, "no": 0}

        def _divide(votes):
            return json.loads("1") * votes["yes"] / votes["no"]

        def odds(tally: dict[str, int]) -> float:
            print("counting")
            return _divide(tally)

        def headline(odds: float) -> str:
            return f"{odds:.1f} to one"

        def turnout(tally: dict[str, int]) -> int:
            return sum(tally.values())
    """
}


def debug(it, script: str, *args: str, check: int = 1, **options):
    """Run with ``--pdb`` and a script for the debugger."""
    return it.run("run", "--pdb", *args, stdin=script, check=check, **options)


# ---------------------------------------------------------------- in a terminal


def test_a_failing_step_opens_the_debugger_at_the_users_frame_and_c_goes_on(project) -> None:
    it = project(VOTES)
    terminal = Terminal(it, "run", "--pdb")
    terminal.wait_for("(Pdb)")
    assert "ZeroDivisionError: division by zero" in terminal.seen
    assert "_divide()" in terminal.seen
    terminal.type("p votes['yes'] * 1000\n")
    terminal.wait_for("3000")
    terminal.type("w\n")
    terminal.wait_for("odds()")
    terminal.wait_for("(Pdb)")
    assert "zenconv/" not in terminal.seen
    terminal.type("u\n")
    terminal.wait_for("odds()")
    terminal.type("p len(tally) * 1001\n")
    terminal.wait_for("2002")
    terminal.type("c\n")
    assert terminal.end() == 1
    assert it.statuses() == {
        "votes::tally": "succeeded",
        "votes::odds": "failed",
        "votes::headline": "skipped",
        "votes::turnout": "succeeded",
    }


def test_q_ends_the_run_and_nothing_more_is_executed(project) -> None:
    it = project(VOTES)
    terminal = Terminal(it, "run", "--pdb")
    terminal.wait_for("(Pdb)")
    terminal.type("q\n")
    assert terminal.end() == 130
    assert "the debugger was quit" in terminal.seen
    assert it.executed() == ["votes::odds", "votes::tally"]
    assert it.json("runs")["runs"][0]["status"] == "interrupted"


def test_the_terminal_is_given_back(project) -> None:
    it = project(VOTES)
    shell = Terminal(it, "run", "--pdb", shell="; read line; echo got $line")
    shell.wait_for("(Pdb)")
    shell.type("c\n")
    shell.wait_for("zenconv show")
    shell.type("this\n")
    shell.wait_for("got this")
    assert shell.end() == 0


def test_ctrl_c_at_the_prompt_stays_in_the_debugger(project) -> None:
    it = project(VOTES)
    terminal = Terminal(it, "run", "--pdb")
    terminal.wait_for("(Pdb)")
    terminal.press("\x03", until="--KeyboardInterrupt--")
    terminal.wait_for("(Pdb)")
    terminal.type("p 21 * 2\n")
    terminal.wait_for("42")
    terminal.type("c\n")
    assert terminal.end() == 1


HANGING = {
    "steps_a.py": """
        import pathlib, time

        def a() -> int:
            count = 41
            pathlib.Path("begun").write_text("1")
            time.sleep(60)
            return count

        def b() -> int:
            return 2
    """
}


def test_ctrl_z_stops_the_whole_program_and_fg_goes_on(project) -> None:
    it = project(VOTES)
    shell = Terminal(it, "run", "--pdb", job_control=True)
    shell.wait_for("(Pdb)")
    shell.press("\x1a", until="Stopped")
    shell.type("echo $((6 * 7000))\n")
    shell.wait_for("42000")
    shell.type("fg\n")
    shell.wait_for("fg")
    shell.type("p 5 * 7000\n")
    shell.wait_for("35000")
    shell.type("c\n")
    shell.wait_for("zenconv show")
    shell.type("exit\n")
    shell.end()


def test_ctrl_c_in_a_step_opens_the_debugger_there(project) -> None:
    it = project(HANGING)
    terminal = Terminal(it, "run", "--pdb")
    wait_for_file(it.path / "begun")
    terminal.type("\x03")
    terminal.wait_for("(Pdb)")
    terminal.type("p count * 1000\n")
    terminal.wait_for("41000")
    terminal.type("c\n")
    assert terminal.end() == 1
    assert it.statuses() == {"a::a": "failed", "a::b": "succeeded"}


def test_ctrl_c_and_then_q_interrupts_the_run(project) -> None:
    it = project(HANGING)
    terminal = Terminal(it, "run", "--pdb")
    wait_for_file(it.path / "begun")
    terminal.type("\x03")
    terminal.wait_for("(Pdb)")
    terminal.type("q\n")
    assert terminal.end() == 130
    assert it.statuses() == {"a::a": "interrupted"}


def test_two_ctrl_c_end_a_step_that_swallows_the_first_one(project) -> None:
    steps = """
        import pathlib, time

        def a() -> int:
            for name in ("begun", "on"):
                try:
                    pathlib.Path(name).write_text("1")
                    time.sleep(60)
                except BaseException:
                    pass
            return 1
    """
    it = project({"steps_a.py": steps})
    terminal = Terminal(it, "run", "-s")
    wait_for_file(it.path / "begun")
    terminal.type("\x03")
    wait_for_file(it.path / "on")
    terminal.type("\x03")
    assert terminal.end(9) == 130  # one Ctrl-C alone would have it killed after 10


def test_sigterm_at_the_prompt_tears_fixtures_down(project) -> None:
    steps = """
        import pathlib, zenconv

        @zenconv.fixture
        def connection():
            yield 1
            pathlib.Path("closed").write_text("1")

        def a(connection) -> int:
            return 1 / 0
    """
    it = project({"steps_a.py": steps})
    terminal = Terminal(it, "run", "--pdb")
    terminal.wait_for("(Pdb)")
    assert not (it.path / "closed").exists()
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.end() == 143
    assert (it.path / "closed").exists()


def test_a_killed_runner_leaves_the_terminal_usable(project) -> None:
    steps = "import os\n\ndef a() -> int:\n    return os.getpid() / 0\n"
    it = project({"steps_a.py": steps})
    shell = Terminal(
        it, "run", "--pdb", shell="; stty -a | tr ';' '\\n' | grep -w echo; read line; echo got $line"
    )
    shell.wait_for("(Pdb)")
    shell.type("!os.kill(os.getpid(), 9)\n")
    shell.wait_for("killed by SIGKILL")
    shell.wait_for(" echo ")
    shell.type("this\n")
    shell.wait_for("got this")
    shell.end()


# ---------------------------------------------------------------- scripted, or nobody there


def test_a_script_may_be_piped_in(project) -> None:
    done = debug(project(VOTES), "p votes\nu\np tally\nc\n")
    assert done.stdout.count("{'yes': 3, 'no': 0}") == 2


def test_the_end_of_the_script_ends_the_run(project) -> None:
    it = project(VOTES)
    debug(it, "p votes\n", check=130)
    assert it.executed() == ["votes::odds", "votes::tally"]


def test_without_anybody_to_talk_to_it_is_refused_and_nothing_runs(project) -> None:
    it = project(VOTES)
    assert "--pdb needs a terminal" in it.run("run", "--pdb", check=4).stderr
    assert it.json("runs")["runs"] == []


def test_what_is_typed_and_shown_is_not_the_steps_output(project) -> None:
    it = project(VOTES)
    debug(it, "p 6 * 7000\nc\n")
    assert it.run("logs", "odds").stdout == "counting\n"


def test_time_spent_talking_is_not_the_steps(project) -> None:
    it = project(VOTES)
    debug(it, "!import time; time.sleep(0.6)\nc\n")
    started, finished = (
        next(e for e in it.events() if e.name == name and e.node == "steps_votes.py::odds")
        for name in ("step_started", "step_finished")
    )
    passed = (datetime.fromisoformat(finished.at) - datetime.fromisoformat(started.at)).total_seconds()
    assert 0 <= finished.seconds <= passed - 0.6


def test_x_stops_after_the_first_failure_as_ever(project) -> None:
    it = project(VOTES)
    debug(it, "c\n", "-x")
    assert it.statuses()["votes::turnout"] == "skipped"


def test_worker_processes_are_left_aside(project) -> None:
    it = project(VOTES)
    done = debug(it, "p votes\nc\n", "-n", "2")
    assert "{'yes': 3, 'no': 0}" in done.stdout
    assert "-n 2 is left aside" in done.stderr


def test_a_stack_whose_workers_are_processes_is_debugged_here(project) -> None:
    it = project(
        {**VOTES, "zenconv.toml": '[stacks.local]\norchestrator = {id = "processes", workers = 2}\n'}
    )
    assert "{'yes': 3, 'no': 0}" in debug(it, "p votes\nc\n").stdout


def test_a_stack_that_cannot_debug_is_refused(project) -> None:
    it = project({**VOTES, "zenconv.toml": '[stacks.far]\norchestrator = "elsewhere"\n'})
    done = debug(it, "c\n", "--stack", "far", check=4)
    assert "the stack 'far' runs steps by 'elsewhere', which cannot debug them" in done.stderr


def test_json_and_the_debugger_do_not_share_stdout(project) -> None:
    assert "--json" in debug(project(VOTES), "c\n", "--json", check=4).stderr


# ---------------------------------------------------------------- ways to fail


def test_an_async_step_is_debugged_at_its_frame(project) -> None:
    steps = """
        import asyncio

        async def a() -> int:
            number = 6
            await asyncio.sleep(0)
            return number / 0

        async def b() -> int:
            await asyncio.sleep(0.01)
            return 2
    """
    it = project({"steps_a.py": steps})
    assert "42000" in debug(it, "p number * 7000\nc\n").stdout
    assert it.statuses() == {"a::a": "failed", "a::b": "succeeded"}


def test_a_fixture_that_fails_is_debugged_where_it_failed_and_once(project) -> None:
    steps = """
        import zenconv

        @zenconv.fixture(scope="run")
        def connection():
            port = 6
            return port / 0

        def a(connection) -> int:
            return 1

        def b(connection) -> int:
            return 1
    """
    it = project({"steps_a.py": steps})
    done = debug(it, "p port * 7000\nc\n")
    assert "42000" in done.stdout
    assert done.stdout.count("in the debugger:") == 1


def test_a_teardown_that_fails_is_debugged_where_it_failed(project) -> None:
    steps = """
        import zenconv

        @zenconv.fixture
        def connection():
            yield 6
            left = 6
            left / 0

        def a(connection) -> int:
            return 1
    """
    assert "42000" in debug(project({"steps_a.py": steps}), "p left * 7000\nc\n").stdout


def test_the_teardown_of_a_fixture_that_outlives_its_steps_is_debugged_too(project) -> None:
    steps = """
        import zenconv

        @zenconv.fixture(scope="run")
        def connection():
            yield 6
            left = 6
            left / 0

        def a(connection) -> int:
            return 1
    """
    it = project({"steps_a.py": steps})
    done = it.run("run", "--pdb", stdin="p left * 7000\nc\n", check=False)
    assert "a teardown FAILED" in done.stdout
    assert "42000" in done.stdout


def odd_class(*, saving: str = "2", loading: str = "1") -> dict[str, str]:
    """Return a project whose class divides by what is given while it is stored and loaded."""
    steps = f"""
        import traceback

        def _loads_an_input() -> bool:
            return any(frame.name == "_load_inputs" for frame in traceback.extract_stack())

        class Odd:
            def __init__(self, number):
                self.number = number

            def __getstate__(self):
                half = self.number / {saving}
                return {{"number": half}}

            def __setstate__(self, state):
                found = state["number"]
                self.number = found / {loading}

        def odd() -> Odd:
            return Odd(12)

        def after(odd) -> float:
            return odd.number
    """
    return {"steps_a.py": steps}


def test_code_that_fails_while_an_output_is_stored_is_debugged_there(project) -> None:
    it = project(odd_class(saving="0"))
    done = debug(it, "p self.number * 3500\nc\n")
    assert "__getstate__()" in done.stdout
    assert "42000" in done.stdout
    assert it.statuses() == {"a::odd": "failed", "a::after": "skipped"}


def test_code_that_fails_while_an_input_is_loaded_is_debugged_there(project) -> None:
    it = project(odd_class(loading="(not _loads_an_input())"))
    done = debug(it, "p found * 7000\nc\n")
    assert "__setstate__()" in done.stdout
    assert "42000" in done.stdout
    assert it.statuses() == {"a::odd": "succeeded", "a::after": "failed"}


def test_without_a_frame_of_the_users_the_step_shows_what_it_got_and_returned(project) -> None:
    steps = """
        import threading

        def number() -> int:
            return 6

        def lock(number: int, factor: int = 7000):
            return {"lock": threading.Lock()}
    """
    it = project({"steps_a.py": steps})
    done = debug(it, "p number * factor\np sorted(returned)\np type(error).__name__\nc\n")
    assert "steps_a.py(6)lock()" in done.stdout
    assert "42000" in done.stdout
    assert "['lock']" in done.stdout
    assert "'SaveError'" in done.stdout


def test_a_value_that_is_missing_is_debugged_at_the_step(project) -> None:
    steps = "def a(limit: int = 6):\n    limit + 1\n\ndef b(a) -> int:\n    return a\n"
    assert "42000" in debug(project({"steps_a.py": steps}), "p limit * 7000\nc\n").stdout


def test_a_secret_is_struck_out_of_what_is_shown_first(project) -> None:
    steps = """
        def a(secrets) -> int:
            raise ValueError("refused: " + secrets["TOKEN_OF_MINE"])
    """
    done = debug(project({"steps_a.py": steps}), "c\n", env={"TOKEN_OF_MINE": "hush-hush-42"})
    assert "refused: ***" in done.stdout
    assert "hush-hush-42" not in done.text


# ---------------------------------------------------------------- another debugger

OWN_DEBUGGER = """
    import pdb

    class Loud(pdb.Pdb):
        def message(self, text):
            super().message("LOUD " + str(text))
"""


def test_pdbcls_names_another_debugger(project) -> None:
    it = project({**VOTES, "loud.py": OWN_DEBUGGER})
    done = debug(it, "p votes['yes']\nc\n", "--pdbcls", "loud:Loud", env={"PYTHONPATH": str(it.path)})
    assert "LOUD 3" in done.stdout


@pytest.mark.parametrize("name", ["pdb", "nowhere:Pdb", "pdb:Nothing", ":", "pdb:"])
def test_a_debugger_that_is_not_there_is_a_usage_error(project, name) -> None:
    assert "--pdbcls" in debug(project(VOTES), "c\n", "--pdbcls", name, check=4).stderr
