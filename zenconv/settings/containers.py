"""Conversion rules for lists, tuples, sets and dictionaries, with the types of their items."""

from __future__ import annotations

import json
import tomllib
import typing
from collections.abc import Mapping
from typing import Any

from zenconv.settings.conversion import ConversionError, Converter, Rule, describe_type
from zenconv.settings.text import Text

_BRACKETS = {"[": "]", "(": ")", "{": "}"}


def convert_sequence(value: Any, annotation: Any, converter: Converter) -> Any:
    """Take a list; of a text, ``[1, 2]`` or ``1, 2``."""
    make = typing.get_origin(annotation) or annotation
    items = _read_items(value, annotation)
    types = typing.get_args(annotation)
    if make is tuple or issubclass(make, tuple):
        return tuple(_convert_tuple(items, types, annotation, converter))
    item_type = types[0] if types else Any
    converted = [converter.convert_item(item, item_type, f"[{n}]") for n, item in enumerate(items)]
    return _make(make, converted, value, annotation)


def _make(make: Any, items: Any, value: Any, annotation: Any) -> Any:
    """Build the annotated class, or a list where it is abstract."""
    if getattr(make, "__abstractmethods__", None):
        make = frozenset if issubclass(make, _abstract("Set")) else list
    try:
        return make(items)
    except TypeError as error:
        raise ConversionError(describe_type(annotation), value, reason=str(error)) from error


def _abstract(name: str) -> Any:
    import collections.abc

    return getattr(collections.abc, name)


def _convert_tuple(
    items: list[Any], types: tuple[Any, ...], annotation: Any, converter: Converter
) -> list[Any]:
    if len(types) == 2 and types[1] is ...:
        types = (types[0],) * len(items)
    elif not types and typing.get_origin(annotation) is None:
        types = (Any,) * len(items)
    if len(types) != len(items):
        raise ConversionError(f"{len(types)} items ({describe_type(annotation)})", items)
    pairs = enumerate(zip(items, types, strict=True))
    return [converter.convert_item(item, type, f"[{n}]") for n, (item, type) in pairs]


def _read_items(value: Any, annotation: Any) -> list[Any]:
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if not isinstance(value, Text):
        raise ConversionError(describe_type(annotation), value)
    source = value.strip()
    parsed = _parse(source) if source[:1] == "[" else None
    if isinstance(parsed, list):
        return parsed
    if source[:1] in _BRACKETS and source[-1:] == _BRACKETS[source[:1]]:
        source = source[1:-1]
    parts = source.split(",")
    if not parts[-1].strip():
        parts.pop()
    return [Text(part.strip()) for part in parts]


def convert_mapping(value: Any, annotation: Any, converter: Converter) -> Any:
    """Take a table; of a text, ``{a = 1}`` or JSON. Keys are read as the type of the keys."""
    table = read_table(value, annotation)
    make = typing.get_origin(annotation) or annotation
    key_type, item_type = typing.get_args(annotation) or (Any, Any)
    converted = {}
    for key, item in table.items():
        new_key = key if key_type is Any else converter.convert_item(_as_text(key), key_type, f"key {key!r}")
        converted[new_key] = converter.convert_item(item, item_type, f"[{key!r}]")
    if make is dict or getattr(make, "__abstractmethods__", None):
        return converted
    return _make_mapping(make, converted)


def _make_mapping(make: Any, items: dict[Any, Any]) -> Any:
    if make.__name__ == "defaultdict":
        return make(None, items)
    return make(items)


def _as_text(key: Any) -> Any:
    return Text(key) if isinstance(key, str) else key


def read_table(value: Any, annotation: Any) -> Mapping[str, Any]:
    """Return `value` as a table. `ConversionError` if it is none."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, Text):
        parsed = _parse(value.strip())
        if isinstance(parsed, dict):
            return parsed
    raise ConversionError(describe_type(annotation), value)


def _parse(source: str) -> Any:
    try:
        return tomllib.loads(f"x = {source}")["x"]
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        pass
    try:
        return json.loads(source)
    except (ValueError, RecursionError):
        return None


CONTAINER_RULES: dict[tuple[str, str], Rule] = {
    **{("builtins", name): convert_sequence for name in ("list", "tuple", "set", "frozenset")},
    **{
        ("collections.abc", name): convert_sequence
        for name in ("Sequence", "MutableSequence", "Iterable", "Collection", "Set", "MutableSet")
    },
    ("collections", "deque"): convert_sequence,
    ("builtins", "dict"): convert_mapping,
    ("collections.abc", "Mapping"): convert_mapping,
    ("collections.abc", "MutableMapping"): convert_mapping,
}
