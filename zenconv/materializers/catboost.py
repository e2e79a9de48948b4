"""CatBoost's models in its own binary format, with the parameters they were made with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import catboost

from zenconv import hashing
from zenconv.errors import CorruptArtifact
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers.encoding import Encoder, dumps
from zenconv.materializers.estimator_state import library_class
from zenconv.materializers.values import load_description, save_encoded

_MODEL = "model"
_HELD = "__model"
_PREDICTIONS = "_test_evals"
_OF_ONE_TRAINING = ("train_finish_time", "model_guid")


class CatBoostModels:
    """Stores CatBoost and its siblings, fitted or not.

    The predictions for the evaluation set that training keeps stay behind, as in CatBoost's own
    files: its pickles carry them, but do not bring them back.
    When a model was trained, and the number it was given then, is not part of its content: two
    equal trainings make equal models.
    """

    id = "catboost"
    version = 1
    types = ("catboost.core.CatBoost",)

    def accepts(self, value: Any) -> bool:
        """Return whether it is of a class of CatBoost itself."""
        return library_class("catboost.core", type(value)) is not None

    def save(self, value: Any, sink: Sink) -> None:
        """Write parameters and model; `Declined` for parameters that are code."""
        state = value.__getstate__()
        state.pop(_PREDICTIONS, None)
        model = state.pop(_HELD, None)
        description = {"class": type(value).__name__, "state": state, "fitted": model is not None}
        save_encoded(description, sink)
        if model is not None:
            sink.write(model, _MODEL)
            sink.set_content(_content(model, description))

    def load(self, source: Source) -> Any:
        """Return a new model."""
        description = load_description(source)
        cls = getattr(catboost, description["class"], None)
        if not (isinstance(cls, type) and issubclass(cls, catboost.CatBoost)):
            raise CorruptArtifact(f"catboost has no model {description['class']!r}")
        state = description["state"]
        if description["fitted"]:
            state[_HELD] = source.read(_MODEL)
        made: Any = object.__new__(cls)
        made.__setstate__(state)
        return made

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return whether it is fitted, with how many trees."""
        return {"fitted": True, "trees": value.tree_count_} if value.is_fitted() else {"fitted": False}


def reduce_for_content(value: Any) -> Any:
    """Return how to hash a model that is part of an object, such as a pipeline of scikit-learn."""
    if not isinstance(value, catboost.CatBoost):
        return NotImplemented
    state = value.__getstate__()
    state.pop(_PREDICTIONS, None)
    if state.get(_HELD) is not None:
        state[_HELD] = _without_training(state[_HELD])
    return type, (type(value),), state


def _content(model: bytes, description: Mapping[str, Any]) -> str:
    plain = _without_training(model)
    rest = dumps(Encoder(lambda _: True).encode(description))
    return hashing.digest_texts("zenconv.catboost.1", [hashing.digest_bytes(plain), rest.decode()])


def _without_training(model: bytes) -> bytes:
    copy = catboost.CatBoost()
    copy.load_model(blob=model)
    metadata = copy.get_metadata()
    for name in _OF_ONE_TRAINING:
        if name in metadata:
            metadata[name] = ""
    return bytes(copy._serialize_model())
