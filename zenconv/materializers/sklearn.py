"""Estimators of scikit-learn and its kin: pickles by reference, with facts worth showing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zenconv.materializers.objects import PickledByReference


class Estimators(PickledByReference):
    """Stores any estimator whose class is found by name; its arrays lie beside the pickle."""

    id = "sklearn"
    version = 1
    types = ("sklearn.base.BaseEstimator",)

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return whether it is fitted, where that is certain, on how many features and classes."""
        state = vars(value)
        fitted = _is_fitted(value)
        facts: dict[str, Any] = {} if fitted is None else {"fitted": fitted}
        if isinstance(state.get("n_features_in_"), int):
            facts["features"] = state["n_features_in_"]
        if hasattr(state.get("classes_"), "__len__"):
            facts["classes"] = len(state["classes_"])
        return facts


def reduce_for_content(value: Any) -> Any:
    """Return how to hash a search for parameters, without how many seconds it took."""
    if not hasattr(value, "cv_results_"):
        return NotImplemented
    state = {name: held for name, held in value.__getstate__().items() if name != "refit_time_"}
    results = state["cv_results_"]
    state["cv_results_"] = {name: held for name, held in results.items() if not name.endswith("_time")}
    return type, (type(value),), state


def _is_fitted(value: Any) -> bool | None:
    """Return what scikit-learn says of the estimator; None where it, or the estimator, cannot tell.

    Of a pipeline its last step tells, as fitting ends there. One without ``__sklearn_is_fitted__``
    and without fitted attributes may still be one that needs no fitting.
    """
    steps = vars(value).get("steps")
    if steps is not None and hasattr(value, "named_steps"):
        last = steps[-1][1] if steps else None
        return _is_fitted(last) if hasattr(last, "get_params") else None
    if not hasattr(value, "fit"):
        return None
    try:
        from sklearn.exceptions import NotFittedError
        from sklearn.utils.validation import check_is_fitted
    except ImportError:  # the kin: an estimator of another library
        return True if _has_fitted_attributes(value) else None
    try:
        check_is_fitted(value)
    except NotFittedError:
        return False
    except Exception:  # noqa: BLE001 - a foreign estimator may raise anything
        return None
    return True if _has_fitted_attributes(value) or hasattr(value, "__sklearn_is_fitted__") else None


def _has_fitted_attributes(value: Any) -> bool:
    return any(name.endswith("_") and not name.startswith("_") for name in vars(value))
