"""The texts that people read when a value changed."""

from __future__ import annotations

import datetime
import enum
import functools
import pathlib
import re
from typing import Any

import pytest

from zenconv.fingerprint.rendering import render_value


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    HIGH = 3


class Tool:
    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        raise AssertionError("a user's __repr__ is not asked")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        ({"rate": 0.5, "steps": [1, 2]}, "{'rate': 0.5, 'steps': [1, 2]}"),
        ({"a": "x" * 70}, "{\n  'a': '" + "x" * 70 + "'\n}"),
        ((1,), "(1,)"),
        ({"b", "a"}, "{'a', 'b'}"),
        (frozenset("a"), "frozenset('a')"),
        (re.compile("a+"), "re.compile('a+')"),
        (pathlib.PurePosixPath("a/b"), "PurePosixPath('a/b')"),
        (datetime.date(2026, 1, 2), "datetime.date(2026, 1, 2)"),
        (Colour.RED, "Colour.RED"),
        (Level.HIGH, "Level.HIGH"),
        (functools.partial(sorted, [1], reverse=True), "partial(<sorted>, [1], reverse=True)"),
        (Tool(depth=2, api_key="hunter2"), "Tool(depth=2, api_key=<not shown>)"),
        (Tool(), "<Tool>"),
        (object(), "<object>"),
        (len, "<len>"),
    ],
)
def test_a_value_is_told_from_another_of_its_kind(value: object, text: str) -> None:
    assert render_value("NAME", value, hidden=False) == f"NAME = {text}"


def test_an_array_shows_its_type_and_shape() -> None:
    import numpy

    assert render_value("W", numpy.zeros((2, 3)), hidden=False) == "W = <ndarray float64 (2, 3)>"
