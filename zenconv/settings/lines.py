"""On which line of a TOML file each key stands; tomllib does not say.

Only files that tomllib has accepted come here, so nothing is checked. Keys are paths such as
``("stacks", "local", "workers")``; items of arrays have their index in the path.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

KeyPath = tuple[str | int, ...]

_BLANK = r"(?:[ \t\r\n]+|#[^\n]*)*"
_BARE_KEY = r"[A-Za-z0-9_-]+"
_STRING = r'(?s:"""(?:\\.|[^\\])*?"""(?:"{0,2})' r"|'''.*?'''(?:'{0,2})" r'|"(?:\\.|[^"\\])*"' r"|'[^']*')"
_BARE_VALUE = r"[^,\]}\n#]*"


def find_key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line, counted from 1, on which each key of the TOML document `text` first stands."""
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._blank = re.compile(_BLANK)  # not at import: most commands ask for no line
        self._patterns = {pattern: re.compile(pattern) for pattern in (_BARE_KEY, _STRING, _BARE_VALUE)}
        self._at = 0
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._lines: dict[KeyPath, int] = {}
        self._counts: dict[KeyPath, int] = {}

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        self._skip_blank()
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._read_header()
            else:
                self._read_pair(table)
            self._skip_blank()
        return self._lines

    def _skip_blank(self) -> None:
        match = self._blank.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _line(self, at: int) -> int:
        return bisect_right(self._breaks, at - 1) + 1 if at else 1

    def _record(self, path: KeyPath, at: int) -> None:
        self._lines.setdefault(path, self._line(at))

    def _read_header(self) -> KeyPath:
        start = self._at
        is_array = self._text.startswith("[[", start)
        self._at += 1 + is_array
        names = self._read_key()
        self._at = self._text.index("]", self._at) + 1 + is_array
        path: KeyPath = ()
        for number, name in enumerate(names):
            path += (name,)
            self._record(path, start)
            if is_array and number == len(names) - 1:
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path += (self._counts[path],)
                self._record(path, start)
        return path

    def _read_key(self) -> list[str]:
        names = []
        while True:
            self._skip_blank()
            names.append(self._read_name())
            self._skip_blank()
            if self._text[self._at] != ".":
                return names
            self._at += 1

    def _read_name(self) -> str:
        pattern = _STRING if self._text[self._at] in "\"'" else _BARE_KEY
        match = self._patterns[pattern].match(self._text, self._at)
        if match is None:
            raise ValueError(f"no key at offset {self._at}")
        self._at = match.end()
        name = match.group()
        return str(tomllib.loads(f"x={name}")["x"]) if pattern is _STRING else name

    def _read_pair(self, table: KeyPath) -> None:
        start = self._at
        path = table
        for name in self._read_key():
            path += (name,)
            self._record(path, start)
        self._at = self._text.index("=", self._at) + 1
        self._skip_blank()
        self._read_value(path)

    def _read_value(self, path: KeyPath) -> None:
        opening = self._text[self._at]
        if opening == "[":
            self._read_items(path, "]")
        elif opening == "{":
            self._read_items(path, "}")
        else:
            pattern = _STRING if opening in "\"'" else _BARE_VALUE
            match = self._patterns[pattern].match(self._text, self._at)
            self._at = match.end() if match else len(self._text)

    def _read_items(self, path: KeyPath, closing: str) -> None:
        self._at += 1
        number = 0
        while True:
            self._skip_blank()
            if self._text[self._at] == closing:
                self._at += 1
                return
            if self._text[self._at] == ",":
                self._at += 1
            elif closing == "}":
                self._read_pair(path)
            else:
                self._record((*path, number), self._at)
                self._read_value((*path, number))
                number += 1
