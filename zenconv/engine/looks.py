"""What a step looks for, gives to libraries by name, and opens for reading and writing.

Whether it reads, writes or leaves such a file alone shows only when it has ended.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from glob import has_magic

from zenconv.engine.discovery import (
    GONE,
    LOOK,
    Reading,
    find_matches,
    kind_of,
    kind_of_status,
    sign_file,
    sign_folder,
)

_MOST_LOOKS = 500
_FOLDER = "/**"


class Looks:
    """The looks of one execution below `root`, which ends with a separator.

    What it notes goes to the readings `read` that are given with each call.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._seen: dict[str, str] = {}
        self._given: dict[str, Reading] = {}
        self._changeable: set[str] = set()

    def is_news(self, name: str) -> bool:
        """Return whether to note that the step looks for the file `name`."""
        return f"{name}{LOOK}" not in self._seen and len(self._seen) < _MOST_LOOKS

    def note_look(self, name: str, status: os.stat_result | None, read: dict[str, Reading]) -> None:
        """Note what is found at `name`; None: nothing."""
        self._seen.setdefault(f"{name}{LOOK}", kind_of_status(status))
        read.setdefault(f"{name}{LOOK}", ("", []))

    def note_changeable(self, name: str, reading: Reading) -> None:
        """Note a file that can be changed from now on."""
        self._changeable.add(name)
        self._given.setdefault(name, reading)

    def note_reading(self, name: str) -> None:
        """Note that a file is opened only for reading: if a library was given it, that is why."""
        if name not in self._changeable:
            self._given.pop(name, None)

    def note_given(
        self, name: str, where: str, read: dict[str, Reading], name_below: Callable[[str], str | None]
    ) -> None:
        """Note what a library is given: a file, a folder with all in it, a pattern or a place to write."""
        full = self._full(name)
        if name in self._given or f"{name}{_FOLDER}" in self._given:
            return
        if os.path.isdir(full):
            self._given[f"{name}{_FOLDER}"] = (where, sign_folder(full))
            read.setdefault(f"{name}{_FOLDER}", (where, []))
        elif os.path.lexists(full):
            self._given[name] = (where, sign_file(full))
            read.setdefault(name, self._given[name])
        else:
            self._given[name] = (where, [])
            matches = find_matches(full)
            if matches is None:
                self.note_look(name, None, read)
                return
            folder = name.rpartition("/")[0]
            if not has_magic(folder):
                read.setdefault(f"{folder}/" if folder else "./", (where, []))
            for match in matches:
                if found := name_below(match):
                    self.note_given(found, where, read, name_below)

    def given(self) -> Iterator[tuple[str, Reading]]:
        """Yield the files that a library was given, by names below the root, as they were then."""
        for name, reading in self._given.items():
            if name not in self._changeable and not name.endswith(_FOLDER):
                yield name, reading

    def written(self) -> set[str]:
        """Return the files and folders that are not as they were when they could be changed first."""
        return {name for name, (_, before) in self._given.items() if self._sign(name) != before}

    def counts(self, name: str, found: Mapping[str, Reading], written: Collection[str]) -> bool:
        """Return whether `name`, among all that was `found`, is an input; `written` are the step's own."""
        if name in self._given:
            return name not in written and not _has_below(name, written)
        if not name.endswith(LOOK):
            return not any(_is_within(name, folder) for folder in self._given if folder in found)
        looked = name.removesuffix(LOOK)
        folder = looked.rpartition("/")[0]
        if looked in found or looked in written or (f"{folder}/" if folder else "./") in found:
            return False
        return kind_of(self._full(looked)) == self._seen.get(name, GONE) and not _has_below(looked, written)

    def _full(self, name: str) -> str:
        return os.path.join(self._root, name)

    def _sign(self, name: str) -> list[int]:
        if name.endswith(_FOLDER):
            return sign_folder(self._full(name.removesuffix(_FOLDER)))
        return sign_file(self._full(name))


def _is_within(name: str, folder: str) -> bool:
    return folder.endswith(_FOLDER) and name.startswith(folder[:-2])


def _has_below(name: str, written: Collection[str]) -> bool:
    inside = f"{name.removesuffix(_FOLDER)}/"
    return any(one.startswith(inside) for one in written)
