"""XGBoost's boosters as its own UBJSON with their configuration, and the estimators around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xgboost
import xgboost.sklearn

from zenconv.errors import CorruptArtifact
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers.estimator_state import library_class, load_state, save_state
from zenconv.materializers.saving import Declined
from zenconv.materializers.values import load_encoded, save_encoded

_MODEL, _CONFIGURATION = "model", "configuration"


class Boosters:
    """Stores a Booster: trees, attributes, names of features, and the parameters of training."""

    id = "xgboost"
    version = 1
    types = ("xgboost.core.Booster",)

    def accepts(self, value: Any) -> bool:
        """Return whether it is of XGBoost's own class."""
        return type(value) is xgboost.Booster

    def save(self, value: Any, sink: Sink) -> None:
        """Write model and configuration, and what Python added."""
        save_encoded({name: held for name, held in vars(value).items() if name != "handle"}, sink)
        sink.write(value.save_raw("ubj"), _MODEL)
        sink.write(value.save_config().encode(), _CONFIGURATION)

    def load(self, source: Source) -> Any:
        """Return a new Booster, ready to predict and to be trained further."""
        booster = xgboost.Booster()
        booster.load_model(bytearray(source.read(_MODEL)))
        booster.load_config(source.read(_CONFIGURATION).decode())
        vars(booster).update(load_encoded(source))
        return booster

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return the number of boosting rounds and of features."""
        return {"rounds": value.num_boosted_rounds(), "features": value.num_features()}


class Estimators:
    """Stores XGBClassifier and its siblings; derived classes, and callbacks in them, are left to others."""

    id = "xgboost-sklearn"
    version = 1
    types = ("xgboost.sklearn.XGBModel",)

    def accepts(self, value: Any) -> bool:
        """Return whether it is of a class of ``xgboost.sklearn`` itself."""
        return library_class("xgboost.sklearn", type(value)) is not None

    def save(self, value: Any, sink: Sink) -> None:
        """Write the attributes, with the booster as a part."""
        booster = vars(value).get("_Booster")
        if booster is not None and type(booster) is not xgboost.Booster:
            raise Declined("its booster is not one of XGBoost's own")
        save_state(type(value).__name__, vars(value), sink)

    def load(self, source: Source) -> Any:
        """Return a new estimator with the same attributes."""
        name, state = load_state(source)
        cls = getattr(xgboost.sklearn, name, None)
        if not (isinstance(cls, type) and issubclass(cls, xgboost.XGBModel)):
            raise CorruptArtifact(f"xgboost has no estimator {name!r}")
        make: Any = cls.__new__  # untyped: the library may not be installed where types are checked
        made = make(cls)
        vars(made).update(state)
        return made

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return whether it is fitted, and on how many features."""
        if vars(value).get("_Booster") is None:
            return {"fitted": False}
        return {"fitted": True, **Boosters().summarize(value.get_booster())}
