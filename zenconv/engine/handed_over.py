"""What a step hands over to other processes by name: files that they read where nobody hears it.

Programs get names on their command line. Pools of processes get tasks, which are pickled: the
functions that do so are overheard. A process that is forked finds its arguments in memory.
"""

from __future__ import annotations

import functools
import os
import re
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, FunctionType, MethodType, ModuleType
from typing import Any

Tell = Callable[[Any], None]
"""Is told what is about to be sent to another process."""

COMMANDS = ("subprocess.Popen", "os.system", "os.posix_spawn")
"""The audit events that tell of a program, and what it is told."""

_DOORS = (
    ("multiprocessing.reduction", "ForkingPickler.dumps"),
    ("multiprocessing.reduction", "dump"),
    ("joblib.externals.loky.backend.queues", "dumps"),
    ("loky.backend.queues", "dumps"),
)
"""Where pools of processes pickle a task: module, and function; its first argument is the task."""

_PATH = re.compile(r"(?=[^\n]*[./])[^\n\0]{1,1024}")
_MOST_ITEMS = 10_000
_MOST_FRAMES = 8
_CONTAINERS = (list, tuple, set, frozenset, deque)
_NOT_DATA = (ModuleType, FunctionType, type)

_told: list[Tell] = []
_open: set[tuple[str, str]] = set()
_lock = threading.Lock()


@contextmanager
def overhear_tasks(tell: Tell) -> Iterator[None]:
    """Tell `tell`, while entered, what is sent to pools of processes. It must not raise."""
    overhear_new_pools()
    _told.append(tell)
    try:
        yield
    finally:
        _told.remove(tell)


def overhear_new_pools() -> None:
    """Overhear those libraries of pools that have been imported meanwhile."""
    for door in _DOORS:
        if door not in _open and door[0] in sys.modules:
            with _lock:
                _open_door(*door)


def _open_door(module: str, path: str) -> None:
    *owners, name = path.split(".")
    owner = functools.reduce(getattr, owners, sys.modules[module])
    real = getattr(owner, name, None)
    if real is None or (module, path) in _open:
        return  # it is being imported, or another thread was faster
    _open.add((module, path))

    @functools.wraps(real)
    def overheard(task: Any, *arguments: Any, **options: Any) -> Any:
        for tell in tuple(_told):
            tell(task)
        return real(task, *arguments, **options)

    setattr(owner, name, staticmethod(overheard) if owners else overheard)


def task_of_fork(frame: FrameType | None) -> Any:
    """Return the process of `multiprocessing` that `frame` is about to fork; None if it is no such."""
    for _ in range(_MOST_FRAMES):
        if frame is None:
            return None
        if frame.f_code.co_filename.endswith(f"multiprocessing{os.sep}popen_fork.py"):
            return frame.f_locals.get("process_obj")
        frame = frame.f_back
    return None


def words_of(event: str, arguments: tuple[Any, ...]) -> tuple[list[str], str]:
    """Return the words of the command that an audit event tells of, and the folder it is run in, if named."""
    folder = ""
    if event == "os.system":
        words = _split(os.fsdecode(arguments[0]))
    else:
        words = [
            os.fsdecode(word) for word in arguments[1] or () if isinstance(word, str | bytes | os.PathLike)
        ]
        if len(words) > 2 and words[1] == "-c" and os.path.basename(words[0]) in ("sh", "bash"):
            words = [*_split(words[2]), *words[3:]]
        if event == "subprocess.Popen" and arguments[2] is not None:
            folder = os.fsdecode(arguments[2])
    return [part for word in words for part in (word, word.partition("=")[2]) if part], folder


def _split(command: str) -> list[str]:
    import shlex  # only for a step that gives the shell a line

    try:
        return shlex.split(command)
    except ValueError:  # a quote that does not end
        return command.split()


def paths_named_in(task: Any) -> list[str]:
    """Return the paths, and texts that may be such, in a task and in what it consists of, each once.

    A text without a dot or a slash is taken for no path.
    """
    found: dict[str, None] = {}
    waiting: deque[Any] = deque([task])
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_ITEMS:
        item = waiting.popleft()
        if isinstance(item, str):
            if _PATH.fullmatch(item):
                found[item] = None
        elif isinstance(item, os.PathLike):
            found[os.fsdecode(item)] = None
        elif id(item) not in seen and not isinstance(item, _NOT_DATA):
            seen.add(id(item))
            waiting.extend(_parts_of(item))
    return list(found)


def _parts_of(item: Any) -> Iterator[Any]:
    if isinstance(item, _CONTAINERS):
        yield from item if len(item) <= _MOST_ITEMS else ()
    elif isinstance(item, dict):
        yield from item.values()
    elif isinstance(item, functools.partial):
        yield from (item.func, item.args, item.keywords)
    elif isinstance(item, MethodType):
        yield item.__self__
    elif type(held := getattr(item, "__dict__", None)) is dict:
        yield from held.values()
