from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import pytest

from zenconv.errors import PluginError, SettingsError
from zenconv.hooks import OptionSpec, Plugins
from zenconv.hooks.options import configure_plugins, list_options
from zenconv.settings import load_settings

SPECS = (
    OptionSpec("--report-file", "Where.", kind="path"),
    OptionSpec("--level", "How much.", choices=("low", "high"), default="low"),
    OptionSpec("--fast", "Or not.", kind="flag"),
    OptionSpec("--times", "How often.", kind="integer"),
    OptionSpec("--share", "How much of it.", kind="number", default=0.5),
    OptionSpec("--only", "Which.", is_repeated=True),
)


def offering(*specs: OptionSpec, name: str = "demo", into: Plugins | None = None) -> Plugins:
    plugins = into or Plugins()
    module = types.ModuleType(name)
    vars(module)["zenconv_options"] = lambda: specs
    plugins.register(module, name, origin="-p")
    return plugins


def configured(tmp_path: Path, text: str = "", environ: Any = None, **given: Any) -> dict[str, Any]:
    (tmp_path / "zenconv.toml").write_text(text)
    plugins = offering(*SPECS)
    got: dict[str, Any] = {}
    module = types.ModuleType("asking")
    vars(module)["zenconv_configure"] = lambda options: got.update(options)
    plugins.register(module, "asking", origin="-p")
    configure_plugins(plugins, load_settings(tmp_path, environ=environ or {}), given)
    return got


def test_options_have_their_defaults(tmp_path: Path) -> None:
    assert configured(tmp_path) == {
        "report_file": None,
        "level": "low",
        "fast": False,
        "times": None,
        "share": 0.5,
        "only": (),
    }


def test_the_settings_win_over_defaults_and_the_command_line_over_the_settings(tmp_path: Path) -> None:
    text = """
    [options]
    report-file = "out/report.html"
    level = "high"
    fast = true
    times = 3
    share = 1
    only = ["a", "b"]
    """
    got = configured(tmp_path, text, times=4)
    assert got["report_file"] == tmp_path / "out/report.html"
    assert (got["level"], got["fast"], got["times"], got["only"]) == ("high", True, 4, ("a", "b"))


def test_the_environment_can_say_it_as_well(tmp_path: Path) -> None:
    environ = {"ZENCONV_OPTIONS__REPORT_FILE": "x.html", "ZENCONV_OPTIONS__TIMES": "7"}
    got = configured(tmp_path, environ=environ)
    assert (got["report_file"], got["times"]) == (tmp_path / "x.html", 7)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("times = 'x'", "zenconv.toml:2: options.times: expected an integer, got 'x'"),
        ("times = true", "zenconv.toml:2: options.times: expected an integer, got True"),
        ("fast = 1", "zenconv.toml:2: options.fast: expected true or false, got 1"),
        ("level = 'hihg'", "zenconv.toml:2: options.level: expected one of low, high, got 'hihg'"),
        ("lvel = 'low'", "zenconv.toml:2: options.lvel: no plugin offers such an option"),
        ("report-file = 3", "zenconv.toml:2: options.report-file: expected a path, got 3"),
    ],
)
def test_a_mistake_in_the_settings_has_its_place(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        configured(tmp_path, f"[options]\n{line}\n")
    assert message in str(caught.value)


def test_all_mistakes_are_told_together(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        configured(tmp_path, "[options]\ntimes = 'x'\nlvel = 'low'\n")
    assert len(caught.value.problems) == 2
    assert "did you mean 'level'" in str(caught.value)


def test_the_option_of_a_plugin_that_was_left_out_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "zenconv.toml").write_text("[options]\nabsent = 1\n")
    plugins = offering(*SPECS)
    plugins.is_partial = True
    configure_plugins(plugins, load_settings(tmp_path, environ={}), {})


@pytest.mark.parametrize("name", ["-x", "--Upper", "--under_score", "plain", "--", "--a--b"])
def test_what_is_no_option_is_refused(name: str) -> None:
    with pytest.raises(PluginError, match=r"the plugin 'demo': .* is no option"):
        list_options(offering(OptionSpec(name, "")))


def test_two_plugins_may_not_claim_one_option() -> None:
    plugins = offering(OptionSpec("--same", ""))
    offering(OptionSpec("--same", ""), name="other", into=plugins)
    with pytest.raises(PluginError, match="two plugins claim the option --same: 'demo' and 'other'"):
        list_options(plugins)
