from __future__ import annotations

import collections.abc
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import re
import sys
import typing
import uuid
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, NamedTuple, NewType, Optional, Required, TypedDict, TypeVar, Union

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenconv.settings.convert import ConversionError, convert
from zenconv.settings.text import Text, parse_text

BASE = Path("/project")


@pytest.fixture(autouse=True)
def limit_of_digits() -> Iterator[None]:
    """Other tests call commands that lift the limit for the whole process."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(4300)
    yield
    sys.set_int_max_str_digits(before)


class Color(enum.Enum):
    RED = 1
    BLUE = "blue"


class Mode(enum.StrEnum):
    FAST = "quick"


class Level(enum.IntEnum):
    LOW = 1


@dataclasses.dataclass
class Span:
    start: int
    path: Path = Path("here")
    tags: list[str] = dataclasses.field(default_factory=list)
    width: int = dataclasses.field(init=False, default=0)


@dataclasses.dataclass
class Outer:
    inner: Span
    spans: dict[str, Span] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Positive:
    x: int

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x is negative")


@attrs.frozen
class Point:
    _x: float
    y: float = 0.0


class Pair(NamedTuple):
    a: int
    b: str = "b"


class Options(TypedDict, total=False):
    size: Required[int]
    name: str


Count = NewType("Count", int)
T = TypeVar("T")


def told(value: Any, annotation: Any) -> str:
    with pytest.raises(ConversionError) as caught:
        convert(value, annotation, base=BASE)
    assert caught.value.exit_code == 4
    return str(caught.value)


FITTING: list[tuple[Any, Any, Any]] = [
    (Text("0.1"), float, 0.1),
    (Text("inf"), float, float("inf")),
    (1, float, 1.0),
    (Text("1_000"), int, 1000),
    (Text("0x10"), int, 16),
    (Text("007"), int, 7),
    (Text("1e6"), int, 1_000_000),
    (Text("3.0"), int, 3),
    (Text("-5"), int, -5),
    (True, bool, True),
    (Text("yes"), bool, True),
    (Text("False"), bool, False),
    (Text("0"), bool, False),
    (Text("123"), str, "123"),
    (Text('"123"'), str, "123"),
    (Text("'a b'"), str, "a b"),
    (Text("it's"), str, "it's"),
    (Text(""), str, ""),
    ("123", str, "123"),
    (Text("none"), Optional[int], None),  # noqa: UP045 - the old spelling must work, too
    (Text("null"), int | None, None),
    (Text("5"), Union[int, None], 5),  # noqa: UP007
    (Text("5"), str | int, 5),
    (Text("'5'"), str | int, "5"),
    (Text("five"), int | str, "five"),
    (Text("5"), float | int, 5),
    (5, float | int, 5),
    (Text("1.5"), int | float, 1.5),
    (Text("x"), Path | None, BASE / "x"),
    ([1, 2], int | list[int], [1, 2]),
    (Text("[1, 2]"), list[int], [1, 2]),
    (Text("1, 2"), list[int], [1, 2]),
    (Text("7"), list[int], [7]),
    (Text(""), list[int], []),
    (Text("[a, b]"), list[str], ["a", "b"]),
    (Text("a,b"), tuple[str, ...], ("a", "b")),
    (Text("(1, x)"), tuple[int, str], (1, "x")),
    ([1, "x"], tuple[int, str], (1, "x")),
    ([], tuple[()], ()),
    ([1, 1.5], tuple, (1, 1.5)),
    ([[1], [2.5]], list[tuple[float, ...]], [(1.0,), (2.5,)]),
    (Text("1,2,2"), set[int], {1, 2}),
    ([1, 2], frozenset, frozenset({1, 2})),
    (Text("1,2"), collections.abc.Sequence[int], [1, 2]),
    (["a"], typing.Iterable[str], ["a"]),
    (["a"], collections.abc.Set[str], frozenset({"a"})),
    (Text("{a = 1}"), dict[str, float], {"a": 1.0}),
    (Text('{"a": [1, null]}'), dict[str, list[int | None]], {"a": [1, None]}),
    ({"1": "x"}, dict[int, Path], {1: BASE / "x"}),
    ({"a": 1}, collections.abc.Mapping[str, int], {"a": 1}),
    ("A", Literal["A", "B"], "A"),
    (Text("1"), Literal[1, "1"], "1"),
    (Text("2"), Literal[1, 2], 2),
    (Text("RED"), Color, Color.RED),
    (Text("1"), Color, Color.RED),
    ("blue", Color, Color.BLUE),
    (Text("FAST"), Mode, Mode.FAST),
    ("quick", Mode, Mode.FAST),
    (1, Level, Level.LOW),
    ("LOW", Level, Level.LOW),
    (Text("d/x.csv"), Path, BASE / "d/x.csv"),
    ("/abs/x", Path, Path("/abs/x")),
    ("x", PurePosixPath, PurePosixPath("/project/x")),
    (dt.date(2026, 1, 2), dt.date, dt.date(2026, 1, 2)),
    (Text("2026-01-02"), dt.date, dt.date(2026, 1, 2)),
    (Text("2026-01-02"), dt.datetime, dt.datetime.fromisoformat("2026-01-02")),
    (Text("2026-01-02T03:04:05Z"), dt.datetime, dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)),
    (Text("03:04"), dt.time, dt.time(3, 4)),
    (90, dt.timedelta, dt.timedelta(seconds=90)),
    (Text("90"), dt.timedelta, dt.timedelta(seconds=90)),
    (Text("2h30m"), dt.timedelta, dt.timedelta(hours=2, minutes=30)),
    (Text("1d 2h"), dt.timedelta, dt.timedelta(days=1, hours=2)),
    (Text("250ms"), dt.timedelta, dt.timedelta(milliseconds=250)),
    (Text("1:30:00"), dt.timedelta, dt.timedelta(minutes=90)),
    (Text("-1 day"), dt.timedelta, dt.timedelta(days=-1)),
    (0.1, decimal.Decimal, decimal.Decimal("0.1")),
    (Text("1/3"), fractions.Fraction, fractions.Fraction(1, 3)),
    (Text("1 + 2j"), complex, 1 + 2j),
    (Text("é"), bytes, "é".encode()),
    (Text("^a$"), re.Pattern, re.compile("^a$")),
    (Text("12345678123456781234567812345678"), uuid.UUID, uuid.UUID(int=0x12345678123456781234567812345678)),
    ({"start": 1, "path": "p", "tags": ["t"]}, Span, Span(1, BASE / "p", ["t"])),
    (Text("{start = 1}"), Span, Span(1)),
    ({"inner": {"start": 2}, "spans": {"k": {"start": 3}}}, Outer, Outer(Span(2), {"k": Span(3)})),
    ({"x": 1}, Point, Point(1.0)),
    ({"a": 1}, Pair, Pair(1)),
    ([1, "c"], Pair, Pair(1, "c")),
    ({"size": 1}, Options, {"size": 1}),
    (Text("1"), Count, 1),
    (Text("1"), Annotated[int, "note"], 1),
    (Text("[1, 'a']"), Any, [1, "a"]),
    (Text("a b"), Any, "a b"),
    (Text("2026-01-02"), None, dt.date(2026, 1, 2)),
    (Text("true"), "int", True),
    (Text("1"), T, 1),
    ({"a": Text("1")}, None, {"a": 1}),
]


@pytest.mark.parametrize(("value", "annotation", "expected"), FITTING)
def test_a_value_becomes_what_its_annotation_says(value: Any, annotation: Any, expected: Any) -> None:
    result = convert(value, annotation, base=BASE)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(("value", "annotation", "expected"), FITTING)
def test_what_was_converted_stays_as_it_is_when_converted_again(
    value: Any, annotation: Any, expected: Any
) -> None:
    if annotation is not dt.datetime or expected.tzinfo is None:
        assert convert(expected, annotation, base=BASE) == expected


WRONG: list[tuple[Any, Any, str]] = [
    (Text("abc"), float, "expected float, got 'abc'"),
    ("0.1", float, "expected float, got '0.1'"),
    (True, float, "expected float, got True"),
    (10**400, float, "expected float, got 1000000"),
    (True, int, "expected int, got True"),
    (3.0, int, "expected int, got 3.0"),
    (Text("3.5"), int, "expected int, got '3.5'"),
    (Text("1e999999999"), int, "expected int, got '1e999999999'"),
    (Text("9" * 5000), int, "expected int, got '9999"),
    (1, bool, "expected bool, got 1"),
    (Text("maybe"), bool, "expected bool, got 'maybe'"),
    (123, str, "expected str, got 123: write it in quotes"),
    (["a"], str, "expected str, got ['a']"),
    (Text("x"), int | None, "expected int or None, got 'x'"),
    (3, None | str, "expected None or str, got 3"),
    (3, list[int], "expected list[int], got 3"),
    ("abc", list[str], "expected list[str], got 'abc'"),
    ([1, "x"], list[int], "expected int, got 'x' at [1]"),
    ({"a": [1, {"b": "x"}]}, dict[str, list[int | dict[str, int]]], "got {'b': 'x'} at ['a'][1]"),
    ([1], tuple[int, int], "expected 2 items (tuple[int, int]), got [1]"),
    ({"x": 1}, dict[int, int], "expected int, got 'x' at key 'x'"),
    (3, dict, "expected dict, got 3"),
    ([[1]], set, "expected set, got [[1]]: unhashable type: 'list'"),
    (Text("3"), Literal[1, 2], "expected 1 or 2, got '3'"),
    (True, Literal[1, 2], "expected 1 or 2, got True"),
    (Text("REDD"), Color, "expected a member of Color, got 'REDD': did you mean 'RED'?"),
    (3, Path, "expected Path, got 3"),
    (Text(""), Path, "expected Path, got ''"),
    ("a\0b", Path, "expected Path"),
    ("s3://b/x", Path, "this is an address; annotate the parameter as str"),
    (dt.datetime.fromisoformat("2026-01-01"), dt.date, "expected date such as 2026-01-31"),
    (Text("soon"), dt.datetime, "expected datetime such as 2026-01-31T12:00:00, got 'soon'"),
    (Text("soon"), dt.time, "expected time such as 12:00:00, got 'soon'"),
    (Text("soon"), dt.timedelta, "expected duration such as 90s, 2h 30m or 1:30:00, got 'soon'"),
    (1e300, dt.timedelta, "expected duration"),
    (Text("x"), decimal.Decimal, "expected Decimal, got 'x'"),
    (Text("1/0"), fractions.Fraction, "expected Fraction, got '1/0'"),
    (Text("x"), uuid.UUID, "expected UUID, got 'x'"),
    (Text("("), re.Pattern, "expected regular expression, got '('"),
    (Text("i"), complex, "expected complex, got 'i'"),
    ({"start": "x"}, Span, "expected int, got 'x' at start"),
    ({"inner": {"start": 1, "tags": [1]}}, Outer, "expected str, got 1 at inner.tags[0]"),
    ({"start": 1, "strat": 2}, Span, "'strat' is not a field, did you mean 'start'?"),
    ({"start": 1, "width": 2}, Span, "'width' is not a field"),
    ({}, Span, "'start' is missing"),
    ({"x": -1}, Positive, "expected Positive, got {'x': -1}: x is negative"),
    ({"name": "x"}, Options, "'size' is missing"),
    (3, Span, "expected Span, got 3"),
    (Text("x"), type(None), "expected None, got 'x'"),
    (Text("x"), type, "expected type, got 'x'"),
    (Text("x"), collections.abc.Callable, "expected Callable, got 'x'"),
    (Text("x"), decimal.Context, "expected Context, got 'x'"),
    ("y" * 500, int, "expected int, got 'yyyy"),
]


@pytest.mark.parametrize(("value", "annotation", "message"), WRONG)
def test_a_value_that_does_not_fit_is_told_with_what_was_expected(
    value: Any, annotation: Any, message: str
) -> None:
    text = told(value, annotation)
    assert message in text
    assert len(text) < 250


def test_a_class_with_annotations_that_cannot_be_resolved_is_still_built() -> None:
    @dataclasses.dataclass
    class Lost:
        x: NowhereDefined  # type: ignore[name-defined]  # noqa: F821

    assert convert({"x": 3}, Lost, base=BASE) == Lost(3)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the statement `type` came with Python 3.12")
def test_type_aliases_are_seen_through() -> None:
    scope: dict[str, Any] = {}
    exec("type Size = int\ntype Many[T] = list[T]", scope)
    assert convert(Text("3"), scope["Size"], base=BASE) == 3
    assert convert(Text("3,4"), scope["Many"][scope["Size"]], base=BASE) == [3, 4]


def test_numbers_and_times_of_libraries_keep_their_class() -> None:
    numpy = pytest.importorskip("numpy")
    pandas = pytest.importorskip("pandas")
    assert type(convert(Text("1.5"), numpy.float32, base=BASE)) is numpy.float32
    assert type(convert(1, numpy.int64, base=BASE)) is numpy.int64
    assert convert("2026-01-02", pandas.Timestamp, base=BASE) == pandas.Timestamp(2026, 1, 2)
    assert told([1], pandas.DataFrame) == "expected DataFrame, got [1]"


@given(st.integers())
def test_every_int_survives_the_way_through_a_shell(number: int) -> None:
    assert convert(Text(str(number)), int, base=BASE) == number


@given(st.floats(allow_nan=False))
def test_every_float_survives_the_way_through_a_shell(number: float) -> None:
    result = convert(Text(repr(number)), float, base=BASE)
    assert result == number
    assert type(result) is float


@given(st.text())
def test_without_a_type_no_text_is_lost_or_raises(text: str) -> None:
    result = parse_text(text)
    assert not isinstance(result, Text)
    if isinstance(result, str) and text[:1] not in "\"'":
        assert text[:1].isspace() or result == text


@given(
    st.text(), st.sampled_from([int, float, bool, str, Path, dt.date, dt.timedelta, list[int], dict, Span])
)
def test_any_text_converts_or_is_told_never_crashes(text: str, annotation: Any) -> None:
    for value in (text, Text(text)):
        try:
            convert(value, annotation, base=BASE)
        except ConversionError as error:
            assert str(error).startswith("expected ")  # noqa: PT017 - both outcomes are fine
