"""A TOML file with its zenconv table: read, and able to say on which line a key stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs

from zenconv.errors import Problem, SettingsError
from zenconv.settings.lines import KeyPath, find_key_lines

PYPROJECT = "pyproject.toml"
OWN_FILE = "zenconv.toml"

_PLACE = r"\s*\(at line (\d+), column \d+\)$"
_END = r"\s*\(at end of document\)$"


@attrs.define(eq=False, slots=False)
class Document:
    """One configuration file. `name` is how messages call it; `table` is its zenconv table.

    `prefix` is where that table stands: ``("tool", "zenconv")`` in a pyproject.toml. `is_own` says
    whether there is such a table at all.
    """

    path: Path
    name: str
    text: str = attrs.field(repr=False)
    data: dict[str, Any] = attrs.field(repr=False)
    prefix: tuple[str, ...] = ()

    @property
    def has_table(self) -> bool:
        """Whether the file says anything about zenconv; a ``zenconv.toml`` always does."""
        found: Any = self.data
        for key in self.prefix:
            found = found.get(key) if isinstance(found, dict) else None
        return found is not None

    @property
    def table(self) -> Any:
        """The zenconv table; anything but a dictionary is a mistake of the user's."""
        found: Any = self.data
        for key in self.prefix:
            found = found.get(key, {}) if isinstance(found, dict) else {}
        return found

    @cached_property
    def _lines(self) -> dict[KeyPath, int]:
        try:
            return find_key_lines(self.text)
        except (ValueError, IndexError, RecursionError):
            return {}  # a message without its line is better than none

    def line(self, path: Sequence[str | int]) -> int:
        """Return the line of a key below the zenconv table, or of the nearest table around it."""
        full: KeyPath = (*self.prefix, *path)
        while full and full not in self._lines:
            full = full[:-1]
        return self._lines.get(full, 1)

    def where(self, path: Sequence[str | int]) -> str:
        """Return ``file:line`` of a key below the zenconv table."""
        return f"{self.name}:{self.line(path)}"


def read_document(path: Path, name: str, *, prefix: tuple[str, ...] | None = None) -> Document:
    """Read a TOML file. `SettingsError` when it cannot be read, is not UTF-8 or not TOML.

    Without `prefix` it follows from the content: below ``[tool.zenconv]`` if there is one, or if
    the file is called pyproject.toml; else at top level.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _mistake(name, 0, f"cannot be read: {error.strerror or error}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"not UTF-8: byte 0x{data[error.start]:02x}"
        raise _mistake(name, line, what, "save the file with the encoding UTF-8") from error
    text = text.replace("\r\n", "\n")
    parsed = _parse(text, name)
    if prefix is None:
        tool = parsed.get("tool")
        is_nested = path.name == PYPROJECT or (isinstance(tool, dict) and "zenconv" in tool)
        prefix = ("tool", "zenconv") if is_nested else ()
    return Document(path, name, text, parsed, prefix)


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = re.search(_PLACE, message)
        line = int(place[1]) if place else text.rstrip().count("\n") + 1
        what = re.sub(_END, " at the end of the file", re.sub(_PLACE, "", message))
        raise _mistake(name, line, f"not valid TOML: {what}") from error
    except (RecursionError, ValueError) as error:
        raise _mistake(name, 0, f"not usable as TOML: {error}") from error


def _mistake(name: str, line: int, what: str, hint: str = "") -> SettingsError:
    return SettingsError(problems=(Problem(what, file=name, line=line, hint=hint),))
