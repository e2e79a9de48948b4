"""Checking the zenconv table: every mistake is collected with its place, none stops the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from zenconv.errors import Problem, did_you_mean
from zenconv.settings.document import Document
from zenconv.settings.lines import KeyPath
from zenconv.settings.text import Text, parse_text


@attrs.define(eq=False, repr=False)
class Reader:
    """The raw settings, where each part is written, and what is wrong with them so far.

    `origins` names the places that are not in the document, such as environment variables.
    """

    document: Document | None
    origins: dict[KeyPath, str] = attrs.field(factory=dict)
    problems: list[Problem] = attrs.field(factory=list)

    def place(self, path: KeyPath) -> tuple[str, int]:
        """Return the file (or variable) and line of a key; line 0 outside files."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]], 0
        if self.document is None:
            return "", 0
        return self.document.name, self.document.line(path)

    def where(self, path: KeyPath) -> str:
        """Return ``file:line`` of a key."""
        file, line = self.place(path)
        return f"{file}:{line}" if line else file

    def report(self, path: KeyPath, what: str, *, exists: str = "", hint: str = "") -> None:
        """Note one mistake at `path`."""
        file, line = self.place(path)
        head = f"{show_path(path)}: " if path else ""
        self.problems.append(Problem(f"{head}{what}", file=file, line=line, exists=exists, hint=hint))

    def check_keys(
        self, path: KeyPath, table: Mapping[str, Any], known: Iterable[str], hint: str = ""
    ) -> None:
        """Report every key of `table` that is not among `known`."""
        names = list(known)
        for key in table:
            if key not in names:
                inner = (*path, key)
                self.report(inner, "unknown setting", exists=did_you_mean(key, names), hint=hint)

    def read_table(self, path: KeyPath, value: Any) -> Mapping[str, Any]:
        """Return a table, empty if it is missing or something else."""
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return value
        self._mismatch(path, "a table", value)
        return {}

    def read_text(self, path: KeyPath, value: Any) -> str | None:
        """Return text, None if it is missing or something else."""
        if value is None:
            return None
        if isinstance(value, str) and value:
            return str(value)
        self._mismatch(path, "str", value)
        return None

    def read_int(self, path: KeyPath, value: Any, *, least: int | None = None) -> int | None:
        """Return an integer of at least `least`, None if it is missing or something else."""
        number = parse_text(value) if isinstance(value, Text) else value
        if number is None and value is None:
            return None
        if not isinstance(number, int) or isinstance(number, bool):
            self._mismatch(path, "int", value)
            return None
        if least is not None and number < least:
            self._mismatch(path, f"an int of at least {least}", value)
            return None
        return number

    def read_bool(self, path: KeyPath, value: Any, *, default: bool) -> bool:
        """Return a boolean, `default` if it is missing or something else."""
        found = parse_text(value) if isinstance(value, Text) else value
        if found is None:
            return default
        if isinstance(found, bool):
            return found
        self._mismatch(path, "true or false", value)
        return default

    def read_texts(self, path: KeyPath, value: Any) -> tuple[str, ...]:
        """Return a list of texts; a single text counts as one, in a variable commas divide."""
        if value is None:
            return ()
        if isinstance(value, Text) and not value.lstrip().startswith("["):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        items = parse_text(value) if isinstance(value, Text) else value
        if isinstance(items, str):
            items = [items]
        if not isinstance(items, list):
            self._mismatch(path, "a list of str", value)
            return ()
        return tuple(filter(None, (self.read_text((*path, n), item) for n, item in enumerate(items))))

    def _mismatch(self, path: KeyPath, expected: str, value: Any) -> None:
        self.report(path, f"expected {expected}, got {show_value(value)}")


def show_path(path: Sequence[str | int]) -> str:
    """Return a key as TOML writes it: ``stacks.local.trackers[0]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = part.replace("-", "_").replace("/", "_").isalnum() or part.replace("-", "_").isidentifier()
            text += ("." if text else "") + (part if bare else repr(part))
    return text


def show_value(value: Any) -> str:
    """Return a value as a message quotes it, cut to a readable length."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(str(value) if isinstance(value, Text) else value)
    return text if len(text) <= 60 else f"{text[:57]}..."
