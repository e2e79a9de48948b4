"""Tables become rows with every digit and with an index that says something."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from zenconv.errors import UsageError
from zenconv.queries.plain_data import to_json

pandas = pytest.importorskip("pandas")


def rows(value: Any) -> Any:
    return json.loads(json.dumps(to_json(value), allow_nan=False))


def test_numbers_keep_every_digit() -> None:
    numbers = [0.1 + 0.2, 1 / 3, 1e-300, 123456789.123456789]
    assert [row["x"] for row in rows(pandas.DataFrame({"x": numbers}))] == numbers
    assert [row["0"] for row in rows(pandas.Series(numbers))] == numbers
    assert rows(pandas.DataFrame({"x": [2**62 + 1]})) == [{"x": 2**62 + 1}]


def test_an_index_that_only_counts_is_left_out_and_any_other_is_kept() -> None:
    frame = pandas.DataFrame({"x": [1, 2, 3]})
    assert rows(frame) == [{"x": 1}, {"x": 2}, {"x": 3}]
    assert rows(frame.iloc[1:]) == [{"index": 1, "x": 2}, {"index": 2, "x": 3}]
    assert rows(frame.set_axis(list("abc"))["x"].iloc[:1]) == [{"index": "a", "x": 1}]
    assert rows(frame.rename_axis("row").iloc[:1]) == [{"row": 0, "x": 1}]
    levels = pandas.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["letter", None])
    assert rows(pandas.DataFrame({"x": [1, 2]}, index=levels)) == [
        {"letter": "a", "level_1": 1, "x": 1},
        {"letter": "b", "level_1": 2, "x": 2},
    ]


def test_what_is_missing_is_null_and_times_are_iso_text() -> None:
    when = pandas.to_datetime(["2024-01-01T10:00:00.123456789", None])
    frame = pandas.DataFrame({"t": when, "f": [float("nan"), float("inf")], "s": ["x", None]})
    frame["n"] = pandas.array([1, None], dtype="Int64")
    assert rows(frame) == [
        {"t": "2024-01-01T10:00:00.123456789", "f": None, "s": "x", "n": 1},
        {"t": None, "f": None, "s": None, "n": None},
    ]


def test_cells_without_a_json_form_are_text() -> None:
    frame = pandas.DataFrame(
        {"d": [Decimal("1.10")], "l": [[1, 2]], 3: [True], ("a", 1): [pandas.Period("2024-01")]}
    )
    assert rows(frame) == [{"d": "1.10", "l": [1, 2], "3": True, "('a', 1)": "2024-01"}]


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="two columns are named 'x'") as caught:
        to_json(pandas.DataFrame([[1, 2]], columns=["x", "x"]))
    assert caught.value.hint == "write it as .csv"


def test_a_table_without_columns_has_empty_rows() -> None:
    assert rows(pandas.DataFrame(index=range(2))) == [{}, {}]
    assert rows(pandas.DataFrame()) == []
