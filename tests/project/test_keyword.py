from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenconv.authoring import Mark
from zenconv.errors import UsageError
from zenconv.project.keyword import parse_keyword, parse_marks

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


MARKS = {
    "slow": [Mark("slow")],
    "device": [Mark("device", kwargs={"serial": "1"}), Mark("device", kwargs={"serial": "2", "port": 80})],
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("slow", True),
        ("slo", False),
        ("SLOW", False),
        ("slow and not gpu", True),
        ("gpu or (slow and device)", True),
        ("device(serial='1')", True),
        ("device(serial='2', port=80)", True),
        ("device(serial='1', port=80)", False),
        ("device(port='80')", False),
        ("device(port=80.0)", False),
        ("not device(serial='(3)')", True),
        ("(device(serial='1'))and(slow)", True),
        ("device ( serial='1')", None),
        ("device(serial=1", None),
        ("device('1')", None),
        ("device(serial=open('x'))", None),
        ("steps_a.py::x", None),
        ("", None),
    ],
)
def test_marks_are_matched_by_whole_names_and_arguments(expression, expected) -> None:
    if expected is None:
        with pytest.raises(UsageError, match=r"^-m: expected"):
            parse_marks(expression)
    else:
        assert parse_marks(expression)(MARKS) is expected


@given(st.text(alphabet="ab( )'\"=,1\\notrd", max_size=40))
def test_any_text_is_a_mark_expression_or_a_usage_error(text) -> None:
    try:
        parse_marks(text)(MARKS)
    except UsageError:
        pass
