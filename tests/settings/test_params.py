from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from zenconv.settings import Text, list_unused, look_up

Problems = Callable[..., list[str]]


def values(settings: Any) -> dict[str, Any]:
    return {key: value.value for key, value in settings.params.items() if not value.is_table}


@pytest.mark.parametrize(
    "text",
    [
        "[params]\ntraining.C = 1",
        "[params]\n'training.C' = 1",
        "[params.training]\nC = 1",
        "params = {training = {C = 1}}",
        "params.training.C = 1",
    ],
)
def test_tables_and_dots_mean_the_same(load: Any, text: str) -> None:
    settings = load(text)
    assert values(settings) == {"training.C": 1}
    assert settings.params["training"].value == {"C": 1}
    assert settings.params["training"].is_table


def test_the_stack_wins_over_the_base_leaf_by_leaf(load: Any) -> None:
    text = "[params.training]\nC = 1\nsize = 0.2\n[stacks.p.params]\ntraining.C = 2\n"
    settings = load(text, stack="p")
    assert values(settings) == {"training.C": 2, "training.size": 0.2}
    assert settings.params["training.C"].origin == "zenconv.toml:5"
    assert settings.params["training.size"].origin == "zenconv.toml:3"
    assert settings.params["training"].origin == "zenconv.toml:5, zenconv.toml:3"


def test_environment_wins_over_files_and_flags_over_environment(load: Any) -> None:
    text = "[params]\nC = 1\nD = 1\nE = 1\n"
    settings = load(text, environ={"ZENCONV_PARAMS__C": "2", "ZENCONV_PARAMS__D": "2"}, sets=["C=3"])
    assert values(settings) == {"C": "3", "D": "2", "E": 1}
    assert [settings.params[k].origin for k in "CDE"] == ["--set", "ZENCONV_PARAMS__D", "zenconv.toml:4"]
    assert isinstance(settings.params["C"].value, Text)


def test_the_last_set_of_a_name_counts(load: Any) -> None:
    assert values(load(sets=["C=1", "C=2"])) == {"C": "2"}


def test_set_keeps_everything_after_the_first_equals_sign(load: Any) -> None:
    assert values(load(sets=["query=a=b c", "empty="])) == {"query": "a=b c", "empty": ""}


@pytest.mark.parametrize("text", ["C", "=3", "a..b=3", ".a=1"])
def test_a_set_without_a_name_or_value_is_reported(problems: Problems, text: str) -> None:
    assert problems(sets=[text]) == [f"--set: expected name=value, got {text!r}\n    hint: --set C=0.1"]


def test_python_values_are_the_strongest(load: Any) -> None:
    settings = load("params.C = 1", sets=["C=2"], overrides={"C": [1, 2], "t.D": None})
    assert values(settings) == {"C": [1, 2], "t.D": None}
    assert settings.params["C"].origin == "argument"


def test_a_plain_value_replaces_a_table_and_the_reverse(load: Any) -> None:
    settings = load("[params]\na.b = 1\nc = 1\n", sets=["a=5", "c.d=6"])
    assert values(settings) == {"a": "5", "c.d": "6"}


def test_keys_with_dots_inside_a_table_value_stay_as_they_are(load: Any) -> None:
    settings = load("[params]\nrename = {'old.name' = 'new'}\nempty = {}\n")
    assert settings.params["rename"].value == {"old.name": "new"}
    assert settings.params["empty"].value == {}


def test_names_in_capitals_find_the_spelling_of_the_file(load: Any) -> None:
    text = "[params]\ntest_size = 1\n[params.training]\nmax_depth = 1\n"
    environ = {"ZENCONV_PARAMS__TEST_SIZE": "2", "ZENCONV_PARAMS__TRAINING__MAX_DEPTH": "3"}
    assert values(load(text, environ=environ)) == {"test_size": "2", "training.max_depth": "3"}


def test_a_secret_is_a_reference_wherever_it_is_written(load: Any) -> None:
    text = "[params]\ntoken = '${env:TOKEN}'\ndb.url = 'pg://${env:USER}:${env:PW}@h'\nlist = ['${env:A}']\n"
    environ = {"TOKEN": "hunter2", "PW": "hunter2", "ZENCONV_PARAMS__KEY": "${env:KEY}"}
    settings = load(text, environ=environ, sets=["other=${env:OTHER}"])
    secrets = {key: value.secret for key, value in settings.params.items()}
    assert secrets == {
        "token": "TOKEN",
        "db": "USER,PW",
        "db.url": "USER,PW",
        "list": "A",
        "KEY": "KEY",
        "other": "OTHER",
    }
    assert "hunter2" not in repr(settings)


def test_the_most_specific_key_wins_within_a_layer(load: Any) -> None:
    params = load("[params]\np = 1\nchurn.p = 2\ntraining.p = 3\ntraining.churn.p = 4\n", environ={}).params
    pipelines = ("eu/training", "training")
    assert look_up(params, "p", step="churn", pipelines=pipelines) == (
        "training.churn.p",
        params["training.churn.p"],
    )
    assert look_up(params, "p", step="other", pipelines=pipelines) == ("training.p", params["training.p"])
    assert look_up(params, "p", step="churn", pipelines=("scoring",)) == ("churn.p", params["churn.p"])
    assert look_up(params, "p", step="other", pipelines=("scoring",)) == ("p", params["p"])
    assert look_up(params, "q", step="churn", pipelines=pipelines) is None


def test_a_stronger_layer_wins_before_a_more_specific_key(load: Any) -> None:
    params = load("[params.training]\nchurn.p = 4\n", sets=["p=9"]).params
    assert look_up(params, "p", step="churn", pipelines=("training",)) == ("p", params["p"])


def test_capitals_in_the_environment_reach_a_parameter_nobody_configured(load: Any) -> None:
    params = load(environ={"ZENCONV_PARAMS__TEST_SIZE": "2", "ZENCONV_PARAMS__C": "1"}).params
    assert look_up(params, "test_size") == ("TEST_SIZE", params["TEST_SIZE"])
    assert look_up(params, "c") is None


def test_parameters_nobody_takes_are_listed_by_their_deepest_key(load: Any) -> None:
    params = load("[params]\nC = 1\nopts = {a = 1, b = 2}\ntraining.D = 1\n").params
    assert list_unused(params, ["opts", "C"]) == ["training.D"]
    assert list_unused(params, []) == ["C", "opts.a", "opts.b", "training.D"]
