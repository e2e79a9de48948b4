"""Random generators go on where they were, in another process too, and without a pickle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SOURCES = [np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64]
seeds = st.one_of(st.integers(0, 2**200), st.lists(st.integers(0, 2**40), min_size=1, max_size=4))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(SOURCES), seeds, st.integers(0, 20))
def test_a_generator_draws_the_same_numbers_next(shared_shelf: Any, kind: Any, seed: Any, drawn: int) -> None:
    generator = np.random.Generator(kind(seed))
    generator.integers(10, size=drawn, dtype=np.uint8)
    generator.normal(size=drawn)
    again = shared_shelf.safe_round_trip(generator)
    assert type(again.bit_generator) is kind
    assert again.normal(size=5).tolist() == generator.normal(size=5).tolist()
    assert (
        again.integers(9, size=5, dtype=np.uint8).tolist()
        == generator.integers(9, size=5, dtype=np.uint8).tolist()
    )
    assert again.spawn(1)[0].random() == generator.spawn(1)[0].random()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 7))
def test_a_random_state_keeps_its_second_normal_number(shared_shelf: Any, seed: int, drawn: int) -> None:
    state = np.random.RandomState(seed)
    state.normal(size=drawn)
    again = shared_shelf.safe_round_trip(state)
    assert again.normal(size=5).tolist() == state.normal(size=5).tolist()


@pytest.mark.parametrize("kind", SOURCES)
def test_a_bit_generator_comes_back_alone(shelf: Any, kind: Any) -> None:
    source = kind(3)
    again = shelf.safe_round_trip(source)
    assert type(again) is kind
    assert again.random_raw(4).tolist() == source.random_raw(4).tolist()


@settings(max_examples=50, deadline=None)
@given(seeds, st.integers(0, 3))
def test_a_seed_sequence_spawns_the_same_children(shared_shelf: Any, seed: Any, spawned: int) -> None:
    sequence = np.random.SeedSequence(seed)
    sequence.spawn(spawned)
    again = shared_shelf.safe_round_trip(sequence)
    mine, other = sequence.spawn(2)[1], again.spawn(2)[1]
    assert other.generate_state(4).tolist() == mine.generate_state(4).tolist()


def test_a_generator_and_what_it_draws_from_stay_one(shelf: Any) -> None:
    generator = np.random.default_rng(1)
    again = shelf.round_trip({"generator": generator, "source": generator.bit_generator})
    assert again["generator"].bit_generator is again["source"]


def test_a_generator_among_plain_values_is_no_pickle(shelf: Any) -> None:
    again = shelf.safe_round_trip({"seed": 3, "generator": np.random.default_rng(3)})
    assert again["generator"].random() == np.random.default_rng(3).random()


def test_the_summary_names_the_algorithm(shelf: Any) -> None:
    assert shelf.save(np.random.RandomState(1)).summary == {"algorithm": "MT19937"}
    assert shelf.save(np.random.default_rng(1)).summary == {"algorithm": "PCG64"}
