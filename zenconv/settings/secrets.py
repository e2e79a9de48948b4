"""Secrets by reference: ``"${env:NAME}"`` stands in the settings, its value never does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from zenconv.settings.text import Text

REFERENCE = r"\$\{env:([^}]*)\}"


def is_variable_name(name: str) -> bool:
    """Return whether `name` can name an environment variable."""
    return name.isascii() and name.isidentifier()


def find_references(value: Any) -> Iterator[str]:
    """Yield the names in every ``${env:NAME}`` of a text, or of the texts in a list or table."""
    if isinstance(value, str):
        if "${env:" in value:
            yield from re.findall(REFERENCE, value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from find_references(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from find_references(item)


def name_references(value: Any) -> str:
    """Return the names of all references in `value`, comma-separated; ``""`` when there are none."""
    return ",".join(dict.fromkeys(find_references(value)))


def resolve_references(value: Any, environ: Mapping[str, str]) -> Any:
    """Return `value` with every reference replaced by the variable's value.

    Text that held a reference becomes `Text`, so a number can come from a variable. Raises
    `KeyError` with the name of a variable that is not set.
    """
    return _replace(value, lambda name: environ[name])


def _replace(value: Any, find: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        if "${env:" not in value:
            return value
        return Text(re.sub(REFERENCE, lambda match: find(match[1]), value))
    if isinstance(value, Mapping):
        return {key: _replace(item, find) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_replace(item, find) for item in value]
    return value
