"""What a function may ask for while it runs: the names in quotes beside ``request.getfixturevalue``."""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType
from typing import Any

ASKING = "getfixturevalue"
_DEEPEST = 50


def find_names(function: Any) -> tuple[str, ...]:
    """Return the identifiers in quotes in the code of `function`, if it asks for fixtures by name."""
    for _ in range(_DEEPEST):
        inner = getattr(function, "__wrapped__", None)
        if inner is None:
            break
        function = inner
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        return ()
    codes = list(_nested(code))
    if not any(ASKING in part.co_names for part in codes):
        return ()
    texts = (text for part in codes for constant in part.co_consts for text in _texts(constant))
    return tuple(dict.fromkeys(text for text in texts if text.isidentifier()))


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _texts(constant: Any) -> Iterator[str]:
    if isinstance(constant, str):
        yield constant
    elif isinstance(constant, tuple | frozenset):
        for item in constant:
            yield from _texts(item)
