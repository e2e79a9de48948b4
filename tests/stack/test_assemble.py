from __future__ import annotations

import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from zenconv.errors import PluginError, SettingsError, UnknownComponent, UsageError
from zenconv.hooks import ComponentSpec, load_plugins
from zenconv.hooks.markers import KINDS
from zenconv.records.artifact import ActionKey
from zenconv.settings import load_settings
from zenconv.settings.settings import COMPONENT_KINDS
from zenconv.stack import Stack, assemble

Build = Callable[..., Stack]


@attrs.define
class Recorder:
    """A component that keeps what it was built from."""

    options: dict[str, Any]
    root: Path
    state: Path
    is_open: bool = True

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path, state: Path) -> Recorder:
        if "refuse" in options:
            raise SettingsError("unknown option 'refuse' of the orchestrator 'recorder'", hint="leave it out")
        return cls(dict(options), root, state)

    def close(self) -> None:
        self.is_open = False


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Assemble the stack of a zenconv.toml; the id ``recorder`` is a component of every kind."""
    module = types.ModuleType("recorder_components")
    module.Recorder = Recorder  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "recorder_components", module)
    kinds = (kind for kind in KINDS if kind != "action_cache")
    specs = [ComponentSpec(kind, "recorder", "recorder_components:Recorder", ("gpu",)) for kind in kinds]
    hooks = types.ModuleType("recorder_plugin")
    hooks.zenconv_components = lambda: specs  # type: ignore[attr-defined]

    def build(text: str, stack: str | None = "x", environ: Mapping[str, str] | None = None) -> Stack:
        (tmp_path / "zenconv.toml").write_text(text)
        settings = load_settings(tmp_path, stack=stack, environ={})
        plugins = load_plugins(autoload=False)
        plugins.register(hooks, "recorder", origin="-p")
        return assemble(settings, plugins, environ=environ or {})

    return build


def problems(stack: Stack) -> list[str]:
    return [str(problem) for problem in stack.problems()]


def test_the_local_stack_works_without_any_setting(build: Build, tmp_path: Path) -> None:
    stack = build("", stack=None)
    assert stack.name == "local"
    assert type(stack.orchestrator).__name__ == "InProcessOrchestrator"
    assert type(stack.artifact_store).__name__ == "LocalStore"
    assert type(stack.action_cache).__name__ == "SqliteActionCache"
    assert stack.trust.mode == "local"
    stack.close()
    assert [path.name for path in tmp_path.iterdir()] == ["zenconv.toml"]


def test_nothing_is_made_before_it_is_asked_for(build: Build) -> None:
    text = "[stacks.x]\norchestrator = 'nowhere'\ntrust = 'local'\n"
    stack = build(text + "artifact_store = {id = 'recorder', a = '${env:NO}'}")
    assert repr(stack) == "Stack('x')"


def test_a_component_is_made_once_from_its_options(build: Build, tmp_path: Path) -> None:
    text = "[stacks.x]\norchestrator = {id = 'recorder', size = 3, token = '${env:T}', list = ['a-${env:T}']}"
    stack = build(text, environ={"T": "0123"})
    made: Any = stack.orchestrator
    assert made is stack.orchestrator
    assert made.options == {"id": "recorder", "size": 3, "token": "0123", "list": ["a-0123"]}
    assert type(made.options["token"]) is str
    assert (made.root, made.state) == (tmp_path, tmp_path / ".zenconv")
    stack.close()
    assert not made.is_open


def test_an_artifact_store_behind_a_url_keeps_its_action_cache_beside_it(build: Build) -> None:
    stack = build("[stacks.x]\nartifact_store = 'memory://bucket/x'\ntrust = 'trust'")
    assert type(stack.artifact_store).__name__ == "RemoteStore"
    assert type(stack.action_cache).__name__ == "ObjectActionCache"
    assert "remote" in stack.capabilities


def test_a_missing_variable_is_named_with_its_place_and_never_its_neighbours(build: Build) -> None:
    options = "a = '${env:GONE}', b = '${env:HERE}', c = '${env:LOST}'"
    text = f"[stacks.x]\norchestrator = {{id = 'recorder', {options}}}"
    stack = build(text, environ={"HERE": "hunter2"})
    with pytest.raises(SettingsError) as caught:
        _ = stack.orchestrator
    assert str(caught.value) == (
        "zenconv.toml:2: stacks.x.orchestrator: the environment variable GONE is not set\n"
        "    hint: export GONE=..., or unset it\n"
        "zenconv.toml:2: stacks.x.orchestrator: the environment variable LOST is not set\n"
        "    hint: export LOST=..., or unset it"
    )


def test_an_option_that_a_component_refuses_gets_its_line(build: Build) -> None:
    stack = build("[stacks.x]\n\norchestrator = {id = 'recorder', refuse = 1}")
    with pytest.raises(SettingsError) as caught:
        _ = stack.orchestrator
    assert str(caught.value) == (
        "zenconv.toml:3: unknown option 'refuse' of the orchestrator 'recorder'\n    hint: leave it out"
    )


def test_an_unknown_component_gets_its_line(build: Build) -> None:
    with pytest.raises(
        UnknownComponent, match=r"zenconv.toml:2: the orchestrator 'airflow' is not installed"
    ):
        _ = build("[stacks.x]\norchestrator = 'airflow'").orchestrator
    with pytest.raises(UnknownComponent, match=r"zenconv.toml:2: there is no orchestrator 'reporder'"):
        _ = build("[stacks.x]\norchestrator = 'reporder'").orchestrator


def test_a_dotted_path_is_no_component(build: Build) -> None:
    with pytest.raises(UnknownComponent, match="there is no orchestrator 'os:system'"):
        _ = build("[stacks.x]\norchestrator = 'os:system'").orchestrator


def test_a_kind_the_stack_lacks_says_how_to_name_one(build: Build) -> None:
    with pytest.raises(SettingsError) as caught:
        build("[stacks.x]").component("model_registry")
    assert "zenconv.toml:1: the stack 'x' has no model registry" in str(caught.value)
    assert "[tool.zenconv.stacks.x] model_registry = ..." in str(caught.value)
    assert build("[stacks.x]\nmodel_registry = 'recorder'").component("model_registry").options == {
        "id": "recorder"
    }


def test_a_store_of_a_plugin_without_a_url_asks_for_an_action_cache(build: Build) -> None:
    text = '[stacks.x]\nartifact_store = {id = "recorder", path = "x"}\ntrust = "local"\n'
    with pytest.raises(SettingsError, match="the stack 'x' has no action cache") as caught:
        _ = build(text).action_cache
    assert 'action_cache = "sqlite"' in str(caught.value)
    assert type(build(f'{text}action_cache = "sqlite"\n').action_cache).__name__ == "SqliteActionCache"


def test_a_shared_store_needs_a_signing_key(build: Build) -> None:
    with pytest.raises(SettingsError) as caught:
        build("[stacks.x]\nartifact_store = 'memory://b'")
    assert str(caught.value) == (
        'zenconv.toml:1: stacks.x.trust.key is missing: its store is shared, so its trust mode is "signed"\n'
        "    hint: zenconv stack trust x makes a key and says where it goes"
    )


def test_the_signing_key_comes_from_a_variable(build: Build) -> None:
    text = "[stacks.x]\nartifact_store = 'memory://b'\ntrust.key = '${env:KEY}'"
    trust = build(text, environ={"KEY": "hunter2"}).trust
    assert trust.mode == "signed"
    assert trust.shared is not None
    assert "hunter2" not in repr(trust)
    with pytest.raises(SettingsError, match=r"zenconv.toml:3: .* the environment variable KEY is not set"):
        _ = build(text).trust
    with pytest.raises(SettingsError, match=r"zenconv.toml:3: .*the signing key is empty"):
        _ = build(text, environ={"KEY": ""}).trust


def test_a_mode_is_taken_as_written(build: Build) -> None:
    assert build("[stacks.x]\ntrust = 'forbid'").trust.mode == "forbid"
    assert build("[stacks.x]\nartifact_store = 'memory://b'\ntrust = {mode = 'trust'}").trust.mode == "trust"


def test_all_problems_of_a_stack_are_found_together(build: Build) -> None:
    text = (
        "[stacks.x]\norchestrator = 'airflow'\nartifact_store = {id = 'local', pth = 'x'}\n"
        "metadata_store = {id = 'recorder', a = '${env:GONE}'}\ntrust.key = '${env:KEY}'\n"
    )
    found = problems(build(text))
    assert [text.partition("\n")[0] for text in found] == [
        "zenconv.toml:2: the orchestrator 'airflow' is not installed",
        "zenconv.toml:3: unknown option 'pth' of the artifact store 'local'",
        "zenconv.toml:4: stacks.x.metadata_store: the environment variable GONE is not set",
        "zenconv.toml:5: stacks.x.trust: the environment variable KEY is not set",
    ]
    assert problems(build("", stack=None)) == []


def test_a_tracker_that_is_not_installed_is_an_error_at_once(build: Build) -> None:
    with pytest.raises(UnknownComponent) as caught:
        build("[stacks.x]\ntrackers = ['mlflow']")
    assert str(caught.value) == (
        "zenconv.toml:2: the tracker 'mlflow' is not installed\n    hint: pip install zenconv-mlflow"
    )


def test_trackers_are_made_from_their_options(build: Build) -> None:
    stack = build("[stacks.x]\ntrackers = ['recorder', {id = 'recorder', url = 'u'}]")
    assert [tracker.options for tracker in stack.trackers] == [
        {"id": "recorder"},
        {"id": "recorder", "url": "u"},
    ]


def test_a_registry_nobody_asked_for_yet_is_checked_too(build: Build) -> None:
    assert problems(build("[stacks.x]\nmodel_registry = 'mlflow'")) == [
        "zenconv.toml:2: the model registry 'mlflow' is not installed\n    hint: pip install zenconv-mlflow"
    ]


@pytest.mark.parametrize("kind", ["model_registry", "tuner", "deployer"])
def test_what_no_run_asks_for_is_a_component_as_any_other(build: Build, kind: str) -> None:
    stack = build(f"[stacks.x]\n{kind} = {{id = 'recorder', url = 'u'}}")
    stack.check_offered()
    assert stack.component(kind).options == {"id": "recorder", "url": "u"}
    noun = kind.replace("_", " ")
    with pytest.raises(UnknownComponent, match=f"zenconv.toml:2: there is no {noun} 'recordr'") as caught:
        build(f"[stacks.x]\n{kind} = 'recordr'").check_offered()
    assert "did you mean 'recorder'?" in str(caught.value)


def test_every_kind_of_component_can_be_named_in_a_stack() -> None:
    assert (*COMPONENT_KINDS, "tracker") == KINDS


def test_stack_errors_are_usage_errors() -> None:
    assert issubclass(SettingsError, UsageError)
    assert issubclass(UnknownComponent, UsageError)
    assert PluginError.exit_code == 4


def test_damage_that_a_component_found_is_told_to_whoever_assembled(tmp_path: Path) -> None:
    told: list[str] = []
    (tmp_path / "zenconv.toml").write_text("")
    settings = load_settings(tmp_path, environ={})
    database = settings.state / "store" / "actions.db"
    database.parent.mkdir(parents=True)
    database.write_bytes(b"")
    stack = assemble(settings, load_plugins(autoload=False), on_warning=told.append)
    key = ActionKey("0" * 64, "1" * 64)
    assert stack.action_cache.claim(key)
    stack.close()
    assert len(told) == 1
    assert "is damaged (the file is empty): moved to" in told[0]


def test_all_components_that_nobody_offers_are_named_together(build: Build) -> None:
    stack = build('[stacks.x]\norchestrator = "one"\nmetadata_store = "two"\n')
    with pytest.raises(SettingsError) as caught:
        _ = stack.orchestrator
    assert [problem.what for problem in caught.value.problems] == [
        "zenconv.toml:2: there is no orchestrator 'one'",
        "zenconv.toml:3: there is no metadata store 'two'",
    ]


def test_what_only_follows_from_an_unknown_store_is_not_told(build: Build) -> None:
    stack = build('[stacks.x]\nartifact_store = "gopher"\ntrust = "local"\n')
    (problem,) = problems(stack)
    assert "there is no artifact store 'gopher'" in problem
    with pytest.raises(SettingsError) as caught:
        build('[stacks.x]\nartifact_store = "gopher"\ntrackers = ["nope"]\n')
    assert "trust.key" not in str(caught.value)


def test_a_missing_key_is_named_together_with_unknown_components(build: Build) -> None:
    with pytest.raises(SettingsError) as caught:
        build('[stacks.x]\nartifact_store = "s3://b/x"\ntrackers = ["nope"]\n')
    text = str(caught.value)
    assert "trust.key is missing" in text
    assert "zenconv.toml:3: there is no tracker 'nope'" in text
