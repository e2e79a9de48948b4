"""What is expected of a program: NO_COLOR, CI, COLUMNS, python -m, a state folder that hides."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

from tests.documentation import make_programs
from tests.end_to_end.conftest import make_environment
from tests.end_to_end.terminal import Terminal

STEPS = {
    "steps_a.py": "def a() -> int:\n    return 1\n\ndef bad(a) -> int:\n    raise ValueError('x' * 200)\n"
}
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def shown(it, *args: str, **env: str) -> str:
    terminal = Terminal(it, *args, env=env)
    terminal.end()
    return terminal.seen


def test_a_terminal_gets_colours_and_a_status_line(project):
    it = project(STEPS)
    text = shown(it, "run")
    assert COLOUR.search(text)
    assert "\x1b[2K" in text


@pytest.mark.parametrize(
    "command", [("run",), ("show",), ("runs",), ("steps",), ("run", "--plan"), ("check",)]
)
def test_no_color_leaves_no_colour_in_any_command(project, command):
    it = project(STEPS)
    it.run("run", check=1)
    assert not COLOUR.search(shown(it, *command, NO_COLOR="1"))
    assert not COLOUR.search(shown(it, *command, NO_COLOR="1", FORCE_COLOR="1"))


def test_an_empty_no_color_says_nothing_and_force_color_needs_no_terminal(project):
    it = project(STEPS)
    assert COLOUR.search(shown(it, "run", NO_COLOR=""))
    assert not COLOUR.search(it.run("show").stdout)
    assert COLOUR.search(it.run("show", env={"FORCE_COLOR": "1", "TERM": "xterm"}).stdout)


@pytest.mark.parametrize("log", [{"CI": "true"}, {"TERM": "dumb"}])
def test_a_log_has_no_status_line_and_no_line_is_cut(project, log):
    it = project(STEPS)
    text = shown(it, "run", COLUMNS="60", **log)
    assert "\x1b[2K" not in text
    assert "\r" not in text.replace("\r\n", "")
    assert "x" * 200 in next(line for line in text.split("\r\n") if "- ValueError" in line)


def test_columns_is_the_width_of_tables_in_a_terminal_alone(project):
    it = project({f"steps_{'long' * 10}.py": "def a() -> int:\n    return 1\n"})
    lines = [CONTROL.sub("", line) for line in shown(it, "run", "--plan", COLUMNS="50").split("\r\n")]
    assert max(map(len, lines)) <= 50
    assert "long" * 10 in it.run("run", "--plan", env={"COLUMNS": "50"}).stdout


@pytest.mark.parametrize("value", ["0", "-3", "many", ""])
def test_a_width_that_is_none_does_no_harm(project, value):
    it = project(STEPS)
    assert "a::bad" in shown(it, "run", "--plan", COLUMNS=value)


def test_python_m_zenconv_is_the_program(project, tmp_path):
    it = project(STEPS)
    program = make_programs(tmp_path / "bin") / "zenconv"
    for args in (["--version"], ["steps", "--json"], ["--help"]):
        results = [
            subprocess.run(
                [*command, *args],
                cwd=it.path,
                env=make_environment(it.home),
                capture_output=True,
                check=True,
            ).stdout
            for command in ([sys.executable, "-m", "zenconv"], [str(program)])
        ]
        assert results[0] == results[1]


def test_the_state_folder_ignores_itself_in_git_and_is_marked_as_a_cache(project):
    git = shutil.which("git")
    it = project({"steps_a.py": "def a() -> int:\n    return 1\n"})
    it.run("run")
    assert it.read(".zenconv/CACHEDIR.TAG").startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    assert it.read(".zenconv/.gitignore") == "*\n"
    if git is None:
        pytest.skip("git is not installed")
    subprocess.run([git, "init", "-q"], cwd=it.path, check=True)
    status = subprocess.run([git, "status", "--porcelain"], cwd=it.path, capture_output=True, check=True)
    assert b".zenconv" not in status.stdout
