"""Whether a step may give its value to a parameter: no only where the annotations prove it wrong."""

from __future__ import annotations

import collections.abc
import numbers
import types
import typing
from typing import Any, ForwardRef, Literal, NewType, TypeVar, get_args, get_origin

from zenconv.project.annotations import Late, unwrap

_UNIONS = (typing.Union, types.UnionType)
_TOWER: dict[type, tuple[type, ...]] = {
    float: (int, numbers.Real),
    complex: (int, float, numbers.Complex),
    int: (numbers.Integral,),
    bytes: (bytearray, memoryview),
}
_KNOWN_MODULES = ("builtins", "collections", "collections.abc", "pathlib", "datetime", "decimal", "uuid")
_PAIRS = (collections.abc.Mapping,)
_SUBCLASS_LIMIT = 5_000
_DEPTH_LIMIT = 50


def is_compatible(provider: Any, consumer: Any) -> bool:
    """Return whether a value of type `provider` may be given where `consumer` is asked for.

    The answer is False only where it is provable: a dictionary for an int, a list of strings for
    a list of ints, one estimator class for an unrelated one. An int is fine for a float, and
    everything that is unknown, generic in an unknown way or a protocol is fine.
    """
    try:
        return _fits(provider, consumer, 0)
    except Exception:  # noqa: BLE001 - a foreign type may refuse to be looked at; then nothing is proved
        return True


def _fits(provider: Any, consumer: Any, depth: int) -> bool:
    if depth > _DEPTH_LIMIT:
        return True
    if isinstance(provider, Late) or isinstance(consumer, Late):
        return _fits_late(provider, consumer, depth)
    provider, consumer = _peel(provider), _peel(consumer)
    if provider is consumer or _is_open(provider) or _is_open(consumer):
        return True
    if get_origin(provider) in _UNIONS:
        return any(_fits(member, consumer, depth + 1) for member in get_args(provider))
    if get_origin(consumer) in _UNIONS:
        return any(_fits(provider, member, depth + 1) for member in get_args(consumer))
    if get_origin(provider) is Literal or get_origin(consumer) is Literal:
        return _fits_literal(provider, consumer, depth)
    return _fits_generic(provider, consumer, depth)


def _fits_late(provider: Any, consumer: Any, depth: int) -> bool:
    if provider == consumer or _is_open(_peel(provider)) or _is_open(_peel(consumer)):
        return True
    real = [part.realize() if isinstance(part, Late) else part for part in (provider, consumer)]
    if any(isinstance(part, Late) for part in real):
        return True
    return _fits(real[0], real[1], depth + 1)


def _peel(value: Any) -> Any:
    """Return the type under ``Annotated``, ``NewType``, ``type X = ...``, ``Final`` and the like."""
    for _ in range(_DEPTH_LIMIT):
        value, _metadata = unwrap(value)
        if isinstance(value, NewType):
            value = value.__supertype__
        elif type(value).__name__ == "TypeAliasType":
            value = value.__value__
        elif get_origin(value) in (typing.Final, typing.ClassVar, typing.Required, typing.NotRequired):
            value = get_args(value)[0]
        else:
            break
    return type(None) if value is None else value


def _is_open(value: Any) -> bool:
    """Return whether nothing can be proved about `value`."""
    if value is Any or value is object or isinstance(value, TypeVar | ForwardRef | str):
        return True
    if isinstance(value, Late):
        return not value.module
    origin = get_origin(value) or value
    if origin is Literal or origin in _UNIONS:
        return False
    return not isinstance(origin, type) or bool(getattr(origin, "_is_protocol", False))


def _fits_literal(provider: Any, consumer: Any, depth: int) -> bool:
    if get_origin(provider) is not Literal:
        return any(_fits(provider, type(choice), depth + 1) for choice in get_args(consumer))
    given = get_args(provider)
    if get_origin(consumer) is Literal:
        wanted = {(type(choice), choice) for choice in get_args(consumer)}
        return any((type(choice), choice) in wanted for choice in given)
    return any(_fits(type(choice), consumer, depth + 1) for choice in given)


def _fits_generic(provider: Any, consumer: Any, depth: int) -> bool:
    given, wanted = get_origin(provider) or provider, get_origin(consumer) or consumer
    if not _fits_class(given, wanted):
        return False
    given_arguments, wanted_arguments = get_args(provider), get_args(consumer)
    if not given_arguments or not wanted_arguments:
        return True
    if given is tuple or wanted is tuple:
        return _fits_tuple(given, given_arguments, wanted, wanted_arguments, depth)
    return _fits_arguments(given, given_arguments, wanted, wanted_arguments, depth)


def _fits_class(given: Any, wanted: Any) -> bool:
    given, wanted = _plain(given), _plain(wanted)
    if wanted is object or issubclass(given, wanted) or issubclass(wanted, given):
        return True
    if issubclass(given, _TOWER.get(wanted, ())):
        return True
    if wanted is collections.abc.Callable:
        return given.__module__ not in _KNOWN_MODULES
    return _have_common_subclass(given, wanted)


def _plain(kind: Any) -> Any:
    """Return what a typed dictionary is at run time; its class cannot be asked about subclasses."""
    return dict if typing.is_typeddict(kind) else kind


def _have_common_subclass(given: Any, wanted: Any) -> bool:
    """Return whether any loaded class is both; two mixins of one library usually meet somewhere."""
    if given.__module__ in _KNOWN_MODULES and wanted.__module__ in _KNOWN_MODULES:
        return False
    waiting, seen = [given], {given}
    while waiting and len(seen) < _SUBCLASS_LIMIT:
        for child in type.__subclasses__(waiting.pop()):
            if child not in seen:
                if wanted in child.__mro__:
                    return True
                seen.add(child)
                waiting.append(child)
    return len(seen) >= _SUBCLASS_LIMIT


def _fits_tuple(
    given: type, given_arguments: tuple[Any, ...], wanted: type, wanted_arguments: tuple[Any, ...], depth: int
) -> bool:
    if given is not tuple:
        return True
    items, is_open_ended = _items(given_arguments)
    if wanted is not tuple:
        return len(wanted_arguments) != 1 or all(_fits(i, wanted_arguments[0], depth + 1) for i in items)
    expected, takes_any = _items(wanted_arguments)
    if takes_any:
        return all(_fits(item, expected[0], depth + 1) for item in items)
    if is_open_ended:
        return all(_fits(items[0], item, depth + 1) for item in expected)
    return len(items) == len(expected) and all(
        _fits(item, other, depth + 1) for item, other in zip(items, expected, strict=True)
    )


def _items(arguments: tuple[Any, ...]) -> tuple[tuple[Any, ...], bool]:
    """Return the item types of a tuple, and whether there may be any number of the one."""
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return arguments[:1], True
    return arguments, False


def _fits_arguments(
    given: type, given_arguments: tuple[Any, ...], wanted: type, wanted_arguments: tuple[Any, ...], depth: int
) -> bool:
    if not _is_container(given) or not _is_container(wanted):
        return True
    if issubclass(given, _PAIRS) and len(wanted_arguments) == 1:
        given_arguments = given_arguments[:1]
    if len(given_arguments) != len(wanted_arguments):
        return True
    return all(_fits(a, b, depth + 1) for a, b in zip(given_arguments, wanted_arguments, strict=True))


def _is_container(kind: type) -> bool:
    return kind.__module__ in _KNOWN_MODULES and issubclass(kind, collections.abc.Iterable)
