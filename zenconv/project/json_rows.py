"""Rows put into JSON one by one: as objects they take many times the memory of their text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Rows:
    """A JSON list that is written row by row."""

    def __init__(self, rows: Iterable[Any] = ()) -> None:
        self._text = bytearray(b"[")
        for row in rows:
            self.append(row)

    def append(self, row: Any) -> None:
        """Add a row at the end."""
        if len(self._text) > 1:
            self._text += b","
        self._text += _encode(row).encode()

    def finish(self) -> bytearray:
        """Return the whole list as JSON, once."""
        self._text += b"]"
        return self._text


class NamedRows:
    """A JSON object that is written member by member, of names that differ."""

    def __init__(self) -> None:
        self._text = bytearray(b"{")

    def add(self, name: str, row: Any) -> None:
        """Add a member at the end."""
        if len(self._text) > 1:
            self._text += b","
        self._text += f"{_encode(name)}:{_encode(row)}".encode()

    def finish(self) -> bytearray:
        """Return the whole object as JSON, once."""
        self._text += b"}"
        return self._text


def encode_members(members: dict[str, Any]) -> bytearray:
    """Return `members`, which is emptied, as one JSON object; a value may be `Rows` or `NamedRows`."""
    whole = bytearray(b"{")
    for name in list(members):
        value = members.pop(name)
        whole += f"{',' * (len(whole) > 1)}{_encode(name)}:".encode()
        whole += value.finish() if isinstance(value, Rows | NamedRows) else _encode(value).encode()
    whole += b"}"
    return whole
