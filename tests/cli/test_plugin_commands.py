"""Flags and commands that plugins add."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

PLUGIN = """
from zenconv.hooks import CommandSpec, OptionSpec

def zenconv_options():
    return [
        OptionSpec("--greeting", "What to say.", metavar="TEXT"),
        OptionSpec("--loud", "Say it loudly.", kind="flag"),
        OptionSpec("--file", "Where to.", kind="path"),
        OptionSpec("--whom", "Whom.", is_repeated=True),
    ]

def zenconv_commands():
    yield CommandSpec("greet", "Say hello.", "greeting.command:command")
    yield CommandSpec("broken", "Never works.", "greeting.nowhere:command")

SAID = {}

def zenconv_configure(options):
    SAID.update({name: str(value) for name, value in options.items()})

def zenconv_terminal_summary(event):
    return str(SAID)
"""

COMMAND = """
import click

@click.command()
@click.argument("name")
@click.option("-c", "count", default=1)
@click.pass_obj
def command(place, name, count):
    for _ in range(count):
        print("hello", name, "in", place.root.name, place.state.name)
"""


@pytest.fixture
def call(zenconv_process: Any, tmp_path: Path) -> Any:
    files = {
        "lib/greeting/__init__.py": PLUGIN,
        "lib/greeting/command.py": COMMAND,
        "project/steps_a.py": "def one(): return 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    code = (
        f"import sys, os; sys.path.append({str(tmp_path / 'lib')!r}); os.chdir('project');"
        "from zenconv.cli.main import main; main()"
    )

    def call(*args: str, **options: Any) -> Any:
        environ = {"ZENCONV_DISABLE_PLUGIN_AUTOLOAD": "1", **options.pop("environ", {})}
        return zenconv_process(*args, code=options.pop("code", code), environ=environ, **options)

    return call


def test_a_flag_of_a_plugin_reaches_it(call: Any, tmp_path: Path) -> None:
    result = call(
        "run", "-p", "greeting", "--loud", "--greeting=hi", "--file", "x", "--whom", "a", "--whom", "b"
    )
    assert result.returncode == 0, result.stderr
    expected = {
        "greeting": "hi",
        "loud": "True",
        "file": str(tmp_path / "project/x"),
        "whom": "('a', 'b')",
    }
    assert str(expected) in result.stdout


def test_flags_that_are_not_given_keep_their_defaults(call: Any) -> None:
    result = call("run", "-p", "greeting", "--whom", "a")
    assert "{'greeting': 'None', 'loud': 'False', 'file': 'None', 'whom': \"('a',)\"}" in result.stdout


def test_a_flag_that_nobody_offers_is_a_usage_error_with_a_suggestion(call: Any) -> None:
    result = call("run", "-p", "greeting", "--greting", "x")
    assert result.returncode == 4
    assert "No such option '--greting'" in result.stderr
    assert "--greeting" in result.stderr
    assert call("run", "--greeting", "x").returncode == 4


def test_the_help_of_run_lists_the_flags_of_plugins(call: Any) -> None:
    text = call("run", "-p", "greeting", "--help").stdout
    assert "Options of plugins:\n" in text
    assert "--greeting TEXT  What to say." in text
    assert "Options of plugins" not in call("run", "--help").stdout


def test_a_plugin_may_not_take_over_a_built_in_flag(call: Any, tmp_path: Path) -> None:
    hooks = "from zenconv.hooks import OptionSpec\ndef zenconv_options(): return [OptionSpec('--plan', '')]\n"
    (tmp_path / "lib/taking.py").write_text(hooks)
    result = call("run", "-p", "taking", "--nothing")
    assert result.returncode == 4
    assert "the plugin 'taking' claims --plan, which `zenconv run` has already" in result.stderr


def test_a_command_of_a_plugin_is_called_with_the_project(call: Any) -> None:
    result = call("greet", "Ada", "-p", "greeting", "-c", "2")
    assert result.stdout == "hello Ada in project .zenconv\n" * 2, result.stderr
    assert call("-p", "greeting", "greet", "Ada").stdout == "hello Ada in project .zenconv\n"


def test_a_command_of_a_plugin_takes_the_common_options(call: Any, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/zenconv.toml").write_text("seed = 1")
    result = call("greet", "Ada", "-p", "greeting", "-C", str(tmp_path / "other"))
    assert result.stdout == "hello Ada in other .zenconv\n", result.stderr
    assert "--stack NAME" in call("greet", "-p", "greeting", "--help").stdout


def test_a_command_outside_of_a_project_says_so(call: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = call("greet", "Ada", "-p", "greeting", "-C", str(tmp_path / "empty"))
    assert result.returncode == 4
    assert "error: " in result.stderr
    assert "Traceback" not in result.stderr


def test_a_command_that_cannot_be_imported_is_named(call: Any) -> None:
    result = call("broken", "-p", "greeting")
    assert result.returncode == 4
    assert "the command 'broken' of the plugin 'greeting' (-p) cannot be imported" in result.stderr


def test_a_misspelt_command_is_still_one(call: Any) -> None:
    result = call("rnu")
    assert result.returncode == 4
    assert "did you mean 'run'" in result.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [("run", "claims the command 'run', which is built in"), ("a b", "'a b' is no name for a command")],
)
def test_what_a_command_may_not_be_called(call: Any, tmp_path: Path, name: str, message: str) -> None:
    spec = f"CommandSpec({name!r}, '', 'x:y')"
    hooks = f"from zenconv.hooks import CommandSpec\ndef zenconv_commands(): return [{spec}]\n"
    (tmp_path / "lib/taking.py").write_text(hooks)
    result = call("nothing", "-p", "taking")
    assert result.returncode == 4
    assert message in result.stderr


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Offer a folder of installed packages with the plugin, as it is hours after the installation."""
    folder = tmp_path / "site-packages"
    info = folder / "zenconv_greeting-1.0.dist-info"
    (folder / "greeting").mkdir(parents=True)
    info.mkdir()
    (folder / "greeting/__init__.py").write_text(PLUGIN)
    (folder / "greeting/command.py").write_text(COMMAND)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zenconv-greeting\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[zenconv]\ngreeting = greeting\n")
    settle(folder)
    return folder


def settle(folder: Path, seconds: float = 1000) -> None:
    long_ago = folder.stat().st_mtime - seconds
    os.utime(folder, (long_ago, long_ago))


def help_of(call: Any, site: Path) -> tuple[str, set[str]]:
    """Return what ``--help`` prints where `site` is on the import path, and which modules that loaded."""
    code = (
        "import json, sys, os;"
        f"sys.path.insert(1, {str(site)!r});"
        "from zenconv.cli.main import run_command; run_command(['--help']);"
        "print(json.dumps(sorted(sys.modules)))"
    )
    result = call(code=code, environ={"ZENCONV_DISABLE_PLUGIN_AUTOLOAD": ""})
    assert result.returncode == 0, result.stderr
    text, _, modules = result.stdout.rpartition("\n[")
    return text, set(json.loads("[" + modules))


def test_the_help_lists_installed_commands_and_loads_plugins_only_after_an_installation(
    call: Any, site: Path, tmp_path: Path
) -> None:
    first, loaded = help_of(call, site)
    assert re.search(r"  greet +Say hello. \(greeting\)\n", first)
    assert "greeting" in loaded
    second, loaded = help_of(call, site)
    if (tmp_path / "home/cache").exists():  # not where this Python's own packages have just changed
        assert second == first
        assert not loaded & {"pluggy", "greeting", "attrs", "importlib_metadata", "platformdirs", "blake3"}
    (site / "greeting/__init__.py").write_text(PLUGIN.replace("Say hello.", "Say goodbye."))
    settle(site, 2000)
    assert "Say goodbye." in help_of(call, site)[0]


def test_the_help_is_shown_although_a_plugin_is_broken(call: Any, site: Path) -> None:
    (site / "greeting/__init__.py").write_text("1 / 0\n")
    text, _ = help_of(call, site)
    assert "A plugin cannot be loaded: `zenconv plugins` says which, and why." in text


def test_no_plugin_is_looked_for_where_autoload_is_off(call: Any) -> None:
    assert "Commands of plugins" not in call("--help").stdout
