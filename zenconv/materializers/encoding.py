"""Values to JSON data, exactly and canonically: equal values of equal types give equal text.

Plain data stays plain. Everything else is an object with a single key that begins with ``$``,
such as ``{"$tuple": [1, 2]}``; a dictionary whose own keys could be mistaken for that, or are
not text, becomes ``{"$dict": [[key, value], ...]}``.
"""

from __future__ import annotations

import base64
import collections
import datetime
import enum
import json
import math
import pathlib
import re
import struct
import sys
from collections.abc import Callable
from typing import Any, ClassVar

from zenconv.materializers import classes
from zenconv.materializers.describing import type_name
from zenconv.materializers.saving import Declined

MAXIMUM_DEPTH = 100
INTEGER_LIMIT = 1 << 256
FACTORIES: tuple[Any, ...] = (list, dict, set, int, float, str, bytes, tuple, frozenset, bool)

_MAXIMUM_REPEATS = 100_000
_PLAIN = frozenset({type(None), bool, int, float, str})
_LIBRARIES = {"numpy": "numpy_scalars", "pandas": "pandas_scalars"}


def dumps(node: Any) -> bytes:
    """Return JSON data as canonical text."""
    return json.dumps(node, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


class Encoder:
    """Encodes one value.

    `parts` holds the values that JSON cannot hold, which `is_closed` says may be stored apart;
    `references` the classes that are mentioned, as (module, qualname). `Declined` for a value
    that would not come back equal: of an unknown type, containing itself, holding one mutable
    object in two places, or nested too deeply.
    """

    def __init__(self, is_closed: Callable[[Any], bool] | None = None) -> None:
        self.parts: list[Any] = []
        self.references: set[tuple[str, str]] = set()
        self._is_closed = is_closed
        self._part_numbers: dict[int, int] = {}
        self._memory: dict[Any, int] = {}
        self._mutable: set[int] = set()
        self._tuples: set[int] = set()
        self._repeats = 0
        self._depth = 0
        self._unordered = 0

    def encode(self, value: Any) -> Any:
        """Return `value` as JSON data."""
        kind = type(value)
        if kind is str:
            return value if _is_clean(value) else {"$text": value.encode("utf-8", "surrogatepass").hex()}
        encode = _ENCODERS[kind]
        if encode is None:
            return self._encode_other(value)
        self._depth += 1
        if self._depth > MAXIMUM_DEPTH:
            raise Declined(f"it is nested more than {MAXIMUM_DEPTH} levels deep")
        try:
            return encode(self, value)
        finally:
            self._depth -= 1

    def once(self, value: Any) -> None:
        """Note a mutable object; `Declined` when it is met again."""
        if id(value) in self._mutable:
            raise Declined(f"the same {type_name(value)} object is in it twice")
        self._mutable.add(id(value))

    def encode_items(self, items: Any) -> list[Any]:
        """Return the encoded items of a sequence; fast where they are plain."""
        kinds = set(map(type, items))
        if kinds <= _PLAIN and all(_is_plain(items, kind) for kind in kinds):
            return list(items)
        encode = self.encode
        return [encode(item) for item in items]

    def encode_unordered(self, items: Any) -> list[Any]:
        """Return the encoded items of a set in an order that depends on nothing but them."""
        self._unordered += 1
        encoded = [self.encode(item) for item in items]
        self._unordered -= 1
        return sorted(encoded, key=dumps)

    def encode_pairs(self, items: Any) -> list[Any]:
        """Return the encoded items of a mapping."""
        return [[self.encode(key), self.encode(value)] for key, value in items]

    def refer(self, cls: type) -> str:
        """Declare a class; return its name."""
        if not classes.is_importable(cls):
            raise Declined(f"its class {cls.__qualname__} cannot be found by name in {cls.__module__}")
        self.references.add((cls.__module__, cls.__qualname__))
        return f"{cls.__module__}:{cls.__qualname__}"

    def note_tuple(self, value: Any) -> None:
        """Bound the work for tuples that share tuples, whose written form may be exponential."""
        if id(value) not in self._tuples:
            self._tuples.add(id(value))
        elif any(type(item) is tuple or type(item) is frozenset for item in value):
            self._repeats += 1
            if self._repeats > _MAXIMUM_REPEATS:
                raise Declined("it shares tuples too often")

    def _encode_other(self, value: Any) -> Any:
        cls = type(value)
        module = cls.__module__.partition(".")[0]
        if module in _LIBRARIES:
            encoded = _library(module).encode_scalar(value, self)
            if encoded is not None:
                return {f"${module}": encoded}
        if isinstance(value, enum.Enum):
            return _encode_enum(self, value)
        if classes.is_named_tuple(cls):
            return {"$namedtuple": [self.refer(cls), self.encode_items(tuple(value))]}
        if classes.field_names(cls) is not None:
            return self._encode_fields(value)
        if isinstance(value, pathlib.PurePath):
            return _encode_path(self, value)
        if cls.__module__ == "zoneinfo" and cls.__name__ == "ZoneInfo":
            return _encode_zone(value)
        return self._encode_part(value)

    def _encode_fields(self, value: Any) -> Any:
        self._depth += 1
        self.once(value)
        state = classes.state_of(value)
        if state is None or self._depth > MAXIMUM_DEPTH:
            raise Declined(f"a {type_name(value)} holds more than its fields")
        encoded = [self.refer(type(value)), self.encode_pairs(state.items())]
        self._depth -= 1
        return {"$object": encoded}

    def _encode_part(self, value: Any) -> Any:
        number = self._part_numbers.get(id(value))
        if number is None:
            if self._is_closed is None or self._unordered or not self._is_closed(value):
                raise Declined(f"JSON cannot hold a {type_name(value)}")
            self._note_memory(value)
            number = self._part_numbers[id(value)] = len(self.parts)
            self.parts.append(value)
        return {"$part": number}

    def _note_memory(self, value: Any) -> None:
        # Two tensors or arrays over one buffer are one mutable object in two places.
        token = memory_of(value)
        if token is not None and self._memory.setdefault(token, id(value)) != id(value):
            raise Declined(f"two {type_name(value)} values in it share their memory")


def memory_of(value: Any) -> Any:
    """Return what identifies the buffer below an array or tensor, or None for other values."""
    module = type(value).__module__.partition(".")[0]
    if module == "torch" and hasattr(value, "untyped_storage"):
        try:
            return "torch", value.untyped_storage()._cdata
        except (NotImplementedError, RuntimeError):
            return None
    if module == "numpy":
        owner = value
        while type(getattr(owner, "base", None)) is type(value):
            owner = owner.base
        return "numpy", id(owner)
    return None


def _library(name: str) -> Any:
    import importlib

    return importlib.import_module(f"zenconv.materializers.{_LIBRARIES[name]}")


def _is_clean(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_plain(items: Any, kind: type) -> bool:
    if kind is float:
        return all(math.isfinite(item) for item in items if type(item) is float)
    if kind is int:
        return all(-INTEGER_LIMIT < item < INTEGER_LIMIT for item in items if type(item) is int)
    if kind is str:
        return all(_is_clean(item) for item in items if type(item) is str)
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
    if all(type(key) is str and key[:1] != "$" and _is_clean(key) for key in value):
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


def _encode_zone(value: Any) -> Any:
    if value.key is None:
        raise Declined("a ZoneInfo without a key cannot be found again")
    return {"$zone": value.key}


def _encode_pattern(encoder: Encoder, value: re.Pattern[Any]) -> Any:
    return {"$pattern": [encoder.encode(value.pattern), value.flags]}


def _encode_path(encoder: Encoder, value: pathlib.PurePath) -> Any:
    cls = type(value)
    if isinstance(value, pathlib.Path):
        if cls is not type(pathlib.Path()):
            raise Declined(f"JSON cannot hold a {type_name(value)}")
        if exists(value):
            return encoder._encode_part(value)
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


def _encode_enum(encoder: Encoder, value: enum.Enum) -> Any:
    cls = type(value)
    if value.name is not None and cls.__members__.get(value.name) is value:
        return {"$enum": [encoder.refer(cls), value.name]}
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


class _Encoders(dict[type, Callable[[Encoder, Any], Any]]):
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


_ENCODERS = _Encoders(
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
