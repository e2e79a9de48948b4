"""Between two runs of the same project: what is kept, and what is dropped."""

import pytest

from zenconv.project.rounds import RoundDropped, RoundListener, RoundState, is_among
from zenconv.records.events import Answer, ProjectFailed, RunFinished, StepFinished, StepsReused


def test_a_dropped_round_says_why():
    assert str(RoundDropped("nothing changed")) == "nothing changed"


def test_a_state_comes_back_as_it_was():
    state = RoundState("b3:1", frozenset(["a::one"]), frozenset(["/x/data.csv"]), "no")
    again = RoundState.from_json(state.to_json())
    assert (again.plan, again.pending, again.opened, again.error) == (
        state.plan,
        state.pending,
        state.opened,
        state.error,
    )


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (["/x/data.csv"], True),
        (["/x/other.csv"], False),
        (["/x/listed/new.csv"], True),
        (["/x/listed/deep/new.csv"], False),
        ([""], True),
    ],
)
def test_a_change_counts_where_a_step_read_it_or_listed_its_folder(changed, expected):
    assert is_among(changed, frozenset(["/x/data.csv", "/x/listed/"])) is expected


def play(since, *events):
    shown, told = [], []
    listener = RoundListener(shown.append, since, told.append)
    for event in events:
        listener(event)
    return listener, shown, told


def test_a_round_leaves_its_plan_and_the_nodes_without_a_result():
    listener, shown, _ = play(
        None,
        Answer({"plan": "b3:1", "elsewhere": {}}),
        StepsReused([{"node": "a::one"}]),
        StepFinished("a::two", "failed"),
        StepFinished("a::three", "skipped"),
        Answer({"opened": ["/x/data.csv"], "imports": None}),
    )
    state = listener.result(RunFinished("failed", 1, 0.1))["state"]
    assert state == {
        "plan": "b3:1",
        "pending": ["a::two", "a::three"],
        "opened": ["/x/data.csv"],
        "error": "",
    }
    assert len(shown) == 5


@pytest.mark.parametrize("answer", [{"idle": True}, {"doubt": "the environment changed"}])
def test_nothing_is_shown_of_a_round_once_it_is_dropped(answer):
    listener, shown, _ = play(None, Answer(answer), ProjectFailed("dropped", 3))
    assert listener.is_dropped
    assert shown == []


def test_the_same_mistake_is_shown_once():
    since = RoundState(error="steps_a.py:1: invalid syntax")
    assert play(since, ProjectFailed("steps_a.py:1: invalid syntax", 2))[0].is_dropped
    assert not play(since, ProjectFailed("steps_a.py:2: invalid syntax", 2))[0].is_dropped


def test_doubts_are_told_at_once():
    _, _, told = play(None, Answer({"doubt": "a step changes HOME"}))
    assert told == [{"doubt": "a step changes HOME"}]


def test_an_interrupted_round_leaves_nothing_to_compare_with():
    listener, _, _ = play(None, Answer({"plan": "b3:1"}))
    assert "state" not in listener.result(RunFinished("interrupted", 130, 0.1))
