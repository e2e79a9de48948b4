"""Hooks in ``zenconf.py`` and in plugins, as a run calls them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Any]

STEPS = """
import zenconv

def first() -> int:
    print("in the step")
    return 1

@zenconv.mark.retry(1)
def shaky(first: int) -> int:
    raise ValueError("no luck")

async def other(first: int) -> int:
    return first + 1
"""

NOTING = """
import json
from zenconv import hookimpl

def note(*what):
    with open("told.jsonl", "a") as stream:
        stream.write(json.dumps(what) + "\\n")

def zenconv_configure(options, root, state):
    note("configure", root.name, state.name)

def zenconv_run_start(event):
    note("run_start", event.run)

def zenconv_plan_ready(plan):
    note("plan_ready", len(plan.decisions))

def zenconv_step_start(event):
    note("step_start", event.node.partition("::")[2])

@hookimpl(wrapper=True)
def zenconv_step_execute(node, arguments, run):
    note("before", node.step.name, dict(arguments), run)
    result = yield
    note("after", node.step.name, result)
    return result

def zenconv_artifact_saved(node, output, artifact):
    note("artifact_saved", node.step.name, output, artifact.type)

def zenconv_step_retry(event):
    note("step_retry", event.node.partition("::")[2], event.attempt)

def zenconv_step_finish(event):
    note("step_finish", event.node.partition("::")[2], event.status)

def zenconv_steps_reused(event):
    note("steps_reused", sorted(step["node"].partition("::")[2] for step in event.steps))

def zenconv_run_finish(event):
    note("run_finish", event.status, event.exit_code, dict(event.counts))

def zenconv_terminal_summary(event):
    return ["a line of mine", f"and {event.status}"]
"""


def told(project: Any) -> list[list[Any]]:
    file = project.path / "told.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    file.unlink(missing_ok=True)
    return lines


@pytest.fixture
def noting(project: Make) -> Any:
    return project({"steps_a.py": STEPS, "zenconf.py": NOTING})


def test_a_zenconf_is_told_of_everything_in_order(noting: Any) -> None:
    result = noting.run("run", "-k", "not other", check=1)
    run = re.search(r"run (1-\w+)", result.stdout)[1]
    assert told(noting) == [
        ["configure", "project", ".zenconv"],
        ["run_start", run],
        ["plan_ready", 2],
        ["step_start", "first"],
        ["before", "first", {}, run],
        ["after", "first", 1],
        ["artifact_saved", "first", "", "int"],
        ["step_finish", "first", "succeeded"],
        ["step_start", "shaky"],
        ["before", "shaky", {"first": 1}, run],
        ["step_retry", "shaky", 1],
        ["step_start", "shaky"],
        ["before", "shaky", {"first": 1}, run],
        ["step_finish", "shaky", "failed"],
        ["run_finish", "failed", 1, {"succeeded": 1, "failed": 1}],
    ]
    assert "a line of mine\nand failed\n1 failed, 1 ran" in result.stdout
    noting.run("run", "first")
    assert ["steps_reused", ["first"]] in told(noting)


def test_the_wrapper_stands_around_async_steps_and_works_in_workers(noting: Any) -> None:
    noting.run("run", "other", "-n", "2")
    lines = told(noting)
    assert lines.index(["before", "other", {"first": 1}, noting.events()[0].run]) < lines.index(
        ["after", "other", 2]
    )
    assert ["artifact_saved", "other", "", "int"] in lines
    assert [line[0] for line in lines].count("configure") >= 2  # the runner, and each worker


def test_what_hooks_write_is_no_effect_of_the_step_and_what_they_print_is_not_its_output(
    project: Make,
) -> None:
    it = project(
        {
            "steps_a.py": "def one() -> int:\n    print('mine')\n    return 1\n",
            "zenconf.py": """
            from pathlib import Path
            from zenconv import hookimpl

            @hookimpl(wrapper=True)
            def zenconv_step_execute(node):
                Path("before.txt").write_text("x")
                result = yield
                Path("after.txt").write_text("x")
                return result

            def zenconv_step_start(event):
                print("observer prints")
            """,
        }
    )
    result = it.run("run")
    assert "warning" not in result.text
    assert "observer prints\n" in result.stderr
    assert it.run("logs", "one").stdout == "mine\n"


def test_an_observer_that_fails_is_a_warning_and_changes_nothing(project: Make) -> None:
    it = project(
        {
            "steps_a.py": "def one() -> int: return 1\n",
            "zenconf.py": "def zenconv_step_finish(event):\n    raise OSError('no network')\n",
        }
    )
    result = it.run("run")
    assert "warning: zenconf.py:2: zenconv_step_finish failed: OSError: no network" in result.stderr
    assert it.executed() == ["a::one"]


def test_a_wrapper_that_fails_fails_the_step_and_is_named(project: Make) -> None:
    it = project(
        {
            "steps_a.py": "def one() -> int: return 1\ndef two() -> int: return 2\n",
            "zenconf.py": """
            from zenconv import hookimpl

            @hookimpl(wrapper=True)
            def zenconv_step_execute(node):
                result = yield
                if node.step.name == "one":
                    raise OSError("no network")
                return result
            """,
        }
    )
    result = it.run("run", check=1)
    assert "raised in zenconv_step_execute, zenconf.py:3" in result.stderr
    assert "Traceback" not in result.text
    assert it.statuses() == {"a::one": "failed", "a::two": "succeeded"}


def test_a_zenconf_in_a_folder_hears_of_its_own_steps_only(project: Make) -> None:
    it = project(
        {
            "steps_a.py": "def one(): return 1\n",
            "eu/steps_b.py": "def two(): return 2\n",
            "eu/zenconf.py": NOTING,
        }
    )
    it.run("run")
    assert [line[1] for line in told(it) if line[0] in ("step_start", "before", "step_finish")] == ["two"] * 3
    it.run("run")
    assert [line[1] for line in told(it) if line[0] == "steps_reused"] == [["two"]]


def test_the_end_of_a_step_that_took_its_process_down_is_told_by_the_next_one(noting: Any) -> None:
    noting.append("steps_a.py", "\ndef fatal(first):\n    import os\n    os._exit(3)\n")
    noting.run("run", "fatal", check=1)
    lines = told(noting)
    assert [line for line in lines if line[0] == "step_finish"] == [
        ["step_finish", "first", "succeeded"],
        ["step_finish", "fatal", "failed"],
    ]
    assert lines[-1] == ["run_finish", "failed", 1, {"succeeded": 1, "failed": 1}]


def test_a_project_with_mistakes_has_a_start_and_an_end_for_plugins(project: Make, tmp_path: Path) -> None:
    it = project({"steps_a.py": "def one(nothing): return 1\n", "lib/noting.py": NOTING})
    it.run("run", "-p", "noting", env={"PYTHONPATH": str(it.path / "lib")}, check=2)
    assert [line[0] for line in told(it)] == ["configure", "run_start", "run_finish"]


def test_a_plugin_adds_lines_to_the_header_and_fails_without_harm(project: Make) -> None:
    it = project(
        {
            "steps_a.py": "def one(): return 1\n",
            "lib/good.py": "def zenconv_report_header(event):\n    return f'hello from {event.stack}'\n",
            "lib/bad.py": "def zenconv_report_header(event):\n    return [1]\n",
        }
    )
    result = it.run("run", "-p", "good", "-p", "bad", env={"PYTHONPATH": str(it.path / "lib")})
    assert "hello from local" in result.stderr
    assert "zenconv_report_header of the plugin 'bad' (-p) failed: TypeError: expected lines" in result.stderr


def test_a_misspelt_hook_in_a_zenconf_is_an_error_with_its_place(project: Make) -> None:
    it = project(
        {"steps_a.py": "def one(): return 1\n", "zenconf.py": "def zenconv_step_finsh(event): pass\n"}
    )
    result = it.run("run", check=4)
    assert "zenconf.py:1: 'zenconv_step_finsh' is not a hook of zenconv" in result.stderr
    assert "did you mean 'zenconv_step_finish'" in result.stderr


def test_a_hook_in_a_zenconf_may_have_any_name_where_it_says_which_it_is(project: Make) -> None:
    hooks = """
    from zenconv import hookimpl

    @hookimpl(specname="zenconv_run_finish")
    def tell(event):
        print("told of", event.status)
    """
    it = project({"steps_a.py": "def one(): return 1\n", "zenconf.py": hooks})
    assert "told of succeeded" in it.run("run").text
    it.edit("zenconf.py", "run_finish", "run_finsh")
    result = it.run("run", check=4)
    assert "'tell' is not a hook of zenconv" in result.stderr
    assert "did you mean 'zenconv_run_finish'" in result.stderr


@pytest.mark.parametrize("name", ["components", "options", "commands", "report_header"])
def test_a_hook_that_is_called_before_a_zenconf_is_read_is_an_error_there(project: Make, name: str) -> None:
    hooks = f"def zenconv_{name}():\n    return []\n"
    it = project({"steps_a.py": "def one(): return 1\n", "zenconf.py": hooks})
    result = it.run("run", check=4)
    assert f"zenconf.py:1: 'zenconv_{name}' has no effect in a zenconf.py" in result.stderr
    assert "hint: put it into a plugin" in result.stderr


def test_a_materializer_of_a_zenconf_serves_a_run_and_reading_commands_say_what_to_do(project: Make) -> None:
    notes = """
    class Note:
        def __init__(self, text): self.text = text
        def __reduce__(self): raise TypeError("no pickles")

    class Notes:
        id, version, types = "notes", 1, ("notes.Note",)
        def accepts(self, value): return True
        def save(self, value, sink): sink.write(value.text.encode())
        def load(self, source): return Note(source.read().decode())
        def summarize(self, value): return {"length": len(value.text)}
    """
    hooks = """
    from zenconv.hooks import MaterializerSpec

    def zenconv_materializers():
        return [MaterializerSpec("notes", ("notes.Note",), "notes:Notes")]
    """
    steps = "from notes import Note\ndef one(): return Note('hi')\ndef two(one): return one.text * 2\n"
    it = project({"steps_a.py": steps, "notes.py": notes, "zenconf.py": hooks})
    it.run("run")
    assert it.value("two") == "hihi"
    assert "length 2" in it.run("show", "one").stdout
    it.edit("steps_a.py", "* 2", "* 3")
    it.run("run", "-n", "2")
    assert (it.executed(), it.value("two")) == (["a::two"], "hihihi")
    result = it.run("get", "one", "-o", "out.txt", check=4)
    assert "the materializer 'notes', which no installed plugin provides" in result.stderr
    assert "as a plugin it is known to whoever loads results" in result.stderr


def test_a_hook_in_a_step_file_is_an_error_and_no_step(project: Make) -> None:
    steps = """
    from zenconv import hookimpl

    def one(): return 1

    def zenconv_run_finish():
        print("ended")

    @hookimpl(specname="zenconv_run_start")
    def tell(event):
        print("began")

    def zenconv_report():
        return "a step of that name is fine"
    """
    it = project({"steps_a.py": steps})
    result = it.run("run", check=2)
    assert "steps_a.py:5: 'zenconv_run_finish' is a hook" in result.stderr
    assert "'tell' is a hook" in result.stderr
    assert "hint: move it into a zenconf.py, or a plugin" in result.stderr
    assert "zenconv_report'" not in result.stderr


def test_the_version_of_an_input_is_asked_for_once_in_a_run(project: Make, tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    asked = tmp_path / "library/asked"
    (tmp_path / "library/zenconv_mine.py").write_text(
        "import os\n"
        f"file = os.open({str(asked)!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)\n"
        "def zenconv_input_version(value):\n"
        "    os.write(file, b'x')\n"
        "    return '1'\n"
    )
    steps = "def one(url: str = 's3://b/x'): return url\ndef two(one): raise ValueError\n"
    it = project({"steps_a.py": steps})
    for count in (1, 2):  # the second one knows the project, and imports it to run the step that failed
        it.run("run", "-p", "zenconv_mine", env={"PYTHONPATH": str(tmp_path / "library")}, check=1)
        assert asked.read_text() == "x" * count


def test_a_run_that_is_interrupted_has_an_end_for_hooks(project: Make) -> None:
    it = project(
        {
            "steps_a.py": """
            import os, signal, time

            def one():
                os.kill(os.getppid(), signal.SIGINT)
                time.sleep(60)
            """,
            "zenconf.py": NOTING,
        }
    )
    it.run("run", check=130)
    assert told(it)[-1][:3] == ["run_finish", "interrupted", 130]
