"""The conformance suite of tuners: subclass it, give the fixture `reopen`, run pytest.

::

    class TestMine(TunerSuite):
        @pytest.fixture
        def reopen(self, tmp_path):
            return functools.partial(MyTuner, str(tmp_path / "studies"))

`reopen` makes a new object on the same, at first empty, storage. When it can be pickled (a class or
a ``functools.partial`` of one, not a lambda), the tests with several processes run too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import attrs
import pytest

from zenconv.errors import NotRecorded, RecordError, UsageError
from zenconv.interfaces.tuning import Tuner
from zenconv.records.tuning import Dimension, Study, Trial
from zenconv.testing.concurrency import (
    PROCESSES,
    finish,
    kill_after,
    make_barrier,
    need_processes,
    run_threads,
    start_process,
)
from zenconv.testing.suites import ConformanceSuite

Reopen = Callable[[], Tuner]

HOSTILE_STUDY_NAMES = (
    "",
    "../x",
    "..",
    "/etc/passwd",
    "a/../b",
    "a\\b",
    "a b",
    "a\n",
    "a\x00",
    "\ud800",
    "<b>",
    "-x",
    "x" * 201,
)

SPACE = {
    "C": Dimension("number", 1e-4, 1e-1, is_log=True),
    "depth": Dimension("integer", -3, 12),
    "share": Dimension("number", -0.5, 0.5),
    "kernel": Dimension("choice", choices=("rbf", "linear", "<b>ä\u2028", "1", "")),
    "odd": Dimension("choice", choices=(1, 1.5, True, None, "1")),
    "größe": Dimension("integer", 7, 7),
}


def make_study(name: str = "training::churn", **fields: Any) -> Study:
    """Return a study of a space with every kind of dimension."""
    return Study(name, **{"space": SPACE, **fields})


def value_of(parameters: Mapping[str, Any]) -> float:
    """Return a metric that depends on the parameters."""
    return float(-abs(math.log10(parameters["C"]) + 2) - abs(parameters["depth"]) / 10)


def make_trial(tuner: Tuner, study: str = "training::churn") -> Trial:
    """Ask for a trial, and tell what came of it."""
    trial = tuner.ask(study)
    assert trial is not None
    tuner.tell(study, trial.number, value_of(trial.parameters))
    return trial


def _make_many(reopen: Reopen, barrier: Barrier, count: int) -> None:
    tuner = reopen()
    barrier.wait()
    tuner.open(make_study())
    for _ in range(count):
        make_trial(tuner)
    tuner.close()


def _make_forever(reopen: Reopen, log: str) -> None:
    tuner = reopen()
    tuner.open(make_study())
    with open(log, "w") as stream:
        while True:
            stream.write(f"{make_trial(tuner).number}\n")
            stream.flush()


class TunerSuite(ConformanceSuite):
    """What every `Tuner` promises. Override `reopen`; where it is possible, `damage`."""

    kind = "tuner"

    many_trials = 50

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Return a callable that opens the same, at first empty, storage each time."""
        raise NotImplementedError("override the fixture `reopen`")

    @pytest.fixture
    def tuner(self, reopen: Reopen) -> Iterator[Tuner]:
        """The tuner under test."""
        tuner = reopen()
        yield tuner
        tuner.close()

    @pytest.fixture
    def other(self, reopen: Reopen) -> Iterator[Tuner]:
        """A second object on the same storage, as of another process."""
        tuner = reopen()
        yield tuner
        tuner.close()

    def damage(self, tuner: Tuner, study: str) -> None:
        """Change a byte of what is recorded of the first trial of a study, behind the tuner's back."""
        pytest.skip("`damage` is not overridden")

    def test_it_satisfies_the_protocol(self, tuner: Tuner) -> None:
        assert isinstance(tuner, Tuner)

    # -- trials

    def test_a_study_that_is_not_there_has_no_trials_and_none_is_asked_for(self, tuner: Tuner) -> None:
        assert list(tuner.trials("nobody")) == []
        with pytest.raises(NotRecorded):
            tuner.ask("nobody")
        with pytest.raises(NotRecorded):
            tuner.tell("nobody", 1, 0.5)
        assert list(tuner.trials("nobody")) == []

    def test_each_parameter_is_one_that_its_dimension_contains(self, tuner: Tuner) -> None:
        tuner.open(make_study())
        for _ in range(self.many_trials):
            trial = make_trial(tuner)
            assert trial.parameters.keys() == SPACE.keys()
            wrong = {name: v for name, v in trial.parameters.items() if not SPACE[name].contains(v)}
            assert wrong == {}

    def test_trials_go_through_the_space(self, tuner: Tuner) -> None:
        tuner.open(make_study())
        made = [make_trial(tuner).parameters for _ in range(self.many_trials)]
        assert len({parameters["C"] for parameters in made}) > 1
        assert len({parameters["kernel"] for parameters in made}) > 1

    def test_what_came_of_trials_is_known_to_everyone(self, tuner: Tuner, other: Tuner) -> None:
        tuner.open(make_study())
        first, second, third, fourth = (tuner.ask("training::churn") for _ in range(4))
        assert first
        assert second
        assert third
        assert fourth
        assert [(t.status, t.value) for t in (first, second, third, fourth)] == [("open", None)] * 4
        tuner.tell("training::churn", third.number, -0.25)
        other.open(make_study())
        other.tell("training::churn", first.number, 1e-300)
        other.tell("training::churn", second.number, None)
        expected = [
            attrs.evolve(first, status="succeeded", value=1e-300),
            attrs.evolve(second, status="failed"),
            attrs.evolve(third, status="succeeded", value=-0.25),
            fourth,
        ]
        for reader in (tuner, other):
            assert list(reader.trials("training::churn")) == expected
        numbers = [trial.number for trial in expected]
        assert numbers == sorted(set(numbers))

    def test_the_types_of_parameters_come_back(self, tuner: Tuner, other: Tuner) -> None:
        tuner.open(make_study())
        made = [make_trial(tuner) for _ in range(self.many_trials)]
        found = [trial.parameters for trial in other.trials("training::churn")]
        assert found == [trial.parameters for trial in made]
        assert [[*map(type, p.values())] for p in found] == [
            [*map(type, t.parameters.values())] for t in made
        ]

    def test_the_first_answer_counts(self, tuner: Tuner, other: Tuner) -> None:
        tuner.open(make_study())
        good, bad = make_trial(tuner), tuner.ask("training::churn")
        assert bad is not None
        tuner.tell("training::churn", bad.number, None)
        for trial in (good, bad):
            other.open(make_study())
            other.tell("training::churn", trial.number, 99.0)
            other.tell("training::churn", trial.number, None)
        assert [t.value for t in tuner.trials("training::churn")] == [value_of(good.parameters), None]

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_a_value_that_is_not_finite_is_refused(self, tuner: Tuner, value: float) -> None:
        tuner.open(make_study())
        trial = tuner.ask("training::churn")
        assert trial is not None
        with pytest.raises(ValueError, match="finite"):
            tuner.tell("training::churn", trial.number, value)
        assert list(tuner.trials("training::churn")) == [trial]

    def test_a_trial_that_nobody_asked_for_cannot_be_told_of(self, tuner: Tuner) -> None:
        tuner.open(make_study())
        trial = make_trial(tuner)
        for number in (trial.number + 1, -1, 10**9):
            with pytest.raises(NotRecorded):
                tuner.tell("training::churn", number, 0.5)
        assert len(tuner.trials("training::churn")) == 1

    def test_trials_that_are_never_told_of_keep_nobody_waiting(self, tuner: Tuner, other: Tuner) -> None:
        tuner.open(make_study())
        left = [tuner.ask("training::churn") for _ in range(self.many_trials)]
        other.open(make_study())
        last = make_trial(other)
        assert last.number not in {trial.number for trial in left if trial}
        assert len(other.trials("training::churn")) == self.many_trials + 1

    def test_a_small_space_is_searched_until_nothing_is_left_or_for_as_long_as_one_asks(
        self, tuner: Tuner
    ) -> None:
        tuner.open(make_study(space={"kernel": Dimension("choice", choices=("rbf", "linear"))}))
        asked = [tuner.ask("training::churn") for _ in range(10)]
        made = [trial for trial in asked if trial is not None]
        assert made
        assert {trial.parameters["kernel"] for trial in made} <= {"rbf", "linear"}
        assert asked[len(made) :] == [None] * (10 - len(made))

    # -- studies

    def test_a_study_goes_on_where_it_stopped(self, tuner: Tuner, other: Tuner) -> None:
        tuner.open(make_study())
        first = make_trial(tuner)
        tuner.open(make_study())
        tuner.close()
        other.open(make_study())
        second = make_trial(other)
        assert [trial.number for trial in other.trials("training::churn")] == [first.number, second.number]

    def test_studies_do_not_know_each_other(self, tuner: Tuner) -> None:
        names = ("a", "A", "eu/training::churn[s=1]", "schätzung")
        for name in names:
            tuner.open(make_study(name))
            make_trial(tuner, name)
        assert [len(tuner.trials(name)) for name in names] == [1, 1, 1, 1]

    def test_a_study_has_one_space_and_one_direction(self, tuner: Tuner, other: Tuner) -> None:
        tuner.open(make_study())
        smaller = {name: dimension for name, dimension in SPACE.items() if name != "C"}
        changed = {**SPACE, "C": Dimension("number", 1e-4, 1e-1)}
        for wrong in (
            make_study(direction="minimize"),
            make_study(space=smaller),
            make_study(space=changed),
        ):
            for one in (tuner, other):
                with pytest.raises(UsageError, match="training::churn"):
                    one.open(wrong)
        other.open(make_study(seed=1))
        make_trial(other)

    def test_a_space_without_dimensions_is_refused(self, tuner: Tuner) -> None:
        with pytest.raises(ValueError, match="no dimension"):
            tuner.open(make_study(space={}))

    @pytest.mark.parametrize("name", HOSTILE_STUDY_NAMES, ids=ascii)
    def test_what_is_no_name_is_refused(self, tuner: Tuner, name: str) -> None:
        for action in (
            lambda: tuner.open(make_study(name)),
            lambda: tuner.ask(name),
            lambda: tuner.tell(name, 1, 0.5),
            lambda: tuner.trials(name),
        ):
            with pytest.raises(ValueError, match="not the name of a study"):
                action()

    @pytest.mark.parametrize("direction", ["maximize", "minimize"])
    def test_the_same_seed_and_the_same_answers_make_the_same_trials(
        self, tuner: Tuner, direction: Any
    ) -> None:
        made = []
        for name, seed in (("a", 7), ("b", 7), ("c", 8)):
            tuner.open(make_study(name, seed=seed, direction=direction))
            made.append([make_trial(tuner, name).parameters for _ in range(15)])
        assert made[0] == made[1]
        assert made[0] != made[2]

    # -- damage, and several at once

    def test_a_damaged_study_is_an_error_and_never_a_shorter_one(self, tuner: Tuner, reopen: Reopen) -> None:
        for name in ("training::churn", "sound"):
            tuner.open(make_study(name))
            make_trial(tuner, name)
            make_trial(tuner, name)
        self.damage(tuner, "training::churn")
        fresh = reopen()
        with pytest.raises(RecordError):
            fresh.trials("training::churn")
        with pytest.raises(RecordError):
            fresh.ask("training::churn")
        assert len(fresh.trials("sound")) == 2
        fresh.close()

    def test_threads_get_trials_of_their_own(self, tuner: Tuner, other: Tuner) -> None:
        for one in (tuner, other):
            one.open(make_study())
        made: list[int] = []

        def work() -> None:
            made.extend(make_trial(one).number for one in (tuner, other) * 3)

        run_threads(work)
        trials = tuner.trials("training::churn")
        assert sorted(made) == [trial.number for trial in trials]
        assert len(set(made)) == len(made)
        assert {trial.status for trial in trials} == {"succeeded"}

    def test_processes_get_trials_of_their_own(self, tuner: Tuner, reopen: Reopen) -> None:
        need_processes(reopen)
        barrier = make_barrier(PROCESSES)
        finish([start_process(_make_many, reopen, barrier, 10) for _ in range(PROCESSES)])
        trials = tuner.trials("training::churn")
        assert len({trial.number for trial in trials}) == len(trials) == 10 * PROCESSES
        assert all(trial.value == value_of(trial.parameters) for trial in trials)

    def test_a_process_killed_at_any_instant_loses_no_answer_and_blocks_nobody(
        self, tuner: Tuner, reopen: Reopen, tmp_path: Path
    ) -> None:
        need_processes(reopen)
        told: list[int] = []
        for attempt in range(3):
            log = tmp_path / f"told {attempt}"
            process = start_process(_make_forever, reopen, str(log))
            told += map(int, kill_after(log, process, 5, 0.02 * attempt))
            trials = {trial.number: trial for trial in tuner.trials("training::churn")}
            assert all(trials[number].value == value_of(trials[number].parameters) for number in told)
        tuner.open(make_study())
        assert make_trial(tuner).number not in told

    def test_it_can_be_closed_twice(self, tuner: Tuner) -> None:
        tuner.open(make_study())
        tuner.close()
        tuner.close()
