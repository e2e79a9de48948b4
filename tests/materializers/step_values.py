"""Classes and functions as a project would define them, found by name in other processes."""

from __future__ import annotations

import collections
import dataclasses
import enum
from typing import Any, NamedTuple

import attrs


class Color(enum.Enum):
    RED = 1
    GREEN = "g"


class Mode(enum.Flag):
    READ = 1
    WRITE = 2


class Level(enum.IntEnum):
    LOW = 1


class Point(NamedTuple):
    x: float
    y: Any = None


@dataclasses.dataclass
class Settings:
    rate: float
    tags: list[str] = dataclasses.field(default_factory=list)
    derived: int = dataclasses.field(init=False, default=0)

    def __post_init__(self) -> None:
        self.derived += 1


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    name: str
    point: Point


@attrs.define
class Slotted:
    a: Any
    b: Any = attrs.field(init=False, default=3)


@attrs.frozen(slots=False)
class Plain:
    a: Any


@attrs.frozen(cache_hash=True)
class Hashed:
    a: Any


class Model:
    """An ordinary class with state, compared by it."""

    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


class Text(str):
    """A text that is not quite one."""

    __slots__ = ()


class Detached:
    """Fails, in an error of its own, to be pickled."""

    def __reduce__(self) -> str:
        raise RuntimeError("the device is gone")


class Forgetful:
    """Loses on the way what it compares."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __getstate__(self) -> dict[str, Any]:
        return {"value": 0}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Forgetful) and self.value == other.value

    __hash__ = None  # type: ignore[assignment]


class NeedsTwo(Exception):
    """Pickles, and cannot be unpickled."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(first)
        self.second = second


class Table(collections.UserDict[str, Any]):
    pass


def double(value: float) -> float:
    return 2 * value
