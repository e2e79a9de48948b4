from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenconv.errors import UsageError
from zenconv.project.keyword import parse_keyword

NAMES = ["steps_training.py::churn", "training"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("churn", True),
        ("CHURN", True),
        ("not churn", False),
        ("not not churn", True),
        ("churn and training", True),
        ("churn and slow", False),
        ("slow or churn", True),
        ("slow and slow or churn", True),
        ("slow and (slow or churn)", False),
        ("not (slow or test) and churn", True),
        ("steps_training.py::churn", True),
        ("(churn)and(training)", True),
    ],
)
def test_words_and_operators_mean_what_they_say(expression, expected) -> None:
    assert parse_keyword(expression)(NAMES) is expected


@pytest.mark.parametrize(
    ("expression", "expected", "column"),
    [
        ("", "expected a name or '('", 1),
        ("a and", "expected a name or '('", 6),
        ("and a", "expected a name or '('", 1),
        ("(a", "expected ')'", 3),
        ("a b", "expected 'and', 'or' or the end", 3),
        ("a )", "expected 'and', 'or' or the end", 3),
    ],
)
def test_a_mistake_is_pointed_at(expression, expected, column) -> None:
    with pytest.raises(UsageError) as caught:
        parse_keyword(expression)
    assert f"-k: {expected}" in str(caught.value)
    assert f"at column {column}\n" in str(caught.value)
    assert "hint: " in str(caught.value)


def test_too_many_parentheses_are_refused_before_the_stack_is_full() -> None:
    with pytest.raises(UsageError, match="too many parentheses"):
        parse_keyword("(" * 5000 + "a" + ")" * 5000)


@given(st.text(alphabet="ab ()notrd", max_size=30))
def test_any_text_is_an_expression_or_a_usage_error(text) -> None:
    try:
        matcher = parse_keyword(text)
    except UsageError:
        return
    assert matcher(["a"]) in (True, False)
