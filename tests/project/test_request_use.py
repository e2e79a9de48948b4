from __future__ import annotations

import pytest

from zenconv.project.request_use import RequestUse, find_use


def use_of(project, body: str) -> RequestUse:
    text = f"def one(request, kind=0):\n    {body}\n"
    opened = project({"steps_a.py": text})
    (step,) = opened.collection.files["steps_a.py"].steps
    return find_use(step.function, opened.sources)


@pytest.mark.parametrize(
    ("body", "asked", "hinted", "is_open"),
    [
        ("return request.getfixturevalue('a')", ("a",), (), False),
        ("return request.getfixturevalue('a' if kind == 'b' else 'c')", ("a", "c"), (), False),
        ("return request.getfixturevalue(argname='a')", ("a",), (), False),
        ("mode = 'run'; return request.getfixturevalue('a')", ("a",), (), False),
        ("name = 'a' if kind else 'b'; return request.getfixturevalue(name)", (), ("a", "b"), True),
        ("return request.getfixturevalue({0: 'a', 1: 'b'}[kind])", (), ("a", "b"), True),
        ("return [request.getfixturevalue(n) for n in ('a', 'b c')]", (), ("a",), True),
        ("return list(map(request.getfixturevalue, ['a']))", (), ("a",), True),
        ("return request.param, 'a'", (), (), False),
    ],
)
def test_names_that_are_asked_for_are_told_from_those_that_may_be(
    project, body, asked, hinted, is_open
) -> None:
    use = use_of(project, body)
    assert (use.asked, use.hinted, use.is_open) == (asked, hinted, is_open)


@pytest.mark.parametrize(
    ("body", "tells"),
    [
        ("return request.param", False),
        ("request.addfinalizer(print); return request.scope, request.fixturename", False),
        ("return lambda: request.getfixturevalue('a')", False),
        ("return request.node.name", True),
        ("return request.keywords", True),
        ("return getattr(request, 'param')", True),
        ("return print(request)", True),
        ("return 1", False),
    ],
)
def test_who_asks_counts_where_the_code_may_look_at_it(project, body, tells) -> None:
    assert use_of(project, body).tells is tells


def test_where_the_syntax_cannot_be_found_who_asks_counts(project) -> None:
    opened = project({"steps_a.py": "def one(): ...\n"})
    made: dict[str, object] = {}
    exec("def other(request): return request.param", made)
    assert find_use(made["other"], opened.sources) == RequestUse()
