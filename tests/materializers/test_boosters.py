"""Boosted trees in the formats of their libraries: the same predictions, parameters and attributes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

pytestmark = [pytest.mark.filterwarnings("ignore")]

FEATURES = pd.DataFrame(np.random.default_rng(0).normal(size=(120, 4)), columns=["a", "b", "c", "d"])
LABELS = (FEATURES["a"] > 0).astype(int)
THREE = pd.cut(FEATURES["a"], [-9, -0.5, 0.5, 9], labels=False)
QUIET = {"verbose": 0, "allow_writing_files": False}


def _xgboost(name: str, **options: Any) -> Any:
    return getattr(pytest.importorskip("xgboost"), name)(n_estimators=3, n_jobs=1, **options)


def _lightgbm(name: str, **options: Any) -> Any:
    return getattr(pytest.importorskip("lightgbm"), name)(n_estimators=3, verbose=-1, n_jobs=1, **options)


def _catboost(name: str, **options: Any) -> Any:
    return getattr(pytest.importorskip("catboost"), name)(iterations=3, **QUIET, **options)


ESTIMATORS = {
    "XGBClassifier": lambda: _xgboost("XGBClassifier").fit(FEATURES, LABELS),
    "XGBClassifier of three": lambda: _xgboost("XGBClassifier", max_depth=2).fit(FEATURES, THREE),
    "XGBRegressor stopped early": lambda: _xgboost("XGBRegressor", early_stopping_rounds=1).fit(
        FEATURES, LABELS, eval_set=[(FEATURES, LABELS)], verbose=False
    ),
    "XGBRFRegressor": lambda: _xgboost("XGBRFRegressor").fit(FEATURES, LABELS),
    "XGBRanker": lambda: _xgboost("XGBRanker").fit(FEATURES, LABELS, qid=np.zeros(120, int)),
    "LGBMClassifier": lambda: _lightgbm("LGBMClassifier").fit(FEATURES, LABELS),
    "LGBMClassifier of texts": lambda: _lightgbm("LGBMClassifier").fit(
        FEATURES,
        LABELS.map({0: "no", 1: "yes"}).to_numpy(object),
        eval_set=[(FEATURES, LABELS.map({0: "no", 1: "yes"}))],
    ),
    "LGBMRegressor": lambda: _lightgbm("LGBMRegressor", num_leaves=4).fit(FEATURES, LABELS),
    "CatBoostClassifier": lambda: _catboost("CatBoostClassifier").fit(
        FEATURES, LABELS.map({0: "no", 1: "yes"})
    ),
    "CatBoostRegressor": lambda: _catboost("CatBoostRegressor").fit(
        FEATURES, LABELS, eval_set=(FEATURES, LABELS)
    ),
    "CatBoost": lambda: (
        pytest.importorskip("catboost").CatBoost({"iterations": 3, **QUIET}).fit(FEATURES, LABELS)
    ),
}

UNFITTED = {
    "XGBClassifier": lambda: _xgboost("XGBClassifier"),
    "LGBMClassifier": lambda: _lightgbm("LGBMClassifier"),
    "CatBoostClassifier": lambda: _catboost("CatBoostClassifier"),
}


@pytest.mark.parametrize("make", ESTIMATORS.values(), ids=ESTIMATORS)
def test_a_fitted_estimator_predicts_the_same_without_a_pickle(shelf: Any, make: Any) -> None:
    model = make()
    artifact = shelf.save(model)
    assert not artifact.needs_trust
    again = shelf.load(artifact)
    assert type(again) is type(model)
    assert again.predict(FEATURES).tolist() == model.predict(FEATURES).tolist()
    assert repr(again.get_params()) == repr(model.get_params())
    assert artifact.summary["fitted"]
    assert shelf.save(again).content == artifact.content == shelf.save(make()).content


@pytest.mark.parametrize("make", UNFITTED.values(), ids=UNFITTED)
def test_an_unfitted_estimator_can_be_fitted_after(shelf: Any, make: Any) -> None:
    artifact = shelf.save(make())
    assert artifact.summary == {"fitted": False}
    again = shelf.load(artifact).fit(FEATURES, LABELS)
    assert again.predict(FEATURES).tolist() == make().fit(FEATURES, LABELS).predict(FEATURES).tolist()


def test_other_parameters_or_data_are_another_content(shelf: Any) -> None:
    for kind, make in (
        ("XGBClassifier", _xgboost),
        ("LGBMClassifier", _lightgbm),
        ("CatBoostClassifier", _catboost),
    ):
        models = [make(kind), make(kind, learning_rate=0.2), make(kind).fit(FEATURES, LABELS)]
        models.append(make(kind).fit(FEATURES, 1 - LABELS))
        assert len({shelf.save(model).content for model in models}) == 4


def test_an_xgboost_booster_keeps_attributes_names_and_configuration(shelf: Any) -> None:
    xgboost = pytest.importorskip("xgboost")
    data = xgboost.DMatrix(FEATURES, LABELS)
    booster = xgboost.train({"eta": 0.3, "max_depth": 2}, data, 3)
    booster.set_attr(owner="me")
    again = shelf.safe_round_trip(booster)
    assert again.attributes() == {"owner": "me"}
    assert again.feature_names == ["a", "b", "c", "d"]
    assert again.save_config() == booster.save_config()
    booster.update(data, 3)
    again.update(data, 3)
    assert again.predict(data).tolist() == booster.predict(data).tolist()


def test_a_lightgbm_booster_keeps_its_parameters(shelf: Any) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    booster = lightgbm.train({"verbose": -1, "num_leaves": 4}, lightgbm.Dataset(FEATURES, LABELS), 3)
    again = shelf.safe_round_trip(booster)
    assert again.params == booster.params
    assert again.predict(FEATURES).tolist() == booster.predict(FEATURES).tolist()


def test_a_model_among_plain_values_is_no_pickle(shelf: Any) -> None:
    again = shelf.safe_round_trip({"model": _xgboost("XGBRegressor").fit(FEATURES, LABELS), "score": 0.5})
    assert again["model"].predict(FEATURES).shape == (120,)


def objective(truth: Any, predicted: Any) -> Any:
    return predicted - truth, np.ones_like(truth)


def test_an_objective_that_is_code_needs_a_pickle(shelf: Any) -> None:
    model = _xgboost("XGBRegressor", objective=objective).fit(FEATURES, LABELS)
    artifact = shelf.save(model)
    assert artifact.runs_code
    assert shelf.load(artifact).objective is objective
