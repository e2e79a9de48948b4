"""Which recorded runs `zenconv clean` removes, and why each goes or stays."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from datetime import UTC, datetime

import attrs

from zenconv.frozen import Frozen
from zenconv.records.run import RunRecord

OLDER_THAN = 30 * 86400.0
KEEP_LAST = 10
"""What holds where neither the settings nor the command say anything."""

_UNITS = (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60))


@attrs.frozen(eq=False, repr=False)
class RunFacts(Frozen):
    """As much of a run as decides about it."""

    id: str
    number: int
    status: str
    started: str
    pipelines: tuple[str, ...] = ()
    stack: str = ""

    @classmethod
    def of(cls, run: RunRecord) -> RunFacts:
        """Take them from a record."""
        return cls(run.id, run.number, run.status, run.started, run.pipelines, run.stack)


@attrs.frozen(eq=False, repr=False)
class Verdict(Frozen):
    """What becomes of a run, and why."""

    run: RunFacts
    goes: bool
    reason: str


@attrs.frozen(eq=False, repr=False)
class Retention(Frozen):
    """The rules of one clean.

    `older_than` (seconds) and `keep_last`: only older runs go, and none of the newest so many;
    None does not count. `only_failed`: none that succeeded. `named`: these ids and no others,
    whatever else is said.
    """

    older_than: float | None = None
    keep_last: int | None = None
    only_failed: bool = False
    named: frozenset[str] = frozenset()

    @property
    def result_age(self) -> float:
        """Seconds after which a stored result that no recorded run uses goes."""
        return OLDER_THAN if self.older_than is None else self.older_than

    def judge(
        self, runs: Sequence[RunFacts], *, alive: Container[str], elsewhere: Container[str]
    ) -> list[Verdict]:
        """Return a verdict for each of `runs`, which are newest first.

        `alive` holds the ids of those going on, `elsewhere` of those whose results are in another store.
        """
        newest = _find_newest(runs, alive)
        verdicts = []
        for position, run in enumerate(runs):
            if run.id in alive:
                verdicts.append(Verdict(run, False, "running"))
            elif self.named:
                is_named = run.id in self.named
                verdicts.append(Verdict(run, is_named, "named" if is_named else "not named"))
            elif run.id in elsewhere:
                verdicts.append(Verdict(run, False, f"on the stack {run.stack!r}, with another store"))
            else:
                verdicts.append(self._judge(run, position, newest.get(run.id, "")))
        return verdicts

    def _judge(self, run: RunFacts, position: int, newest: str) -> Verdict:
        age = _age(run.started)
        if self.only_failed and run.status == "succeeded":
            return Verdict(run, False, "successful")
        if newest:
            return Verdict(run, False, newest)
        if self.keep_last is not None and position < self.keep_last:
            return Verdict(run, False, f"among the newest {self.keep_last}")
        if self.older_than is not None and (age is None or age <= self.older_than):
            return Verdict(run, False, f"not older than {show_span(self.older_than)}")
        reasons = [run.status] if self.only_failed else []
        if self.older_than is not None:
            reasons.append(f"older than {show_span(self.older_than)}")
        if self.keep_last is not None and self.older_than is None:
            reasons.append(f"not among the newest {self.keep_last}")
        return Verdict(run, True, ", ".join(reasons) or "asked for")


def _find_newest(runs: Iterable[RunFacts], alive: Container[str]) -> dict[str, str]:
    """Return why a run stays whatever the rules say: what its pipeline last did, and last did well."""
    reasons: dict[str, str] = {}
    seen: set[str] = set()
    succeeded: set[str] = set()
    for run in (run for run in runs if run.id not in alive):
        fresh = [name for name in run.pipelines if name not in seen]
        good = [name for name in run.pipelines if name not in succeeded] if run.status == "succeeded" else []
        if good:
            reasons[run.id] = f"the newest successful run of {_join(good)}"
        elif fresh:
            reasons[run.id] = f"the newest run of {_join(fresh)}"
        elif not reasons:
            reasons[run.id] = "the newest run"
        seen.update(fresh)
        succeeded.update(good)
    return reasons


def _join(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def _age(started: str) -> float | None:
    """Return how many seconds ago; None where the record does not say."""
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(started)).total_seconds()
    except (ValueError, TypeError):
        return None


def age_of(created: str) -> float:
    """Return how many seconds ago an ISO time was; 0 where it is none: such a thing counts as new."""
    return _age(created) or 0.0


def show_span(seconds: float) -> str:
    """Return ``30 days``, ``2 weeks``, ``90 seconds``."""
    for noun, size in _UNITS:
        if seconds and seconds % size == 0 and (noun != "week" or seconds % (size * 2) == 0):
            number = int(seconds // size)
            return f"{number} {noun}" + "s" * (number != 1)
    return f"{seconds:g} seconds"
