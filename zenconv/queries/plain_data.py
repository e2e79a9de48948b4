"""Values as plain JSON data for other programs: what JSON lacks becomes the nearest it has."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath
from typing import Any
from uuid import UUID

from zenconv.errors import UsageError
from zenconv.queries.tables import is_frame, to_records

_LISTS = (list, tuple, set, frozenset, deque, range)
_AS_TEXT = (PurePath, UUID, Decimal, Fraction)


def to_json(value: Any) -> Any:
    """Return `value` as plain JSON data; numbers that JSON lacks become null. `UsageError` without a form.

    Objects become dictionaries of their fields: data classes, attrs, models of pydantic.
    """
    if isinstance(value, enum.Enum):
        return to_json(value.value)
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return float(value) if value - value == 0 else None
    if isinstance(value, Mapping):
        return {_json_key(key): to_json(item) for key, item in value.items()}
    if isinstance(value, _LISTS):
        return [to_json(item) for item in value]
    if is_frame(value):
        return to_records(value, to_json)
    if hasattr(value, "tolist") and type(value).__module__.partition(".")[0] in ("numpy", "torch"):
        return to_json(value.tolist())
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, _AS_TEXT):
        return str(value)
    fields = _fields_of(value)
    if fields is None:
        raise UsageError(
            f"a {type(value).__name__} has no JSON form", hint="leave the extension out: its stored bytes"
        )
    return {name: to_json(getattr(value, name)) for name in fields}


def _fields_of(value: Any) -> list[str] | None:
    """Return the names of the fields of an object whose class declares them."""
    cls = type(value)
    if isinstance(declared := getattr(cls, "__dataclass_fields__", None), dict):
        return list(declared)
    if (declared := getattr(cls, "__attrs_attrs__", None)) is not None:
        return [attribute.name for attribute in declared]
    if isinstance(declared := getattr(cls, "model_fields", None), dict):
        return list(declared)
    return None


def _json_key(key: Any) -> str:
    return key if isinstance(key, str) else str(to_json(key)) if not isinstance(key, tuple) else repr(key)
