"""What the conversion rules share: the error, how types are called, and reading a `Text`."""

from __future__ import annotations

import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from zenconv.errors import UsageError
from zenconv.settings.text import Text


@attrs.define(auto_exc=True, slots=False, str=False)
class ConversionError(UsageError):
    """A value is not what its annotation says; `path` leads to the wrong item inside it."""

    what: str = attrs.field(init=False, default="")
    expected: str
    value: Any
    path: str = attrs.field(default="", kw_only=True)
    reason: str = attrs.field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        shown = repr(str(self.value) if isinstance(self.value, Text) else self.value)
        shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
        at = f" at {self.path}" if self.path else ""
        self.what = f"expected {self.expected}, got {shown}{at}"
        if self.reason:
            self.what += f": {self.reason}"

    def __str__(self) -> str:
        return UsageError.__str__(self)

    def inside(self, place: str) -> ConversionError:
        """Return the same error seen from one level further out, where the item is at `place`."""
        joint = "" if not self.path or self.path.startswith("[") else "."
        return attrs.evolve(self, path=f"{place}{joint}{self.path}")


class Converter:
    """Converts items and fields for the rules; relative paths start at `base`."""

    def __init__(self, base: Path) -> None:
        self.base = base

    def convert(self, value: Any, annotation: Any) -> Any:
        """Return `value` as `annotation` says. `ConversionError` if it cannot be."""
        raise NotImplementedError

    def convert_item(self, value: Any, annotation: Any, place: str) -> Any:
        """Return the item that stands at `place`, such as ``[2]`` or ``name``."""
        try:
            return self.convert(value, annotation)
        except ConversionError as error:
            raise error.inside(place) from error


Rule = Callable[[Any, Any, Converter], Any]
"""Returns (value, annotation, converter) converted; the annotation keeps its type arguments."""


def describe_type(annotation: Any) -> str:
    """Return a type as people write it: ``int``, ``list[str]``, ``'a' or 'b'``."""
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return " or ".join(repr(choice) for choice in typing.get_args(annotation))
    arguments = typing.get_args(annotation)
    if type(None) in arguments or origin is typing.Union or type(annotation).__name__ == "UnionType":
        return " or ".join(describe_type(member) for member in arguments)
    if annotation is type(None):
        return "None"
    name = getattr(origin or annotation, "__name__", None) or str(annotation)
    if arguments and all(isinstance(a, type) or a is ... for a in arguments):
        return f"{name}[{', '.join('...' if a is ... else a.__name__ for a in arguments)}]"
    return str(name)


def read_quoted(text: str) -> str | None:
    """Return the content of a quoted text, None if it is not quoted."""
    source = text.strip()
    if len(source) < 2 or source[0] not in "\"'" or source[-1] != source[0]:
        return None
    import tomllib

    try:
        parsed = tomllib.loads(f"x = {source}")["x"]
    except (tomllib.TOMLDecodeError, ValueError):
        return None
    return parsed if isinstance(parsed, str) else None
