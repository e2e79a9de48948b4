"""How each plain type is written as JSON data: one function a type, found by the exact class."""

from __future__ import annotations

import base64
import collections
import datetime
import enum
import math
import pathlib
import re
import struct
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from zenconv.materializers.describing import type_name
from zenconv.materializers.saving import Declined

if TYPE_CHECKING:
    from zenconv.materializers.encoding import Encoder

INTEGER_LIMIT = 1 << 256
"""Integers from here on are written in hexadecimal: Python limits decimal digits."""

FACTORIES: tuple[Any, ...] = (
    list, dict, set, int, float, str, bytes, tuple, frozenset, bool, collections.OrderedDict,
)  # fmt: skip
"""The factories that a stored ``defaultdict`` may have."""


def is_clean(text: str) -> bool:
    """Return whether `text` can be written as it is: no half of a surrogate pair."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _encode_plain(_: Encoder, value: Any) -> Any:
    return value


def _encode_int(_: Encoder, value: int) -> Any:
    return value if -INTEGER_LIMIT < value < INTEGER_LIMIT else {"$int": hex(value)}


def _encode_float(_: Encoder, value: float) -> Any:
    return value if math.isfinite(value) else {"$float": struct.pack(">d", value).hex()}


def _encode_list(encoder: Encoder, value: list[Any]) -> Any:
    encoder.once(value)
    return encoder.encode_items(value)


def _encode_tuple(encoder: Encoder, value: tuple[Any, ...]) -> Any:
    encoder.note_tuple(value)
    return {"$tuple": encoder.encode_items(value)}


def _encode_dict(encoder: Encoder, value: dict[Any, Any]) -> Any:
    encoder.once(value)
    if all(type(key) is str and key[:1] != "$" and is_clean(key) for key in value):
        return {key: encoder.encode(item) for key, item in value.items()}
    return {"$dict": encoder.encode_pairs(value.items())}


def _encode_set(encoder: Encoder, value: set[Any]) -> Any:
    encoder.once(value)
    return {"$set": encoder.encode_unordered(value)}


def _encode_frozenset(encoder: Encoder, value: frozenset[Any]) -> Any:
    encoder.note_tuple(value)
    return {"$frozenset": encoder.encode_unordered(value)}


def _encode_bytes(_: Encoder, value: bytes) -> Any:
    return {"$bytes": base64.b64encode(value).decode()}


def _encode_bytearray(encoder: Encoder, value: bytearray) -> Any:
    encoder.once(value)
    return {"$bytearray": base64.b64encode(value).decode()}


def _encode_complex(encoder: Encoder, value: complex) -> Any:
    return {"$complex": encoder.encode_items([value.real, value.imag])}


def _encode_slice(encoder: Encoder, value: slice) -> Any:
    return {"$slice": encoder.encode_items([value.start, value.stop, value.step])}


def _encode_range(encoder: Encoder, value: range) -> Any:
    return {"$range": encoder.encode_items([value.start, value.stop, value.step])}


def _encode_ordered(encoder: Encoder, value: Any) -> Any:
    encoder.once(value)
    items = encoder.encode_pairs(value.items())
    tag = "$ordered" if type(value) is collections.OrderedDict else "$counter"
    if not value.__dict__:
        return {tag: items}
    return {"$attributed": [{tag: items}, encoder.encode_pairs(value.__dict__.items())]}


def _encode_defaultdict(encoder: Encoder, value: collections.defaultdict[Any, Any]) -> Any:
    encoder.once(value)
    factory = value.default_factory
    if factory is not None and factory not in FACTORIES:
        raise Declined("the factory of a defaultdict is code")
    return {"$defaultdict": [factory and factory.__name__, encoder.encode_pairs(value.items())]}


def _encode_deque(encoder: Encoder, value: collections.deque[Any]) -> Any:
    encoder.once(value)
    return {"$deque": [value.maxlen, encoder.encode_items(value)]}


def _encode_date(_: Encoder, value: datetime.date) -> Any:
    return {"$date": value.isoformat()}


def _encode_datetime(encoder: Encoder, value: datetime.datetime) -> Any:
    zone = encoder.encode(value.tzinfo)
    return {"$datetime": [value.replace(tzinfo=None, fold=0).isoformat(), value.fold, zone]}


def _encode_time(encoder: Encoder, value: datetime.time) -> Any:
    zone = encoder.encode(value.tzinfo)
    return {"$time": [value.replace(tzinfo=None, fold=0).isoformat(), value.fold, zone]}


def _encode_timedelta(_: Encoder, value: datetime.timedelta) -> Any:
    return {"$timedelta": [value.days, value.seconds, value.microseconds]}


def _encode_timezone(encoder: Encoder, value: datetime.timezone) -> Any:
    if value is datetime.UTC:
        return {"$timezone": None}
    return {"$timezone": encoder.encode_items(value.__getinitargs__())}  # type: ignore[attr-defined]


def encode_zone(value: Any) -> Any:
    """Return a time zone by its key."""
    if value.key is None:
        raise Declined("a ZoneInfo without a key cannot be found again")
    return {"$zone": value.key}


def _encode_pattern(encoder: Encoder, value: re.Pattern[Any]) -> Any:
    return {"$pattern": [encoder.encode(value.pattern), value.flags]}


def encode_path(encoder: Encoder, value: pathlib.PurePath) -> Any:
    """Return a path that is a plain value; one that exists is stored apart."""
    cls = type(value)
    if isinstance(value, pathlib.Path):
        if cls is not type(pathlib.Path()):
            raise Declined(f"JSON cannot hold a {type_name(value)}")
        if exists(value):
            return encoder.encode_part(value)
        return {"$path": ["Path", encoder.encode(str(value))]}
    if cls not in (pathlib.PurePosixPath, pathlib.PureWindowsPath):
        raise Declined(f"JSON cannot hold a {type_name(value)}")
    return {"$path": [cls.__name__, encoder.encode(str(value))]}


def exists(path: pathlib.Path) -> bool:
    """Return whether `path` names anything, be it a broken link."""
    try:
        path.lstat()
    except (OSError, ValueError):
        return False
    return True


def encode_enum(encoder: Encoder, value: enum.Enum) -> Any:
    """Return a member of an enumeration by its name."""
    cls = type(value)
    name: str | None = value.name  # None for some combinations of flags
    if name is not None and cls.__members__.get(name) is value:
        return {"$enum": [encoder.refer(cls), name]}
    if isinstance(value, enum.Flag) and type(value.value) is int and cls(value.value) == value:
        return {"$flag": [encoder.refer(cls), encoder.encode(value.value)]}
    raise Declined(f"{value!r} is not a member of its class")


def _encode_decimal(_: Encoder, value: Any) -> Any:
    return {"$decimal": str(value)}


def _encode_fraction(encoder: Encoder, value: Any) -> Any:
    return {"$fraction": encoder.encode_items([value.numerator, value.denominator])}


def _encode_uuid(_: Encoder, value: Any) -> Any:
    return {"$uuid": [value.hex, value.is_safe.name]}


def _encode_namespace(encoder: Encoder, value: Any) -> Any:
    encoder.once(value)
    return {"$namespace": encoder.encode_pairs(vars(value).items())}


class EncodersByType(dict[type, "Callable[[Encoder, Any], Any]"]):
    """Encoders by exact type; those of modules that may not be loaded are found by name."""

    LAZY: ClassVar = {
        ("decimal", "Decimal"): _encode_decimal,
        ("fractions", "Fraction"): _encode_fraction,
        ("uuid", "UUID"): _encode_uuid,
    }

    def __missing__(self, kind: type) -> Any:
        found = self.LAZY.get((kind.__module__, kind.__qualname__))
        if found is not None and getattr(sys.modules.get(kind.__module__), kind.__qualname__, None) is kind:
            self[kind] = found
            return found
        return None


ENCODERS = EncodersByType(
    {
        type(None): _encode_plain,
        bool: _encode_plain,
        int: _encode_int,
        float: _encode_float,
        complex: _encode_complex,
        bytes: _encode_bytes,
        bytearray: _encode_bytearray,
        list: _encode_list,
        tuple: _encode_tuple,
        dict: _encode_dict,
        set: _encode_set,
        frozenset: _encode_frozenset,
        slice: _encode_slice,
        range: _encode_range,
        type(...): lambda *_: {"$ellipsis": None},
        collections.OrderedDict: _encode_ordered,
        collections.Counter: _encode_ordered,
        collections.defaultdict: _encode_defaultdict,
        collections.deque: _encode_deque,
        datetime.date: _encode_date,
        datetime.datetime: _encode_datetime,
        datetime.time: _encode_time,
        datetime.timedelta: _encode_timedelta,
        datetime.timezone: _encode_timezone,
        re.Pattern: _encode_pattern,
        type(sys.implementation): _encode_namespace,
    }
)
