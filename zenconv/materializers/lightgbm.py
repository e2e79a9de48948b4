"""LightGBM's boosters as its own text format, and the estimators around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lightgbm
import lightgbm.sklearn

from zenconv.errors import CorruptArtifact
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers.estimator_state import library_class, load_state, save_state
from zenconv.materializers.saving import Declined

_MODEL = "model"
_HANDLE = "_handle"


class Boosters:
    """Stores a Booster as the trees it can predict with; its training data stays behind, as in a pickle."""

    id = "lightgbm"
    version = 1
    types = ("lightgbm.basic.Booster",)

    def accepts(self, value: Any) -> bool:
        """Return whether it is of LightGBM's own class."""
        return type(value) is lightgbm.Booster

    def save(self, value: Any, sink: Sink) -> None:
        """Write the model as text, and what Python holds beside it."""
        state = value.__getstate__()
        model = state.pop(_HANDLE, None)
        if type(model) is not str:
            raise Declined("it has no model, or keeps it in an unknown way")
        save_state("Booster", state, sink)
        sink.write(model.encode(), _MODEL)

    def load(self, source: Source) -> Any:
        """Return a new Booster."""
        _, state = load_state(source)
        booster: Any = lightgbm.Booster.__new__(lightgbm.Booster)
        booster.__setstate__({**state, _HANDLE: source.read(_MODEL).decode()})
        return booster

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return the number of trees and of features."""
        return {"trees": value.num_trees(), "features": value.num_feature()}


class Estimators:
    """Stores LGBMClassifier and its siblings; derived classes are left to others."""

    id = "lightgbm-sklearn"
    version = 1
    types = ("lightgbm.sklearn.LGBMModel",)

    def accepts(self, value: Any) -> bool:
        """Return whether it is of a class of ``lightgbm.sklearn`` itself."""
        return library_class("lightgbm.sklearn", type(value)) is not None

    def save(self, value: Any, sink: Sink) -> None:
        """Write the attributes, with the booster as a part."""
        save_state(type(value).__name__, vars(value), sink)

    def load(self, source: Source) -> Any:
        """Return a new estimator with the same attributes."""
        name, state = load_state(source)
        cls = getattr(lightgbm.sklearn, name, None)
        if not (isinstance(cls, type) and issubclass(cls, lightgbm.LGBMModel)):
            raise CorruptArtifact(f"lightgbm has no estimator {name!r}")
        make: Any = cls.__new__  # untyped: the library may not be installed where types are checked
        made = make(cls)
        vars(made).update(state)
        return made

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return whether it is fitted, with how many trees, on how many features."""
        booster = vars(value).get("_Booster")
        return {"fitted": False} if booster is None else {"fitted": True, **Boosters().summarize(booster)}
