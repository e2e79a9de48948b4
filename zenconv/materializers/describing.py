"""What may be said about any value without risk: its type's name, its size, whether it is a plain scalar."""

from __future__ import annotations

import math
from typing import Any

_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes})
_NUMBERS = frozenset({type(None), bool, int, float})
_SIZED = frozenset({str, bytes, bytearray, list, tuple, dict, set, frozenset})


def type_name(value: Any) -> str:
    """Return the dotted name of the value's class, without ``builtins.``."""
    return class_name(type(value))


def class_name(cls: type) -> str:
    """Return the dotted name of `cls`, without ``builtins.``."""
    module, name = cls.__module__, cls.__qualname__
    return name if module == "builtins" else f"{module}.{name}"


def is_immutable_scalar(value: Any) -> bool:
    """Return whether handing `value` itself to several consumers can be seen by none of them.

    True for exactly ``None``, ``bool``, ``int``, ``float``, ``complex``, ``str``, ``bytes``,
    and tuples and frozen sets of these. Subclasses do not count.
    """
    pending = [value]
    known: set[int] = set()
    while pending:
        item = pending.pop()
        kind = type(item)
        if kind in _ATOMS:
            continue
        if kind is not tuple and kind is not frozenset:
            return False
        if id(item) not in known:
            known.add(id(item))
            pending.extend(item)
    return True


def summarize_plain(value: Any) -> dict[str, Any]:
    """Return facts about a built-in value: a number itself, the length of a container.

    Text is never repeated: it may be long, or secret.
    """
    kind = type(value)
    if kind in _SIZED:
        return {"len": len(value)}
    if kind in _NUMBERS and not _is_unwieldy(value):
        return {"value": value}
    return {}


def _is_unwieldy(value: Any) -> bool:
    if type(value) is int:
        return value.bit_length() > 64
    return type(value) is float and not math.isfinite(value)
