"""Facts about values never raise, never repeat texts, and never call a user's repr."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from zenconv.materializers import is_immutable_scalar, type_name

from . import step_values as sv


@pytest.mark.parametrize("value", [None, True, 1, 1.5, 1j, "a", b"a", (1, ("a", frozenset({2}))), ()])
def test_immutable_scalars_may_be_handed_over(value: Any) -> None:
    assert is_immutable_scalar(value)


@pytest.mark.parametrize(
    "value", [[], (1, []), {}, bytearray(), sv.Text("a"), sv.Level.LOW, np.float64(1), sv.Point(1)]
)
def test_everything_else_may_not(value: Any) -> None:
    assert not is_immutable_scalar(value)


def test_deep_and_shared_tuples_are_judged_in_linear_time() -> None:
    value: Any = ()
    for _ in range(100_000):
        value = (value, value)
    assert is_immutable_scalar(value)


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("repr")

    def __len__(self) -> int:
        raise RuntimeError("len")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


@pytest.mark.parametrize(
    ("value", "facts"),
    [
        (3, {"value": 3}),
        ("secret", {"len": 6}),
        ([1, 2], {"len": 2}),
        (10**100, {}),
        (float("nan"), {}),
        (np.zeros((2, 3)), {"shape": [2, 3], "dtype": "float64"}),
        (pd.DataFrame({"a": [1], "b": [2]}), {"shape": [1, 2], "columns": 2}),
        (sv.Settings(1.0), {"fields": ["rate", "tags", "derived"]}),
        (Hostile(), {}),
        (object(), {}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_summaries_are_small_and_safe(shelf: Any, value: Any, facts: Any) -> None:
    assert shelf.materializers.summarize(value) == facts


def test_type_names_are_dotted() -> None:
    assert type_name(1) == "int"
    assert type_name(sv.Settings(1.0)) == f"{sv.__name__}.Settings"
