"""Conversion rules for classes with fields: dataclass, attrs, NamedTuple, TypedDict, pydantic."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

import attrs

from zenconv.errors import did_you_mean
from zenconv.frozen import Frozen
from zenconv.settings.containers import read_table
from zenconv.settings.conversion import ConversionError, Converter, Rule, describe_type


@attrs.frozen(eq=False, repr=False)
class _Field(Frozen):
    name: str
    is_required: bool
    type: Any = None


def find_structure_rule(cls: Any) -> Rule | None:
    """Return the rule for a class whose instances are made from a table, None for any other."""
    if hasattr(cls, "__dataclass_fields__"):
        return _convert_dataclass
    if hasattr(cls, "__attrs_attrs__"):
        return _convert_attrs
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _convert_named_tuple
    if issubclass(cls, dict) and hasattr(cls, "__required_keys__"):
        return _convert_typed_dict
    return _convert_pydantic if hasattr(cls, "model_validate") else None


def _convert_dataclass(value: Any, annotation: Any, converter: Converter) -> Any:
    cls = typing.get_origin(annotation) or annotation
    missing = _missing_default(cls)
    fields = [
        _Field(f.name, f.default is missing and f.default_factory is missing, f.type)
        for f in cls.__dataclass_fields__.values()
        if f.init and f._field_type.name != "_FIELD_CLASSVAR"
    ]
    return _build(cls, fields, value, converter)


def _missing_default(cls: Any) -> Any:
    import dataclasses

    return dataclasses.MISSING


def _convert_attrs(value: Any, annotation: Any, converter: Converter) -> Any:
    cls = typing.get_origin(annotation) or annotation
    fields = [_Field(f.alias, f.default is attrs.NOTHING, f.type) for f in cls.__attrs_attrs__ if f.init]
    names = {f.alias: f.name for f in cls.__attrs_attrs__}
    return _build(cls, fields, value, converter, names)


def _convert_named_tuple(value: Any, annotation: Any, converter: Converter) -> Any:
    cls = typing.get_origin(annotation) or annotation
    if isinstance(value, list) and len(value) <= len(cls._fields):
        value = dict(zip(cls._fields, value, strict=False))
    fields = [_Field(name, name not in cls._field_defaults) for name in cls._fields]
    return _build(cls, fields, value, converter)


def _convert_typed_dict(value: Any, annotation: Any, converter: Converter) -> Any:
    cls = typing.get_origin(annotation) or annotation
    hints = _find_hints(cls)
    fields = [
        _Field(name, _is_required(hints.get(name), name in cls.__required_keys__))
        for name in sorted([*cls.__required_keys__, *cls.__optional_keys__])
    ]
    return _build(cls, fields, value, converter)


def _is_required(hint: Any, declared: bool) -> bool:
    """Look at the resolved hint: the class itself misreads ``Required`` where annotations are text."""
    origin = typing.get_origin(hint)
    return True if origin is typing.Required else False if origin is typing.NotRequired else declared


def _convert_pydantic(value: Any, annotation: Any, converter: Converter) -> Any:
    if isinstance(value, typing.get_origin(annotation) or annotation):
        return value
    try:
        return annotation.model_validate(dict(read_table(value, annotation)))
    except ValueError as error:
        raise ConversionError(describe_type(annotation), value, reason=str(error)) from error


def _build(
    cls: Any,
    fields: list[_Field],
    value: Any,
    converter: Converter,
    attributes: Mapping[str, str] | None = None,
) -> Any:
    """Make an instance of `cls` from a table; every key must be a field, every required field a key."""
    if _is_instance(value, cls):
        return value
    table = read_table(value, cls)
    _check_names(cls, fields, table, value)
    hints = _find_hints(cls)
    attributes = attributes or {}
    arguments = {
        field.name: converter.convert_item(
            table[field.name], hints.get(attributes.get(field.name, field.name), field.type), field.name
        )
        for field in fields
        if field.name in table
    }
    try:
        return cls(**arguments)
    except (TypeError, ValueError) as error:
        raise ConversionError(describe_type(cls), value, reason=str(error)) from error


def _is_instance(value: Any, cls: Any) -> bool:
    try:
        return isinstance(value, cls)
    except TypeError:  # a TypedDict refuses the question
        return False


def _check_names(cls: Any, fields: list[_Field], table: Mapping[str, Any], value: Any) -> None:
    names = [field.name for field in fields]
    for key in table:
        if key not in names:
            reason = f"{key!r} is not a field, {did_you_mean(key, names)}"
            raise ConversionError(describe_type(cls), value, reason=reason)
    missing = [field.name for field in fields if field.is_required and field.name not in table]
    if missing:
        reason = f"{', '.join(map(repr, missing))} is missing"
        raise ConversionError(describe_type(cls), value, reason=reason)


def _find_hints(cls: Any) -> dict[str, Any]:
    """Return the types of the fields; none where a name in them cannot be resolved."""
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except Exception:  # noqa: BLE001 - the user's annotations may name anything
        return {}
