"""Several outputs: taken apart and put together again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest

from zenconv.engine.outputs import OutputsError, join_outputs, split_outputs
from zenconv.records.step import Output, Step


def make_step(shape: str, *names: str, returns: Any = None) -> Step:
    return Step(
        "split", "m", "steps_m.py", 1, outputs=tuple(map(Output, names)), shape=shape, returns=returns
    )


class Pair(NamedTuple):
    a: int
    b: int


@dataclass
class Parts:
    a: int
    b: int = field(init=False)

    def __post_init__(self) -> None:
        self.b = self.a + 1


@pytest.mark.parametrize(
    ("step", "value"),
    [
        (make_step("value", ""), [1, 2]),
        (make_step("tuple", "a", "b"), (1, 2)),
        (make_step("mapping", "a", "b"), {"a": 1, "b": 2}),
        (make_step("object", "a", "b", returns=Pair), Pair(1, 2)),
        (make_step("object", "a", "b", returns=Parts), Parts(1)),
    ],
)
def test_what_is_split_joins_to_the_same(step: Step, value: Any) -> None:
    outputs = split_outputs(step, value)
    assert list(outputs) == [output.name for output in step.outputs]
    assert join_outputs(step, outputs) == value


def test_post_init_does_not_run_again() -> None:
    parts = Parts(1)
    parts.b = 7
    step = make_step("object", "a", "b", returns=Parts)
    assert join_outputs(step, split_outputs(step, parts)).b == 7


@pytest.mark.parametrize(
    ("shape", "value", "message"),
    [
        ("tuple", (1, 2, 3), "returned 3 values, but declares 2 outputs: a, b"),
        ("tuple", None, r"returned nothing \(None\)"),
        ("mapping", {"a": 1}, "returned a dictionary without b"),
        ("mapping", {"a": 1, "b": 2, "c": 3}, "with undeclared c"),
        ("mapping", [1], "returned a list, but declares a dictionary"),
        ("object", 3, "returned a int without a, b"),
    ],
)
def test_missing_outputs_are_named(shape: str, value: Any, message: str) -> None:
    with pytest.raises(OutputsError, match=message):
        split_outputs(make_step(shape, "a", "b"), value)


def test_a_dictionary_where_a_tuple_is_expected_says_how_to_declare_it() -> None:
    with pytest.raises(OutputsError, match="returned a dict, but declares 2 outputs: a, b") as caught:
        split_outputs(make_step("tuple", "a", "b"), {"a": 1, "b": 2})
    assert caught.value.hint == "return (a, b), or annotate the step `-> dict`"


def test_an_attribute_that_is_no_field_is_refused_rather_than_lost() -> None:
    parts = Parts(1)
    parts.extra = 3  # type: ignore[attr-defined]
    with pytest.raises(OutputsError, match="attributes that are no fields: extra"):
        split_outputs(make_step("object", "a", "b"), parts)
