from __future__ import annotations

import math

import pytest

from zenconv.authoring import parse_duration
from zenconv.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), (" 1.5 h", 5400), ("2w", 1209600), (0, 0), (2.5, 2.5)]
)
def test_a_duration_is_a_number_with_a_unit_or_seconds(text: str | float, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "1 y", "-3s", True, -1, math.inf, math.nan])
def test_anything_else_is_no_duration(text: str | float) -> None:
    with pytest.raises(UsageError, match="is no duration"):
        parse_duration(text)
