"""What a function asks for, whatever its decorators left of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, MethodType
from typing import Any, NamedTuple

from zenconv.project.annotations import (
    Annotations,
    collected,
    explicit_source,
    has_late,
    is_place_to_write,
    unwrap,
)
from zenconv.records.step import Parameter

_VARARGS, _VARKEYWORDS = 0x04, 0x08
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200
_SEARCH_LIMIT = 200


class Signature(NamedTuple):
    """Parameters and return annotation. `late` holds types with names only type checkers import.

    `is_awaited`: it is a coroutine or an async generator, for which somebody has to wait.
    """

    parameters: tuple[Parameter, ...]
    returns_text: str
    returns: Any
    late: dict[str, Any]
    is_async: bool
    is_generator: bool
    is_awaited: bool
    original: Any


def read_signature(value: Any, path: str, line: int, annotations: Annotations) -> Signature:
    """Return the signature of the step or fixture `value`, defined in `path` around `line`.

    A decorator that left only ``*args, **kwargs`` behind does not hide the function: it is found
    through ``__wrapped__``, closures, partials and attributes, by the place of its code.
    """
    function = _plain_function(value, path, line)
    if function is not None:
        resolved = annotations.of_function(function)
        rows: Any = _rows_of_code(function)
    else:
        rows, resolved = _inspect(value, annotations)
    parameters, late = _parameters(rows, resolved)
    text, returns = resolved.get("return", ("", None))
    if has_late(returns):
        late["return"] = returns
    flags = _flags(value if type(value) is FunctionType else function)
    return Signature(
        parameters,
        text,
        returns,
        late,
        bool(flags & _COROUTINE),
        bool(flags & (_GENERATOR | _ASYNC_GENERATOR)),
        bool(flags & (_COROUTINE | _ASYNC_GENERATOR)),
        function or value,
    )


def _parameters(rows: Any, resolved: dict[str, Any]) -> tuple[tuple[Parameter, ...], dict[str, Any]]:
    late: dict[str, Any] = {}
    parameters = []
    for name, has_default, default, positional_only in rows:
        if name not in resolved:
            parameters.append(
                Parameter(name, "", None, has_default, default, name, False, False, positional_only)
            )
            continue
        text, kind = resolved[name]
        if has_late(kind):
            late[name] = kind
        _, metadata = unwrap(kind)
        source = explicit_source(metadata) if metadata else ""
        collects, _, over = collected(kind)
        parameters.append(
            Parameter(
                name,
                text,
                None if name in late else kind,
                has_default,
                default,
                source or name,
                bool(source),
                bool(metadata) and is_place_to_write(metadata),
                positional_only,
                collects,
                over,
            )
        )
    return tuple(parameters), late


def _plain_function(value: Any, path: str, line: int) -> FunctionType | None:
    """Return the function whose code tells the parameters, None where only `inspect` can."""
    end = _unwrap(value)
    if type(end) is FunctionType and "__signature__" not in end.__dict__:
        if end is not value or not _only_variadic(end.__code__) or _is_at(end.__code__, path, line):
            return end
        return _find_original(end, path, line) or end
    original = _find_original(value, path, line)
    if original is not None and "__signature__" not in original.__dict__ and _is_hidden(value):
        return original
    return None


def _unwrap(value: Any) -> Any:
    """Follow ``__wrapped__`` as `inspect.signature` does: until something states its own signature."""
    for _ in range(_SEARCH_LIMIT):
        attributes = getattr(value, "__dict__", None)
        if (
            not isinstance(attributes, dict)
            or "__wrapped__" not in attributes
            or "__signature__" in attributes
        ):
            break
        value = attributes["__wrapped__"]
    return value


def _is_hidden(value: Any) -> bool:
    """Return whether `value` itself says nothing about its parameters."""
    from inspect import Parameter as Inspected
    from inspect import signature

    try:
        kinds = [p.kind for p in signature(value).parameters.values()]
    except (ValueError, TypeError):
        return True
    return bool(kinds) and all(k in (Inspected.VAR_POSITIONAL, Inspected.VAR_KEYWORD) for k in kinds)


def _only_variadic(code: CodeType) -> bool:
    return (
        not code.co_argcount
        and not code.co_kwonlyargcount
        and bool(code.co_flags & (_VARARGS | _VARKEYWORDS))
    )


def _is_at(code: CodeType, path: str, line: int) -> bool:
    """Return whether `code` spans the ``def`` at `line`; it begins at its first decorator."""
    if code.co_filename != path or code.co_firstlineno > line:
        return False
    return any(number >= line for _, _, number in code.co_lines() if number)


def _find_original(value: Any, path: str, line: int) -> FunctionType | None:
    waiting, seen = [value], 0
    known: set[int] = set()
    while waiting and seen < _SEARCH_LIMIT:
        candidate = waiting.pop(0)
        if id(candidate) in known:
            continue
        known.add(id(candidate))
        seen += 1
        if type(candidate) is FunctionType and _is_at(candidate.__code__, path, line):
            return candidate
        waiting.extend(_inside(candidate))
    return None


def _inside(value: Any) -> Iterator[Any]:
    """Yield the callables a decorator may have kept `value` in."""
    if type(value) is FunctionType:
        for cell in value.__closure__ or ():
            try:
                if callable(cell.cell_contents):
                    yield cell.cell_contents
            except ValueError:
                continue  # the cell is still empty
    elif type(value) is MethodType:
        yield value.__func__
        yield value.__self__
    attributes = getattr(value, "__dict__", None)
    if isinstance(attributes, dict):
        yield from [inner for inner in attributes.values() if callable(inner)]
    for name in ("func", "__wrapped__", "__func__"):
        try:
            inner = getattr(value, name, None)
        except Exception:  # noqa: BLE001 - a foreign object may raise anything when looked at
            continue
        if callable(inner):
            yield inner


def _rows_of_code(function: FunctionType) -> list[tuple[str, bool, Any, bool]]:
    code = function.__code__
    names = code.co_varnames
    defaults = function.__defaults__ or ()
    keyword_defaults = function.__kwdefaults__ or {}
    count, only = code.co_argcount, code.co_posonlyargcount
    first_default = count - len(defaults)
    rows = [
        (
            sys.intern(name),
            i >= first_default,
            defaults[i - first_default] if i >= first_default else None,
            i < only,
        )
        for i, name in enumerate(names[:count])
    ]
    only_keywords = names[count : count + code.co_kwonlyargcount]
    return rows + [
        (name, name in keyword_defaults, keyword_defaults.get(name), False) for name in only_keywords
    ]


def _inspect(
    value: Any, annotations: Annotations
) -> tuple[list[tuple[str, bool, Any, bool]], dict[str, Any]]:
    import inspect

    try:
        signature = inspect.signature(value)
    except (ValueError, TypeError):
        return [], {}
    rows = []
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        has_default = parameter.default is not parameter.empty
        only = parameter.kind is parameter.POSITIONAL_ONLY
        rows.append((parameter.name, has_default, parameter.default if has_default else None, only))
    written = {p.name: p.annotation for p in signature.parameters.values() if p.annotation is not p.empty}
    if signature.return_annotation is not signature.empty:
        written["return"] = signature.return_annotation
    return rows, annotations.of_values(written, _innermost(value))


def _innermost(value: Any) -> Any:
    """Return the end of the ``__wrapped__`` and ``func`` chain: a function whose globals name the types."""
    for _ in range(_SEARCH_LIMIT):
        inner = getattr(value, "__wrapped__", None) or getattr(value, "func", None)
        if inner is None or inner is value:
            break
        value = inner
    if type(value) not in (FunctionType, MethodType):
        value = type(value).__call__
    return getattr(value, "__func__", value)


def _flags(function: Any) -> int:
    code = getattr(function, "__code__", None)
    return code.co_flags if isinstance(code, CodeType) else 0
