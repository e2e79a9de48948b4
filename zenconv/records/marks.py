"""What the marks of a step ask for, once they are read."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from zenconv.authoring import Mark
from zenconv.frozen import Frozen

GRACE_SECONDS = 5.0
"""How long a step that has timed out gets to tear its fixtures down, unless its mark says."""

UNCONDITIONAL = "unconditional skip"
"""Why a step is skipped whose mark does not say."""

_LONGEST_WAIT_SECONDS = 60.0


BUILTIN_MARKS = frozenset(
    (
        *("nocache", "refresh", "skip", "skipif", "timeout", "retry", "resources", "gpu", "python"),
        *("usefixtures", "kind", "parametrize"),
    )
)
"""Marks that zenconv knows itself: how a step is run, which is nothing to compute with."""


@attrs.frozen(eq=False, repr=False)
class Retry(Frozen):
    """Execute a step again after a failure, up to `times` times.

    `on` are the exceptions after which it makes sense; `after_crash`: also when the step's process
    ended. The pauses are `backoff` seconds, each twice as long as the one before where it
    `is_doubling`, and longer at random by up to the share `jitter`.
    """

    times: int
    on: tuple[type[BaseException], ...] = (Exception,)
    after_crash: bool = False
    backoff: float = 0.0
    is_doubling: bool = False
    jitter: float = 0.0

    @property
    def after_timeout(self) -> bool:
        """Whether a step that timed out is executed again."""
        return issubclass(TimeoutError, self.on)

    def wait(self, attempt: int) -> float:
        """Return the seconds between the failed attempt number `attempt` (from 1) and the next."""
        seconds = self.backoff
        if self.is_doubling:
            seconds = min(seconds * 2 ** min(attempt - 1, 30), _LONGEST_WAIT_SECONDS)
        return seconds * (1 + self.jitter * random.random())  # no step's random numbers depend on it


@attrs.frozen(eq=False, repr=False)
class TimeLimit(Frozen):
    """How many seconds a step may take; then it has `grace` seconds to end. `where`: who says so.

    ``seconds == 0`` is no limit.
    """

    seconds: float
    grace: float = GRACE_SECONDS
    where: str = ""

    def to_json(self) -> list[Any]:
        """Return plain JSON data."""
        return [self.seconds, self.grace, self.where]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> TimeLimit | None:
        """Rebuild from `to_json` data; None from nothing."""
        return cls(*data) if data else None


@attrs.frozen(eq=False, repr=False)
class Skip(Frozen):
    """A step that is not to run: why, and where that is written."""

    reason: str
    where: str = ""


@attrs.frozen(eq=False, repr=False)
class Resources(Frozen):
    """What a step takes of its machine: cores, bytes of memory, GPUs; 0 where its marks say nothing.

    `wants_gpu`: it takes a GPU where there is one, and does without where there is none.
    """

    cpu: float = 0
    memory: int = 0
    gpu: int = 0
    wants_gpu: bool = False
    where: str = ""


@attrs.frozen(eq=False, repr=False)
class Requirements(Frozen):
    """The environment a step runs in: what to install, as pip takes it, and for which Python.

    `is_isolated`: of what is installed beside zenconv it sees only what zenconv itself needs.
    """

    packages: tuple[str, ...] = ()
    file: str = ""
    version: str = ""
    is_isolated: bool = False
    where: str = attrs.field(default="", eq=False)

    def __str__(self) -> str:
        version = [f"Python {self.version}"] if self.version else []
        return ", ".join([*version, *self.packages, *filter(None, [self.file])])


@attrs.frozen(eq=False, repr=False)
class Markings(Frozen):
    """All marks of a step, nearest first, and what those that zenconv knows ask for.

    `fixtures` are the names given to ``usefixtures``. Of a step that comes from the collection
    index only `marks` are known, their arguments where they are plain.
    """

    marks: tuple[Mark, ...] = ()
    retry: Retry | None = None
    timeout: TimeLimit | None = None
    skip: Skip | None = None
    resources: Resources | None = None
    requirements: Requirements | None = None
    kind: str = ""
    fixtures: tuple[str, ...] = ()

    def by_name(self) -> Mapping[str, list[Mark]]:
        """Return the marks under their names."""
        found: dict[str, list[Mark]] = {}
        for mark in self.marks:
            found.setdefault(mark.name, []).append(mark)
        return found

    @property
    def own(self) -> tuple[Mark, ...]:
        """The marks that only the project knows."""
        return tuple(mark for mark in self.marks if mark.name not in BUILTIN_MARKS)


NO_MARKS = Markings()


def merge_markings(found: Sequence[Markings]) -> Markings:
    """Return what several markings ask for together; the first that says something wins."""
    said: dict[str, Any] = {}
    for field in attrs.fields(Markings):
        values = [getattr(markings, field.name) for markings in found]
        said[field.name] = next((value for value in values if value), values[-1])
    said["marks"] = tuple(mark for markings in found for mark in markings.marks)
    said["fixtures"] = tuple(dict.fromkeys(name for markings in found for name in markings.fixtures))
    return Markings(**said)
