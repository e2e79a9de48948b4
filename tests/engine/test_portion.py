"""Which reused steps are verified."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenconv.engine.portion import Portion
from zenconv.errors import UsageError

NODES = [f"steps_a.py::s{i}" for i in range(200)]


@pytest.mark.parametrize(
    ("text", "share", "count", "seed"),
    [
        ("5%", 0.05, None, None),
        ("0.05", 0.05, None, None),
        (".5", 0.5, None, None),
        ("3", 0, 3, None),
        ("100%@7", 1, None, 7),
        ("2@7", 0, 2, 7),
    ],
)
def test_amounts_are_shares_or_counts(text: str, share: float, count: int | None, seed: int | None) -> None:
    portion = Portion.parse(text)
    assert (portion.share, portion.count, portion.seed) == (pytest.approx(share), count, seed)
    again = Portion.parse(portion.show())
    assert (again.share, again.count, again.seed) == (portion.share, portion.count, portion.seed)


@pytest.mark.parametrize("text", ["", "x", "101%", "1.5", "-1", "5%%", "5 %", "5%@", "nan"])
def test_other_texts_are_no_amounts(text: str) -> None:
    with pytest.raises(UsageError, match="--verify"):
        Portion.parse(text)


@given(st.floats(0.001, 1), st.integers(0, 10**6), st.integers(1, 200))
def test_a_share_takes_at_least_one_and_never_more_than_asked(share: float, seed: int, size: int) -> None:
    chosen = Portion(share, None, seed).choose(NODES[:size])
    assert 1 <= len(chosen) <= share * size + 1


def test_the_choice_hangs_on_the_seed_and_on_nothing_else() -> None:
    portion = Portion(0.1, None, 1)
    assert portion.choose(NODES) == portion.choose(NODES[::-1])
    assert portion.choose(NODES) != Portion(0.1, None, 2).choose(NODES)


def test_a_share_of_what_is_not_known_beforehand_is_about_that_share() -> None:
    taken = sum(Portion(0.25, None, seed).includes(node) for seed in range(20) for node in NODES)
    assert 0.2 < taken / (20 * len(NODES)) < 0.3
    assert all(Portion(1.0).includes(node) for node in NODES)
    assert not any(Portion(0.0, 3).includes(node) for node in NODES)
