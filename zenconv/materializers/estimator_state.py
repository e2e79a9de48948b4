"""What the estimators of the boosting libraries hold beside their trees, as JSON without a pickle."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from zenconv.errors import CorruptArtifact
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers.values import load_description, save_encoded

_TEXTS, _LABELS = "texts", "labels"


def library_class(module: str, cls: type) -> str | None:
    """Return the name of `cls` if `module` defines it; None for a class derived from one of its."""
    found = getattr(sys.modules.get(module), cls.__name__, None)
    return cls.__name__ if found is cls else None


def save_state(cls: str, state: Mapping[str, Any], sink: Sink) -> None:
    """Write attributes by name; `Declined` for one that JSON and safe parts cannot hold.

    Vectors of Python texts, and scikit-learn's label encoders, have forms of their own.
    """
    plain: dict[str, Any] = {}
    special: dict[str, Any] = {}
    for name, value in state.items():
        form = _special_form(value)
        if form is None:
            plain[name] = value
        else:
            special[name] = form
    save_encoded({"class": cls, "state": plain, "special": special}, sink)


def load_state(source: Source) -> tuple[str, dict[str, Any]]:
    """Return the name of the class, and the attributes."""
    description = load_description(source)
    try:
        state = dict(description["state"])
        state.update({name: _from_special(form) for name, form in description["special"].items()})
        return description["class"], state
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CorruptArtifact("the description of a stored estimator is damaged") from error


def _special_form(value: Any) -> Any:
    cls = type(value)
    if cls.__module__ == "numpy" and cls.__name__ == "ndarray":
        is_text = value.dtype == object and value.ndim == 1 and all(type(item) is str for item in value)
        return [_TEXTS, value.tolist()] if is_text else None
    if cls.__module__ == "sklearn.preprocessing._label" and cls.__name__ == "LabelEncoder":
        forms = {name: _special_form(held) for name, held in vars(value).items()}
        plain = {name: held for name, held in vars(value).items() if forms[name] is None}
        return [_LABELS, plain, {name: form for name, form in forms.items() if form is not None}]
    return None


def _from_special(form: Any) -> Any:
    kind, content, *rest = form
    if kind == _TEXTS:
        import numpy as np

        made = np.empty(len(content), dtype=object)
        made[:] = content
        return made
    from sklearn.preprocessing import LabelEncoder

    encoder = LabelEncoder()
    vars(encoder).update(content)
    vars(encoder).update({name: _from_special(held) for name, held in rest[0].items()})
    return encoder
