"""Whose doing it is: the line of the project's code that led to what happens now.

Looking outwards from the place where something happens, the first frame of the project decides.
If the import system stands before it, a library reads for its own start, and nobody is to blame.
Python's own library is looked through, except where it keeps files and processes for itself.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterator
from types import CodeType, FrameType, ModuleType
from typing import Any, Literal, NamedTuple

from zenconv.engine.failures import ProjectFiles
from zenconv.engine.uncaught import is_showing
from zenconv.fingerprint.places import STANDARD_LIBRARY

Place = Literal["project", "standard", "library", "private", "end", "listener"]

_OWN_CODE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_STANDARD = STANDARD_LIBRARY + os.sep
_PRIVATE = (
    "<frozen importlib",
    "<frozen zipimport",
    os.path.join(_STANDARD, "importlib", "metadata"),
    _STANDARD + "tempfile.py",
    _STANDARD + "platform.py",
    _STANDARD + "uuid.py",
    os.path.join(_STANDARD, "ctypes"),
    _STANDARD + "multiprocessing",
)
_LISTENERS = tuple(
    os.path.join(_OWN_CODE, "engine", name)
    for name in ("audit.py", "overhearing.py", "handed_over.py", "watching.py", "effects.py")
)
_ENDS = (_OWN_CODE, os.path.join(_STANDARD, "concurrent", "futures", "thread.py"))

_CODE_READERS = ("linecache.py", "tokenize.py", "inspect.py", "pdb.py", "bdb.py")
_OF_STATUS = ("getsize", "getmtime", "getctime")
_MOST_ITEMS = 100


class Origin(NamedTuple):
    """A line of the project's code. `is_direct`: no library stands between it and what happened."""

    file: str
    line: int
    is_direct: bool
    frame: FrameType | None

    def names(self, word: str) -> bool:
        """Return whether the function speaks of `word`: in a literal, or a text that it has at hand.

        Of compiled code there are no frames: what it does looks like the doing of its caller.
        """
        if self.frame is None:
            return False
        pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
        return any(pattern.search(text) for text in _texts_at_hand(self.frame))


UNKNOWN = Origin("", 0, False, None)
"""Where no frame of the project is to be seen: in a thread, or a task, of somebody else."""


def _texts_at_hand(frame: FrameType) -> Iterator[str]:
    code = frame.f_code
    yield from literals(code)
    values = [frame.f_globals.get(name) for name in code.co_names]
    for value in (*frame.f_locals.values(), *values):
        yield from (str(v) for v in (value, *_inside(value)) if isinstance(v, str | os.PathLike))


def _inside(value: Any) -> Collection[Any]:
    """Return what lies directly in a small container or in the attributes of an object."""
    if not isinstance(value, list | tuple | set | dict):
        value = {} if isinstance(value, type | ModuleType) else getattr(value, "__dict__", {})
    if len(value) > _MOST_ITEMS:
        return ()
    return value.values() if isinstance(value, dict) else value


class Origins:
    """Finds origins for one project, whose source files `files` knows."""

    def __init__(self, files: ProjectFiles) -> None:
        self._files = files
        self._places: dict[str, Place] = {}

    def find(self, frame: FrameType | None, excused: Collection[Any] = ()) -> Origin | None:
        """Return the project's line behind `frame`, `UNKNOWN`, or None where nobody is to blame.

        What happens in a method of one of the `excused` objects, or in one of them that is a
        function, is theirs.
        """
        is_direct = True
        while frame is not None:
            file = frame.f_code.co_filename
            place = self._places.get(file) or self._classify(file)
            if place == "private" or (excused and _is_excused(frame, excused)):
                return None
            if place == "end":
                break
            if place == "project":
                return Origin(self._files.shown(file), frame.f_lineno, is_direct, frame)
            if place == "library":
                is_direct = False
            frame = frame.f_back
        return UNKNOWN

    def asks_status(self, frame: FrameType | None) -> bool:
        """Return whether the size or the time of a file is asked for, not only what is there.

        So it is where the project's own code looks at the whole status, or by ``os.path.getsize``.
        """
        while frame is not None:
            file = frame.f_code.co_filename
            place = self._places.get(file) or self._classify(file)
            if place == "project":
                return True
            if frame.f_code.co_name in _OF_STATUS and place == "standard":
                return True
            if place != "listener" and frame.f_code.co_name != "stat":
                return False
            frame = frame.f_back
        return False

    def is_bare_thread(self, frame: FrameType | None) -> bool:
        """Return whether Python's own library alone runs here, given to a thread, as by ``executor.map``."""
        while frame is not None:
            file = frame.f_code.co_filename
            place = self._places.get(file) or self._classify(file)
            if place == "end":
                return not file.startswith(_OWN_CODE)
            if place not in ("standard", "listener"):
                return False
            frame = frame.f_back
        return True

    def _classify(self, file: str) -> Place:
        place = self._places[file] = self._place_of(file)
        return place

    def _place_of(self, file: str) -> Place:
        if file.startswith(_PRIVATE):
            return "private"
        if file in _LISTENERS:
            return "listener"
        if file.startswith(_ENDS):
            return "end"
        if file.startswith("<"):
            return "standard"  # Python's frozen modules, and methods that are made from text
        if file in self._files:
            return "project"
        is_standard = file.startswith(_STANDARD) and f"{os.sep}site-packages{os.sep}" not in file
        return "standard" if is_standard else "library"


def is_inside_open_folder(path: Any, caller: FrameType) -> bool:
    """Return whether a name is likely to be relative to an open folder, as where trees are deleted."""
    file = caller.f_code.co_filename
    return (file.endswith(f"{os.sep}shutil.py") or file == "<frozen os>") and not os.path.isabs(path)


def is_import(caller: FrameType) -> bool:
    """Return whether code is read to be imported, or to be shown in a traceback or a warning."""
    file = caller.f_code.co_filename
    is_reader = file.startswith(("<frozen ", _OWN_CODE)) or os.path.basename(file) in _CODE_READERS
    return is_reader or is_showing()


def loaded_files() -> set[str | None]:
    """Return the files of all modules that are imported; None among them for those without."""
    return {getattr(module, "__file__", None) for module in list(sys.modules.values())}


def _is_excused(frame: FrameType, excused: Collection[Any]) -> bool:
    code = frame.f_code
    if any(getattr(value, "__code__", None) is code for value in excused):
        return True
    if not code.co_argcount:
        return False
    owner = frame.f_locals.get(code.co_varnames[0])
    return any(owner is value for value in excused)


def literals(code: CodeType, longest: int = 200) -> Iterator[str]:
    """Yield the texts that stand in `code` and in the functions inside it, up to `longest` characters."""
    waiting: list[Any] = [code]
    while waiting:
        found = waiting.pop()
        for constant in found.co_consts if isinstance(found, CodeType) else found:
            if isinstance(constant, CodeType | tuple | frozenset):
                waiting.append(constant)
            elif isinstance(constant, str) and 0 < len(constant) <= longest:
                yield constant
