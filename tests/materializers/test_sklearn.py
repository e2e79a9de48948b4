"""What is shown of an estimator is certain, or not shown."""

from __future__ import annotations

from typing import Any

import pytest

from zenconv.materializers.sklearn import Estimators

pytest.importorskip("sklearn")


def summarize(value: Any) -> dict[str, Any]:
    return dict(Estimators.summarize(Estimators.__new__(Estimators), value))


@pytest.fixture
def data() -> tuple[Any, Any]:
    import numpy

    table = numpy.random.default_rng(0).random((20, 3))
    return table, table[:, 0] > 0.5


def test_a_pipeline_is_fitted_when_its_last_step_is(data: Any) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    assert summarize(pipeline)["fitted"] is False
    assert summarize(pipeline.fit(*data))["fitted"] is True
    nested = make_pipeline(StandardScaler(), make_pipeline(StandardScaler()))
    assert summarize(nested)["fitted"] is False
    assert summarize(nested.fit(*data))["fitted"] is True


def test_a_pipeline_that_ends_in_nothing_says_nothing(data: Any) -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    assert "fitted" not in summarize(make_pipeline(StandardScaler(), "passthrough").fit(*data))


def test_an_estimator_says_whether_it_is_fitted_and_on_what(data: Any) -> None:
    from sklearn.linear_model import LogisticRegression

    assert summarize(LogisticRegression()) == {"fitted": False}
    assert summarize(LogisticRegression().fit(*data)) == {"fitted": True, "features": 3, "classes": 2}


def test_an_estimator_without_state_says_nothing() -> None:
    from sklearn.feature_extraction.text import HashingVectorizer

    assert "fitted" not in summarize(HashingVectorizer())


def test_an_estimator_that_fails_to_tell_is_stored_all_the_same() -> None:
    from sklearn.base import BaseEstimator

    class Odd(BaseEstimator):
        def fit(self, table: Any) -> Odd:
            return self

        def __sklearn_is_fitted__(self) -> bool:
            raise RuntimeError("no idea")

    assert "fitted" not in summarize(Odd())
