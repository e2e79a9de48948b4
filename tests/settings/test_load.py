from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zenconv.errors import SettingsError
from zenconv.settings import Text, load_settings

Problems = Callable[..., list[str]]


def test_a_project_without_configuration_has_all_defaults(load: Any, tmp_path: Path) -> None:
    settings = load(files={"steps_a.py": ""})
    assert settings.root == tmp_path
    assert settings.state == tmp_path / ".zenconv"
    assert settings.file is None
    assert settings.step_files == ("steps_*.py",)
    assert settings.seed is None
    assert settings.stack.name == "local"
    assert list(settings.stacks) == ["local"]
    assert settings.params == {}


def test_settings_stand_below_tool_zenconv_or_in_a_file_of_their_own(load: Any, tmp_path: Path) -> None:
    assert load(files={"pyproject.toml": "[tool.zenconv]\nseed = 3\n"}).seed == 3
    (tmp_path / "pyproject.toml").unlink()
    assert load("seed = 4").seed == 4


def test_loading_makes_no_folder(load: Any, tmp_path: Path) -> None:
    load("seed = 4")
    assert [path.name for path in tmp_path.iterdir()] == ["zenconv.toml"]


def test_settings_can_be_sent_to_another_process(load: Any) -> None:
    settings = load("[params]\nC = 1\n[stacks.p]\ntrackers = ['m']", sets=["D=2"])
    copy = pickle.loads(pickle.dumps(settings))
    assert copy == settings
    assert isinstance(copy.params["D"].value, Text)


def test_all_mistakes_are_reported_together_each_with_its_line(problems: Problems) -> None:
    found = problems(
        "sed = 1\nseed = 'x'\n[stacks.local]\nworkers = 'four'\n"
        "[stacks.p]\norchestrator = 3\ntrust = 'sgned'\n"
    )
    assert found == [
        "zenconv.toml:1: sed: unknown setting\n    did you mean 'seed'?",
        "zenconv.toml:2: seed: expected int, got 'x'",
        "zenconv.toml:4: stacks.local.workers: expected int, got 'four'",
        "zenconv.toml:6: stacks.p.orchestrator: expected str, got 3",
        "zenconv.toml:7: stacks.p.trust: unknown trust mode 'sgned'\n    did you mean 'signed'?",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = true", "zenconv.toml:1: seed: expected int, got true"),
        ("seed = -1", "zenconv.toml:1: seed: expected an int of at least 0, got -1"),
        ("params = 3", "zenconv.toml:1: params: expected a table, got 3"),
        ("stacks = []", "zenconv.toml:1: stacks: expected a table, got []"),
        ("models = 'x'", "zenconv.toml:1: models: expected a table, got 'x'"),
        ("plugins = 3", "zenconv.toml:1: plugins: expected a list of str, got 3"),
        ("plugins = ['a', 3]", "zenconv.toml:1: plugins[1]: expected str, got 3"),
        ("step_files = ['src/x.py']", "zenconv.toml:1: step_files: 'src/x.py' is no pattern"),
        ("[stacks.x]\nworkers = 1.5", "zenconv.toml:2: stacks.x.workers: expected int, got 1.5"),
        ("[stacks.x]\ntracker = 'm'", "stacks.x.tracker: unknown setting\n    did you mean 'trackers'?"),
        ("[stacks.x]\norchestrator = {url = 'x'}", "stacks.x.orchestrator: the table does not say which"),
        ("[stacks.x]\norchestrator = {id = 3}", "stacks.x.orchestrator.id: expected str, got 3"),
        ("[stacks.x]\nmetadata_store = 'pg://h'", "expected the id of a component, got the address 'pg://h'"),
        ("[stacks.x]\ntrackers = 3", "stacks.x.trackers: expected a list of trackers, got 3"),
        ("[stacks.x]\ntrust = 3", "stacks.x.trust: expected a table, got 3"),
        ("[stacks.x]\ntrust = {mod = 'local'}", "stacks.x.trust.mod: unknown setting"),
        ("[stacks.x]\ntrust.key = '${env:}'", "stacks.x.trust.key: ${env:} names no environment variable"),
        ("stack = 'prod'", "zenconv.toml:1: there is no stack 'prod'"),
        ("[params]\na = '${env:1 x}'", "zenconv.toml:2: params.a: ${env:1 x} names no environment variable"),
        ("[params]\n'a..b' = 1", "a key has an empty part"),
        ("[params]\nt.C = 1\n't.C' = 2", "given twice: here and at zenconv.toml:2"),
        ("[params]\n't.C' = 2\nt.C = 1", "given twice: here and at zenconv.toml:2"),
        ("[tool.zenconv.params]\nC = 1", "hint: in zenconv.toml the settings stand at the top"),
    ],
)
def test_a_mistake_is_named_with_what_was_expected(problems: Problems, text: str, message: str) -> None:
    found = problems(text)
    assert len(found) == 1
    assert message in found[0]


def test_a_zenconv_table_that_is_no_table_is_said_so(load: Any) -> None:
    with pytest.raises(SettingsError, match="expected a table, got 3"):
        load(files={"pyproject.toml": "[tool]\nzenconv = 3\n"})


def test_two_files_with_settings_are_a_mistake(load: Any) -> None:
    with pytest.raises(SettingsError, match=r"zenconv.toml:1: pyproject.toml has a table \[tool.zenconv\]"):
        load(files={"zenconv.toml": "seed = 1", "pyproject.toml": "[tool.zenconv]\nseed = 2\n"})


def test_a_pyproject_of_others_may_be_broken_beside_a_zenconv_toml(load: Any) -> None:
    assert load(files={"zenconv.toml": "seed = 1", "pyproject.toml": "[["}).seed == 1


def test_a_broken_pyproject_is_reported_with_its_line(load: Any) -> None:
    with pytest.raises(SettingsError, match=r"pyproject.toml:2: not valid TOML"):
        load(files={"pyproject.toml": "[tool.zenconv]\nseed = \n"})


def test_another_file_can_be_named(load: Any, tmp_path: Path) -> None:
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci/fast.toml").write_text("seed = 9")
    settings = load("seed = 1", config_file=tmp_path / "ci/fast.toml")
    assert (settings.seed, settings.root) == (9, tmp_path)


def test_the_folder_of_a_named_file_is_the_root_where_no_project_is_marked(tmp_path: Path) -> None:
    start = tmp_path / "elsewhere"
    start.mkdir()
    (tmp_path / "project").mkdir()
    path = tmp_path / "project/pyproject.toml"
    path.write_text("[tool.zenconv]\nseed = 9")
    settings = load_settings(start, config_file=path, environ={})
    assert (settings.seed, settings.root, settings.file) == (9, tmp_path / "project", path)


STACKS = "[stacks.production]\norchestrator = 'airflow'\n[stacks.local]\nworkers = 2\n"


def test_the_stack_comes_from_flag_then_variable_then_file(load: Any) -> None:
    chosen = {"environ": {"ZENCONV_STACK": "local"}}
    assert load("stack = 'production'\n" + STACKS).stack.name == "production"
    assert load("stack = 'production'\n" + STACKS, **chosen).stack.name == "local"
    settings = load("stack = 'local'\n" + STACKS, stack="production", **chosen)
    assert (settings.stack.name, settings.stack_origin) == ("production", "--stack")


def test_an_unknown_stack_says_who_asked_and_what_there_is(problems: Problems) -> None:
    flag = problems(STACKS, stack="produktion")
    assert flag[0].startswith("--stack: there is no stack 'produktion'\n    did you mean 'production'?")
    variable = problems(STACKS, environ={"ZENCONV_STACK": "prod"})
    assert variable[0].startswith("ZENCONV_STACK: there is no stack 'prod'\n    available: local, production")


def test_an_empty_stack_variable_counts_as_not_set(load: Any) -> None:
    assert load(STACKS, environ={"ZENCONV_STACK": ""}).stack.name == "local"


@pytest.mark.parametrize(
    ("written", "id", "options"),
    [
        ("'s3://bucket/x'", "fsspec", {"url": "s3://bucket/x"}),
        ("'memory://x'", "fsspec", {"url": "memory://x"}),
        ("'./store'", "local", {"path": "./store"}),
        ("'/big/disk'", "local", {"path": "/big/disk"}),
        ("'~'", "local", {"path": "~"}),
        ("'local'", "local", {}),
        ("'gcs'", "gcs", {}),
        ("{url = 's3://b', storage_options = {anon = true}}", "fsspec", None),
        ("{path = 'x'}", "local", {"path": "x"}),
        ("{id = 'mine', size = 3}", "mine", {"size": 3}),
    ],
)
def test_an_artifact_store_is_written_as_url_path_id_or_table(
    load: Any, written: str, id: str, options: dict[str, Any] | None
) -> None:
    component = load(f"[stacks.x]\nartifact_store = {written}").stacks["x"].components["artifact_store"]
    assert component.id == id
    assert options is None or component.options == options
    assert component.where == "zenconv.toml:2"


def test_a_trust_key_alone_means_signed(load: Any) -> None:
    stack = load("[stacks.x]\ntrust.key = '${env:K}'").stacks["x"]
    assert (stack.trust.mode, stack.trust.key) == ("signed", "${env:K}")


def test_a_signing_key_in_the_file_is_warned_about_and_not_shown(load: Any) -> None:
    settings = load("[stacks.x]\ntrust.key = 'hunter2'")
    assert len(settings.warnings) == 1
    assert "zenconv.toml:2: the signing key of the stack 'x' stands in the file" in settings.warnings[0]
    assert "hunter2" not in repr(settings) + settings.warnings[0]


def test_plugins_are_switched_on_and_off_by_name(load: Any) -> None:
    plugins = load("plugins = ['mlflow', 'no:dask']").plugins
    assert (plugins.enabled, plugins.disabled) == (("mlflow",), ("dask",))


def test_norecurse_adds_to_the_usual_folders(load: Any) -> None:
    assert {"legacy", "node_modules"} <= set(load("norecurse = 'legacy'").norecurse)


def test_later_tables_are_kept_as_written(load: Any) -> None:
    settings = load(
        "[models]\nchurn = 'training::churn'\n[tune.training.space]\nC = [0.1, 1]\n"
        "[promote.churn]\nif = 'auc > 0.8'\n"
    )
    assert settings.models == {"churn": "training::churn"}
    assert settings.tune == {"training": {"space": {"C": [0.1, 1]}}}
    assert settings.promote == {"churn": {"if": "auc > 0.8"}}


def test_any_setting_comes_from_the_environment_too(load: Any) -> None:
    environ = {
        "ZENCONV_SEED": "7",
        "ZENCONV_STEP_FILES": "jobs_*.py, steps_*.py",
        "ZENCONV_STACKS__PRODUCTION__ARTIFACT_STORE": "s3://other",
        "ZENCONV_STACKS__PRODUCTION__ORCHESTRATOR__URL": "https://x",
        "ZENCONV_STACKS__LOCAL__WORKERS": "5",
        "ZENCONV_STACKS__PRODUCTION__PARAMS__C": "3",
    }
    settings = load(STACKS, environ=environ, stack="production")
    assert settings.seed == 7
    assert settings.step_files == ("jobs_*.py", "steps_*.py")
    assert settings.stack.components["artifact_store"].options == {"url": "s3://other"}
    assert settings.stack.components["orchestrator"].id == "airflow"
    assert settings.stack.components["orchestrator"].options == {"url": "https://x"}
    assert settings.stacks["local"].workers == 5
    assert settings.origins["seed"] == "ZENCONV_SEED"
    assert settings.params["C"].origin == "ZENCONV_STACKS__PRODUCTION__PARAMS__C"


def test_a_wrong_value_in_the_environment_names_the_variable(problems: Problems) -> None:
    assert problems(environ={"ZENCONV_SEED": "x"}) == ["ZENCONV_SEED: seed: expected int, got 'x'"]


def test_a_misspelt_variable_is_reported_and_foreign_ones_are_left_alone(
    load: Any, problems: Problems
) -> None:
    assert problems(environ={"ZENCONV_PARAM__C": "1"}) == [
        "ZENCONV_PARAM__C: unknown setting\n    did you mean 'ZENCONV_PARAMS__C'?"
    ]
    foreign = {"ZENCONV_HOME": "/x", "ZENCONV_MLFLOW__URL": "x", "ZENCONV_DEBUG": "1", "ZENCONV_KEY": "2"}
    assert load(environ={**foreign, "ZENCONV_SEED": "1"}).warnings == ()


def test_a_variable_that_is_almost_one_of_a_setting_is_warned_about(load: Any) -> None:
    environ = {"ZENCONV_STAK": "prod", "ZENCONV_PARAMS_C": "1", "ZENCONV_SEEED": "1"}
    assert load(environ=environ).warnings == (
        "the environment variable ZENCONV_PARAMS_C is no setting; did you mean ZENCONV_PARAMS__C?",
        "the environment variable ZENCONV_SEEED is no setting; did you mean ZENCONV_SEED?",
        "the environment variable ZENCONV_STAK is no setting; did you mean ZENCONV_STACK?",
    )


def test_the_real_environment_is_read_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zenconv.toml").write_text("")
    monkeypatch.setenv("ZENCONV_SEED", "11")
    assert load_settings(tmp_path).seed == 11
    assert "ZENCONV_SEED" in os.environ


def test_what_cleaning_keeps_is_read_as_seconds_and_a_number(load: Any) -> None:
    settings = load('[clean]\nolder_than = "2w"\nkeep_last = 7')
    assert (settings.clean.older_than, settings.clean.keep_last) == (14 * 86400.0, 7)
    assert (load().clean.older_than, load().clean.keep_last) == (None, None)


def test_mistakes_in_what_cleaning_keeps_are_told_together(load: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        load('[clean]\nolder_than = "soon"\nkeep_last = -1\nkeep = 3')
    text = str(caught.value)
    assert all(f"zenconv.toml:{line}: clean." in text for line in (2, 3, 4))
