from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from zenconv.errors import PluginError, UnknownComponent
from zenconv.hooks import ComponentSpec, MaterializerSpec, Plugins, load_plugins
from zenconv.hooks.manager import PACKAGES
from zenconv.settings import load_settings

TRACKER = """
from zenconv.hooks.markers import ComponentSpec, MaterializerSpec, hookimpl

@hookimpl
def zenconv_components():
    return [ComponentSpec("tracker", "demo", "zenconv_demo:Tracker", ("remote",))]

@hookimpl
def zenconv_materializers():
    return [MaterializerSpec("demo-format", ("demo.Thing",), "zenconv_demo:Format")]

class Tracker:
    pass
"""


def plugin(**functions: Any) -> types.ModuleType:
    module = types.ModuleType("some_plugin")
    vars(module).update(functions)
    return module


def test_the_built_in_components_are_offered_like_those_of_a_plugin() -> None:
    plugins = load_plugins(autoload=False)
    assert [(row.name, row.origin) for row in plugins.rows()] == [
        ("components", "built in"),
        ("materializers", "built in"),
        ("rendering", "built in"),
        ("values", "built in"),
    ]
    from zenconv.components.local_store import LocalStore

    assert plugins.component("artifact_store", "local") is LocalStore


def test_every_built_in_component_can_be_imported() -> None:
    plugins = load_plugins(autoload=False)
    for spec in plugins.components():
        assert hasattr(plugins.component(spec.kind, spec.id), "from_options"), spec


def test_an_installed_plugin_is_loaded_and_says_where_it_is_from(install: Any) -> None:
    install("demo", TRACKER, version="2.1")
    plugins = load_plugins()
    row = next(row for row in plugins.rows() if row.name == "demo")
    assert (row.origin, row.version, row.module) == ("zenconv-demo 2.1", "2.1", "zenconv_demo")
    assert row.hooks == ("zenconv_components", "zenconv_materializers")
    assert (row.components, row.materializers) == ((("tracker", "demo"),), ("demo-format",))
    assert plugins.component("tracker", "demo").__name__ == "Tracker"
    assert plugins.capabilities("tracker", "demo") == ("remote",)
    assert plugins.materializers()[-1].id == "demo-format"


def test_a_plugin_can_be_left_out(install: Any) -> None:
    install("demo", "raise RuntimeError('must not be imported')")
    for plugins in (load_plugins(["no:demo"]), load_plugins(disabled=["demo"])):
        assert "demo" not in [row.name for row in plugins.rows()]


def test_autoload_can_be_switched_off_and_single_plugins_named(
    install: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("demo", TRACKER)
    monkeypatch.setenv("ZENCONV_DISABLE_PLUGIN_AUTOLOAD", "1")
    assert "demo" not in [row.name for row in load_plugins().rows()]
    assert "demo" in [row.name for row in load_plugins(["demo"]).rows()]
    assert "demo" in [row.name for row in load_plugins(enabled=["demo"]).rows()]


def test_no_wins_over_enabled(install: Any) -> None:
    install("demo", TRACKER)
    assert "demo" not in [row.name for row in load_plugins(["no:demo"], enabled=["demo"]).rows()]


def test_the_command_line_may_name_a_module(site: Any) -> None:
    (site / "my_hooks.py").write_text("def zenconv_run_finish(event): pass\n")
    rows = load_plugins(["my_hooks"]).rows()
    assert (rows[-1].name, rows[-1].origin, rows[-1].hooks) == ("my_hooks", "-p", ("zenconv_run_finish",))


def test_settings_never_select_code_to_import(site: Any) -> None:
    (site / "my_hooks.py").write_text("raise SystemExit('imported')\n")
    with pytest.raises(PluginError, match="there is no plugin 'my_hooks'"):
        load_plugins(enabled=["my_hooks"])
    assert "my_hooks" not in sys.modules


def test_a_misspelt_plugin_in_the_settings_gets_a_suggestion(install: Any) -> None:
    install("demo", TRACKER)
    with pytest.raises(PluginError, match="hint: did you mean 'demo'"):
        load_plugins(enabled=["dmo"])


def test_a_plugin_that_the_settings_name_and_that_is_not_there_gets_its_line(tmp_path: Path) -> None:
    (tmp_path / "zenconv.toml").write_text('\nplugins = ["nowhere"]\n')
    names = load_settings(tmp_path, environ={}).plugins
    with pytest.raises(PluginError, match=r"^zenconv.toml:2: there is no plugin 'nowhere'"):
        load_plugins(enabled=names.enabled, where=names.where, autoload=False)


@pytest.mark.parametrize("id", sorted(PACKAGES))
def test_a_known_plugin_that_is_not_installed_says_how_to_get_it(id: str) -> None:
    plugins = load_plugins(autoload=False)
    with pytest.raises(UnknownComponent) as caught:
        plugins.component("orchestrator", id, where="zenconv.toml:3")
    assert str(caught.value) == (
        f"zenconv.toml:3: the orchestrator {id!r} is not installed\n    hint: pip install zenconv-{id}"
    )
    with pytest.raises(PluginError, match=f"pip install zenconv-{id}"):
        load_plugins(enabled=[id], autoload=False)


def test_an_unknown_component_names_what_there_is() -> None:
    plugins = load_plugins(autoload=False)
    with pytest.raises(
        UnknownComponent, match="there is no artifact store 'lokal'\n    hint: did you mean 'local'"
    ):
        plugins.component("artifact_store", "lokal")
    with pytest.raises(UnknownComponent, match="no installed plugin provides a tracker"):
        plugins.component("tracker", "x")
    with pytest.raises(
        UnknownComponent, match="'sqlite' is a component of another kind: action cache, metadata"
    ):
        plugins.component("artifact_store", "sqlite")


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def f(:", "SyntaxError: "),
    ],
)
def test_a_plugin_that_fails_to_import_is_named_with_its_cause(install: Any, source: str, cause: str) -> None:
    install("demo", source)
    with pytest.raises(PluginError) as caught:
        load_plugins()
    message = str(caught.value)
    place, _, what = message.partition(": ")
    assert place.endswith("zenconv_demo.py:1")
    assert what.startswith(
        f"the plugin 'demo' (from zenconv-demo 1.0) cannot be imported from module zenconv_demo: {cause}"
    )
    assert message.endswith("hint: to run without it: -p no:demo")
    assert caught.value.exit_code == 4


def test_a_component_that_fails_to_import_is_named_with_its_cause() -> None:
    plugins = Plugins()
    spec = ComponentSpec("tracker", "x", "zenconv_nowhere.tracker:Tracker")
    plugins.register(plugin(zenconv_components=lambda: [spec]), "demo", origin="zenconf.py")
    with pytest.raises(PluginError) as caught:
        plugins.component("tracker", "x")
    assert "the tracker 'x' of the plugin 'demo' (zenconf.py) cannot be imported" in str(caught.value)
    assert "hint: pip install zenconv_nowhere" in str(caught.value)


def test_two_plugins_may_not_claim_one_component(install: Any) -> None:
    install("demo", TRACKER)
    install("other", TRACKER.replace("demo-format", "other-format"))
    with pytest.raises(PluginError) as caught:
        load_plugins().components()
    assert str(caught.value) == (
        "two plugins claim the tracker 'demo': 'demo' (zenconv-demo 1.0) and 'other' (zenconv-other 1.0)\n"
        "    hint: switch one of them off: -p no:other"
    )


def test_a_plugin_may_not_claim_what_is_built_in() -> None:
    plugins = load_plugins(autoload=False)
    spec = ComponentSpec("artifact_store", "local", "evil:Store")
    plugins.register(plugin(zenconv_components=lambda: [spec]), "evil", origin="-p")
    with pytest.raises(
        PluginError, match=r"claim the artifact store 'local': 'components' \(built in\) and 'evil'"
    ):
        plugins.component("artifact_store", "local")


def test_two_plugins_may_not_claim_one_materializer() -> None:
    plugins = Plugins()
    for name in ("a", "b"):
        spec = MaterializerSpec("same", (), "x:Y")
        plugins.register(plugin(zenconv_materializers=lambda spec=spec: [spec]), name, origin="-p")
    with pytest.raises(PluginError, match="claim the materializer 'same': 'a'"):
        plugins.materializers()


def test_two_distributions_may_not_share_a_plugin_name(install: Any) -> None:
    install("demo", "", distribution="first", module="first_module")
    install("demo", "", distribution="second", module="second_module")
    with pytest.raises(PluginError) as caught:
        load_plugins()
    assert "two plugins are called 'demo': first_module (first 1.0) and second_module (second 1.0)" in str(
        caught.value
    )


def test_a_hook_that_returns_something_else_is_an_error() -> None:
    plugins = Plugins()
    plugins.register(plugin(zenconv_components=lambda: ["x"]), "demo", origin="-p")
    with pytest.raises(PluginError, match="zenconv_components returned a str, expected ComponentSpec"):
        plugins.components()


def test_a_hook_that_fails_is_an_error_that_names_the_plugin() -> None:
    plugins = Plugins()
    plugins.register(plugin(zenconv_components=lambda: 1 / 0), "demo", origin="-p")
    with pytest.raises(PluginError, match=r"zenconv_components of the plugin 'demo' \(-p\) failed: Zero"):
        plugins.components()


def test_an_unknown_kind_gets_a_suggestion() -> None:
    plugins = Plugins()
    spec = ComponentSpec("trackr", "x", "x:Y")  # type: ignore[arg-type]
    plugins.register(plugin(zenconv_components=lambda: [spec]), "demo", origin="-p")
    with pytest.raises(PluginError, match="unknown kind 'trackr'\n    hint: did you mean 'tracker'"):
        plugins.components()


@pytest.mark.parametrize("hook", ["zenconv_components", "zenconv_options", "zenconv_commands"])
def test_what_a_plugin_offers_is_asked_for_once_until_another_is_added(hook: str) -> None:
    plugins, asked = Plugins(), []

    def offer() -> list[Any]:
        asked.append(1)
        return []

    plugins.register(plugin(**{hook: offer}), "demo", origin="-p")
    for _ in range(3):
        plugins.offers(hook, ComponentSpec)
    assert len(asked) == 1
    plugins.register(plugin(zenconv_run_finish=lambda: None), "other", origin="-p")
    plugins.offers(hook, ComponentSpec)
    assert len(asked) == 2


def test_the_first_version_token_counts() -> None:
    plugins = Plugins()
    plugins.register(plugin(zenconv_input_version=lambda value: f"etag of {value}"), "a", origin="-p")
    plugins.register(plugin(zenconv_input_version=lambda value: None), "b", origin="-p")
    assert plugins.calls("zenconv_input_version").ask(value="s3://x") == "etag of s3://x"
    assert Plugins().calls("zenconv_input_version").ask(value="s3://x") is None
