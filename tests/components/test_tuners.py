"""A tuner that is right passes the suite that every one has to pass; broken ones do not."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.components.calling import call_test, list_tests
from tests.components.file_log import append_line, read_lines
from tests.components.file_tuner import FileTuner, damage
from tests.components.meeting import meet
from zenconv.errors import NotRecorded, RecordError, UsageError
from zenconv.locks import FileLock
from zenconv.records.tuning import Dimension, Study, Trial, check_study_name
from zenconv.testing import TunerSuite


class FileSuite(TunerSuite):
    """The suite, with what damages files."""

    damage = staticmethod(damage)  # type: ignore[assignment]


class TestFileTuner(FileSuite):
    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Callable[[], FileTuner]:
        return partial(FileTuner, str(tmp_path / "studies"))


class Overshooting(FileTuner):
    """Leaves the space now and then."""

    def draw(self, dimension: Dimension, chance: random.Random) -> Any:
        return super().draw(attrs.evolve(dimension, high=dimension.high * 2), chance)


class Rounding(FileTuner):
    """Takes a whole number for a number."""

    def draw(self, dimension: Dimension, chance: random.Random) -> Any:
        drawn = super().draw(dimension, chance)
        return float(drawn) if dimension.kind == "integer" else drawn


class Stubborn(FileTuner):
    """Tries the same again and again."""

    def choose(self, study: Study, number: int) -> Trial:
        return attrs.evolve(super().choose(study, 0), number=number)


class Textual(FileTuner):
    """Keeps parameters as text."""

    def trials(self, study: str) -> Sequence[Trial]:
        found = super().trials(study)
        return [attrs.evolve(t, parameters={k: str(v) for k, v in t.parameters.items()}) for t in found]


class Moody(FileTuner):
    """Does not keep to its seed."""

    def choose(self, study: Study, number: int) -> Trial:
        return super().choose(attrs.evolve(study, seed=random.getrandbits(32)), number)


class Deaf(FileTuner):
    """Does not take a failure for an answer."""

    def tell(self, study: str, number: int, value: float | None) -> None:
        if value is not None:
            super().tell(study, number, value)


class Fickle(FileTuner):
    """Lets the last answer count."""

    def trials(self, study: str) -> Sequence[Trial]:
        last = {number: data for what, number, data in read_lines(self.log(study))[1:] if what == "told"}
        return [attrs.evolve(t, value=last.get(t.number, t.value)) for t in super().trials(study)]


class Numb(FileTuner):
    """Takes anything for a value."""

    def tell(self, study: str, number: int, value: float | None) -> None:
        append_line(self.log(check_study_name(study)), ["told", number, value])


class Gullible(FileTuner):
    """Believes what it is told of trials that it does not know."""

    def tell(self, study: str, number: int, value: float | None) -> None:
        try:
            super().tell(study, number, value)
        except NotRecorded:
            pass


class Waiting(FileTuner):
    """Asks for no more while trials are open."""

    def ask(self, study: str) -> Trial | None:
        is_busy = sum(trial.status == "open" for trial in self.trials(study)) > 9
        return None if is_busy else super().ask(study)


class Reusing(FileTuner):
    """Gives the number of a trial that is open once more."""

    def ask(self, study: str) -> Trial | None:
        last = next((t for t in reversed(self.trials(study)) if t.status == "open"), None)
        return last if last and last.number > 8 else super().ask(study)


class Stumbling(FileTuner):
    """Raises an error when nothing is left."""

    def ask(self, study: str) -> Trial | None:
        if len(self.trials(study)) > 2:
            raise AssertionError("nothing is left")
        return super().ask(study)


class Beginning(FileTuner):
    """Begins anew whenever a study is opened."""

    def open(self, study: Study) -> None:
        if study.space:
            self.log(study.name).unlink(missing_ok=True)
        super().open(study)


class Shared(FileTuner):
    """Has one log for all."""

    def log(self, study: str) -> Path:
        return self.folder / "studies.log"

    def is_same(self, there: Study, study: Study) -> bool:
        return True


class Tolerant(FileTuner):
    """Goes on with whatever was asked for first."""

    def is_same(self, there: Study, study: Study) -> bool:
        return True


class Pedantic(FileTuner):
    """Goes on only with the seed that it has begun with."""

    def is_same(self, there: Study, study: Study) -> bool:
        return there == study


class Empty(FileTuner):
    """Opens a study of nothing."""

    def open(self, study: Study) -> None:
        if study.space:
            super().open(study)


class Trusting(FileTuner):
    """Takes any text for the name of a study."""

    def trials(self, study: str) -> Sequence[Trial]:
        try:
            return super().trials(study)
        except ValueError:
            return []


class Inventive(FileTuner):
    """Begins a study that nobody has opened."""

    def ask(self, study: str) -> Trial | None:
        self.open(Study(study, {"x": Dimension("number", 0, 1)}))
        return super().ask(study)


class Forgiving(FileTuner):
    """Leaves out what is damaged."""

    def trials(self, study: str) -> Sequence[Trial]:
        try:
            return super().trials(study)
        except RecordError:
            return []


class Racing(FileTuner):
    """Numbers trials before it has the lock: here two have a number before either has it."""

    def ask(self, study: str) -> Trial | None:
        lines = self.read(study)
        trial = self.choose(Study.from_json(lines[0]), sum(line[0] == "asked" for line in lines[1:]))
        meet(self.folder / "numbered")
        with FileLock(self.folder / "lock"):
            append_line(self.log(study), ["asked", trial.number, trial.parameters])
        return trial


class Buffered(FileTuner):
    """Writes the answers down when it is closed, and not before."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.later: list[tuple[str, int, float | None]] = []

    def tell(self, study: str, number: int, value: float | None) -> None:
        self.later.append((study, number, value))

    def close(self) -> None:
        for answer in self.later:
            super().tell(*answer)
        self.later.clear()


class Hidden(FileTuner):
    """Shows what was answered only."""

    def trials(self, study: str) -> Sequence[Trial]:
        return [trial for trial in super().trials(study) if trial.status != "open"]


class Threaded(Racing):
    """Numbers trials without a lock, in threads as well."""


class Incomplete(FileTuner):
    """Has nothing to show."""

    trials = None  # type: ignore[assignment]


class Once(FileTuner):
    """Can be closed once."""

    is_closed = False

    def close(self) -> None:
        assert not self.is_closed
        self.is_closed = True


BROKEN: dict[type[FileTuner], str] = {
    Incomplete: "test_it_satisfies_the_protocol",
    Once: "test_it_can_be_closed_twice",
    Threaded: "test_threads_get_trials_of_their_own",
    Overshooting: "test_each_parameter_is_one_that_its_dimension_contains",
    Rounding: "test_each_parameter_is_one_that_its_dimension_contains",
    Stubborn: "test_trials_go_through_the_space",
    Textual: "test_the_types_of_parameters_come_back",
    Moody: "test_the_same_seed_and_the_same_answers_make_the_same_trials",
    Deaf: "test_what_came_of_trials_is_known_to_everyone",
    Hidden: "test_what_came_of_trials_is_known_to_everyone",
    Fickle: "test_the_first_answer_counts",
    Numb: "test_a_value_that_is_not_finite_is_refused",
    Gullible: "test_a_trial_that_nobody_asked_for_cannot_be_told_of",
    Waiting: "test_trials_that_are_never_told_of_keep_nobody_waiting",
    Reusing: "test_trials_that_are_never_told_of_keep_nobody_waiting",
    Stumbling: "test_a_small_space_is_searched_until_nothing_is_left_or_for_as_long_as_one_asks",
    Beginning: "test_a_study_goes_on_where_it_stopped",
    Shared: "test_studies_do_not_know_each_other",
    Tolerant: "test_a_study_has_one_space_and_one_direction",
    Pedantic: "test_a_study_has_one_space_and_one_direction",
    Empty: "test_a_space_without_dimensions_is_refused",
    Trusting: "test_what_is_no_name_is_refused",
    Inventive: "test_a_study_that_is_not_there_has_no_trials_and_none_is_asked_for",
    Forgiving: "test_a_damaged_study_is_an_error_and_never_a_shorter_one",
    Racing: "test_processes_get_trials_of_their_own",
    Buffered: "test_a_process_killed_at_any_instant_loses_no_answer_and_blocks_nobody",
}

FAILING = (AssertionError, pytest.fail.Exception, RecordError, UsageError)


def call(kind: type[FileTuner], name: str, tmp_path: Path) -> None:
    reopen = partial(kind, str(tmp_path / "studies"))
    call_test(FileSuite(), name, reopen=reopen, tuner=reopen(), other=reopen(), tmp_path=tmp_path)


@pytest.mark.parametrize(("kind", "name"), BROKEN.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_broken_tuner_does_not_pass(kind: type[FileTuner], name: str, tmp_path: Path) -> None:
    with pytest.raises(FAILING):
        call(kind, name, tmp_path)


@pytest.mark.parametrize("name", sorted(set(BROKEN.values())))
def test_one_that_is_right_passes_in_the_same_way(name: str, tmp_path: Path) -> None:
    call(FileTuner, name, tmp_path)


def test_every_test_of_the_suite_is_one_that_something_broken_fails() -> None:
    assert list_tests(TunerSuite) - set(BROKEN.values()) == set()
