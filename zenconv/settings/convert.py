"""`convert`: a value of the settings becomes what a parameter's annotation says.

Values from TOML have types of their own and are only checked and refined; `Text` from a shell
has none and is read as what is expected. It happens before hashing, so ``--set C=1`` and
``C = 1.0`` in the file are one parameter to a ``float``.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from zenconv.settings.containers import CONTAINER_RULES
from zenconv.settings.conversion import ConversionError, Converter, Rule, describe_type
from zenconv.settings.scalars import SCALAR_RULES, convert_enum
from zenconv.settings.structures import find_structure_rule
from zenconv.settings.text import Text, parse_text

_RULES: dict[tuple[str, str], Rule] = {**SCALAR_RULES, **CONTAINER_RULES}

_WRAPPERS = ("Annotated", "Required", "NotRequired", "ReadOnly", "Final", "ClassVar")
_NULLS = ("none", "null")


def convert(value: Any, annotation: Any, *, base: Path) -> Any:
    """Return `value` as `annotation` says.

    Parameters
    ----------
    value
        A value as TOML gives it, or a `Text`.
    annotation
        A resolved type. None, ``inspect.Parameter.empty``, text, a type variable or a protocol
        say nothing: a `Text` is then read as a TOML value if it is one.
    base
        The folder that a relative `Path` is relative to.

    Raises
    ------
    ConversionError
        It cannot be: ``expected float, got 'abc'``.

    Examples
    --------
    >>> convert(Text("1e-3"), float, base=Path("."))
    0.001
    >>> convert(Text("[1, 2]"), tuple[int, ...], base=Path("."))
    (1, 2)
    """
    return _Conversion(base).convert(value, annotation)


class _Conversion(Converter):
    """One conversion; the rules call back for items and fields."""

    def convert(self, value: Any, annotation: Any) -> Any:
        annotation = _unwrap(annotation)
        if _says_nothing(annotation):
            return parse_text(value) if isinstance(value, Text) else _without_text(value)
        if annotation is type(None):
            return _convert_null(value)
        origin = typing.get_origin(annotation)
        if origin is typing.Union or isinstance(annotation, types.UnionType):
            return self._convert_union(value, annotation)
        if origin is typing.Literal:
            return _convert_literal(value, annotation)
        return self._convert_class(value, annotation, origin or annotation)

    def _convert_class(self, value: Any, annotation: Any, cls: Any) -> Any:
        if not isinstance(cls, type):
            return parse_text(value) if isinstance(value, Text) else value
        rule = find_structure_rule(cls) or _find_rule(cls)
        if hasattr(cls, "__members__"):  # before the rule of str or int, which an enum may inherit
            rule = convert_enum
        if rule is not None:
            return rule(value, annotation, self)
        if _is_instance(value, cls):
            return value
        parsed = parse_text(value) if isinstance(value, Text) else value
        if not isinstance(value, Text) or not _is_instance(parsed, cls):
            raise ConversionError(describe_type(annotation), value)
        return parsed

    def _convert_union(self, value: Any, annotation: Any) -> Any:
        members = [_unwrap(member) for member in typing.get_args(annotation)]
        for member in _by_preference(value, members):
            try:
                return self.convert(value, member)
            except ConversionError:
                continue
        raise ConversionError(describe_type(annotation), value)


def _unwrap(annotation: Any) -> Any:
    """Take off ``Annotated`` and its like, new types and type aliases."""
    while True:
        origin = typing.get_origin(annotation)
        name = getattr(origin, "__name__", None) or getattr(origin, "_name", "")
        if hasattr(annotation, "__metadata__") and hasattr(annotation, "__origin__"):
            annotation = annotation.__origin__
        elif name in _WRAPPERS and typing.get_args(annotation):
            annotation = typing.get_args(annotation)[0]
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        elif type(origin).__name__ == "TypeAliasType":
            annotation = origin.__value__[typing.get_args(annotation)]
        else:
            return annotation


def _says_nothing(annotation: Any) -> bool:
    if annotation is None or annotation is Any or annotation is object:
        return True
    if isinstance(annotation, str | typing.TypeVar | typing.ForwardRef):
        return True
    if getattr(annotation, "_is_protocol", False) and annotation.__module__ not in (
        "typing",
        "collections.abc",
    ):
        return True
    return getattr(annotation, "__qualname__", "") in ("_empty", "Parameter.empty")


def _without_text(value: Any) -> Any:
    """Read the texts inside a table that came partly from a shell."""
    if isinstance(value, dict):
        return {k: parse_text(v) if isinstance(v, Text) else _without_text(v) for k, v in value.items()}
    return value


def _convert_null(value: Any) -> None:
    if value is None or (isinstance(value, Text) and value.strip().lower() in _NULLS):
        return
    raise ConversionError("None", value)


def _convert_literal(value: Any, annotation: Any) -> Any:
    choices = typing.get_args(annotation)
    readings = [value]
    if isinstance(value, Text):
        readings = [str(value), parse_text(value)]
    for reading in readings:
        for choice in choices:
            if type(choice) is type(reading) and choice == reading:
                return choice
            if isinstance(reading, str) and getattr(choice, "name", None) == reading:
                return choice
    raise ConversionError(describe_type(annotation), value)


def _find_rule(cls: type) -> Rule | None:
    for ancestor in cls.__mro__:
        rule = _RULES.get((ancestor.__module__, ancestor.__qualname__))
        if rule is not None:
            return rule
    return None


def _is_instance(value: Any, cls: type) -> bool:
    try:
        return isinstance(value, cls)
    except TypeError:
        return False


def _by_preference(value: Any, members: Iterable[Any]) -> list[Any]:
    """Order the members of a union: None if it is meant, the exact type, the others, text last."""
    known = list(members)
    exact = type(parse_text(value)) if isinstance(value, Text) else type(value)

    def rank(member: Any) -> int:
        cls = typing.get_origin(member) or member
        if isinstance(value, Text) and cls is str:
            return 1 if exact is str and value.lstrip()[:1] in "\"'" and value.strip() else 3
        return 0 if cls is exact else 2

    return sorted(known, key=rank)


__all__ = ["ConversionError", "convert"]
