"""Discovered inputs: files of the project that a step read without having asked for them.

`zenconv.engine.watching` notes them while it runs. At the next look-up they count by content.
Declaring them as parameters is better: then they count before the first run, and are seen by
people.
"""

from __future__ import annotations

import glob
import itertools
import os
import stat
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path

from zenconv import hashing
from zenconv.engine.files import FileDigests
from zenconv.errors import StoreError
from zenconv.records.artifact import ActionKey

Reading = tuple[str, list[int]]
"""``file:line`` that reads a file, or nothing; and what `sign_file` said of the file just before."""

_MOST_NAMED = 1000
_MOST_SIGNED = 2000
_MOST_UNOPENED = 10_000
_CODE = (".py", ".pyc", ".so")
GONE = "gone"
"""Stands for the digest of what is not there any more."""

LOOK = "//?"
"""Ends the name of what a step only looked for: it counts whether something is there, and of which kind."""


def digest_discovered(names: Iterable[str], root: Path, files: FileDigests) -> dict[str, str]:
    """Return the digest of each file's content, of a folder's list of names, or of all in it."""
    return {name: _digest(name, root, files) for name in names}


def _digest(name: str, root: Path, files: FileDigests) -> str:
    if name.endswith(LOOK):
        return kind_of(str(root / name.removesuffix(LOOK)))
    try:
        if os.path.isabs(name) and not os.path.isfile(name):
            return GONE  # who wrote the entry may be anybody: no device or pipe is opened for it
        if name.endswith("/**"):
            return files.digest(root / name[:-3])
        if name.endswith("/"):
            # The state folder comes and goes with runs; hidden files are not listed by habit.
            listed = [
                entry for entry in os.listdir(root / name) if not entry.startswith((".", "__pycache__"))
            ]
            return hashing.digest_texts("listing", sorted(listed))
        return files.digest(root / name) if os.path.exists(root / name) else GONE
    except (OSError, StoreError):
        return GONE


def kind_of(path: str) -> str:
    """Return what is at `path`: ``file``, ``folder``, ``special``, or `GONE`. Links are followed."""
    try:
        return kind_of_status(os.stat(path))
    except (OSError, ValueError):
        return GONE


def kind_of_status(status: os.stat_result | None) -> str:
    """Return the same of what was found there; None: nothing."""
    if status is None:
        return GONE
    if stat.S_ISDIR(status.st_mode):
        return "folder"
    return "file" if stat.S_ISREG(status.st_mode) else "special"


def describe_changed(names: Sequence[str], now: Mapping[str, str]) -> str:
    """Return why a step is not reused whose discovered files `names` have the digests `now`."""
    read = [name for name in names if not name.endswith(LOOK)][:3]
    if read:
        return f"{', '.join(read)} changed, which it reads without asking for it"
    looked = names[0].removesuffix(LOOK)
    what = "is not there any more" if now[names[0]] == GONE else f"is a {now[names[0]]} now"
    return f"{looked} {what}, and it looks for that"


def sign_file(path: str) -> list[int]:
    """Return what changes with a file: size, time, inode; nothing where there is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def is_older(path: str, moment: int) -> bool:
    """Return whether what is at `path` was there and as it is at a moment, in nanoseconds."""
    try:
        return os.stat(path).st_ctime_ns <= moment
    except OSError:
        return False


def sign_folder(path: str) -> list[int]:
    """Return what changes with a folder, as far as its first 2,000 files and folders tell."""
    signature: list[int] = []
    for folder, folders, files in os.walk(path):
        for name in (*sorted(folders), *sorted(files)):
            signature += sign_file(os.path.join(folder, name))
        if len(signature) > 3 * _MOST_SIGNED:
            break
    return signature


def find_unopened(
    found: Mapping[str, Reading], where: str, root: Path, began: int, patterns: Sequence[str]
) -> dict[str, Reading]:
    """Return the files in listed folders from which nothing was opened, as they were when the step began.

    Why else would they be listed, where a library is at work that opens files unheard? If there are
    `patterns` for names, they are those that fit one.
    """
    opened = {name.rpartition("/")[0] for name in found if not name.endswith(("/", LOOK))}
    unopened: dict[str, Reading] = {}
    for folder in [name.rstrip("/") for name in found if name.endswith("/") and name != "./"]:
        if folder in opened or len(unopened) > _MOST_UNOPENED:
            continue
        for name in (f"{folder}/{name}" for name in _files_in(root / folder)):
            fits = not patterns or any(fnmatch(name.rpartition("/")[2], pattern) for pattern in patterns)
            if fits and is_older(str(root / name), began):
                unopened[name] = (where, sign_file(str(root / name)))
    return unopened


def _files_in(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            files = [entry.name for entry in entries if entry.is_file()]
    except OSError:
        return []
    return [name for name in files if not name.startswith(".") and not name.endswith(_CODE)]


def find_matches(pattern: str) -> list[str] | None:
    """Return what a pattern for names, such as ``/root/data/*.csv``, stands for; None if it is none.

    Of one that spans folders it is the folder around them.
    """
    if not glob.has_magic(pattern):
        return None
    steady = list(itertools.takewhile(lambda part: not glob.has_magic(part), pattern.split(os.sep)))
    folder = os.sep.join(steady)
    if len(steady) + 1 < len(pattern.split(os.sep)):
        return [folder]
    return list(itertools.islice(glob.iglob(pattern), _MOST_NAMED))


def find_changed(signatures: Mapping[str, list[int]], root: Path) -> list[str]:
    """Return the files below `root` that are not as they were when they were opened.

    Call it after their content was digested: then a file that is in order was read as digested.
    """
    return [name for name, before in signatures.items() if before and sign_file(str(root / name)) != before]


def fold(readings: Mapping[str, Reading], root: Path) -> dict[str, Reading]:
    """Return `readings` with whole folders, ``folder/**``, for what is too many files to name.

    Files that changed meanwhile stay by themselves.
    """
    if len(readings) <= _MOST_NAMED:
        return dict(readings)
    folders = Counter(name.rpartition("/")[0] for name in readings)
    places = {folder: folder for folder, count in folders.items() if folder and count > _MOST_NAMED // 10}
    if sum(count for folder, count in folders.items() if folder not in places) > _MOST_NAMED:
        places = {folder: folder.partition("/")[0] for folder in folders if folder}
    folded: dict[str, Reading] = {}
    for name, (where, was) in readings.items():
        place = places.get(name.rpartition("/")[0])
        if place is None or (was and sign_file(str(root / name)) != was):
            folded[name] = (where, was)
        else:
            folded.setdefault(f"{place}/**", (where, []))
    return folded


def variant_of(key: ActionKey, discovered: Mapping[str, str]) -> ActionKey:
    """Return the key under which this state of the discovered files is kept."""
    texts = [key.inputs, *(text for name in sorted(discovered) for text in (name, discovered[name]))]
    return ActionKey(key.local, hashing.digest_texts("discovered", texts)[3:])
