"""What edits during a round make of it."""

import pytest

from zenconv.project.superseding import Superseding, is_superseded
from zenconv.records.artifact import ActionKey
from zenconv.records.plan import Decision

OLD, NEW = ActionKey("1" * 64, "2" * 64), ActionKey("1" * 64, "3" * 64)


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ({"a": Decision("a", "run", "", OLD)}, False),
        ({"a": Decision("a", "run", "", NEW)}, True),
        ({"a": Decision("a", "maybe", "", None)}, True),
        ({}, True),
    ],
)
def test_a_step_is_still_wanted_if_a_new_plan_has_it_under_the_same_key(decisions, expected):
    assert is_superseded(decisions, {"a": str(OLD)}) is expected


def test_one_step_that_is_wanted_keeps_the_others_going():
    decisions = {"a": Decision("a", "run", "", OLD), "b": Decision("b", "run", "", NEW)}
    assert not is_superseded(decisions, {"a": str(OLD), "b": str(OLD)})


class Process:
    """Stands in a test for a round under way, and for one that is asked."""

    def __init__(self, running=None, **outcome):
        self.running = running or {}
        self.outcome = outcome
        self.is_over = False
        self.has_ended = False

    def descriptors(self):
        return []

    def read(self):
        """Nothing arrives by itself."""

    def end(self):
        self.has_ended = True


def ask_at_once(superseding, playing):
    superseding.note_change()
    superseding._due = 0.0
    superseding._seen = dict(playing.running)
    return superseding.look(playing)


def test_nothing_is_asked_before_something_changes_or_while_nothing_runs():
    asked = []
    superseding = Superseding(lambda request: asked.append(request) or Process())
    playing = Process({"a": str(OLD)})
    assert (superseding.timeout(playing), superseding.look(playing), asked) == (None, False, [])
    superseding.note_change()
    assert superseding.timeout(Process()) is None


def test_the_answer_counts_for_the_steps_it_was_asked_about():
    process = Process(superseded=True)
    superseding = Superseding(lambda request: process)
    playing = Process({"a": str(OLD)})
    assert not ask_at_once(superseding, playing)
    process.is_over = True
    assert superseding.look(playing)

    superseding = Superseding(lambda request: process)
    process.is_over = False
    ask_at_once(superseding, playing)
    process.is_over = True
    playing.running = {"b": str(NEW)}
    assert not superseding.look(playing)


def test_another_change_makes_an_answer_on_its_way_worthless():
    process = Process(superseded=True)
    superseding = Superseding(lambda request: process)
    playing = Process({"a": str(OLD)})
    ask_at_once(superseding, playing)
    superseding.note_change()
    assert process.has_ended
    process.is_over = True
    assert not superseding.look(playing)
