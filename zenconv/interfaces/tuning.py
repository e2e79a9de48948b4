"""Which parameters to try next: `Tuner`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from zenconv.interfaces.closing import Closable
from zenconv.records.tuning import Study, Trial


@runtime_checkable
class Tuner(Closable, Protocol):
    """Chooses parameters for trials, by what came of those before. Running the trials is not its business.

    Several processes may work on one study. The name of a study is checked by `check_study_name`
    first (`ValueError`), so that none can leave the tuner's storage. What is damaged is `RecordError`,
    never a study with fewer trials. Suite: `zenconv.testing.TunerSuite`.
    """

    def open(self, study: Study) -> None:
        """Begin a study, or go on with one that is there; `ValueError` for a space without dimensions.

        `UsageError` where the study of that name has another space or another direction.
        """

    def ask(self, study: str) -> Trial | None:
        """Return a trial to be made, with a number of its own; None when nothing is left to try.

        Each parameter is one that its dimension contains. Trials of the same study with the same
        seed, asked for and told one after another, are the same. A trial that is never told of, as
        its process has died, stays ``open`` and keeps nobody waiting. `NotRecorded`: no such study.
        """

    def tell(self, study: str, number: int, value: float | None) -> None:
        """Say what came of a trial: the metric's value, or None if it failed.

        The first answer counts; another one is no error. `ValueError` for a value that is not finite,
        `NotRecorded` for a trial that nobody asked for. Once this returns, the answer survives the
        death of the process.
        """

    def trials(self, study: str) -> Sequence[Trial]:
        """Return every trial by number, whoever asked for it; an unknown study has none."""


__all__ = ["Tuner"]
