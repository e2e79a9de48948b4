"""The part of the orchestrators' suite about steps that fail, are stopped, or take their process down."""

from __future__ import annotations

import os
import signal

import pytest

from zenconv.testing.orchestrated import MakeProject, OrchestratedTests, check_gone

_LEAVING_CHILDREN = """
import os, signal, subprocess, sys, time
from pathlib import Path

import zenconv

@zenconv.fixture
def resource():
    yield "open"
    Path("torn down").touch()

def start(resource):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    Path("pids.draft").write_text(f"{os.getpid()} {child.pid}")
    os.replace("pids.draft", "pids")
    time.sleep(300)
"""


class OrchestratorFailures(OrchestratedTests):
    """What a run comes to, and leaves behind, when a step does not succeed."""

    def test_a_failure_stops_what_needs_it_and_nothing_else(self, make: MakeProject) -> None:
        project = make(
            """
            def bad():
                raise ValueError("no luck")

            def needs(bad):
                return bad

            def good():
                return 1
            """
        )
        result = project.execute(check=1)
        assert project.statuses() == {"a::bad": "failed", "a::needs": "skipped", "a::good": "succeeded"}
        error = project.finished()["bad"].error
        assert (error["type"], error["message"]) == ("ValueError", "no luck")
        assert error["frames"][-1]["line"] == 2
        assert "no luck" in result.stderr

    def test_a_failed_step_runs_again_and_what_succeeded_does_not(self, make: MakeProject) -> None:
        project = make("def good(): return 1\ndef bad(good): raise ValueError(good)\n")
        project.execute(check=1)
        project.edit("steps_a.py", "raise ValueError(good)", "return good + 1")
        project.execute()
        assert project.executed() == ["a::bad"]
        assert project.value("bad") == 2

    def test_a_step_is_tried_as_often_as_its_mark_says(self, make: MakeProject) -> None:
        project = make(
            """
            from pathlib import Path

            import zenconv

            @zenconv.mark.retry(2)
            def shaky():
                tries = len(list(Path().glob("try*")))
                Path(f"try{tries}").touch()
                if tries < 2:
                    raise OSError("not yet")
                return tries
            """
        )
        project.execute()
        assert project.value("shaky") == 2
        assert len(project.finished()["shaky"].attempts) == 2

    def test_a_step_that_ends_its_process_fails_alone(self, make: MakeProject) -> None:
        project = make(
            """
            import os, signal

            def first():
                return 1

            def killed(first):
                print("last words", flush=True)
                os.kill(os.getpid(), signal.SIGKILL)

            def leaves(first):
                os._exit(0)

            def last(first):
                return first + 1
            """
        )
        project.execute(check=1)
        assert project.statuses() == {
            "a::first": "succeeded",
            "a::killed": "failed",
            "a::leaves": "failed",
            "a::last": "succeeded",
        }
        assert "SIGKILL" in project.finished()["killed"].error["message"]
        assert project.value("last") == 2

    def test_a_process_that_is_killed_from_outside_costs_its_step_alone(self, make: MakeProject) -> None:
        project = make(
            """
            import os, time
            from pathlib import Path

            import zenconv

            @zenconv.helper
            def note(name):
                with open("runs", "a") as stream:
                    stream.write(name + "\\n")

            def first():
                note("first")
                return 1

            def victim(first):
                note("victim")
                if not Path("spared").exists():
                    Path("pid.draft").write_text(str(os.getpid()))
                    os.replace("pid.draft", "pid")
                    time.sleep(300)
                return 2

            def other(first):
                note("other")
                return 3

            def needs(victim):
                return victim + 1
            """
        )
        process = project.start("run", *self.arguments)
        try:
            os.kill(int(project.wait_for("pid").read_text()), signal.SIGKILL)
            _, shown = process.communicate(timeout=self.time_limit)
        finally:
            process.kill()
        assert process.returncode == 1, shown
        ends = {"first": "succeeded", "victim": "failed", "other": "succeeded", "needs": "skipped"}
        assert project.statuses() == {f"a::{name}": status for name, status in ends.items()}
        assert "SIGKILL" in project.finished()["victim"].error["message"]
        assert sorted(project.read("runs").split()) == ["first", "other", "victim"]
        project.write({"spared": ""})
        project.execute()
        assert project.executed() == ["a::needs", "a::victim"]

    def test_a_step_whose_process_dies_is_tried_again_where_its_mark_says(self, make: MakeProject) -> None:
        project = make(
            """
            import os
            from pathlib import Path

            import zenconv

            @zenconv.mark.retry(1, on="crash")
            def fragile():
                if not Path("tried").exists():
                    Path("tried").touch()
                    os._exit(3)
                return 1
            """
        )
        project.execute()
        assert project.value("fragile") == 1

    def test_a_step_past_its_time_is_tried_again_where_its_mark_says(self, make: MakeProject) -> None:
        project = make(
            """
            import time
            from pathlib import Path

            import zenconv

            @zenconv.mark.retry(1, on=TimeoutError)
            @zenconv.mark.timeout(1, grace=0.2)
            def slow():
                if not Path("tried").exists():
                    Path("tried").touch()
                    while True:
                        try:
                            time.sleep(300)
                        except BaseException:
                            pass
                return 1
            """
        )
        project.execute()
        assert project.value("slow") == 1

    def test_a_step_past_its_time_ends_with_all_it_started_and_others_go_on(self, make: MakeProject) -> None:
        project = make(
            """
            import os, subprocess, sys, time
            from pathlib import Path

            import zenconv

            @zenconv.mark.timeout(2, grace=0.5)
            def endless():
                child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
                Path("pids").write_text(f"{os.getpid()} {child.pid}")
                while True:
                    try:
                        time.sleep(300)
                    except BaseException:
                        pass

            def other():
                return 1
            """
        )
        project.execute(check=1)
        assert project.statuses() == {"a::endless": "failed", "a::other": "succeeded"}
        assert "timed out after 2 s" in project.finished()["endless"].error["message"]
        check_gone([int(pid) for pid in project.read("pids").split()], self.ending_seconds)

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
    def test_a_signal_ends_what_runs_tears_down_and_leaves_nothing(
        self, make: MakeProject, number: signal.Signals
    ) -> None:
        project = make(_LEAVING_CHILDREN)
        process = project.start("run", *self.arguments)
        project.wait_for("pids")
        process.send_signal(number)
        _, shown = process.communicate(timeout=self.time_limit)
        assert process.returncode == 128 + number, shown
        assert project.statuses() == {"a::start": "interrupted"}
        assert (project.path / "torn down").exists()
        check_gone([int(pid) for pid in project.read("pids").split()], self.ending_seconds)

    def test_steps_end_with_the_run_that_is_killed(self, make: MakeProject) -> None:
        project = make(_LEAVING_CHILDREN)
        process = project.start("run", *self.arguments)
        pid, _child = map(int, project.wait_for("pids").read_text().split())
        process.kill()
        process.communicate(timeout=self.time_limit)
        check_gone([pid], self.ending_seconds)
