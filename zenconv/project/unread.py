"""What files that could not be imported seem to hold."""

from __future__ import annotations

import os
import re

from zenconv.project.collected import CollectedFile, Collection

_MENTIONED = re.compile(rb"\bdef\s+(\w+)|[\"'](\w+)[\"']")


class Unread:
    """What the files that could not be imported seem to define, judged by their text."""

    def __init__(self, collection: Collection) -> None:
        self._root = collection.sources.root
        self._names: dict[str, set[str]] = {}

    def may_define(self, file: CollectedFile, name: str) -> bool:
        """Return whether `name` stands in the text as a function or in quotes."""
        if file.file not in self._names:
            self._names[file.file] = self._read(file.file)
        return name in self._names[file.file]

    def may_take(self, file: CollectedFile, name: str) -> bool:
        """Return whether `name` stands anywhere in the text: it may be a parameter there."""
        return re.search(rb"\b" + re.escape(name.encode()) + rb"\b", self._data(file.file)) is not None

    def _read(self, file: str) -> set[str]:
        return {(a or b).decode("utf-8", "replace") for a, b in _MENTIONED.findall(self._data(file))}

    def _data(self, file: str) -> bytes:
        try:
            with open(os.path.join(self._root, file), "rb") as stream:
                return stream.read()
        except OSError:
            return b""
