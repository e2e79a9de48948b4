# ruff: noqa: UP007, UP045 - both spellings of a union are tested
from __future__ import annotations

import collections.abc as abc
import enum
import typing
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NewType, Optional, Protocol, TypedDict, TypeVar, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenconv.project.annotations import Late
from zenconv.project.compatibility import is_compatible


class Row(TypedDict):
    a: int


class Pair(NamedTuple):
    a: int
    b: str


class Animal: ...


class Dog(Animal): ...


class Loud: ...


class LoudDog(Dog, Loud): ...


class Stone: ...


class Colour(enum.Enum):
    RED = 1


class Fits(Protocol):
    def fit(self) -> None: ...


T = TypeVar("T")
UserId = NewType("UserId", int)


class Angry:
    def __class_getitem__(cls, _):
        raise RuntimeError


@pytest.mark.parametrize(
    ("provider", "consumer"),
    [
        (int, float),
        (bool, int),
        (int, complex),
        (Dog, Animal),
        (Animal, Dog),
        (Animal, Loud),
        (Any, int),
        (int, Any),
        (int, object),
        (object, int),
        (T, int),
        (int, T),
        (int, Fits),
        (Optional[int], int),
        (int, Optional[int]),
        (Union[int, str], str),
        (int | None, float | None),
        (UserId, int),
        (int, UserId),
        (Annotated[int, "x"], int),
        (list[int], list[float]),
        (list, list[int]),
        (list[int], abc.Sequence[int]),
        (abc.Iterable, list),
        (dict, abc.Mapping),
        (dict[str, int], abc.Iterable[str]),
        (Row, dict),
        (dict[str, int], Row),
        (Pair, tuple),
        (Pair, tuple[int, str]),
        (tuple[int, str], tuple[int, str]),
        (tuple[int, ...], tuple[int, int]),
        (tuple[int, int], tuple[float, ...]),
        (tuple[int, int], abc.Sequence[int]),
        (Literal["a"], str),
        (str, Literal["a", "b"]),
        (Literal["a", "b"], Literal["b", "c"]),
        (Literal[Colour.RED], Colour),
        ("unknown", int),
        (typing.ForwardRef("X"), int),
        (Late("", "X"), int),
        (Late("os", "PathLike"), Late("os", "PathLike")),
        (Late("builtins", "int"), float),
        (Late("no_such_library", "X"), int),
        (Late("builtins", "no_such_name"), int),
        (type[int], type),
        (Dog, typing.Callable[[int], int]),
        (abc.Callable, int | abc.Callable),
        (None, None),
    ],
)
def test_what_may_be_right_is_let_through(provider, consumer) -> None:
    assert is_compatible(provider, consumer)


@pytest.mark.parametrize(
    ("provider", "consumer"),
    [
        (dict, int),
        (float, int),
        (str, Path),
        (str, bytes),
        (Dog, Stone),
        (None, int),
        (int, None),
        (Optional[str], Union[int, float]),
        (list[int], list[str]),
        (list[dict[str, int]], list[dict[str, str]]),
        (dict[str, int], dict[int, int]),
        (dict[str, int], abc.Iterable[int]),
        (list, abc.Mapping),
        (abc.Mapping, list),
        (tuple[int, str], tuple[int, str, float]),
        (tuple[int, ...], tuple[int, str]),
        (tuple[int, str], tuple[int, ...]),
        (tuple[str, str], abc.Sequence[int]),
        (Row, int),
        (int, Row),
        (UserId, str),
        (str, Literal[1, 2]),
        (Literal["a"], Literal["b"]),
        (Literal[1], Literal[True]),
        (int, abc.Callable),
        (Late("builtins", "dict"), int),
        (Late("builtins", "dict"), Late("builtins", "int")),
        (list[Late("builtins", "str")], list[int]),
    ],
)
def test_what_is_provably_wrong_is_refused(provider, consumer) -> None:
    assert not is_compatible(provider, consumer)


def test_classes_of_data_libraries_are_told_apart_by_their_bases() -> None:
    np = pytest.importorskip("numpy")
    pd = pytest.importorskip("pandas")
    base = pytest.importorskip("sklearn.base")
    linear = pytest.importorskip("sklearn.linear_model")
    import numpy.typing as npt

    assert is_compatible(np.float32, float)
    assert is_compatible(npt.NDArray[np.float64], np.ndarray)
    assert is_compatible(base.BaseEstimator, linear.LogisticRegression)
    assert is_compatible(base.BaseEstimator, base.ClassifierMixin)
    assert not is_compatible(pd.DataFrame, pd.Series)
    assert not is_compatible(np.ndarray, list)
    assert not is_compatible(linear.LinearRegression, base.ClassifierMixin)


def test_a_type_that_refuses_to_be_looked_at_proves_nothing() -> None:
    class Meta(type):
        def __subclasscheck__(cls, _other):
            raise RuntimeError

    class Odd(metaclass=Meta): ...

    assert is_compatible(int, Odd)


TYPES = st.recursive(
    st.sampled_from([int, float, str, None, Any, Dog, Stone, Path, Row, Pair]),
    lambda inner: st.one_of(
        st.builds(lambda t: list[t], inner),
        st.builds(lambda a, b: dict[a, b], inner, inner),
        st.builds(lambda a, b: tuple[a, b], inner, inner),
        st.builds(lambda a, b: Union[a, b], inner, inner),
    ),
    max_leaves=6,
)


@given(TYPES)
def test_every_type_fits_itself(kind) -> None:
    assert is_compatible(kind, kind)


@given(TYPES, TYPES)
def test_a_union_takes_what_a_member_takes(one, other) -> None:
    assert is_compatible(one, Union[one, other])
    assert is_compatible(Union[one, other], other)
