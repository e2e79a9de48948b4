from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

import zenconv
from zenconv.cli import main as main_module
from zenconv.cli.main import COMMANDS, place_command, run_command
from zenconv.errors import CollectionError, Problem, UsageError

DENIED = [
    *("attr", "attrs", "pluggy", "fsspec", "rich", "blake3", "sqlite3", "tomllib", "platformdirs"),
    *("numpy", "pandas", "torch", "sklearn", "importlib_metadata", "importlib.metadata"),
    *("asyncio", "logging", "subprocess", "concurrent.futures", "multiprocessing"),
]


@pytest.mark.parametrize("flag", ["--help", "-h", "--version"])
def test_help_and_version_import_none_of_the_heavy_modules(zenconv_process: Any, flag: str) -> None:
    code = (
        "import sys\nfrom zenconv.cli.main import run_command\n"
        f"code = run_command([{flag!r}])\n"
        f"print('LOADED', [m for m in {DENIED!r} if m in sys.modules])\nsys.exit(code)"
    )
    result = zenconv_process(code=code)
    assert result.returncode == 0
    assert result.stdout.endswith("LOADED []\n")
    assert result.stderr == ""


def test_help_lists_every_command_with_one_line(zenconv_process: Any) -> None:
    text = zenconv_process("--help").stdout
    for name, (_, line) in COMMANDS.items():
        assert f"  {name}" in text
        assert line in text


def test_the_version_is_that_of_the_package(zenconv_process: Any) -> None:
    assert zenconv_process("--version").stdout == f"zenconv {zenconv.__version__}\n"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_of_the_table_has_its_file_and_help(zenconv_process: Any, name: str) -> None:
    if importlib.util.find_spec(COMMANDS[name][0]) is None:
        pytest.skip(f"zenconv {name} is not written yet")
    result = zenconv_process(name, "--help")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"Usage: zenconv {name} ")


@pytest.mark.parametrize(
    ("typed", "placed"),
    [
        ([], ["run"]),
        (["-x"], ["run", "-x"]),
        (["-k", "a or b"], ["run", "-k", "a or b"]),
        (["runs"], ["runs"]),
        (["-C", "dir", "runs", "-v"], ["runs", "-C", "dir", "-v"]),
        (["--root=dir", "--stack", "p", "runs"], ["runs", "--root=dir", "--stack", "p"]),
        (["-Cdir", "runs"], ["runs", "-Cdir"]),
        (["--set", "C=1"], ["run", "--set", "C=1"]),
        (["--stack", "p", "-x"], ["run", "--stack", "p", "-x"]),
        (["-h"], ["-h"]),
        (["--stack", "p", "-h"], ["run", "--stack", "p", "-h"]),
        (["runs", "-h"], ["runs", "-h"]),
        (["--stack"], ["run", "--stack"]),
    ],
)
def test_without_a_command_run_is_meant_and_common_options_may_come_first(
    typed: list[str], placed: list[str]
) -> None:
    assert place_command(typed) == placed


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("stak", "did you mean 'stack'?"),
        ("training", "to run a step, a pipeline or a file of that name: zenconv run training"),
        ("steps_training.py::churn", "zenconv run steps_training.py::churn"),
    ],
)
def test_a_word_that_is_no_command_is_a_usage_error_with_a_hint(
    zenconv_process: Any, word: str, hint: str
) -> None:
    result = zenconv_process(word)
    assert result.returncode == 4
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: {word!r} is not a command\n    hint: ")
    assert hint in result.stderr


def test_an_unknown_option_is_a_usage_error_with_a_hint(zenconv_process: Any) -> None:
    result = zenconv_process("config", "--nope")
    assert result.returncode == 4
    assert result.stderr == "error: No such option '--nope'.\n    hint: zenconv config --help\n"


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    @click.command()
    def command() -> None:
        raise error

    monkeypatch.setattr(main_module.CommandGroup, "get_command", lambda self, context, name: command)


def shown(monkeypatch: pytest.MonkeyPatch, capsys: Any, error: BaseException) -> tuple[int, str]:
    fail_with(monkeypatch, error)
    code = run_command(["runs"])
    captured = capsys.readouterr()
    assert captured.out == ""
    return code, captured.err


def test_a_deliberate_error_is_shown_without_traceback(monkeypatch: Any, capsys: Any) -> None:
    error = UsageError("there is no step 'x'", hint="zenconv steps")
    assert shown(monkeypatch, capsys, error) == (4, "error: there is no step 'x'\n    hint: zenconv steps\n")


def test_collected_problems_are_shown_together(monkeypatch: Any, capsys: Any) -> None:
    found = (Problem("a", "steps_a.py", 1), Problem("b", "steps_b.py", 2, hint="do it"))
    code, text = shown(monkeypatch, capsys, CollectionError(problems=found))
    assert (code, text) == (2, "error: steps_a.py:1: a\nsteps_b.py:2: b\n    hint: do it\n")


def test_an_unexpected_error_is_called_a_defect_and_says_how_to_see_more(
    monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.delenv("ZENCONV_DEBUG", raising=False)
    code, text = shown(monkeypatch, capsys, KeyError("x"))
    assert code == 3
    assert text.startswith("internal error: KeyError: 'x' (test_main.py:")
    assert "this is a defect of zenconv" in text
    assert text.rstrip().endswith("ZENCONV_DEBUG=1 shows the traceback")
    assert "Traceback" not in text


def test_the_traceback_of_an_unexpected_error_is_shown_on_request(monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv("ZENCONV_DEBUG", "1")
    code, text = shown(monkeypatch, capsys, KeyError("x"))
    assert code == 3
    assert "Traceback (most recent call last)" in text


def test_an_operating_system_error_is_one_line_with_the_file(monkeypatch: Any, capsys: Any) -> None:
    error = OSError(28, "No space left on device", "/data/x")
    assert shown(monkeypatch, capsys, error) == (1, "error: No space left on device: /data/x\n")


def test_control_characters_of_a_message_never_reach_the_terminal(monkeypatch: Any, capsys: Any) -> None:
    _, text = shown(monkeypatch, capsys, UsageError("a\x1b[2Jb\rc\u202ed\ne"))
    assert text == "error: a\\x1b[2Jb\\rc\\u202ed\ne\n"


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (click.Abort(), 130)])
def test_an_interruption_has_its_exit_code(
    monkeypatch: Any, capsys: Any, error: BaseException, code: int
) -> None:
    found, text = shown(monkeypatch, capsys, error)
    assert (found, text.strip()) == (code, "interrupted")


def test_a_command_sets_the_exit_code_by_returning_it_or_by_exiting(monkeypatch: Any) -> None:
    for body, code in ((lambda: 7, 7), (lambda: None, 0), (lambda: sys.exit(11), 11)):
        command = click.command()(body)
        monkeypatch.setattr(main_module.CommandGroup, "get_command", lambda *_, c=command: c)
        assert run_command(["runs"]) == code


def test_a_reader_that_goes_away_leaves_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "zenconv.toml").write_text("[params]\n" + "\n".join(f"p{n} = {n}" for n in range(5_000)))
    environment = {**os.environ, "PYTHONPATH": str(Path(zenconv.__file__).parents[1])}
    process = subprocess.Popen(
        [sys.executable, "-m", "zenconv", "config"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (errors, process.wait(timeout=30)) == (b"", 141)


def test_a_full_disk_behind_stdout_is_no_traceback(zenconv_process: Any) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    code = (
        "import os, sys; os.dup2(os.open('/dev/full', os.O_WRONLY), 1)\n"
        "from zenconv.cli.main import main; main(['--version'])"
    )
    result = zenconv_process(code=code)
    assert result.stderr == "error: cannot write what is to be shown: No space left on device\n"
    assert result.returncode == 1


def test_a_folder_that_is_gone_is_said_to_be(zenconv_process: Any) -> None:
    code = (
        "import os; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')\n"
        "from zenconv.cli.main import main; main(['run'])"
    )
    result = zenconv_process(code=code)
    assert result.stderr.startswith("error: the current folder is not there any more: No such file")
    assert result.returncode == 1


def test_an_encoding_without_the_letters_escapes_them(zenconv_process: Any, tmp_path: Path) -> None:
    (tmp_path / "zenconv.toml").write_text("[params]\nname = '雪'\n", encoding="utf-8")
    result = zenconv_process("config", environ={"PYTHONIOENCODING": "latin-1"})
    assert result.returncode == 0, result.stderr
    assert "\\u96ea" in result.stdout


def test_the_shell_completes_commands_and_options(zenconv_process: Any) -> None:
    code = "from zenconv.cli.main import main; main()"

    def complete(words: str, position: int) -> str:
        environ = {"COMP_WORDS": words, "COMP_CWORD": str(position), "_ZENCONV_COMPLETE": "bash_complete"}
        return str(zenconv_process(code=code, environ=environ).stdout)

    assert complete("zenconv st", 1) == "plain,steps\nplain,stack\n"
    assert complete("zenconv config --sh", 2) == "plain,--show-origin\n"
    assert "plain,run\n" in complete("zenconv ", 1)
