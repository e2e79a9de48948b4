"""The conformance suite of orchestrators: subclass it, give the fixture `orchestrator`, run pytest.

::

    class TestMine(OrchestratorSuite):
        @pytest.fixture
        def orchestrator(self):
            return {"id": "mine", "workers": 2}

The fixture returns what stands in a stack's table. Each test makes a project from text whose stack
has this orchestrator, runs it as a person would, and looks at what was recorded: whatever places
the steps, a run comes to the same. `arguments` are added to every ``zenconv run``; a plugin that is
not installed is loaded by ``("-p", "my_module")``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from zenconv.testing.orchestrated import MakeProject
from zenconv.testing.orchestrator_failures import OrchestratorFailures

CAPABILITIES = frozenset({"parallel", "remote", "gpu", "async", "live-output", "pdb"})
"""What an orchestrator may say that it can do."""

_MEETING = """
import time
from pathlib import Path

import zenconv

@zenconv.helper
def meet(mine, other):
    Path(mine).touch()
    deadline = time.monotonic() + 60
    while not Path(other).exists():
        assert time.monotonic() < deadline, "the other step is not under way"
        time.sleep(0.01)
    return mine
"""


class OrchestratorSuite(OrchestratorFailures):
    """What every `Orchestrator` promises. Override `orchestrator`; where needed, the rest."""

    def test_it_says_only_what_an_orchestrator_can_say_it_can_do(
        self, make: MakeProject, orchestrator: Mapping[str, Any]
    ) -> None:
        assert set(self.find_capabilities(make, orchestrator)) <= CAPABILITIES

    def test_an_option_that_it_does_not_have_is_a_mistake(self, make: MakeProject) -> None:
        project = make("def one(): return 1\n")
        project.edit("zenconv.toml", "}", ", no_such_option = 1}")
        result = project.execute(check=4)
        assert "no_such_option" in result.stderr

    # -- graphs

    def test_values_go_along_a_chain(self, make: MakeProject) -> None:
        project = make("def a(): return 1\ndef b(a): return a + 1\ndef c(b): return [b, b * 10]\n")
        project.execute()
        assert project.executed() == ["a::a", "a::b", "a::c"]
        assert project.value("c") == [2, 20]

    def test_a_diamond_runs_each_step_once_and_joins(self, make: MakeProject) -> None:
        project = make(
            """
            from pathlib import Path

            def top():
                with open("runs", "a") as stream:
                    stream.write("x")
                return [1]

            def left(top):
                top.append(2)
                return top

            def right(top):
                top.append(3)
                return top

            def bottom(top, left, right):
                return [top, left, right]
            """
        )
        project.execute()
        assert project.read("runs") == "x"
        assert project.value("bottom") == [[1], [1, 2], [1, 3]]

    def test_a_fan_out_that_is_written_down_is_collected_in_order(self, make: MakeProject) -> None:
        project = make(
            """
            import zenconv
            from zenconv import Collect

            @zenconv.parametrize("n", [3, 1, 2])
            def square(n: int) -> int:
                return n * n

            def total(square: Collect[int]) -> list[int]:
                return list(square.values())
            """
        )
        project.execute()
        assert project.value("total") == [9, 1, 4]
        assert len(project.executed()) == 4

    def test_a_fan_out_over_items_that_only_the_run_knows(self, make: MakeProject) -> None:
        project = make(
            """
            from zenconv import Collect, Each

            def items() -> Each[int]:
                return {"one": 1, "two": 2, "three": 3}

            def tenfold(items: int) -> int:
                return items * 10

            def total(tenfold: Collect[int]) -> dict[str, int]:
                return dict(tenfold)
            """
        )
        project.execute()
        assert sorted(project.value("total").values()) == [10, 20, 30]
        assert len([node for node in project.executed() if "tenfold[" in node]) == 3

    def test_many_steps_all_run_and_are_all_reused(self, make: MakeProject) -> None:
        project = make(
            f"""
            from zenconv import Collect, Each

            def numbers() -> Each[int]:
                return range({self.many_steps})

            def negative(numbers: int) -> int:
                return -numbers

            def total(negative: Collect[int]) -> int:
                return sum(negative.values())
            """
        )
        project.execute("-q")
        assert project.value("total") == -sum(range(self.many_steps))
        assert len(project.executed()) == self.many_steps + 2
        project.execute("-q")
        assert project.executed() == []

    # -- the cache

    def test_a_second_run_reuses_everything_and_an_edit_runs_what_depends_on_it(
        self, make: MakeProject
    ) -> None:
        project = make("def a(): return 1\ndef b(a): return a + 1\ndef c(a): return a + 2\n")
        project.execute()
        project.execute()
        assert project.executed() == []
        project.edit("steps_a.py", "a + 1", "a + 3")
        project.execute()
        assert (project.executed(), project.value("b")) == (["a::b"], 4)

    def test_what_another_stack_computed_is_reused(self, make: MakeProject) -> None:
        project = make("def a(): return 1\ndef b(a): return a + 1\n")
        project.append("zenconv.toml", "\n[stacks.plain]\n")
        project.run("run", "--stack", "plain")
        project.execute()
        assert project.executed() == []

    def test_what_it_computed_is_reused_on_another_stack(self, make: MakeProject) -> None:
        project = make("def a(): return 1\ndef b(a): return a + 1\n")
        project.append("zenconv.toml", "\n[stacks.plain]\n")
        project.execute()
        project.run("run", "--stack", "plain")
        assert (project.executed(), project.value("b")) == ([], 2)

    # -- what goes in and comes out

    def test_a_big_value_comes_through_unchanged(self, make: MakeProject) -> None:
        project = make(
            """
            import hashlib

            def big() -> bytes:
                return bytes(range(256)) * 100_000

            def digest(big: bytes) -> str:
                return hashlib.sha256(big).hexdigest()
            """
        )
        project.execute()
        import hashlib

        assert project.value("digest") == hashlib.sha256(bytes(range(256)) * 100_000).hexdigest()

    def test_a_value_that_cannot_be_stored_is_made_where_it_is_needed(self, make: MakeProject) -> None:
        project = make(
            """
            import sqlite3

            def table():
                connection = sqlite3.connect(":memory:")
                connection.execute("create table t as select 7 as n")
                return connection

            def use(table):
                return table.execute("select n from t").fetchone()[0]

            def use_again(table):
                return table.execute("select n + 1 from t").fetchone()[0]
            """
        )
        project.execute()
        assert (project.value("use"), project.value("use_again")) == (7, 8)

    def test_what_a_step_prints_is_its_own_output(self, make: MakeProject) -> None:
        project = make(
            """
            import subprocess, sys

            def one():
                print("from one")
                print("to stderr", file=sys.stderr)
                subprocess.run(["echo", "from a child"], check=True)

            def two():
                print("from two")

            def silent():
                return 1
            """
        )
        result = project.execute()
        assert "from" not in result.text.replace(str(project.path), "")
        assert sorted(project.run("logs", "one").stdout.splitlines()) == [
            "from a child",
            "from one",
            "to stderr",
        ]
        assert project.run("logs", "two").stdout == "from two\n"
        assert project.finished()["silent"].output is None

    def test_much_output_comes_through_whole(self, make: MakeProject) -> None:
        project = make("def one():\n    for n in range(100_000):\n        print(n, 'x' * 40)\n")
        project.execute()
        printed = "".join(f"{n} {'x' * 40}\n" for n in range(100_000))
        assert project.run("logs", "one").stdout == printed

    def test_what_has_ended_is_recorded_while_others_go_on(self, make: MakeProject) -> None:
        project = make(
            """
            import time
            from pathlib import Path

            def quick():
                return 1

            def slow(quick):
                Path("under way").touch()
                deadline = time.monotonic() + 60
                while not Path("go").exists() and time.monotonic() < deadline:
                    time.sleep(0.01)
                return quick + 1
            """
        )
        process = project.start("run", *self.arguments)
        try:
            project.wait_for("under way")
            names = {e.name for e in project.events() if getattr(e, "node", "").endswith("::quick")}
            assert "step_finished" in names
            project.write({"go": ""})
            _, shown = process.communicate(timeout=self.time_limit)
        finally:
            process.kill()
        assert (process.returncode, project.value("slow")) == (0, 2), shown

    def test_steps_have_the_environment_and_the_folder_of_the_run(self, make: MakeProject) -> None:
        project = make(
            """
            import os, sys
            from pathlib import Path

            import mine

            def where(run):
                return [os.getcwd(), os.environ["OF_THE_RUN"], mine.VALUE, sys.version_info[:2] >= (3, 11)]

            def reads():
                return Path("data.txt").read_text()
            """
        )
        project.write({"mine.py": "VALUE = 7\n", "data.txt": "near\n"})
        args = ["run", *self.arguments, "-C", str(project.path)]
        project.run(*args, env={"OF_THE_RUN": "yes"}, cwd="..", timeout=self.time_limit)
        assert project.value("where", "last") == [str(project.path), "yes", 7, True]
        assert project.value("reads") == "near\n"

    def test_fixtures_are_made_where_steps_run_and_torn_down(self, make: MakeProject) -> None:
        project = make(
            """
            import os
            from pathlib import Path

            import zenconv

            @zenconv.fixture(scope="run")
            def connection():
                Path(f"up{os.getpid()}").touch()
                yield os.getpid()
                Path(f"down{os.getpid()}").touch()

            @zenconv.mark.nocache
            def one(connection):
                return connection == os.getpid()

            @zenconv.mark.nocache
            def two(connection):
                return connection == os.getpid()
            """
        )
        project.execute()
        assert (project.value("one"), project.value("two")) == (True, True)
        made = {file.name.removeprefix("up") for file in project.path.glob("up*")}
        ended = {file.name.removeprefix("down") for file in project.path.glob("down*")}
        assert made
        assert made == ended

    def test_an_edit_while_the_run_goes_on_is_not_executed_under_the_old_key(self, make: MakeProject) -> None:
        project = make(
            """
            from pathlib import Path

            import written

            def first() -> int:
                source = Path("written.py")
                source.write_text(source.read_text().replace("old", "new"))
                return 1

            def second(first) -> str:
                return written.value()
            """
        )
        project.write({"written.py": "def value(): return 'old'\n"})
        project.execute()
        assert project.value("second") == "old"
        project.execute()
        assert (project.executed(), project.value("second")) == (["a::second"], "new")

    # -- side by side

    def test_steps_run_side_by_side_where_it_says_so(
        self, make: MakeProject, orchestrator: Mapping[str, Any]
    ) -> None:
        if "parallel" not in self.find_capabilities(make, orchestrator):
            pytest.skip("it does not say that it runs steps side by side")
        project = make(f"{_MEETING}\ndef left(): return meet('l', 'r')\ndef right(): return meet('r', 'l')\n")
        project.execute()
        assert project.executed() == ["a::left", "a::right"]

    def test_async_steps_run_and_side_by_side_where_it_says_so(
        self, make: MakeProject, orchestrator: Mapping[str, Any]
    ) -> None:
        is_able = "async" in self.find_capabilities(make, orchestrator)
        project = make(
            f"""
            import asyncio

            present = []

            async def left():
                await meet_async("left")
                return 1

            async def right():
                await meet_async("right")
                return 2

            async def meet_async(name):
                present.append(name)
                for _ in range(6000):
                    if len(present) == 2 or not {is_able}:
                        return
                    await asyncio.sleep(0.01)
                raise TimeoutError("the other step is not under way in this process")

            def total(left, right):
                return left + right
            """.replace("async def meet_async", "@zenconv.helper\n            async def meet_async").replace(
                "import asyncio", "import asyncio\n\n            import zenconv"
            )
        )
        project.execute()
        assert project.value("total") == 3

    def test_output_is_shown_as_it_is_printed_where_it_says_so(
        self, make: MakeProject, orchestrator: Mapping[str, Any]
    ) -> None:
        if "live-output" not in self.find_capabilities(make, orchestrator):
            pytest.skip("it does not say that it shows output as it is printed")
        project = make("def one():\n    print('seen at once')\n")
        assert "seen at once" in project.execute("-s").text
