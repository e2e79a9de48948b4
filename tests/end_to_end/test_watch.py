"""``zenconv run --watch``: what an edit changed runs again, and nothing is ever stale."""

import os
import re
import subprocess
import time

import pytest

from tests.end_to_end.watching import IDLE, Watching

SIMPLE = """
    def one() -> int:
        return 1

    def two(one: int) -> int:
        return one + 1

    def other() -> int:
        return 10
"""


def runs(project):
    return sorted(
        (p.name for p in (project.path / ".zenconv" / "runs").iterdir() if re.match(r"\d+-", p.name)),
        key=lambda name: int(name.partition("-")[0]),
    )


def test_an_edit_runs_what_it_changed_and_every_round_is_a_recorded_run(project):
    it = project({"steps_a.py": SIMPLE})
    with Watching(it) as watching:
        assert it.executed() == ["a::one", "a::other", "a::two"]
        shown = watching.after(("steps_a.py", "return 1\n", "return 5\n"))
        assert "steps_a.py changed" in shown[0]
        assert it.executed() == ["a::one", "a::two"]
        assert it.value("two") == 6
        assert watching.end() == 130
    assert [run.partition("-")[0] for run in runs(it)] == ["1", "2"]


def test_what_changes_nothing_leaves_no_record_and_no_gap_in_the_numbers(project):
    it = project({"steps_a.py": SIMPLE})
    with Watching(it) as watching:
        watching.after(("steps_a.py", "return 1\n", "return 1  # one\n"), until="nothing has to run")
        watching.after(
            {"README.md": "hello", "steps_a.py": it.read("steps_a.py").replace("return 1 ", "return 2 ")}
        )
        watching.after(("steps_a.py", "return 10", "return 11"))
    assert [run.partition("-")[0] for run in runs(it)] == ["1", "2", "3"]
    assert it.executed() == ["a::other"]


def test_a_mistake_is_shown_and_mending_it_goes_on(project):
    it = project({"steps_a.py": SIMPLE})
    with Watching(it) as watching:
        shown = watching.after(("steps_a.py", "return 1\n", "return (\n"), until="error: ")
        assert any("steps_a.py:2" in line for line in shown), shown
        watching.after(("steps_a.py", "return (\n", "return 3\n"))
    assert it.value("two") == 4


def test_step_files_come_go_and_are_renamed(project):
    it = project({"steps_a.py": SIMPLE})
    with Watching(it) as watching:
        watching.after({"steps_b.py": "def new() -> int: return 7"})
        assert it.executed() == ["b::new"]
        start = len(watching.lines)
        (it.path / "steps_b.py").rename(it.path / "steps_c.py")
        watching.round(start)
        assert "c::new" in it.statuses()
        assert "b::new" not in it.statuses()
        start = len(watching.lines)
        (it.path / "steps_c.py").unlink()
        watching.round(start)
        assert sorted(it.statuses()) == ["a::one", "a::other", "a::two"]
        (it.path / "eu").mkdir()
        watching.after({"eu/steps_d.py": "def far() -> int: return 8"})
        assert it.executed() == ["eu/d::far"]


def test_everything_a_run_depends_on_counts(project):
    it = project(
        {
            "steps_a.py": """
                from pathlib import Path
                import helper

                def total(csv: Path, factor: int = 1) -> int:
                    return factor * helper.add(csv.read_text())

                def aside() -> str:
                    return open("notes.txt").read()

                def shared(common: int) -> int:
                    return common + 1
            """,
            "helper.py": "def add(text): return sum(map(int, text.split()))",
            "zenconf.py": "def common() -> int: return 1",
            "pyproject.toml": '[tool.zenconv.params]\ncsv = "data/x.csv"\n',
            "data/x.csv": "1 2 3",
            "notes.txt": "first",
        }
    )
    with Watching(it) as watching:
        assert it.value("total") == 6
        watching.after({"data/x.csv": "1 2 4"})
        assert (it.executed(), it.value("total")) == (["a::total"], 7)
        watching.after({"notes.txt": "second"})
        assert (it.executed(), it.value("aside")) == (["a::aside"], "second")
        watching.after(("helper.py", "sum(", "10 * sum("))
        assert (it.executed(), it.value("total")) == (["a::total"], 70)
        watching.after(("pyproject.toml", '"data/x.csv"\n', '"data/x.csv"\nfactor = 2\n'))
        assert (it.executed(), it.value("total")) == (["a::total"], 140)
        watching.after(("zenconf.py", "return 1", "return 2"))
        assert (it.executed(), it.value("shared")) == (["a::common", "a::shared"], 3)


def test_a_failed_step_runs_again_when_a_file_it_read_is_mended_and_not_before(project):
    it = project(
        {
            "steps_a.py": """
                def load() -> int:
                    return int(open("number.txt").read())
            """,
            "number.txt": "many",
        }
    )
    with Watching(it) as watching:
        assert it.statuses() == {"a::load": "failed"}
        (it.path / "README.md").write_text("nothing to do with it")
        watching.after({"number.txt": "5"})
        assert it.statuses() == {"a::load": "succeeded"}
    assert len(runs(it)) == 2


def test_a_file_that_a_failed_step_missed_makes_it_run_when_it_comes(project):
    it = project({"steps_a.py": 'def load() -> str:\n    return open("late.txt").read()\n'})
    with Watching(it) as watching:
        assert it.statuses() == {"a::load": "failed"}
        watching.after({"late.txt": "here"})
        assert it.value("load") == "here"


def test_files_put_in_place_by_renaming_and_many_saves_at_once_end_in_the_last_state(project):
    it = project({"steps_a.py": SIMPLE})
    with Watching(it) as watching:
        start = len(watching.lines)
        for number in range(100, 130):
            draft = it.path / f"steps_a.py.{number}.tmp"
            draft.write_text(f"def one() -> int:\n    return {number}\n")
            os.replace(draft, it.path / "steps_a.py")
        deadline = time.monotonic() + 30
        watching.round(start)
        while it.value("one") != 129 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert it.value("one") == 129
    assert len(runs(it)) < 15


def test_code_that_is_written_slowly_is_played_when_it_is_whole(project):
    it = project({"steps_a.py": SIMPLE})
    text = it.read("steps_a.py").replace("return 1\n", "return 3\n")
    with Watching(it) as watching:
        start = len(watching.lines)
        with open(it.path / "steps_a.py", "w") as stream:
            for part in ("", text[:20], text[20:]):
                stream.write(part)
                stream.flush()
                time.sleep(0.1)
        watching.round(start)
        assert it.value("two") == 4
        assert "error" not in watching.text
    assert len(runs(it)) == 2


def test_a_checkout_of_many_files_ends_in_the_state_of_the_branch(project):
    files = {
        f"steps_{name}.py": f"import helper\ndef {name}() -> int: return helper.of({number})\n"
        for number, name in enumerate("abcdefgh")
    }
    it = project({**files, "helper.py": "def of(number): return number\n", ".gitignore": ".zenconv\n"})

    def git(*args):
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *identity, *args], cwd=it.path, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "one")
    git("checkout", "-qb", "other")
    for name in files:
        it.edit(name, "helper.of(", "100 + helper.of(")
    (it.path / "steps_h.py").unlink()
    it.write({"steps_i.py": "import helper\ndef i() -> int: return helper.of(8)\n"})
    it.edit("helper.py", "return number", "return number * 2")
    git("add", ".")
    git("commit", "-qm", "two")
    git("checkout", "-q", "main")
    with Watching(it) as watching:
        start = len(watching.lines)
        git("checkout", "-q", "other")
        watching.round(start)
        wanted = {name: 100 + 2 * number for number, name in enumerate("abcdefg")} | {"i": 16}
        loading = (
            f"import zenconv; print({{name: zenconv.load(name) for name in {list(wanted)}}} == {wanted})"
        )
        deadline = time.monotonic() + 30
        while (found := it.python(loading, check=False).stdout) != "True\n" and time.monotonic() < deadline:
            time.sleep(0.1)
        assert found == "True\n"
        assert "h::h" not in it.statuses()


def test_nothing_is_played_while_git_writes_unless_its_lock_was_left_behind(project):
    it = project({"steps_a.py": SIMPLE, ".git/index.lock": ""})
    lock = it.path / ".git" / "index.lock"
    os.utime(lock, (1, 1))
    with Watching(it) as watching:
        watching.after(("steps_a.py", "return 1\n", "return 2\n"))
        os.utime(lock)
        start = len(watching.lines)
        it.edit("steps_a.py", "return 2\n", "return 3\n")
        time.sleep(0.5)  # in which a round would have begun
        assert len(watching.lines) == start
        lock.unlink()
        watching.round(start)
        assert it.value("two") == 4


def test_selections_parameters_and_workers_hold_in_every_round(project):
    it = project({"steps_a.py": SIMPLE + "\n    def scaled(factor: int) -> int:\n        return factor\n"})
    with Watching(it, "a", "-k", "not other", "--set", "factor=3", "-n", "2") as watching:
        assert it.executed() == ["a::one", "a::scaled", "a::two"]
        watching.after(("steps_a.py", "return 1\n", "return 2\n"))
        assert it.executed() == ["a::one", "a::two"]
        assert it.value("scaled") == 3


def test_without_help_of_the_system_files_are_looked_at(project):
    it = project({"steps_a.py": SIMPLE})
    with Watching(it, env={"ZENCONV_WATCH_POLLING": "1"}) as watching:
        watching.after(("steps_a.py", "return 1\n", "return 5\n"))
        assert it.value("two") == 6
        watching.after({"steps_b.py": "def new() -> int: return 7"})
        assert it.executed() == ["b::new"]


def test_what_steps_write_themselves_does_not_start_rounds_without_end(project):
    it = project(
        {
            "steps_a.py": """
                import time, zenconv

                @zenconv.mark.nocache
                def report() -> None:
                    with open("report.txt", "w") as stream:
                        stream.write(str(time.time()))
            """
        }
    )
    with Watching(it) as watching:
        watching.after(("steps_a.py", "str(time.time())", "str(time.time_ns())"))
        time.sleep(1.0)
        assert watching.end() == 130
    assert len(runs(it)) == 2
    assert watching.text.count(IDLE) <= 4


def test_a_log_in_the_projects_folder_does_not_start_rounds_without_end(project):
    it = project({"steps_a.py": SIMPLE, "log.txt": ""})

    class Logging(Watching):
        def _read(self):
            assert self.process.stdout is not None
            for line in self.process.stdout:
                it.append("log.txt", line)  # as `tee` does
                with self._changed:
                    self.lines.append(line.rstrip("\n"))
                    self._changed.notify_all()

    with Logging(it) as watching:
        watching.after(("steps_a.py", "return 10", "return 11"))
        time.sleep(1.0)
        assert watching.end() == 130
    assert watching.text.count(IDLE) == 2
    assert it.read("log.txt").count("a::other") == 2


@pytest.mark.parametrize("flag", ["--force", "--only"])
def test_a_step_that_is_executed_in_any_case_does_not_start_rounds_without_end(project, flag):
    it = project(
        {
            "steps_a.py": """
                import time

                def report() -> int:
                    with open("report.txt", "w") as stream:
                        stream.write(str(time.time_ns()))
                    return 1
            """
        }
    )
    it.run("run")
    with Watching(it, flag, "report") as watching:
        assert it.executed() == ["a::report"]
        watching.after(("steps_a.py", "return 1", "return 2"))
        assert it.executed() == ["a::report"]
        time.sleep(0.7)
    assert len(runs(it)) == 3


def test_watching_and_only_planning_exclude_each_other(project):
    it = project({"steps_a.py": SIMPLE})
    assert "--plan" in it.run("run", "--watch", "--plan", check=4).stderr
