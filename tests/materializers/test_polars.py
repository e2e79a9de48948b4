"""Polars data comes back equal, and its content is that of the values, not of their place in memory."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from zenconv.errors import SaveError

pl = pytest.importorskip("polars")
parametric = pytest.importorskip("polars.testing.parametric")

NOT_STORED = [pl.Object, pl.Extension]
quiet = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@quiet
@given(parametric.dataframes(max_cols=5, max_size=8, excluded_dtypes=NOT_STORED, allow_chunks=True))
def test_generated_frames_come_back_equal(shared_shelf: Any, frame: Any) -> None:
    again = shared_shelf.safe_round_trip(frame)
    assert again.schema == frame.schema
    assert again.equals(frame)
    assert shared_shelf.save(again).content == shared_shelf.save(frame.rechunk()).content


@quiet
@given(parametric.series(max_size=8, excluded_dtypes=NOT_STORED))
def test_generated_series_come_back_equal(shared_shelf: Any, series: Any) -> None:
    again = shared_shelf.safe_round_trip(series)
    assert (again.name, again.dtype) == (series.name, series.dtype)
    assert again.equals(series, check_dtypes=True, check_names=True)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(parametric.dataframes(max_cols=3, max_size=5, lazy=True, excluded_dtypes=NOT_STORED))
def test_a_lazy_frame_collects_to_the_same(shared_shelf: Any, lazy: Any) -> None:
    again = shared_shelf.safe_round_trip(lazy)
    assert type(again) is pl.LazyFrame
    assert again.collect_schema() == lazy.collect_schema()
    assert again.collect().equals(lazy.collect())


def test_a_big_lazy_frame_stays_in_its_file(shelf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from zenconv.materializers import polars

    monkeypatch.setattr(polars, "_IN_MEMORY", 1000)
    lazy = pl.LazyFrame({"a": range(10_000), "^b$": range(10_000)})
    again = shelf.safe_round_trip(lazy)
    assert "SCAN" in again.explain()
    assert again.collect().equals(lazy.collect())
    assert shelf.round_trip(lazy.collect()).equals(lazy.collect())


def test_a_frame_in_a_lazy_one_is_another_value(shelf: Any) -> None:
    frame = pl.DataFrame({"a": [1]})
    contents = {shelf.save(value).content for value in (frame, frame.lazy(), frame["a"])}
    assert len(contents) == 3


DIFFERENT = [
    pl.DataFrame({"a": [1, 2]}),
    pl.DataFrame({"b": [1, 2]}),
    pl.DataFrame({"a": [2, 1]}),
    pl.DataFrame({"a": [1.0, 2.0]}),
    pl.DataFrame({"a": [1, None]}),
    pl.DataFrame({"a": [None, 1]}),
    pl.DataFrame({"a": ["ab", ""]}),
    pl.DataFrame({"a": ["a", "b"]}),
    pl.DataFrame({"a": ["", "ab"]}),
    pl.DataFrame({"a": [["a"], ["b"]]}),
    pl.DataFrame({"a": [["a", "b"], []]}),
    pl.DataFrame({"a": [["a", "b"], None]}),
    pl.DataFrame({"a": ["a", "b"]}, schema={"a": pl.Categorical}),
    pl.DataFrame({"a": ["a", "b"]}, schema={"a": pl.Enum(["a", "b"])}),
    pl.DataFrame({"a": ["a", "b"]}, schema={"a": pl.Enum(["b", "a"])}),
    pl.DataFrame({"a": [1, 2]}, schema={"a": pl.Int8}),
    pl.DataFrame(height=2),
    pl.DataFrame(),
]


def test_different_frames_have_different_contents(shelf: Any) -> None:
    assert len({shelf.save(frame).content for frame in DIFFERENT}) == len(DIFFERENT)


def test_what_lies_below_a_missing_value_does_not_count(shelf: Any) -> None:
    hidden = pl.DataFrame({"a": [1, 2, 3]}).select(pl.when(pl.col("a") != 2).then("a"))
    assert shelf.save(hidden).content == shelf.save(pl.DataFrame({"a": [1, None, 3]})).content


def test_categories_met_before_do_not_count(shelf: Any) -> None:
    first = shelf.save(pl.DataFrame({"a": pl.Series(["p", "q"], dtype=pl.Categorical)})).content
    pl.Series(["earlier", "q", "p"], dtype=pl.Categorical)
    turned = pl.DataFrame({"a": pl.Series(["x", "q", "p", "q"], dtype=pl.Categorical)})[2:]
    assert shelf.save(turned).content == first


def test_a_loaded_frame_may_be_changed(shelf: Any) -> None:
    artifact = shelf.save(pl.DataFrame({"a": range(100_000)}))
    again = shelf.load(artifact)
    again[0, "a"] = 7
    assert shelf.load(artifact)[0, "a"] == 0


def test_frames_among_plain_values_are_no_pickle(shelf: Any) -> None:
    again = shelf.safe_round_trip({"train": pl.DataFrame({"a": [1]}), "name": "x"})
    assert again["train"].equals(pl.DataFrame({"a": [1]}))


def test_a_lazy_frame_of_python_objects_says_what_to_do(shelf: Any) -> None:
    frame = pl.DataFrame({"a": pl.Series([datetime.datetime, object()], dtype=pl.Object)})
    with pytest.raises(
        SaveError, match=r"the column 'a' is of type Object(?s:.*)hint: return a frame without"
    ):
        shelf.save(frame.lazy())
    with pytest.raises(SaveError, match="Object"):
        shelf.save(frame)


def test_a_mistake_in_a_lazy_plan_is_told_where_it_is_stored(shelf: Any) -> None:
    lazy = pl.LazyFrame({"a": [1]}).select(pl.col("a").cast(pl.String).str.to_date("%Y"))
    with pytest.raises(SaveError, match=r"steps_x.py::made: cannot store a polars.*LazyFrame"):
        shelf.save(lazy)


def test_summaries_tell_the_shape(shelf: Any) -> None:
    frame = pl.DataFrame({"a": [1, 2]})
    assert shelf.save(frame).summary == {"shape": [2, 1], "columns": 1}
    assert shelf.save(frame.lazy()).summary == {"columns": 1, "names": ["a"]}
    assert shelf.save(frame["a"]).summary == {"len": 2, "dtype": "Int64"}
