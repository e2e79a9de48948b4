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
        """Return whether it is fitted, and on how many features, for how many classes."""
        state = vars(value)
        facts: dict[str, Any] = {"fitted": any(name.endswith("_") and name[0] != "_" for name in state)}
        if isinstance(state.get("n_features_in_"), int):
            facts["features"] = state["n_features_in_"]
        if hasattr(state.get("classes_"), "__len__"):
            facts["classes"] = len(state["classes_"])
        return facts
