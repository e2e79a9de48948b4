"""Frames, series and indexes: nothing of them changes on the way, and few need a pickle."""

from __future__ import annotations

import datetime
import decimal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas import testing

from . import step_values as sv

DAYS = pd.date_range("2020-01-01", periods=4, freq="D")

FRAMES: dict[str, Callable[[], pd.DataFrame]] = {
    "ordinary": lambda: pd.DataFrame(
        {"a": [1, 2, 3, 4], "b": [1.5, np.nan, 3, 4], "c": list("wxyz"), "d": [True, False] * 2}
    ),
    "one type": lambda: pd.DataFrame(np.arange(40_000.0).reshape(10_000, 4)),
    "duplicate names": lambda: pd.DataFrame(np.arange(8).reshape(4, 2), columns=["a", "a"]),
    "levels in columns": lambda: pd.DataFrame(
        np.arange(8.0).reshape(4, 2),
        columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", None]),
    ),
    "levels in index": lambda: pd.DataFrame(
        {"v": range(4)}, index=pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["k", "n"])
    ),
    "named index": lambda: pd.DataFrame({"v": range(4)}, index=pd.Index(list("abcd"), name=("id", 1))),
    "integer labels": lambda: pd.DataFrame({0: [1], 1: [2.0]}),
    "tuple labels": lambda: pd.DataFrame([[1, 2]], columns=pd.Index([("a", 1), "b"], tupleize_cols=False)),
    "None as label": lambda: pd.DataFrame([[1, 2]], columns=[None, "a"]),
    "mixed labels": lambda: pd.DataFrame([[1, 2, 3]], columns=[1, "a", 2.5]),
    "all null": lambda: pd.DataFrame(
        {
            "a": [None] * 4,
            "b": [np.nan] * 4,
            "c": pd.array([None] * 4, dtype="Int64"),
            "d": pd.Series([None, np.nan, "x", pd.NA], dtype=object),
        }
    ),
    "masked": lambda: pd.DataFrame(
        {
            "i": pd.array([1, None], dtype="Int64"),
            "u": pd.array([1, None], dtype="UInt8"),
            "f": pd.array([1, None], dtype="Float32"),
            "b": pd.array([True, None], dtype="boolean"),
        }
    ),
    "texts": lambda: pd.DataFrame(
        {
            "p": pd.array(["a", None, "é\ud800"[:1]], dtype="string[python]"),
            "s": pd.array(["a", None, ""], dtype="str"),
            "o": pd.Series(["a", None, "b"], dtype=object),
        }
    ),
    "category": lambda: pd.DataFrame(
        {
            "c": pd.Categorical(list("abca"), categories=list("cbaz"), ordered=True),
            "n": pd.Categorical([1, None, 2, 1]),
        }
    ),
    "moments": lambda: pd.DataFrame(
        {
            "t": DAYS.tz_localize("Europe/Paris"),
            "u": DAYS.tz_localize("UTC"),
            "n": DAYS,
            "d": DAYS - DAYS[0],
            "s": DAYS.as_unit("s"),
        }
    ),
    "periods": lambda: pd.DataFrame(
        {"p": pd.period_range("2020-01", periods=4, freq="M"), "i": pd.interval_range(0, 4)}
    ),
    "frequency": lambda: pd.DataFrame({"a": range(4)}, index=DAYS),
    "an index of the columns' type": lambda: pd.DataFrame(np.arange(6).reshape(3, 2), index=[3, 7, 10]),
    "labels of the columns' type": lambda: pd.DataFrame(np.arange(9).reshape(3, 3), columns=[4, 5, 6]),
    "all of one type": lambda: pd.DataFrame(np.eye(3), index=[0.5, 1.5, 2.5], columns=[7.5, 8.5, 9.5]),
    "range": lambda: pd.DataFrame({"a": range(4)}, index=pd.RangeIndex(2, 10, 2, name="r")),
    "empty": lambda: pd.DataFrame(),
    "no columns": lambda: pd.DataFrame(index=[1, 2, 3]),
    "no rows": lambda: pd.DataFrame(
        {"a": np.array([], dtype="f4"), "b": np.array([], dtype="i1"), "c": pd.array([], dtype="Int8")}
    ),
    "objects": lambda: pd.DataFrame(
        {
            "m": [1, "a", None, 2.5],
            "d": [datetime.date(2020, 1, 1)] * 4,
            "x": [decimal.Decimal("1.10")] * 4,
            "t": pd.Series([(1, 2)] * 4),
        }
    ),
    "many columns": lambda: pd.DataFrame(
        {i: (np.arange(4.0) if i % 2 else np.arange(4)) for i in range(300)}
    ),
}
PICKLED = {
    "sparse": lambda: pd.DataFrame({"s": pd.arrays.SparseArray([0, 0, 1, 2])}),
    "lists": lambda: pd.DataFrame({"a": [[1], [2], []]}),
    "arrow": lambda: pd.DataFrame({"a": pd.array([1, None], dtype="int64[pyarrow]")}),
    "own objects": lambda: pd.DataFrame({"a": [sv.Model(x=1), None]}),
}


def assert_same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    testing.assert_frame_equal(
        left, right, check_freq=True, check_exact=True, check_index_type="exact", check_column_type="exact"
    )
    assert left.attrs == right.attrs
    assert left.flags == right.flags
    for position in range(left.shape[1]):
        mine, other = left.iloc[:, position], right.iloc[:, position]
        assert mine.dtype == other.dtype
        if mine.dtype == object:
            assert [type(item) for item in mine] == [type(item) for item in other]


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES.keys())
def test_frames_come_back_the_same_without_a_pickle(shelf: Any, make: Any) -> None:
    frame = make()
    artifact = shelf.save(frame)
    again = shelf.load(artifact, allowed=False)
    assert not artifact.needs_trust
    assert_same(again, frame)
    assert shelf.save(again).content == artifact.content


@pytest.mark.parametrize("make", PICKLED.values(), ids=PICKLED.keys())
def test_what_raw_columns_cannot_hold_is_pickled_unchanged(shelf: Any, make: Any) -> None:
    frame = make()
    artifact = shelf.save(frame)
    assert artifact.runs_code
    assert_same(shelf.load(artifact), frame)


@pytest.mark.parametrize("make", [FRAMES["ordinary"], FRAMES["one type"], FRAMES["moments"]])
def test_a_loaded_frame_may_be_changed_in_place(shelf: Any, make: Any) -> None:
    frame = make()
    artifact = shelf.save(frame)
    again = shelf.load(artifact)
    again.iloc[0, 0] = again.iloc[3, 0]
    again["new"] = 1
    again.sort_values("new", inplace=True)
    assert_same(shelf.load(artifact), frame)


def test_attributes_and_flags_of_a_frame_are_kept(shelf: Any) -> None:
    frame = FRAMES["ordinary"]().set_flags(allows_duplicate_labels=False)
    frame.attrs = {"source": ["a", (1,)]}
    assert_same(shelf.safe_round_trip(frame), frame)


INDEXES = [
    pd.Index([1, 2]),
    pd.Index(["a", None], dtype=object),
    DAYS,
    DAYS - DAYS[0],
    pd.RangeIndex(3),
    pd.Index([True, False]),
    pd.period_range("2020", periods=3, freq="Q-JAN"),
    pd.interval_range(0, 3, closed="left"),
    pd.CategoricalIndex(list("ab")),
    pd.Index(["x", "y"], name=("a", 1)),
    pd.Index([1.5, np.nan]),
    pd.MultiIndex.from_arrays([[1, 2], [DAYS[0], pd.NaT]]),
    pd.date_range("2020", periods=5, freq="h", tz="America/New_York"),
    pd.bdate_range("2020", periods=3),
    pd.Index([]),
]


@pytest.mark.parametrize("index", INDEXES, ids=lambda index: type(index).__name__)
def test_indexes_come_back_the_same_without_a_pickle(shelf: Any, index: Any) -> None:
    again = shelf.safe_round_trip(index)
    testing.assert_index_equal(index, again, exact=True)
    assert getattr(index, "freq", None) == getattr(again, "freq", None)


SCALARS = [
    pd.Timestamp("2020-01-01 12:00:00.123456789"),
    pd.Timestamp("2020-10-25 00:30", tz="UTC").tz_convert("Europe/Paris"),
    pd.Timestamp("2020-10-25 01:30", tz="UTC").tz_convert("Europe/Paris"),
    pd.Timedelta("1 days 3ns"),
    pd.Timedelta(3, "s"),
    pd.Period("2020-03", "M"),
    pd.Interval(0, 1.5, "both"),
    pd.Timestamp("1500-01-01").as_unit("s"),
]


@pytest.mark.parametrize("value", SCALARS, ids=repr)
def test_scalars_come_back_the_same_inside_json(shelf: Any, value: Any) -> None:
    again = shelf.safe_round_trip([value])[0]
    assert (again, type(again), repr(again)) == (value, type(value), repr(value))
    assert getattr(again, "unit", None) == getattr(value, "unit", None)


def test_missing_values_stay_the_very_objects(shelf: Any) -> None:
    again = shelf.safe_round_trip([pd.NaT, pd.NA])
    assert again[0] is pd.NaT
    assert again[1] is pd.NA


SERIES = [
    pd.Series([1, 2], name=("a", 2), index=DAYS[:2]),
    pd.Series(["a", None], dtype=object),
    pd.Series([], dtype=object),
    pd.Series(pd.array([1, None])),
    pd.Series([1.5], index=["x"], name=None),
]


@pytest.mark.parametrize("series", SERIES, ids=repr)
def test_series_come_back_the_same_without_a_pickle(shelf: Any, series: Any) -> None:
    testing.assert_series_equal(shelf.safe_round_trip(series), series, check_freq=True)


def test_loose_arrays_keep_their_type(shelf: Any) -> None:
    for array in (
        pd.array([1, None]),
        pd.Categorical(["a", None]),
        pd.array(DAYS),
        pd.array([1.0, 2], dtype="float64"),
    ):
        again = shelf.round_trip(array)
        assert type(again) is type(array)
        testing.assert_extension_array_equal(again, array)


def test_a_subclass_of_a_frame_stays_one(shelf: Any) -> None:
    class_ = type("Special", (pd.DataFrame,), {"__module__": sv.__name__})
    sv.Special = class_  # type: ignore[attr-defined]
    assert type(shelf.round_trip(class_({"a": [1]}))) is class_


def test_everything_that_can_be_seen_counts_in_the_content(shelf: Any) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    variants = [
        frame,
        frame.rename(columns={"b": "c"}),
        frame[["b", "a"]],
        frame.astype("int32"),
        frame.set_index("a"),
        frame.iloc[::-1],
        frame.set_axis([0, 2]),
        frame.astype("Int64"),
        frame.rename_axis("i"),
        frame.rename_axis(columns="i"),
        frame["a"],
        frame[["a"]],
        frame.astype(object),
        frame.set_axis(pd.Index([0, 1])),
        frame.to_numpy(),
    ]
    assert len({shelf.save(variant).content for variant in variants}) == len(variants)


def test_how_columns_lie_in_memory_does_not_count(shelf: Any) -> None:
    one = pd.DataFrame(np.arange(6.0).reshape(3, 2), columns=["a", "b"])
    two = pd.DataFrame({"a": one["a"].to_numpy()})
    two["b"] = one["b"].to_numpy()
    assert shelf.save(one).content == shelf.save(two).content


columns = st.sampled_from(
    [
        st.lists(st.integers(-5, 5), min_size=3, max_size=3),
        st.lists(st.floats(), min_size=3, max_size=3),
        st.lists(st.none() | st.text(max_size=3), min_size=3, max_size=3),
        st.lists(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=2) | st.dates(),
            min_size=3,
            max_size=3,
        ),
    ]
).flatmap(lambda strategy: strategy)
labels = st.text(max_size=3) | st.integers() | st.tuples(st.integers(), st.text(max_size=1))


@settings(max_examples=200, deadline=None)
@given(data=st.lists(st.tuples(labels, columns, st.booleans()), max_size=5))
def test_any_frame_comes_back_the_same(shared_shelf: Any, data: Any) -> None:
    made = [pd.Series(values, dtype=object if as_object else None) for _, values, as_object in data]
    frame = pd.concat(made, axis=1) if made else pd.DataFrame()
    frame.columns = pd.Index([label for label, _, _ in data], tupleize_cols=False, dtype=object)
    assert_same(shared_shelf.round_trip(frame), frame)


def test_frames_need_no_pyarrow(shelf: Any) -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "import pandas as pd\nfrom zenconv.materializers import Materializers\n"
        "print(Materializers().content_of(pd.DataFrame({'a': [1.5, 2], 'b': [1, 2]}, index=[3, 4])))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    frame = pd.DataFrame({"a": [1.5, 2], "b": [1, 2]}, index=[3, 4])
    # The column labels are text, whose pandas type says whether pyarrow keeps them.
    assert done.stdout.startswith("b3:")
    assert shelf.materializers.content_of(frame).startswith("b3:")
