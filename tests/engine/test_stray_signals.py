"""A signal that came to one process alone means the step there; the end of the run is announced."""

from __future__ import annotations

import signal

import pytest

from zenconv.engine.calling_off import CallOff
from zenconv.engine.interruption import Interruption
from zenconv.engine.stray_signals import StraySignals


@pytest.fixture
def interruption():
    made = Interruption()
    made.called_off = CallOff().hear
    return made


def feel(interruption: Interruption, number: int = signal.SIGTERM) -> None:
    """Have a signal arrive."""
    interruption._note(number, None)


def test_before_steps_are_executed_any_signal_ends_the_run(interruption) -> None:
    feel(interruption)
    assert interruption.signal == signal.SIGTERM


def test_a_signal_of_which_nobody_spoke_does_not_end_the_run(interruption) -> None:
    strays = StraySignals(interruption)
    strays.begin("one")
    with interruption, pytest.raises(KeyboardInterrupt) as caught:
        feel(interruption, signal.SIGINT)
    assert interruption.signal == 0
    assert not strays.is_interrupted("one", caught.value)
    assert strays.describe("one", caught.value) == "the step's process was sent SIGINT, and the run was not"
    strays.end("one")
    with interruption:  # the next step is not touched
        pass


def test_a_signal_that_was_announced_ends_the_run() -> None:
    call_off, interruption = CallOff(), Interruption()
    interruption.called_off = call_off.hear
    strays = StraySignals(interruption)
    strays.begin("one")
    call_off.tell(signal.SIGHUP)
    feel(interruption)
    assert interruption.signal == signal.SIGHUP
    assert strays.is_interrupted("one", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt), interruption:
        raise AssertionError("no more of the user's code is executed")


def test_where_all_processes_are_ended_at_once_the_word_may_come_a_moment_later(interruption) -> None:
    interruption.called_off = lambda patience: signal.SIGTERM if patience else 0
    strays = StraySignals(interruption)
    strays.begin("one")
    feel(interruption)
    assert strays.is_interrupted("one", KeyboardInterrupt())


def test_neither_a_step_that_begins_later_nor_an_error_of_its_own_has_to_do_with_a_signal(
    interruption,
) -> None:
    strays = StraySignals(interruption)
    strays.begin("one")
    feel(interruption)
    strays.begin("two")
    assert strays.describe("one", ValueError()) == ""
    assert strays.describe("two", KeyboardInterrupt()) == ""
    assert strays.describe("one", KeyboardInterrupt()) != ""
