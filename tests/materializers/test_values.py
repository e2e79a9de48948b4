"""Plain values: what comes back equals what went in, to the type and to the bit."""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import math
import pathlib
import re
import struct
import types
import uuid
import zoneinfo
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from . import step_values as sv


def same(left: Any, right: Any) -> bool:
    """Equal in value and exact type, all the way down; NaNs by their bits."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return struct.pack("d", left) == struct.pack("d", right)
    if isinstance(left, complex):
        return same(left.real, right.real) and same(left.imag, right.imag)
    if isinstance(left, dict):
        return same(list(left.items()), list(right.items()))
    if isinstance(left, (list, tuple, collections.deque)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, (set, frozenset)):
        return len(left) == len(right) and all(any(same(a, b) for b in right) for a in left)
    if isinstance(left, decimal.Decimal):
        return left.as_tuple() == right.as_tuple()
    if isinstance(left, sv.Slotted):
        return same(
            [getattr(left, name) for name in ("a", "b")], [getattr(right, name) for name in ("a", "b")]
        )
    return same(vars(left), vars(right)) if isinstance(left, sv.Settings) else bool(left == right)


zones = st.sampled_from(
    [
        None,
        datetime.UTC,
        datetime.timezone(datetime.timedelta(hours=-3), "X"),
        zoneinfo.ZoneInfo("Europe/Paris"),
    ]
)
texts = st.text(st.characters(), max_size=8) | st.sampled_from(["$tuple", "$", "\ud800", "\ud83d\ude00", "é"])
hashables = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | texts
    | st.binary(max_size=8)
    | st.complex_numbers()
    | st.decimals(allow_nan=False)
    | st.fractions()
    | st.dates()
    | st.datetimes(timezones=zones)
    | st.times()
    | st.timedeltas()
    | st.uuids()
    | st.sampled_from(
        [
            sv.Color.RED,
            sv.Mode.READ | sv.Mode.WRITE,
            sv.Level.LOW,
            range(3),
            ...,
            pathlib.PurePosixPath("a/b"),
        ]
    ),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=6,
)
values = st.recursive(
    hashables | st.binary(max_size=4).map(bytearray),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(hashables, inner, max_size=4)
        | st.sets(hashables, max_size=4)
        | st.lists(inner, max_size=3).map(collections.deque)
        | st.builds(sv.Point, inner, inner)
        | st.builds(sv.Slotted, inner)
        | st.builds(sv.Settings, inner)
    ),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(value=values)
def test_any_plain_value_comes_back_the_same_without_a_pickle(shared_shelf: Any, value: Any) -> None:
    assert same(shared_shelf.safe_round_trip(value), value)


@settings(max_examples=100, deadline=None)
@given(value=values)
def test_what_was_loaded_has_the_same_content(shared_shelf: Any, value: Any) -> None:
    artifact = shared_shelf.save(value)
    assert shared_shelf.save(shared_shelf.load(artifact)).content == artifact.content


@settings(max_examples=100, deadline=None)
@given(items=st.sets(hashables, max_size=8))
def test_the_order_inside_a_set_does_not_count(shared_shelf: Any, items: set[Any]) -> None:
    shuffled = {*reversed(list(items))}
    assert shared_shelf.save(items).content == shared_shelf.save(shuffled).content


SPECIAL = {
    "many digits": 10**5000,
    "negative many digits": -(10**5000),
    "nan with payload": struct.unpack("d", struct.pack("Q", 0xFFF8000000000123))[0],
    "infinities": [math.inf, -math.inf, -0.0],
    "halves of a pair": ["\ud83d", "\ude00", "\ud83d\ude00", "😀"],
    "keys that look like tags": {"$tuple": [1]},
    "one tag among keys": {"a": 1, "$part": 0},
    "keys of all types": {1: "a", None: "b", (1, "x"): "c", frozenset({2}): "d", 1.5: "e", b"k": "f"},
    "ordered": collections.OrderedDict([("b", 1), ("a", 2)]),
    "counter": collections.Counter({"a": 2, "b": -1}),
    "default": collections.defaultdict(list, {"a": [1]}),
    "bounded": collections.deque([1, 2], maxlen=2),
    "slices": [slice(1, None), slice(None, None, -1)],
    "pattern": re.compile(r"a+(?P<x>b)", re.IGNORECASE),
    "bytes pattern": re.compile(rb"a"),
    "namespace": types.SimpleNamespace(a=[1], b=None),
    "signaling": decimal.Decimal("sNaN123"),
    "exponent": decimal.Decimal("1.10E-400"),
    "fraction": fractions.Fraction(-3, 7),
    "fold": datetime.datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo("Europe/Paris")),
    "uuid": uuid.UUID(int=5),
    "no file": pathlib.Path("no/such/file"),
    "windows": pathlib.PureWindowsPath("C:\\a"),
    "dataclass": sv.Settings(0.5, ["a"]),
    "frozen": sv.Frozen("n", sv.Point(1, [2])),
    "attrs": [sv.Slotted({1: 2}), sv.Plain((1,))],
    "alias of immutables": [(1, 2)] * 3,
}


@pytest.mark.parametrize("value", SPECIAL.values(), ids=SPECIAL.keys())
def test_special_values_come_back_the_same_without_a_pickle(shelf: Any, value: Any) -> None:
    assert same(shelf.safe_round_trip(value), value) or shelf.safe_round_trip(value) == value


def test_fields_without_init_keep_their_value(shelf: Any) -> None:
    value = sv.Settings(1.0)
    value.derived = 7
    assert shelf.safe_round_trip(value).derived == 7


def test_types_that_only_resemble_plain_ones_stay_themselves(shelf: Any) -> None:
    for value in (sv.Text("a"), sv.Table(a=1), sv.Hashed(1), True, 1, 1.0):
        again = shelf.round_trip(value)
        assert type(again) is type(value)
        assert again == value
    assert hash(shelf.round_trip(sv.Hashed(1))) == hash(sv.Hashed(1))


def test_attributes_beside_the_fields_of_a_dataclass_are_kept(shelf: Any) -> None:
    value = sv.Settings(1.0)
    value.extra = [1]  # type: ignore[attr-defined]
    assert shelf.round_trip(value).extra == [1]


def test_an_object_held_twice_comes_back_as_one(shelf: Any) -> None:
    inner = [1]
    again = shelf.round_trip({"a": inner, "b": [inner]})
    assert again["a"] is again["b"][0]


def test_a_list_that_contains_itself_comes_back_so(shelf: Any) -> None:
    value: list[Any] = [1]
    value.append(value)
    again = shelf.round_trip(value)
    assert again[1] is again


def test_tuples_that_share_tuples_do_not_explode(shelf: Any) -> None:
    value: Any = (1,)
    for _ in range(60):
        value = (value, value)
    assert shelf.save(value).size < 10_000


def test_numbers_of_different_types_have_different_content(shelf: Any) -> None:
    contents = [
        shelf.save(value).content for value in (1, 1.0, True, "1", b"1", [1], (1,), {1}, frozenset({1}))
    ]
    assert len(set(contents)) == len(contents)


def test_the_order_of_a_dictionary_counts(shelf: Any) -> None:
    assert shelf.save({"a": 1, "b": 2}).content != shelf.save({"b": 2, "a": 1}).content
    assert list(shelf.round_trip({"b": 2, "a": 1})) == ["b", "a"]


def test_small_values_travel_inside_the_record(shelf: Any) -> None:
    artifact = shelf.save({"auc": 0.9})
    assert [file.inline for file in artifact.files] == [b'{"auc":0.9}']
    assert list(shelf.store.digests()) == []


@pytest.mark.parametrize("depth", [50, 150, 250])
def test_moderately_deep_values_come_back(shelf: Any, depth: int) -> None:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    assert shelf.round_trip(value) == value
