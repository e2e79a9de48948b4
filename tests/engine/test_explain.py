"""Differences between keys, in words."""

from __future__ import annotations

import pytest

from zenconv.engine.explain import Change, compare_parts, reason_for
from zenconv.records.plan import KeyParts


def parts(sources=None, /, **digests: str) -> KeyParts:
    return KeyParts({name.replace("__", " "): d for name, d in digests.items()}, sources or {})


def test_equal_keys_have_no_changes() -> None:
    assert compare_parts(parts(code__f="1"), parts(code__f="1")) == ()


def test_changed_code_is_named_with_its_line_and_shown_as_a_diff() -> None:
    before = parts({"code f": ("a.py:3", "def f():\n    return 1\n")}, code__f="1")
    after = parts({"code f": ("a.py:4", "def f():\n    return 2\n")}, code__f="2")
    (change,) = compare_parts(before, after)
    assert str(change) == "f changed, a.py:4"
    assert [line for line in change.diff() if line[0] in "+-"] == ["-    return 1", "+    return 2"]


def test_a_changed_value_shows_both() -> None:
    before = parts({"parameter C": ("default", "0.1")}, parameter__C="1")
    after = parts({"parameter C": ("--set", "1.0")}, parameter__C="2")
    assert reason_for(compare_parts(before, after)) == "C: 0.1 -> 1.0"


def test_a_package_shows_its_versions() -> None:
    assert reason_for(compare_parts(parts(package__pandas="3.1.0"), parts(package__pandas="3.1.1"))) == (
        "pandas 3.1.0 -> 3.1.1"
    )


def test_code_comes_before_packages_and_long_lists_are_cut() -> None:
    before = parts(package__a="1", package__b="1", code__f="1", input__x="1")
    after = parts(package__a="2", package__b="2", code__f="2", input__x="2")
    assert reason_for(compare_parts(before, after)) == "f changed; input x changed; and 2 more"


@pytest.mark.parametrize(
    ("before", "after", "how"), [({}, {"code f": "1"}, "added"), ({"code f": "1"}, {}, "removed")]
)
def test_parts_come_and_go(before: dict[str, str], after: dict[str, str], how: str) -> None:
    assert compare_parts(KeyParts(before), KeyParts(after)) == (Change("code", "f", how),)  # type: ignore[arg-type]


def test_rewiring_alone_is_said() -> None:
    changes = compare_parts(parts(code__f="1", structure="1"), parts(code__f="1", structure="2"))
    assert reason_for(changes) == "how the functions refer to each other changed"
