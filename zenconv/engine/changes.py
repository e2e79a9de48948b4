"""Which files changed since one last asked: told by the system where it does, else by looking.

On Linux the kernel tells (inotify), at no cost while nothing happens. Elsewhere, on network
folders, and where the kernel has no watches left, the files' times and sizes are looked at every
now and then, as often as that takes one percent of a processor.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import struct
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from fnmatch import translate
from pathlib import Path
from typing import Protocol

import attrs

ANYTHING = ""
"""Stands for a change of which only is known that there was one."""

_JUNK = re.compile(r"\.#.*|#.*#|.*~|4913|\..*\.sw[a-z]{1,2}|.*\.kate-swp|__pycache__|\.DS_Store|.*\.pyc\.\d+")
"""Names of files that editors and Python itself make beside those one works on."""

_REMOTE = re.compile(r"nfs\d?|cifs|smb\w*|9p|fuse.*|vboxsf|virtiofs|prl_fs|drvfs|ceph|glusterfs|afs")
"""File systems whose changes may be made by another machine, of which the kernel says nothing."""

_CODE_SUFFIXES = (".py", ".so", ".pyd")
_UNSETTLED_SECONDS = 0.1
_SHARE = 0.01
_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.1, 5.0


@attrs.define(eq=False, repr=False)
class Watched:
    """What is watched.

    Parameters
    ----------
    root
        A folder with all below it, except hidden folders and those that `norecurse` names.
    aside
        Folders that are not entered whatever their name.
    files
        Single files elsewhere, there or not yet.
    folders
        Folders elsewhere in which everything counts, but not what is in folders below.
    code
        Folders elsewhere in which only Python files count, and folders, that come and go.
    """

    root: Path
    norecurse: Sequence[str]
    aside: frozenset[str] = frozenset()
    files: set[str] = attrs.field(factory=set)
    folders: set[str] = attrs.field(factory=set)
    code: set[str] = attrs.field(factory=set)
    _closed: re.Pattern[str] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._closed = re.compile("|".join(map(translate, self.norecurse)) or r"(?!)")

    def is_entered(self, folder: str, name: str) -> bool:
        """Return whether what is in `folder`, called `name`, is watched."""
        if name.startswith(".") or self._closed.match(name) or folder in self.aside:
            return False
        return not os.path.exists(os.path.join(folder, "pyvenv.cfg"))

    def walk(self, start: str) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
        """Yield `start` and each folder below it that is watched, with the files in it."""
        waiting, seen = [start], set()
        while waiting:
            folder = waiting.pop()
            real = os.path.realpath(folder)
            if real in seen:
                continue
            seen.add(real)
            files = []
            try:
                with os.scandir(folder) as scan:
                    for entry in scan:
                        if _is_folder(entry):
                            if self.is_entered(entry.path, entry.name):
                                waiting.append(entry.path)
                        elif not _JUNK.fullmatch(entry.name):
                            files.append(entry)
            except OSError:
                continue
            yield folder, files

    def counts(self, folder: str, name: str) -> bool:
        """Return whether something called `name` in `folder`, which is not below the root, counts."""
        if _JUNK.fullmatch(name):
            return False
        if folder in self.folders or os.path.join(folder, name) in self.files:
            return True
        return folder in self.code and (name.endswith(_CODE_SUFFIXES) or "." not in name)

    def add(self, files: Iterable[str], folders: Iterable[str], code: Iterable[str]) -> None:
        """Watch more."""
        self.files |= set(files)
        self.folders |= set(folders)
        self.code |= set(code)


class Changes(Protocol):
    """Tells what changed below the root and elsewhere."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when something may have changed; -1: there is none."""

    @property
    def is_settled(self) -> bool:
        """Whether whoever wrote the files that changed has finished with them, as far as one can know."""

    @property
    def being_written(self) -> AbstractSet[str]:
        """The files that somebody writes right now, as far as one can know."""

    @property
    def interval(self) -> float | None:
        """Seconds after which to ask although nothing was readable; None: never."""

    def take(self) -> set[str]:
        """Return the paths that changed since the last call; `ANYTHING` where that is not known."""

    def watch(self, files: Iterable[str], folders: Iterable[str], code: Iterable[str]) -> None:
        """Watch these too, wherever they are; see `Watched`."""

    def close(self) -> None:
        """Watch nothing any more."""


def open_changes(watched: Watched) -> Changes:
    """Return the best there is for this system and this folder; what is there now has not changed."""
    if sys.platform == "linux" and not os.environ.get("ZENCONV_WATCH_POLLING"):
        try:
            if not is_remote(watched.root):
                return NotifiedChanges(watched)
        except OSError:
            pass  # no watches left, or a kernel without them
    return PolledChanges(watched)


def is_remote(folder: Path) -> bool:
    """Return whether `folder` lies on a file system that other machines change."""
    real = os.path.realpath(folder)
    best, kind = "", ""
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as stream:
        for line in stream:
            _, place, found, *_ = line.split(" ")
            place = place.replace("\\040", " ")
            if len(place) >= len(best) and (real + "/").startswith(place.rstrip("/") + "/"):
                best, kind = place, found
    return _REMOTE.fullmatch(kind) is not None


# -- by looking

_Stamp = tuple[int, int, int, int]


class PolledChanges:
    """Looks at every file now and then."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._took = 0.0
        self._unsettled: set[str] = set()
        self._stamps = self._look()

    is_settled = False
    being_written: AbstractSet[str] = frozenset()

    def fileno(self) -> int:
        """There is none."""
        return -1

    @property
    def interval(self) -> float:
        """See `Changes`."""
        return min(max(self._took / _SHARE, _SHORTEST_SECONDS), _LONGEST_SECONDS)

    def take(self) -> set[str]:
        """See `Changes`."""
        # A second write within one tick of the clock leaves no trace: such files are told of twice.
        again, self._unsettled = self._unsettled, set()
        stamps = self._look()
        changed = {path for path, stamp in stamps.items() if self._stamps.get(path) != stamp}
        changed |= self._stamps.keys() - stamps.keys()
        self._stamps = stamps
        return changed | (again & stamps.keys())

    def watch(self, files: Iterable[str], folders: Iterable[str], code: Iterable[str]) -> None:
        """See `Changes`."""
        self._watched.add(files, folders, code)
        for path, stamp in self._look().items():
            self._stamps.setdefault(path, stamp)

    def close(self) -> None:
        """See `Changes`."""

    def _look(self) -> dict[str, _Stamp]:
        started, now = time.monotonic(), time.time_ns()
        found: dict[str, _Stamp] = {}
        for _, entries in self._watched.walk(str(self._watched.root)):
            for entry in entries:
                self._stamp(entry.path, found, now)
        for path in self._watched.files:
            self._stamp(path, found, now)
        for folder in self._watched.folders | self._watched.code:
            for name in _names(folder):
                if self._watched.counts(folder, name):
                    self._stamp(os.path.join(folder, name), found, now)
        self._took = time.monotonic() - started
        return found

    def _stamp(self, path: str, found: dict[str, _Stamp], now: int) -> None:
        try:
            stat = os.stat(path)
        except OSError:
            return
        found[path] = stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino
        if now - stat.st_ctime_ns < _UNSETTLED_SECONDS * 1e9:
            self._unsettled.add(path)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


# -- told by the kernel

_EVENT = struct.Struct("iIII")
_MODIFY, _ATTRIB, _CLOSE_WRITE, _MOVED_FROM, _MOVED_TO = 0x2, 0x4, 0x8, 0x40, 0x80
_CREATE, _DELETE, _DELETE_SELF, _MOVE_SELF = 0x100, 0x200, 0x400, 0x800
_OVERFLOW, _IGNORED, _ONLY_FOLDERS, _IS_FOLDER = 0x4000, 0x8000, 0x1000000, 0x40000000
_MASK = _MODIFY | _ATTRIB | _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _DELETE_SELF
_MASK |= _MOVE_SELF | _ONLY_FOLDERS


class NotifiedChanges:
    """Is told by the Linux kernel. `OSError` when made: it has no watches left for so many folders."""

    interval: float | None = None

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._library = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._check(self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        self._folders: dict[int, str] = {}
        self._inside: set[str] = set()
        self.being_written: set[str] = set()
        try:
            self._enter(str(watched.root))
        except OSError:
            self.close()
            raise

    def fileno(self) -> int:
        """See `Changes`."""
        return self._descriptor

    @property
    def is_settled(self) -> bool:
        """See `Changes`."""
        return not self.being_written

    def take(self) -> set[str]:
        """See `Changes`."""
        changed: set[str] = set()
        while data := self._read():
            for number, mask, name in _events(data):
                changed |= self._follow(number, mask, name)
        return changed

    def watch(self, files: Iterable[str], folders: Iterable[str], code: Iterable[str]) -> None:
        """See `Changes`."""
        self._watched.add(files, folders, code)
        known = set(self._folders.values())
        watched = self._watched
        for folder in {os.path.dirname(path) for path in watched.files} | watched.folders | watched.code:
            if folder not in known:
                try:
                    self._add(folder)
                except OSError:
                    pass  # it is not there, or one may not see into it

    def close(self) -> None:
        """See `Changes`."""
        os.close(self._descriptor)

    def _read(self) -> bytes:
        try:
            return os.read(self._descriptor, 1 << 16)
        except BlockingIOError:
            return b""

    def _follow(self, number: int, mask: int, name: str) -> set[str]:
        if mask & _OVERFLOW:
            self._enter(str(self._watched.root))
            return {ANYTHING}
        folder = self._folders.get(number, "")
        if mask & _IGNORED:
            self._folders.pop(number, None)
            self._inside.discard(folder)
            return set()
        if not name or not folder:
            return {folder} if mask & (_DELETE_SELF | _MOVE_SELF) and folder in self._inside else set()
        path = os.path.join(folder, name)
        if mask & _IS_FOLDER and folder in self._inside:
            if not self._watched.is_entered(path, name):
                return set()
            if mask & (_CREATE | _MOVED_TO):
                # What was put into it before it was watched is told of here.
                return {path, *self._enter(path)}
            return {path}
        counts = not _JUNK.fullmatch(name) if folder in self._inside else self._watched.counts(folder, name)
        if not counts:
            return set()
        if mask & (_MODIFY | _CREATE):
            self.being_written.add(path)
        elif not mask & _ATTRIB:
            self.being_written.discard(path)
        return {path}

    def _enter(self, start: str) -> list[str]:
        """Watch `start` and what is below it; return the files found there."""
        found: dict[str, None] = {}
        is_new = True
        while is_new:  # what appeared between listing a folder and watching it is found by going again
            is_new = False
            for folder, entries in self._watched.walk(start):
                found.update((entry.path, None) for entry in entries)
                if folder not in self._inside:
                    is_new |= self._is_added(folder)
        return list(found)

    def _is_added(self, folder: str) -> bool:
        try:
            self._add(folder)
        except (FileNotFoundError, PermissionError):
            return False
        self._inside.add(folder)
        return True

    def _add(self, folder: str) -> None:
        number = self._library.inotify_add_watch(self._descriptor, os.fsencode(folder), _MASK)
        self._folders[self._check(number)] = folder

    def _check(self, result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            if number == errno.ENOTDIR:
                number = errno.ENOENT
            raise OSError(number, os.strerror(number))
        return result


def _events(data: bytes) -> Iterator[tuple[int, int, str]]:
    offset = 0
    while offset < len(data):
        number, mask, _, length = _EVENT.unpack_from(data, offset)
        offset += _EVENT.size
        yield number, mask, os.fsdecode(data[offset : offset + length].rstrip(b"\0"))
        offset += length
