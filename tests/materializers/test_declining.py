"""A materializer that cannot hold a value says why, and the next one is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zenconv.components.local_store import LocalStore
from zenconv.errors import SaveError
from zenconv.materializers import Declined, Materializers
from zenconv.materializers.encoding import Encoder


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def twice() -> Any:
    shared = [1]
    return [shared, shared]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (twice(), "the same list object is in it twice"),
        (nested(5000), "it is nested more than"),
    ],
    ids=["shared", "deep"],
)
def test_json_says_why_it_cannot_hold_a_value(value: Any, message: str) -> None:
    with pytest.raises(Declined, match=message) as caught:
        Encoder().encode(value)
    assert isinstance(caught.value, SaveError)


def test_what_one_declines_the_next_one_stores(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    artifact = Materializers().save(twice(), store, where="a step")
    assert not artifact.materializer.startswith("json/")
    value = Materializers().load(artifact, store, allowed=True)
    assert value == [[1], [1]]
    assert value[0] is value[1]


def test_where_nothing_can_hold_a_value_it_is_told_why_what_is_made_for_it_cannot(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"kept": [1], "odd": polars.Series([{1}], dtype=polars.Object)})
    with pytest.raises(SaveError, match="the column 'odd' is of type Object"):
        Materializers().save(frame, LocalStore(tmp_path / "store"), where="a step")
