"""Text that is not a value yet: what the command line and the environment give."""

from __future__ import annotations

from typing import Any


class Text(str):
    """A value as typed into a shell; it becomes a number, a date, ... when its type is known."""

    __slots__ = ()


def parse_text(text: str) -> Any:
    """Return what `text` means without a type: a TOML value if it is one, else the text itself.

    Examples
    --------
    >>> parse_text("0.1"), parse_text("true"), parse_text("[1, 2]"), parse_text("a b")
    (0.1, True, [1, 2], 'a b')
    """
    import tomllib

    source = text.strip()
    if source.lower() in ("none", "null"):
        return None
    if source in ("True", "False"):
        return source == "True"
    try:
        parsed = tomllib.loads(f"x = {source}")
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return str(text)
    return parsed["x"] if set(parsed) == {"x"} and "\n" not in source else str(text)
