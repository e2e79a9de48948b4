"""Values to JSON data, exactly and canonically: equal values of equal types give equal text.

Plain data stays plain. Everything else is an object with a single key that begins with ``$``,
such as ``{"$tuple": [1, 2]}``; a dictionary whose own keys could be mistaken for that, or are
not text, becomes ``{"$dict": [[key, value], ...]}``.
"""

from __future__ import annotations

import enum
import importlib
import json
import math
import pathlib
from collections.abc import Callable
from typing import Any

from zenconv.materializers import classes
from zenconv.materializers.describing import type_name
from zenconv.materializers.encoders import (
    ENCODERS,
    INTEGER_LIMIT,
    encode_enum,
    encode_path,
    encode_zone,
    is_clean,
)
from zenconv.materializers.saving import Declined

MAXIMUM_DEPTH = 100

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
            return value if is_clean(value) else {"$text": value.encode("utf-8", "surrogatepass").hex()}
        encode: Callable[[Any, Any], Any] | None = ENCODERS[kind]
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
            return encode_enum(self, value)
        if classes.is_named_tuple(cls):
            return {"$namedtuple": [self.refer(cls), self.encode_items(tuple(value))]}
        if classes.is_pydantic_model(cls):
            return self._encode_model(value)
        if classes.field_names(cls) is not None:
            return self._encode_fields(value)
        if isinstance(value, pathlib.PurePath):
            return encode_path(self, value)
        if cls.__module__ == "zoneinfo" and cls.__name__ == "ZoneInfo":
            return encode_zone(value)
        return self.encode_part(value)

    def _encode_fields(self, value: Any) -> Any:
        self._depth += 1
        self.once(value)
        state = classes.state_of(value)
        if state is None or self._depth > MAXIMUM_DEPTH:
            raise Declined(f"a {type_name(value)} holds more than its fields")
        encoded = [self.refer(type(value)), self.encode_pairs(state.items())]
        self._depth -= 1
        return {"$object": encoded}

    def _encode_model(self, value: Any) -> Any:
        self._depth += 1
        self.once(value)
        if self._depth > MAXIMUM_DEPTH:
            raise Declined(f"a {type_name(value)} is nested too deeply")
        encoded = [self.refer(type(value)), self.encode_pairs(value.__getstate__().items())]
        self._depth -= 1
        return {"$model": encoded}

    def encode_part(self, value: Any) -> Any:
        """Return what stands for a value that is stored apart; `Declined` if it may not be."""
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
        # A random generator is one with what it draws from.
        owner = getattr(value, "bit_generator", getattr(value, "_bit_generator", value))
        while type(getattr(owner, "base", None)) is type(value):
            owner = owner.base
        return "numpy", id(owner)
    return None


def _library(name: str) -> Any:
    return importlib.import_module(f"zenconv.materializers.{_LIBRARIES[name]}")


def _is_plain(items: Any, kind: type) -> bool:
    if kind is float:
        return all(math.isfinite(item) for item in items if type(item) is float)
    if kind is int:
        return all(-INTEGER_LIMIT < item < INTEGER_LIMIT for item in items if type(item) is int)
    if kind is str:
        return all(is_clean(item) for item in items if type(item) is str)
    return True
