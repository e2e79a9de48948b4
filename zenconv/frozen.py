"""Equality, hash and text for frozen records, inherited instead of generated for each class.

attrs compiles these methods anew for every class it decorates, which for a hundred records is a
good part of the start-up time. A record that inherits from `Frozen` is decorated with
``@attrs.frozen(eq=False, repr=False)``; only what is compared in hot loops has its own.
"""

from __future__ import annotations

from typing import Any

import attrs


class Frozen:
    """Compares, hashes and shows itself by its fields, as attrs would (``eq=``, ``repr=`` count)."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in _compared(self.__class__))

    def __hash__(self) -> int:
        return hash((self.__class__, *(getattr(self, name) for name in _compared(self.__class__))))

    def __repr__(self) -> str:
        shown = [f"{f.name}={getattr(self, f.name)!r}" for f in _fields(self.__class__) if f.repr]
        return f"{self.__class__.__qualname__}({', '.join(shown)})"


_names: dict[type, tuple[str, ...]] = {}


def _compared(cls: type) -> tuple[str, ...]:
    names = _names.get(cls)
    if names is None:
        names = _names[cls] = tuple(f.name for f in _fields(cls) if f.eq)
    return names


def _fields(cls: Any) -> tuple[Any, ...]:
    fields: tuple[Any, ...] = attrs.fields(cls)  # every subclass is decorated by attrs
    return fields
