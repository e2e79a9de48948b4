"""Discovered inputs: files of the project that a step reads without having asked for them.

While a step runs, an audit hook notes what it opens for reading and which folders it lists;
text in its code that names a file counts too, for libraries that open files without Python
noticing. At the next look-up they count by content. Declaring them as parameters is better:
then they count before the first run, and are seen by people.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any

from zenconv import hashing
from zenconv.engine.files import FileDigests
from zenconv.errors import StoreError

_WRITING_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CODE_SUFFIXES = (".py", ".pyc", ".pyi", ".so", ".pyd")
_LISTINGS = ("os.listdir", "os.scandir")
_MOST_FILES = 10_000
_LONGEST_NAME = 1024

GONE = "gone"
"""Stands for the digest of what is not there any more."""


class Observer:
    """Notes files below `root` that are opened while it is entered, in this process.

    Left out: the state folder, hidden folders, installed packages, Python modules (their code
    counts by fingerprint), and what the step itself writes.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root) + os.sep
        self._is_active = False
        self._is_installed = False
        self._read: dict[str, None] = {}
        self._written: set[str] = set()

    def __enter__(self) -> None:
        if not self._is_installed:
            self._is_installed = True  # a hook cannot be taken away again
            sys.addaudithook(self._hear)
        self._read = {}
        self._written = set()
        self._is_active = True

    def __exit__(self, *exc_info: object) -> None:
        self._is_active = False

    @contextmanager
    def again(self) -> Iterator[None]:
        """Go on noting, keeping what is noted: a generator's code runs while it is stored."""
        self._is_active = True
        try:
            yield
        finally:
            self._is_active = False

    def names(self, code: CodeType | None = None) -> list[str]:
        """Return what was read, relative to the root (``folder/`` for a listing), sorted.

        `code` is the step's: its literals that name existing files are added.
        """
        names = dict(self._read)
        for text in _literals(code) if code is not None else ():
            name = self._name_below(text)
            if name and os.path.isfile(self._root + name):
                names[name] = None
        return sorted(name for name in names if name not in self._written)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._is_active:
            return
        if event == "open":
            self._hear_open(*arguments)
        elif event in _LISTINGS:
            name = self._name_below(arguments[0])
            if name is not None and len(self._read) < _MOST_FILES:
                self._read[f"{name}/" if name else "./"] = None

    def _hear_open(self, path: Any, mode: Any, flags: Any) -> None:
        name = self._name_below(path)
        if not name:
            return
        writes = isinstance(mode, str) and any(letter in mode for letter in "wax+")
        if writes or (isinstance(flags, int) and flags & _WRITING_FLAGS):
            self._written.add(name)
        elif len(self._read) < _MOST_FILES:
            self._read[name] = None

    def _name_below(self, path: Any) -> str | None:
        try:
            text = os.fsdecode(path)
        except TypeError:
            return None  # a descriptor
        if len(text) > _LONGEST_NAME or "\0" in text or "\n" in text:
            return None
        full = os.path.normpath(os.path.join(self._root, text))
        if full + os.sep == self._root:
            return ""
        if not full.startswith(self._root):
            return None
        name = full[len(self._root) :].replace(os.sep, "/")
        parts = name.split("/")
        if any(part.startswith(".") or part in ("__pycache__", "site-packages") for part in parts):
            return None
        return None if name.endswith(_CODE_SUFFIXES) else name


def _literals(code: CodeType) -> Iterator[str]:
    waiting: list[Any] = [code]
    while waiting:
        found = waiting.pop()
        for constant in found.co_consts if isinstance(found, CodeType) else found:
            if isinstance(constant, CodeType | tuple | frozenset):
                waiting.append(constant)
            elif isinstance(constant, str) and 0 < len(constant) <= 200:
                yield constant


def digest_discovered(names: Iterable[str], root: Path, files: FileDigests) -> dict[str, str]:
    """Return the digest of each file's content, or of each folder's list of names."""
    return {name: _digest(name, root, files) for name in names}


def _digest(name: str, root: Path, files: FileDigests) -> str:
    try:
        if name.endswith("/"):
            # The state folder comes and goes with runs; hidden files are not listed by habit.
            listed = [
                entry for entry in os.listdir(root / name) if not entry.startswith((".", "__pycache__"))
            ]
            return hashing.digest_texts("listing", sorted(listed))
        return files.digest(root / name) if os.path.exists(root / name) else GONE
    except (OSError, StoreError):
        return GONE


def variant_of(inputs: str, discovered: Mapping[str, str]) -> str:
    """Return the inputs part of the key under which this state of the discovered files is kept."""
    texts = [inputs, *(text for name in sorted(discovered) for text in (name, discovered[name]))]
    return hashing.digest_texts("discovered", texts)[3:]
