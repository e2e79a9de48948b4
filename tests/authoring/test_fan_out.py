"""`parametrize`, `param`, `Collect` and `Over` by themselves."""

from __future__ import annotations

import enum
import re

import pytest

import zenconv
from zenconv.authoring import NOTE, Collect, Over, parse_tolerance
from zenconv.authoring.fan_out import make_axis
from zenconv.errors import UsageError


class Size(enum.Enum):
    SMALL = 1


def ids_of(values, **options) -> tuple[str, ...]:
    return make_axis("x", values, **options).ids()


@pytest.mark.parametrize(
    ("value", "id"),
    [
        (0.1, "0.1"),
        (1, "1"),
        (None, "None"),
        (True, "True"),
        ("text", "text"),
        (b"\xff", "\\xff"),
        (dict, "dict"),
        (ids_of, "ids_of"),
        (re.compile("a+"), "a+"),
        (Size.SMALL, "Size.SMALL"),
        ([1, 2], "x0"),
        ("two\nlines", "two\\nlines"),
        ("a::b", "a:b"),
        ("", "(empty)"),
    ],
)
def test_ids_are_written_as_pytest_writes_values(value, id):
    assert ids_of([value]) == (id,)


def test_equal_ids_are_numbered():
    assert ids_of(["a", "a", 1, 1, "b"]) == ("a0", "a1", "1_0", "1_1", "b")


def test_a_long_id_is_cut_and_stays_different_from_others():
    one, other = ids_of(["x" * 500 + "1", "x" * 500 + "2"])
    assert len(one) <= 100
    assert one != other


def test_ids_may_be_listed_or_computed():
    assert ids_of([1, 2, 3], ids=["one", None, 33]) == ("one", "2", "33")
    assert ids_of([1, 2], ids=lambda value: "one" if value == 1 else None) == ("one", "2")


def test_several_parameters_make_one_axis():
    axis = make_axis("C, kernel", [(1, "rbf"), (2, "linear")])
    assert (axis.name, axis.arguments, axis.ids()) == ("C-kernel", ("C", "kernel"), ("1-rbf", "2-linear"))


def test_a_param_brings_its_own_id():
    axis = make_axis(("a", "b"), [zenconv.param(1, 2, id="first"), (3, 4)])
    assert axis.ids() == ("first", "3-4")
    assert [item.values for item in axis.items] == [(1, 2), (3, 4)]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("x", []), {}, "there are no values"),
        (("x", "text"), {}, "not the text 'text'"),
        (("x", 3), {}, "its values are a list, not 3"),
        (("not a name", [1]), {}, "'not a name' is no name of a parameter"),
        (("x, x", [1]), {}, "or one twice"),
        (("x, y", [(1, 2, 3)]), {}, "2 values are needed, but (1, 2, 3) has 3"),
        (("x", [1, 2]), {"ids": ["a"]}, "2 values, but 1 ids"),
        (("x", [1]), {"ids": [object]}, "an id is a text or a number"),
        (("x", [1]), {"axis": "a b"}, "'a b' is no name for an axis"),
    ],
)
def test_what_is_no_axis_is_refused(arguments, options, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        zenconv.parametrize(*arguments, **options)


def test_decorators_stack_nearest_first():
    @zenconv.mark.parametrize("a", [1])
    @zenconv.parametrize("b", [2])
    def step(a, b): ...

    assert [axis.name for axis in getattr(step, NOTE).axes] == ["b", "a"]
    assert step(1, 2) is None


def test_one_axis_or_parameter_cannot_be_given_twice():
    with pytest.raises(UsageError, match="has an axis 'a' already"):
        zenconv.parametrize("a", [1])(zenconv.parametrize("a", [2])(lambda a: a))
    with pytest.raises(UsageError, match="'a' is given by two axes"):
        zenconv.parametrize("a", [1], axis="other")(zenconv.parametrize("a", [2])(lambda a: a))


def test_collect_is_a_read_only_mapping_in_order():
    found = Collect({"C=1": "one", "C=0.1": "tenth"}, failed=["C=5"])
    assert list(found) == ["C=1", "C=0.1"]
    assert found["C=0.1"] == found["0.1"] == "tenth"
    assert "1" in found
    assert "2" not in found
    assert found.failed == ("C=5",)
    with pytest.raises(KeyError, match=re.escape("'2' is no branch; there are: 'C=1', 'C=0.1'")):
        found["2"]
    with pytest.raises(TypeError):
        found["C=1"] = "x"


def test_short_ids_are_no_keys_where_there_are_several_axes():
    assert "1,2" not in Collect({"a=1,b=2": 0, "b=1,a=2": 1})


@pytest.mark.parametrize(
    ("text", "expected"), [("2%", (0.02, True)), (3, (3.0, False)), ("4", (4.0, False)), ("0%", (0.0, True))]
)
def test_a_tolerance_is_a_share_or_a_number(text, expected):
    assert parse_tolerance(text) == expected
    assert Over("C", tolerate=text).axes == ("C",)


@pytest.mark.parametrize("text", ["", "x", "101%", "-1", -1, 1.5, True, "1.5", None])
def test_what_is_no_tolerance_is_refused(text):
    with pytest.raises(UsageError, match="is no tolerance"):
        Over(tolerate=text)


def test_each_is_only_an_annotation():
    with pytest.raises(UsageError, match="return a mapping"):
        zenconv.Each()


def test_when_needs_a_condition():
    with pytest.raises(UsageError, match="no condition"):
        zenconv.when()
