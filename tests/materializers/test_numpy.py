"""Arrays and NumPy scalars: every type, shape and order, written raw and mapped privately."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

DTYPES = (
    "?",
    "i1",
    "<i8",
    ">i4",
    "u2",
    "<f2",
    "f4",
    ">f8",
    "g",
    "F",
    "D",
    "G",
    "M8[ns]",
    "m8[us]",
    "M8[D]",
    "S5",
    "U3",
    ">U2",
    "V7",
    [("a", "i1"), ("b", ">f8", (2, 3))],
    [("x", [("y", "U2")]), ("é", "?")],
)


def identical(left: Any, right: Any) -> bool:
    return bool(
        type(left) is type(right)
        and left.dtype == right.dtype
        and left.shape == right.shape
        and np.ascontiguousarray(left).tobytes() == np.ascontiguousarray(right).tobytes()
    )


@settings(max_examples=300, deadline=None)
@given(
    array=hnp.arrays(
        hnp.scalar_dtypes() | hnp.array_dtypes(allow_subarrays=True), hnp.array_shapes(min_dims=0, min_side=0)
    )
)
def test_any_array_comes_back_identical(shared_shelf: Any, array: Any) -> None:
    again = shared_shelf.round_trip(array)
    assert again.dtype == array.dtype
    assert again.shape == array.shape
    assert shared_shelf.save(again).content == shared_shelf.save(array).content


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("count", [0, 3, 30_000])
def test_every_type_comes_back_without_a_pickle_and_writable(shelf: Any, dtype: Any, count: int) -> None:
    array = np.zeros((count, 2), dtype)
    array.view("u1").reshape(-1)[::7] = 1 if array.dtype.kind in "?V" else 0
    again = shelf.safe_round_trip(array)
    assert identical(again, array)
    assert again.flags.writeable
    again[:1] = again[1:2]


def test_order_in_memory_is_kept(shelf: Any) -> None:
    fortran = np.asfortranarray(np.arange(20_000.0).reshape(100, 200))
    again = shelf.safe_round_trip(fortran)
    assert again.flags.f_contiguous
    assert identical(again, fortran)


@pytest.mark.parametrize("view", [np.s_[::2], np.s_[:, ::-3], np.s_[5:90:7, 3:7, ::2], np.s_[..., 0]])
def test_views_are_stored_as_what_they_show(shelf: Any, view: Any) -> None:
    array = np.arange(2_000_000).reshape(100, 200, 100)[view]
    assert identical(shelf.safe_round_trip(array), np.ascontiguousarray(array))


def test_a_strided_vector_of_many_blocks_comes_back(shelf: Any) -> None:
    array = np.arange(3_000_000)[::-2]
    assert identical(shelf.safe_round_trip(array), np.ascontiguousarray(array))


def test_each_reader_may_write_into_an_array_of_its_own(shelf: Any) -> None:
    artifact = shelf.save(np.arange(100_000))
    first = shelf.load(artifact)
    assert type(first) is np.ndarray
    first[:] = -1
    assert shelf.load(artifact)[5] == 5


@pytest.mark.parametrize(
    "value",
    [
        np.float64(1),
        np.float32("nan"),
        np.longdouble(1) / 3,
        np.int8(-3),
        np.bool_(True),
        np.complex64(1j),
        np.datetime64("2020-01-01"),
        np.datetime64("NaT"),
        np.timedelta64(3, "s"),
        np.str_("a\0"),
        np.str_(""),
        np.bytes_(b"x\0"),
        np.dtype("f8"),
        np.dtype([("a", "i4")]),
    ],
    ids=repr,
)
def test_scalars_keep_their_type_inside_json(shelf: Any, value: Any) -> None:
    artifact = shelf.save({"k": value})
    again = shelf.load(artifact)["k"]
    assert artifact.materializer == "json/1"
    assert len(artifact.files) == 1
    assert type(again) is type(value)
    assert again == value or value != value


@pytest.mark.parametrize(
    "value",
    [
        np.ma.array([1, 2], mask=[0, 1]),
        np.asmatrix([[1, 2]]),
        np.rec.array([(1, 2.0)], names="a,b"),
        np.array([1, "a", None], object),
    ],
    ids=lambda value: type(value).__name__,
)
def test_subclasses_and_objects_come_back_through_a_pickle(shelf: Any, value: Any) -> None:
    artifact = shelf.save(value)
    again = shelf.load(artifact)
    assert artifact.runs_code
    assert type(again) is type(value)
    assert again.tolist() == value.tolist()


def test_unused_bytes_of_a_structure_do_not_count(shelf: Any) -> None:
    dtype = np.dtype({"names": ["a", "b"], "formats": ["i1", "f8"], "offsets": [0, 8], "itemsize": 16})
    one, two = np.zeros(3, dtype), np.full(48, 255, "u1").view(dtype)
    two["a"], two["b"] = 0, 0
    assert shelf.save(one).content == shelf.save(two).content


def test_shape_and_type_count(shelf: Any) -> None:
    arrays = [
        np.zeros((2, 3)),
        np.zeros((3, 2)),
        np.zeros(6),
        np.zeros((2, 3), "i8"),
        np.zeros((2, 3), ">f8"),
    ]
    assert len({shelf.save(array).content for array in arrays}) == 5


def test_arrays_inside_containers_are_files_not_pickles(shelf: Any) -> None:
    value = {"x": np.arange(3), "y": [np.ones((2, 2)), (np.zeros(5000),)]}
    artifact = shelf.save(value)
    again = shelf.load(artifact, allowed=False)
    assert not artifact.needs_trust
    assert (again["y"][1][0] == 0).all()


def test_one_array_held_twice_comes_back_as_one(shelf: Any) -> None:
    array = np.arange(3)
    again = shelf.round_trip({"a": array, "b": array})
    assert again["a"] is again["b"]


def test_the_digest_without_storing_is_that_of_storing(shelf: Any) -> None:
    array = np.arange(10_000)
    digest = shelf.materializers.content_of(array)
    assert list(shelf.store.digests()) == []
    assert digest == shelf.save(array).content
    assert shelf.materializers.content_of(object()) is None
