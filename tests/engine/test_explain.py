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


def test_a_changed_value_names_its_place() -> None:
    before = KeyParts({"value a.N": "1"}, {"value a.N": ("a.py:1", "N = 1")})
    after = KeyParts({"value a.N": "2"}, {"value a.N": ("a.py:1", "N = 2")})
    assert reason_for(compare_parts(before, after)) == "a.N: 1 -> 2, a.py:1"


def test_values_that_look_alike_are_just_changed() -> None:
    before = KeyParts({"value a.F": "1"}, {"value a.F": ("a.py:1", "<DataFrame (2, 2)>")})
    after = KeyParts({"value a.F": "2"}, {"value a.F": ("a.py:1", "<DataFrame (2, 2)>")})
    assert reason_for(compare_parts(before, after)) == "a.F changed, a.py:1"


def test_code_that_only_moved_is_not_mentioned() -> None:
    before = KeyParts({"code a.f": "1", "package x": "1"})
    after = KeyParts({"code b.f": "1", "package x": "2"})
    assert reason_for(compare_parts(before, after)) == "x 1 -> 2"


def test_what_counts_as_changed_only_for_what_it_refers_to_gives_way() -> None:
    before = KeyParts(
        {"code a.f": "1", "parameter n": "1"}, {"code a.f": ("a.py:1", "f"), "parameter n": ("", "1")}
    )
    after = KeyParts(
        {"code a.f": "2", "parameter n": "2"}, {"code a.f": ("a.py:1", "f"), "parameter n": ("", "2")}
    )
    assert reason_for(compare_parts(before, after)) == "n: 1 -> 2"


def changed(**texts: tuple[str, str]) -> str:
    sides = []
    for side in (0, 1):
        names = {f"code {name.replace('__', '.<locals>.').replace('_', '.')}": t for name, t in texts.items()}
        sides.append(
            KeyParts(
                {name: text[side] for name, text in names.items()},
                {name: (f"{name[5]}.py:1", text[side]) for name, text in names.items()},
            )
        )
    return reason_for(compare_parts(*sides))


CLASS = "class C:\n    def p(self):\n        return 1\n    x = 1\n"


def test_an_edit_of_a_method_is_told_of_the_method_alone() -> None:
    method = ("    def p(self):\n        return 1\n", "    def p(self):\n        return 2\n")
    edited = CLASS.replace("return 1", "return 2")
    assert changed(a_C=(CLASS, edited), a_C_p=method) == "a.C.p changed, a.py:1"
    more = edited.replace("x = 1", "x = 2")
    assert changed(a_C=(CLASS, more), a_C_p=method) == "a.C changed, a.py:1; a.C.p changed, a.py:1"


def test_an_edit_inside_of_a_decorator_is_told_of_the_decorator_alone() -> None:
    texts = ["def deco(f):\n    def inner():\n        return f()\n    return inner\n"]
    texts.append(texts[0].replace("f()", "-f()"))
    inner = [text[13:].rpartition("    return inner")[0] for text in texts]
    assert (
        changed(a_deco=(texts[0], texts[1]), a_deco__inner=(inner[0], inner[1])) == "a.deco changed, a.py:1"
    )


def test_two_functions_with_the_same_edit_are_both_told() -> None:
    one, two = ("def f():\n    return 1\n", "def f():\n    return 2\n")
    assert changed(a_f=(one, two), a_ff=(one, two)) == "a.f changed, a.py:1; a.ff changed, a.py:1"


def test_a_file_is_named_by_its_path() -> None:
    before = KeyParts({"file csv x.csv": "1"}, {"file csv x.csv": ("data/x.csv", "")})
    after = KeyParts({"file csv x.csv": "2"}, {"file csv x.csv": ("data/x.csv", "")})
    assert reason_for(compare_parts(before, after)) == "file data/x.csv changed"
