"""Canonical values: one digest for equal values, different ones for what code can tell apart."""

# ruff: noqa: E501, DTZ001, FURB157  (tables of values)
from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import functools
import operator
import re
import subprocess
import sys
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenconv.fingerprint import NotCanonical, digest_of


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Level(enum.IntEnum):
    RED = 1


class Permission(enum.Flag):
    READ = 1
    WRITE = 2


@dataclass
class Point:
    x: Any = 1


@attrs.frozen
class Spot:
    x: Any = 1


class Pair(NamedTuple):
    x: Any = 1


class Words(list):  # type: ignore[type-arg]
    pass


def distinct() -> list[Any]:
    import numpy as np

    utc = datetime.UTC
    return [
        None, True, False, 0, 1, -1, 2**64, 1.0, 0.0, -0.0, float("nan"), float("inf"), float("-inf"), 1j, complex(0, -0.0),
        "", "1", "True", "\ud800", "\ufffd", "None", b"", b"1", bytearray(b"1"), ..., NotImplemented,
        [], (), {}, set(), frozenset(), [1], (1,), {1}, frozenset({1}), {1: None}, [1, 2], [2, 1], [[1], 2], [1, [2]],
        {"a": 1, "b": 2}, {"b": 2, "a": 1}, ["a", 1, "b", 2], [True], [1.0], ["1"], [[]], [[], []], [None],
        Color.RED, Color.BLUE, Level.RED, Permission.READ, Permission.READ | Permission.WRITE, Color, Level,
        Point(), Point(2), Point("1"), Spot(), Spot(2), Pair(), Pair(2), Words([1]), Words(),
        Path("a"), Path("/a"), "a", "/a", re.compile("a"), re.compile("a", re.IGNORECASE), re.compile(b"a"),
        decimal.Decimal("1"), decimal.Decimal("1.0"), decimal.Decimal("NaN"), fractions.Fraction(1, 2),
        datetime.date(2020, 1, 1), datetime.datetime(2020, 1, 1), datetime.datetime(2020, 1, 1, tzinfo=utc),
        datetime.datetime(2020, 1, 1, fold=1), datetime.time(1), datetime.timedelta(1), datetime.timedelta(0, 1), utc,
        datetime.timezone(datetime.timedelta(hours=1)), uuid.UUID(int=1), range(3), range(0, 3, 2), slice(1), slice(1, None),
        int, str, list, len, str.upper, operator.itemgetter(1), operator.itemgetter(1, 2), operator.attrgetter("a"),
        operator.methodcaller("a", 1), functools.partial(int, base=2), functools.partial(int, base=3), list[int], int | None,
        SimpleNamespace(a=1), SimpleNamespace(a=2), MappingProxyType({"a": 1}), OrderedDict(a=1), defaultdict(list, a=[1]),
        defaultdict(set, a=[1]), Counter("a"), deque([1]), deque([1], 3), {"a": 1}, [].append, "x".join,
        np.array([1, 2]), np.array([1, 2], dtype="i4"), np.array([1.0, 2.0]), np.array([[1, 2]]), np.array(["a", "b"]),
        np.array(["a", None], dtype=object), np.array([1, 2], dtype=">i8"), np.array([], dtype="i8"), np.zeros((0, 2), "i8"),
        np.array([0], "M8[s]"), np.array([0], "M8[ms]"), np.float64(1), np.float32(1), np.int64(1), np.bool_(True),
        np.dtype("i4"), np.dtype([("a", "i4")]), np.dtype([("b", "i4")]), np.array([(1,)], dtype=[("a", "i4")]), np.sin,
    ]  # fmt: skip


def test_what_code_can_tell_apart_has_different_digests() -> None:
    values = distinct()
    digests: dict[str, Any] = {}
    for value in values:
        digest = digest_of(value)
        assert digest not in digests, f"{value!r} and {digests[digest]!r}"
        digests[digest] = value


def test_digests_are_the_same_in_another_process() -> None:
    script = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from test_values import distinct; from zenconv.fingerprint import digest_of\n"
        "print('\\n'.join(map(digest_of, [v for v in distinct() if 'test_values' not in str(v) and '__main__' not in str(v)])))"
    )
    here = Path(__file__).parent
    seen = set()
    for seed in ("1", "2"):
        environment = {"PYTHONHASHSEED": seed, "PATH": "/usr/bin"}
        done = subprocess.run(
            [sys.executable, "-c", script, str(here), str(here.parents[1])],
            capture_output=True, text=True, env=environment, check=True,
        )  # fmt: skip
        seen.add(done.stdout)
    assert len(seen) == 1


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def tagged(value: Any) -> Any:
    """Return a form in which ``==`` tells types and the sign of zero apart."""
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [tagged(item) for item in value]
    if isinstance(value, dict):
        return "dict", [(key, tagged(item)) for key, item in value.items()]
    return type(value).__name__, repr(value)


@given(plain, plain)
def test_two_values_share_a_digest_exactly_if_they_are_equal(first: Any, second: Any) -> None:
    assert (digest_of(first) == digest_of(second)) == (tagged(first) == tagged(second))


@given(st.lists(st.integers() | st.text()))
def test_the_order_of_a_set_does_not_count(items: list[Any]) -> None:
    assert digest_of(set(items)) == digest_of(set(sorted(items, key=repr)))  # noqa: C414  another order of insertion


def test_a_path_below_the_root_counts_relative_to_it() -> None:
    here, there = (
        digest_of(Path("/home/a/p/x.csv"), root="/home/a/p"),
        digest_of(Path("/ci/q/x.csv"), root="/ci/q"),
    )
    assert here == there != digest_of(Path("/ci/q/y.csv"), root="/ci/q")


@pytest.mark.parametrize("text", ["{}/x", "{}", "file://{}/x", "a {}/x and {}/y"])
def test_a_text_that_holds_the_root_counts_without_it(text: str) -> None:
    first, second = (digest_of(text.replace("{}", root), root=root) for root in ("/home/a/p", "/ci/q"))
    assert first == second


def test_a_folder_beside_the_root_is_not_below_it() -> None:
    assert digest_of("/home/a/pq/x", root="/home/a/p") == digest_of("/home/a/pq/x")


def test_a_secret_value_does_not_count() -> None:
    first = digest_of({"url": "https://u:hunter2@h"}, secrets=("hunter2",))
    assert first == digest_of({"url": "https://u:other@h"}, secrets=("other",))


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def circle() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (nested(10_000), "too deeply"),
        (circle(), "contains itself"),
        (open, None),
        (lambda: 1, "by its code only"),
        (iter([]), "no canonical form"),
        (Exception("x"), "no canonical form"),
    ],
)
def test_what_has_no_canonical_form_says_why(value: Any, why: str | None) -> None:
    if why is None:
        assert digest_of(value)
        return
    with pytest.raises(NotCanonical, match=why):
        digest_of(value)


def test_shared_parts_do_not_cost_exponential_time() -> None:
    value: Any = list(range(100))
    for _ in range(60):
        value = [value, value]
    assert digest_of(value)


def test_a_library_may_encode_its_own_values() -> None:
    class Frame:
        pass

    assert digest_of(Frame(), content_of=lambda value: "b3:1") != digest_of(
        Frame(), content_of=lambda value: "b3:2"
    )
    with pytest.raises(NotCanonical):
        digest_of(Frame(), content_of=lambda value: None)


def test_integers_of_any_size_are_canonical() -> None:
    assert digest_of(10**6000) != digest_of(10**6000 + 1)


def test_a_logger_is_one_value_whatever_its_name() -> None:
    import logging

    assert digest_of(logging.getLogger("a")) == digest_of(logging.getLogger("b"))
