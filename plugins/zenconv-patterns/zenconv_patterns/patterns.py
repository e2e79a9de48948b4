"""The patterns, and what they say of a function."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any

from zenconv import mark
from zenconv.errors import UsageError


class Patterns:
    """Says of each function whether it is no step, and which marks it has."""

    def __init__(self, not_steps: Iterable[str], mark_steps: Iterable[str]) -> None:
        self._not_steps = tuple(not_steps)
        self._marks = [_read_mark(text) for text in mark_steps]
        self._version = repr((self._not_steps, tuple(mark_steps)))

    def zenconv_collect_step(self, name: str) -> bool | None:
        """Leave out what matches."""
        return False if any(fnmatchcase(name, pattern) for pattern in self._not_steps) else None

    def zenconv_mark_step(self, name: str) -> list[Any]:
        """Mark what matches."""
        return [marker for pattern, marker in self._marks if fnmatchcase(name, pattern)]

    def zenconv_collection_version(self) -> str:
        """Return the patterns: nothing else counts."""
        return self._version


def _read_mark(text: str) -> tuple[str, Any]:
    pattern, equals, written = (part.strip() for part in text.partition("="))
    call = _parse(written) if equals and pattern else None
    if call is None:
        raise UsageError(f"{text!r} is no pattern with a mark", hint='such as "load_* = retry(3, backoff=2)"')
    name, arguments, keywords = call
    marker: Callable[..., Any] = getattr(mark, name)
    return pattern, marker(*arguments, **keywords) if arguments or keywords else marker


def _parse(text: str) -> tuple[str, list[Any], dict[str, Any]] | None:
    """Read ``name``, or ``name(literals)``; nothing is evaluated."""
    try:
        node = ast.parse(text, mode="eval").body
        if isinstance(node, ast.Name):
            return node.id, [], {}
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            return None
        keywords = {k.arg: ast.literal_eval(k.value) for k in node.keywords if k.arg is not None}
        return node.func.id, [ast.literal_eval(argument) for argument in node.args], keywords
    except (SyntaxError, ValueError):
        return None
