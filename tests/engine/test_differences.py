"""How two values differ, in a line."""

from __future__ import annotations

import copy
from pathlib import Path, PurePosixPath
from typing import Any

import attrs
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenconv.engine.differences import UNKNOWN, describe_difference


class Model:
    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)


@attrs.define
class Slotted:
    x: Any


class Hostile:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    __hash__ = None  # type: ignore[assignment]


LONG = "x" * 100
NAN = float("nan")
DIFFERENT = [
    (1, 2, "2 instead of 1"),
    (1, 1.0, "float instead of int"),
    (True, 1, "int instead of bool"),
    (Model(a=1), Slotted(1), "tests.engine.test_differences.Slotted instead of"),
    ("ab", "ac", "'ac' instead of 'ab'"),
    (LONG + "a", LONG + "b", "differs from position 100 on"),
    (LONG, LONG + "b", "differs from position 100 on, length 101 instead of 100"),
    ({"a": 1}, {}, "without the key 'a'"),
    ({}, {"a": 1}, "with a new key 'a'"),
    ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, "['a']['b'][1]: 3 instead of 2"),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}, "its keys in another order"),
    ([1, 2], [1], "1 items instead of 2"),
    ({1, 2}, {2, 3}, "without 1, 1 gone and 1 new"),
    (np.zeros((2, 3)), np.zeros((2, 2)), "shape (2, 2) instead of (2, 3)"),
    (np.zeros(2), np.zeros(2, "float32"), "dtype 'float32' instead of 'float64'"),
    (
        np.array([[1, 2], [3, 4]]),
        np.array([[1, 2], [9, 8]]),
        "[1, 0]: 9 instead of 3, 2 of 4",
    ),
    (np.array([NAN, 1.0]), np.array([NAN, 2.0]), "[1]: 2.0 instead of 1.0, 1 of 2 elements differ"),
    (np.array(["a", "b"], object), np.array(["a", "c"], object), "[1]: 'c' instead of 'b'"),
    (np.float64(1), np.float64(2), "2.0 instead of 1.0"),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}), "columns ['b'] instead of ['a']"),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1, 2]}), "shape (2, 1) instead of (1, 1)"),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1.0]}), "['a']: dtype float64 instead of int64"),
    (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 3]}), "['a'][1]: 3 instead of 2"),
    (
        pd.DataFrame({"a": [1]}, index=["x"]),
        pd.DataFrame({"a": [1]}, index=["y"]),
        "index[0]: 'y'",
    ),
    (pd.Series([1, 2]), pd.Series([1, 3]), "[1]: 3 instead of 2"),
    (Model(a=1, b=[1]), Model(a=1, b=[2]), ".b[0]: 2 instead of 1"),
    (Model(a=1), Model(), "without the attribute 'a'"),
    (Slotted([1]), Slotted([2]), ".x[0]: 2 instead of 1"),
    (PurePosixPath("/no/such/a"), PurePosixPath("/no/such/b"), "'/no/such/b' instead of '/no/such/a'"),
    (iter([1]), iter([2]), "state[0][0][0]: 2 instead of 1"),
    (Hostile(), Hostile(), UNKNOWN),
]


@pytest.mark.parametrize(("before", "after", "text"), DIFFERENT, ids=[text for _, _, text in DIFFERENT])
def test_the_first_difference_is_described(before: Any, after: Any, text: str) -> None:
    found = describe_difference(before, after)
    assert found is not None
    assert found.startswith(text)


@pytest.mark.parametrize("value", [pair[0] for pair in DIFFERENT[:-1]], ids=[t for _, _, t in DIFFERENT[:-1]])
def test_a_copy_does_not_differ(value: Any) -> None:
    assert describe_difference(value, copy.deepcopy(value)) is None


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_no_plain_value_differs_from_its_copy(value: Any) -> None:
    assert describe_difference(value, copy.deepcopy(value)) is None


def test_files_and_folders_differ_by_what_is_in_them(tmp_path: Path) -> None:
    for name, text in {"one/a/x": "same", "two/a/x": "same", "one/b": "0123", "two/b": "01x3"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    one, two = tmp_path / "one", tmp_path / "two"
    assert describe_difference(one, two) == "the file 'b' has other bytes from position 2 on"
    (two / "b").unlink()
    assert describe_difference(one, two) == "without the file 'b'"
    (one / "b").unlink()
    assert describe_difference(one, two) is None
    (two / "c").touch()
    assert describe_difference(one, two) == "with a new file 'c'"


def test_estimators_are_compared_down_to_compiled_parts() -> None:
    tree = pytest.importorskip("sklearn.tree")
    data = [[0.0], [1.0], [2.0]]
    one, other, same = [tree.DecisionTreeRegressor().fit(data, y) for y in ([0, 1, 2], [0, 1, 3], [0, 1, 2])]
    assert ".tree_ state" in (describe_difference(one, other) or "")
    assert describe_difference(one, same) is None


def test_tensors_and_tables_are_compared() -> None:
    torch = pytest.importorskip("torch")
    one, other = torch.zeros(2, 2), torch.zeros(2, 2)
    other[1, 1] = 3
    assert describe_difference(one, other) == "[1, 1]: 3.0 instead of 0.0, 1 of 4 elements differ"
    layers = [torch.nn.Linear(1, 1, bias=False) for _ in range(2)]
    with torch.no_grad():
        layers[0].weight[:], layers[1].weight[:] = 1, 2
    assert "2.0 instead of 1.0" in (describe_difference(*layers) or "")


def test_arrow_tables_are_compared() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    one, other = pyarrow.table({"a": [1, 2]}), pyarrow.table({"a": [1, 3]})
    assert describe_difference(one, other) == "['a'][1]: 3 instead of 2"
    assert "schema" in (describe_difference(one, pyarrow.table({"b": [1, 2]})) or "")


def test_polars_frames_are_compared() -> None:
    polars = pytest.importorskip("polars")
    one, other = polars.DataFrame({"a": [1, 2]}), polars.DataFrame({"a": [1, 3]})
    assert describe_difference(one, other) == "['a'][1]: 3 instead of 2"
