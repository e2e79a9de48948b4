"""Sparse arrays in every format, as they were; frozen distributions by name and parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

scipy = pytest.importorskip("scipy")
sparse = pytest.importorskip("scipy.sparse")
stats = pytest.importorskip("scipy.stats")

CLASSES = [
    getattr(sparse, f"{form}_{kind}")
    for form in ("csr", "csc", "bsr", "coo", "dia", "dok", "lil")
    for kind in ("array", "matrix")
]
TYPES = [np.float64, np.float32, np.int8, np.int64, np.complex128, np.bool_]


@st.composite
def dense_arrays(draw: Any) -> Any:
    rows, columns = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    items = draw(st.lists(st.integers(-2, 3), min_size=rows * columns, max_size=rows * columns))
    return np.array(items).reshape(rows, columns).astype(draw(st.sampled_from(TYPES)))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(CLASSES), dense_arrays())
def test_every_format_comes_back_as_it_was(shared_shelf: Any, cls: Any, array: Any) -> None:
    value = cls(array)
    again = shared_shelf.safe_round_trip(value)
    assert (type(again), again.dtype, again.shape) == (cls, value.dtype, value.shape)
    assert again.toarray().tolist() == array.tolist()
    assert again.nnz == value.nnz
    assert shared_shelf.save(again).content == shared_shelf.save(value).content


def test_duplicates_explicit_zeros_and_types_of_indices_are_kept(shelf: Any) -> None:
    coo = sparse.coo_array((np.array([1.0, 2, 0]), (np.array([0, 0, 1]), np.array([1, 1, 0]))), shape=(2, 2))
    assert shelf.safe_round_trip(coo).nnz == 3
    csr = sparse.csr_array((2, 2))
    csr.indptr, csr.indices = csr.indptr.astype(np.int64), csr.indices.astype(np.int64)
    again = shelf.safe_round_trip(csr)
    assert again.indices.dtype == again.indptr.dtype == np.int64
    unsorted = sparse.csr_array((np.array([1.0, 2]), np.array([1, 0]), np.array([0, 2])), shape=(1, 2))
    assert shelf.safe_round_trip(unsorted).indices.tolist() == [1, 0]


def test_arrays_of_one_and_three_dimensions_come_back(shelf: Any) -> None:
    for value in (sparse.coo_array(np.eye(3)[None]), sparse.coo_array(np.arange(3)), sparse.dok_array((4,))):
        again = shelf.safe_round_trip(value)
        assert again.shape == value.shape
        assert again.toarray().tolist() == value.toarray().tolist()


def test_a_loaded_array_may_be_changed(shelf: Any) -> None:
    artifact = shelf.save(sparse.csr_array(np.eye(300)))
    again = shelf.load(artifact)
    again.data[:] = 7
    again[0, 1] = 3
    assert shelf.load(artifact).toarray().tolist() == np.eye(300).tolist()


def test_a_big_matrix_among_plain_values_is_no_pickle(shelf: Any) -> None:
    again = shelf.safe_round_trip({"matrix": sparse.csr_array(np.eye(300)), "name": "x"})
    assert (again["matrix"] != sparse.csr_array(np.eye(300))).nnz == 0


class Mine(sparse.csr_array):
    """A class of a project."""


def test_a_derived_class_is_left_to_others(shelf: Any) -> None:
    artifact = shelf.save(Mine((2, 2)))
    assert artifact.runs_code
    assert type(shelf.load(artifact)) is Mine


DISTRIBUTIONS = {
    "normal": lambda: stats.norm(1, scale=2),
    "gamma": lambda: stats.gamma(2.5, scale=3),
    "poisson": lambda: stats.poisson(3),
    "arrays": lambda: stats.norm(np.arange(3.0), np.array([1.0, 2, 3])),
    "uniform": lambda: stats.uniform(loc=-1, scale=4),
    "log-uniform": lambda: stats.loguniform(1e-4, 1e-1),
    "integers": lambda: stats.randint(2, 20),
}


@pytest.mark.parametrize("make", DISTRIBUTIONS.values(), ids=DISTRIBUTIONS)
def test_a_frozen_distribution_comes_back_without_a_pickle(shelf: Any, make: Any) -> None:
    value = make()
    again = shelf.safe_round_trip(value)
    assert type(again) is type(value)
    assert np.all(again.cdf(2) == value.cdf(2))
    assert np.all(again.rvs(random_state=3) == value.rvs(random_state=3))


def test_a_distribution_with_its_own_random_state_or_shape_is_left_to_others(shelf: Any) -> None:
    seeded = stats.norm(0, 1)
    seeded.random_state = 3
    assert shelf.save(seeded).materializer == "objects/1"
    custom = stats.rv_discrete(values=([1, 2], [0.25, 0.75]))()
    assert shelf.save(custom).materializer == "objects/1"
    assert shelf.round_trip(custom).pmf(2) == 0.75
