"""Files and folders as inputs: found in parameter values, counted by content.

A digest is remembered under the file's size, times and inode, so an unchanged gigabyte is not
read again; a file touched within the last seconds is always read (its clock may be too coarse).
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import Any

import attrs

from zenconv import hashing
from zenconv.errors import StoreError
from zenconv.frozen import Frozen

SMALL_FILE = 256 * 1024
_SETTLED_SECONDS = 3.0
_LONGEST_NAME = 1024


@attrs.frozen(eq=False, repr=False)
class FileName(Frozen):
    """Stands in a parameter's value for a path to something that exists: only its last part counts."""

    name: str


def replace_files(value: Any, root: Path, found: Callable[[Path], None]) -> Any:
    """Return `value` with existing paths replaced by their names, telling `found` about each.

    Text that names something existing below or from `root` is reported too, and stays as it is.
    Lists, tuples and dictionaries are searched.
    """
    if isinstance(value, PurePath):
        path = root / value
        if not os.path.exists(path):
            return value
        found(path)
        return FileName(path.name)
    if type(value) is str:
        if names_file(value, root):
            found(root / value)
        return value
    if type(value) in (list, tuple):
        return type(value)(replace_files(item, root, found) for item in value)
    if type(value) is dict:
        return {key: replace_files(item, root, found) for key, item in value.items()}
    return value


def names_file(text: str, root: Path) -> bool:
    """Return whether `text`, seen from `root`, names something that exists."""
    if not 0 < len(text) <= _LONGEST_NAME or "\0" in text or "://" in text:
        return False
    path = os.path.join(root, text)
    # Text such as "." or "/" names the project itself and is meant as text.
    return os.path.exists(path) and not str(root).startswith(os.path.realpath(path))


class FileDigests:
    """Content digests of files and folders, remembered in one small file between runs."""

    def __init__(self, memory: Path | None = None) -> None:
        self._memory = memory
        self._known: dict[str, list[Any]] | None = None
        self._changed = False

    def digest(self, path: Path) -> str:
        """Return the digest of a file's bytes, or of a folder's list of names and digests.

        Raises `StoreError` when something cannot be read. Links are followed.
        """
        try:
            if os.path.isdir(path):
                return hashing.digest_texts("folder", _folder_texts(path, self._file))
            return self._file(path)
        except OSError as error:
            raise StoreError(f"cannot read the input {path}: {error.strerror or error}") from error

    def _file(self, path: Path) -> str:
        status = os.stat(path)
        if status.st_size <= SMALL_FILE:
            return hashing.digest_bytes(path.read_bytes())
        signature = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        known = self._load().get(str(path))
        if known is not None and known[:-1] == signature:
            return str(known[-1])
        with open(path, "rb") as stream:
            digest = hashing.digest_stream(stream)
        if time.time() - max(status.st_mtime, status.st_ctime) > _SETTLED_SECONDS:
            self._load()[str(path)] = [*signature, digest]
            self._changed = True
        return digest

    def _load(self) -> dict[str, list[Any]]:
        if self._known is None:
            self._known = {}
            if self._memory is not None:
                try:
                    data = json.loads(self._memory.read_text("utf-8"))
                    self._known = {k: v for k, v in data.items() if isinstance(v, list) and len(v) == 5}
                except (OSError, ValueError, AttributeError):
                    self._known = {}
        return self._known

    def save(self) -> None:
        """Remember what was learned; where nothing can be written, nothing is remembered."""
        if not self._changed or self._memory is None:
            return
        draft = self._memory.with_name(f"{self._memory.name}.{os.getpid()}")
        try:
            draft.write_text(json.dumps(self._known), "utf-8")
            os.replace(draft, self._memory)
        except OSError:
            draft.unlink(missing_ok=True)
        self._changed = False


def _folder_texts(folder: Path, digest: Callable[[Path], str]) -> Iterator[str]:
    for path in _walk(folder):
        status = os.stat(path) if os.path.exists(path) else os.lstat(path)
        yield path.relative_to(folder).as_posix()
        if stat.S_ISDIR(status.st_mode):
            yield "folder"
        elif stat.S_ISREG(status.st_mode):
            yield digest(path)
        else:
            yield f"special {stat.S_IFMT(status.st_mode)}"


def _walk(folder: Path) -> Iterator[Path]:
    waiting = [folder]
    entered: set[str] = set()
    while waiting:
        current = waiting.pop()
        real = os.path.realpath(current)
        if real in entered:  # a link that leads back
            continue
        entered.add(real)
        with os.scandir(current) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
        for entry in entries:
            if entry.name == ".zenconv":
                continue
            yield Path(entry.path)
            if entry.is_dir():
                waiting.append(Path(entry.path))
