"""A search for good parameters: a `Study` of some dimensions, trial by trial."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, Self

import attrs

from zenconv.frozen import Frozen

Choice = str | int | float | bool | None
_STUDY_NAME = re.compile(r"[\w][\w.:/\[\]=-]{0,199}")


def check_study_name(name: str) -> str:
    """Return `name`; `ValueError` unless it can be the name of a study, such as ``training::churn-auc``."""
    if _STUDY_NAME.fullmatch(name) and name.isprintable() and ".." not in name:
        return name
    raise ValueError(f"not the name of a study: {name[:80]!r}")


@attrs.frozen(eq=False, repr=False)
class Dimension(Frozen):
    """What one parameter may be: a number or an integer from `low` to `high`, both included, or a choice.

    `is_log`: small values are as likely as big ones, so that a number is drawn by its logarithm.
    """

    kind: Literal["number", "integer", "choice"]
    low: float = 0.0
    high: float = 0.0
    is_log: bool = False
    choices: tuple[Choice, ...] = ()

    def contains(self, value: Any) -> bool:
        """Return whether the parameter may be `value`, which has the type that it asks for."""
        if self.kind == "choice":
            return any(type(value) is type(choice) and value == choice for choice in self.choices)
        wanted = int if self.kind == "integer" else float
        return type(value) is wanted and self.low <= value <= self.high

    def to_json(self) -> list[Any]:
        """Return plain JSON data."""
        return [self.kind, self.low, self.high, self.is_log, list(self.choices)]

    @classmethod
    def from_json(cls, data: list[Any]) -> Self:
        """Rebuild from `to_json` data."""
        kind, low, high, is_log, choices = data
        return cls(kind, low, high, is_log, tuple(choices))


@attrs.frozen(eq=False, repr=False)
class Study(Frozen):
    """A search through `space`, parameter by parameter, for the best value of a metric."""

    name: str
    space: Mapping[str, Dimension]
    direction: Literal["maximize", "minimize"] = "maximize"
    seed: int = 0

    def to_json(self) -> list[Any]:
        """Return plain JSON data."""
        return [self.name, {name: d.to_json() for name, d in self.space.items()}, self.direction, self.seed]

    @classmethod
    def from_json(cls, data: list[Any]) -> Self:
        """Rebuild from `to_json` data."""
        name, space, direction, seed = data
        return cls(name, {key: Dimension.from_json(d) for key, d in space.items()}, direction, seed)


@attrs.frozen(eq=False, repr=False)
class Trial(Frozen):
    """Parameters to try, and what came of it. `value` is the metric of a trial that succeeded."""

    number: int
    parameters: Mapping[str, Any]
    status: Literal["open", "succeeded", "failed"] = "open"
    value: float | None = None
