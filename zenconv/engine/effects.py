"""What a step does beyond its result, and what it asks the outside: gathered while it runs.

A reused step does none of it again, and nothing of it is in its key. Told is what the project's
own code brings about, with its line. What libraries do for themselves (caches, temporary files,
their own variables, pools of processes) is theirs.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePath
from types import FrameType
from typing import Any

import attrs

from zenconv.engine.deeds import Deed, describe_deeds
from zenconv.engine.discovery import sign_file
from zenconv.engine.keys import IMPURE_BUILTINS
from zenconv.engine.origins import UNKNOWN, Origin, Origins
from zenconv.records.step import Node

_MOST_DEEDS = 1000
_SYSTEM_FOLDERS = ("/dev/", "/proc/", "/sys/")
_TEMPORARY_FOLDERS = ("/tmp/", "/var/tmp/", "/dev/shm/", "/private/tmp/", "/private/var/folders/")
_CACHE = re.compile(r"(^|/)(site-packages|dist-packages|__pycache__|\.[^/]*)(/|$)|\.lock$")
_CACHE_VARIABLE = re.compile(r"CACHE|TE?MP|CONFIG|_HOME$|^XDG_")
_THIS_MACHINE = ("127.", "localhost", "::1", "/", "\0")
"""How addresses on this machine begin: of the loopback device, and of sockets that are files."""


@attrs.define(eq=False, repr=False)
class Effects:
    """The effects of one execution of one step.

    `where` is the step's own place. `allowed` are folders and files that it may write, `excused`
    the values of its fixtures: what happens through them is declared. The step runs in the thread
    `thread`; others run beside it there if it `is_async`. If it `is_refreshed`, it
    is known to ask the outside.
    """

    root: str
    origins: Origins
    where: tuple[str, int]
    is_async: bool = False
    is_refreshed: bool = False
    allowed: list[str] = attrs.field(factory=list)
    excused: list[Any] = attrs.field(factory=list)
    thread: int = attrs.field(factory=threading.get_ident)
    _deeds: dict[tuple[str, str], Deed] = attrs.field(factory=dict)
    _gone: set[str] = attrs.field(factory=set)
    _opened: dict[str, list[int]] = attrs.field(factory=dict)
    _set_here: set[str] = attrs.field(factory=set)
    _hosts: dict[int, str] = attrs.field(factory=dict)

    def warnings(
        self, returned: Iterable[Any], env: Iterable[str], parameters: Mapping[str, Any], name: str
    ) -> list[str]:
        """Return what people should know about the step `name`: a line for each kind of effect.

        What lies at one of the `returned` paths, or is not there any more, and the variables in
        `env` are in order. `parameters` are the step's arguments, for the advice.
        """
        found = list(self._deeds.values())  # a thread that the step left behind may go on adding
        if not found:
            return []  # what was returned may be big, and is looked through for nothing else
        self.allowed += [path for value in returned for path in paths_in(value)]
        deeds = [deed for deed in found if self._counts(deed, found, set(env))]
        return describe_deeds(deeds, name, parameters, self.root)

    def _counts(self, deed: Deed, found: list[Deed], env: set[str]) -> bool:
        if deed.kind == "write":
            if sign_file(deed.name) == self._opened.get(deed.name):
                return False  # opened for both, and only read
            is_there = os.path.lexists(deed.name) and not self.may_write(deed.name)
            if not is_there or not os.path.isdir(deed.name):
                return is_there
            inside = deed.name + os.sep  # of a new folder, what was written into it says more
            return not any(other.kind == "write" and other.name.startswith(inside) for other in found)
        if deed.kind == "environment":
            # It is what child processes get, and those are told of.
            return not any(other.kind == "process" for other in found)
        if deed.kind in ("connection", "process"):
            return not self.is_refreshed
        return deed.kind != "variable" or deed.name not in env

    def note(self, kind: str, name: str, origin: Origin, *, existed: bool = False) -> None:
        """Take down one effect, once."""
        if (kind, name) not in self._deeds and len(self._deeds) < _MOST_DEEDS:
            self._deeds[kind, name] = Deed(kind, name, origin.file, origin.line, existed)

    # -- files

    def write(self, path: str) -> None:
        """Take down that the file or folder at the absolute `path` is about to be written."""
        self._opened.pop(path, None)
        self._note_write(path)

    def open_to_change(self, path: str) -> None:
        """Take down that the file at the absolute `path` can be changed from now on, if it is at all."""
        if ("write", path) not in self._deeds:
            self._opened[path] = sign_file(path)
            self._note_write(path)

    def _note_write(self, path: str) -> None:
        self._gone.discard(path)
        if ("write", path) not in self._deeds and not self.may_write(path):
            origin = self._find_writer(path)
            if origin is not None:
                self.note("write", path, origin, existed=os.path.lexists(path))

    def write_unseen(self, path: str, where: str, *, existed: bool) -> None:
        """Take down that `path` has changed though nobody was heard; `where` may say who it was given to."""
        if not self.may_write(path):
            file, _, line = where.rpartition(":")
            place = (file, int(line)) if line.isdigit() else self.where
            self.note("write", path, Origin(*place, is_direct=True, frame=None), existed=existed)

    def make_folder(self, path: str) -> None:
        """Take down that a folder is about to be made; where it is there already, nothing will happen."""
        if not os.path.lexists(path):
            self.write(path)

    def remove(self, path: str) -> None:
        """Take down that what is at the absolute `path` is about to go."""
        if path in self._gone:
            return  # told as a whole, and now once more for its last piece
        self._gone.add(path)
        made = [key for key in self._deeds if key[0] == "write" and _is_within(key[1], path)]
        if made and not any(self._deeds.pop(key).existed for key in made):
            return
        if not self.may_write(path) and os.path.lexists(path):
            origin = self._find_writer(path)
            if origin is not None:
                self.note("remove", path, origin)

    def _find_writer(self, path: str) -> Origin | None:
        origin = self.origins.find(sys._getframe(1), self.excused)
        if origin is None or origin is UNKNOWN:
            return None
        return origin if origin.is_direct or not self._is_library_place(path) else None

    def may_write(self, path: str) -> bool:
        """Return whether the step may write to the absolute `path` without a word."""
        if path.startswith(_SYSTEM_FOLDERS):
            return True
        return any(_is_within(path, place) for place in self.allowed)

    def _is_library_place(self, path: str) -> bool:
        if path.startswith(self.root):
            return _CACHE.search(path[len(self.root) :]) is not None
        if path.startswith(_TEMPORARY_FOLDERS) or _CACHE.search(path):
            return True
        return path.startswith((sys.prefix + os.sep, *_cache_folders()))

    # -- the environment

    def set_variable(self, name: str) -> None:
        """Take down that the step itself sets an environment variable: it need not declare that."""
        self._set_here.add(name)

    def read_variable(self, name: str | None, frame: FrameType | None) -> None:
        """Take down that an environment variable, or with None all of them, is read by `frame`."""
        reader = _skip_mapping(frame)
        if name in self._set_here or reader is None:
            return
        origin = self.origins.find(reader, self.excused)
        if origin is None or origin is UNKNOWN:
            return
        if name is not None:
            if origin.names(name):
                self.note("variable", name, origin)
        elif reader is origin.frame and "environ" in reader.f_code.co_names:
            self.note("environment", f"{origin.file}:{origin.line}", origin)

    # -- the network, processes

    def look_up(self, host: Any, port: Any) -> None:
        """Take down the name of a host, before it is connected to by its address."""
        if isinstance(host, str | bytes) and isinstance(port, int):
            self._hosts[port] = os.fsdecode(host)

    def connect(self, address: Any, port: Any = None) -> None:
        """Take down that a connection is about to be opened, or used."""
        if isinstance(address, tuple) and len(address) >= 2:
            address, port = address[:2]
        if not isinstance(address, str | bytes) or not address:
            return
        host = os.fsdecode(address)
        if isinstance(port, int):
            host = self._hosts.get(port, host)
        origin = self._find_caller()
        if origin is None:
            return
        if host.startswith(_THIS_MACHINE) and not (origin.is_direct or origin.names(host)):
            return  # a library talks to its own helper process
        self.note("connection", f"{host}:{port}" if isinstance(port, int) else host, origin)

    def start(self, program: Any, arguments: Any = ()) -> None:
        """Take down that a child process is about to be started."""
        origin = self.origins.find(sys._getframe(1), self.excused)
        if origin is not None and origin is not UNKNOWN and origin.is_direct:
            self.note("process", _program_name(program, arguments), origin)

    def _find_caller(self) -> Origin | None:
        """Return who is behind what happens now, in this thread or another that works for the step."""
        origin = self.origins.find(sys._getframe(2), self.excused)
        if origin is not UNKNOWN:
            return origin
        if self.is_async:
            return Origin(*self.where, is_direct=False, frame=None)
        if threading.get_ident() == self.thread:
            return None
        origin = self.origins.find(sys._current_frames().get(self.thread), self.excused)
        return origin if origin is not UNKNOWN else None


def effects_of(
    node: Node,
    arguments: Mapping[str, Any],
    allowed: Iterable[Path],
    root: str,
    origins: Origins,
    *,
    is_async: bool,
) -> Effects | None:
    """Return what will be taken down of a step called with `arguments`; None where all is in order.

    It may write to the paths `allowed`, to its declared places, and where its fixtures say.
    """
    if not node.step.note.cache or _is_impure(node):
        return None  # what it does, it does in every run
    excused = [arguments[b.parameter] for b in node.bindings if b.source == "fixture"]
    given = [arguments[b.parameter] for b in node.bindings if b.is_output or b.source == "builtin"]
    places = [os.path.abspath(place) for place in (*allowed, *given, *excused) if _is_path(place)]
    return Effects(
        root,
        origins,
        (node.step.file, node.step.line),
        is_async=is_async,
        is_refreshed=node.step.note.refresh is not None,
        allowed=places,
        excused=excused,
    )


def _is_impure(node: Node) -> bool:
    return any(b.source == "builtin" and b.fixture in IMPURE_BUILTINS for b in node.bindings)


def _is_path(value: Any) -> bool:
    return isinstance(value, os.PathLike) or (isinstance(value, str) and os.path.isabs(value))


def _is_within(path: str, place: str) -> bool:
    return path == place or path.startswith(place + os.sep)


def _skip_mapping(frame: FrameType | None) -> FrameType | None:
    """Return who reads ``os.environ``, beyond the methods of mappings; None for a mere default."""
    while frame is not None and frame.f_code.co_filename in ("<frozen os>", "<frozen _collections_abc>"):
        if frame.f_code.co_name in ("setdefault", "get_exec_path"):
            return None
        frame = frame.f_back
    return frame


def _program_name(program: Any, arguments: Any) -> str:
    words = [os.fsdecode(word) for word in arguments or () if isinstance(word, str | bytes | os.PathLike)]
    if len(words) > 2 and words[1] == "-c" and os.path.basename(words[0]) in ("sh", "bash", "cmd.exe"):
        words = words[2].split()
    elif not words and isinstance(program, str | bytes):
        words = os.fsdecode(program).split()  # the command line of os.system
    return os.path.basename(words[0]) if words else "a program"


def paths_in(value: Any) -> list[str]:
    """Return the absolute paths that are, or lie in the containers of, a value that a step returned."""
    found: list[str] = []
    waiting, seen = [value], set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, PurePath):
            found.append(os.path.abspath(item))
        elif isinstance(item, list | tuple | set | frozenset | dict) and id(item) not in seen:
            seen.add(id(item))
            waiting += item.values() if isinstance(item, dict) else item
    return found


def _cache_folders() -> tuple[str, ...]:
    """Return the folders that variables such as ``HF_HOME`` and ``NUMBA_CACHE_DIR`` give to libraries."""
    return tuple(
        value.rstrip(os.sep) + os.sep
        for name, value in os.environ.items()
        if _CACHE_VARIABLE.search(name) and os.path.isabs(value) and value != os.sep
    )


def _absolute(path: Any) -> str:
    return os.path.abspath(os.fsdecode(path)) if isinstance(path, str | bytes | os.PathLike) else ""


def _rename(effects: Effects, source: Any, target: Any, *descriptors: int) -> None:
    if max(descriptors, default=-1) < 0:
        effects.remove(_absolute(source))
        effects.write(_absolute(target))


def _remove(effects: Effects, path: Any, descriptor: Any = None) -> None:
    if descriptor in (None, -1) and (path := _absolute(path)):
        effects.remove(path)


def _make(effects: Effects, path: Any, _mode: int = 0, descriptor: int = -1) -> None:
    if descriptor == -1 and (path := _absolute(path)):
        effects.make_folder(path)


def _link(effects: Effects, _source: Any, target: Any, *_rest: Any) -> None:
    effects.write(_absolute(target))


def file_of_database(name: Any) -> Any:
    """Return the file that a database of SQLite is in, which may be named by a URI."""
    text = os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else ""
    if not text.startswith("file:"):
        return name
    from urllib.parse import unquote

    return unquote(text.removeprefix("file:").removeprefix("//").partition("?")[0].partition("#")[0])


def _database(effects: Effects, path: Any) -> None:
    path = _absolute(file_of_database(path))
    if path and not path.endswith(":memory:"):
        effects.open_to_change(path)


Taker = Callable[..., None]
TAKERS: Mapping[str, Taker] = {
    "os.rename": _rename,
    "os.remove": _remove,
    "os.rmdir": _remove,
    "shutil.rmtree": _remove,
    "os.mkdir": _make,
    "os.link": _link,
    "os.symlink": _link,
    "os.truncate": lambda effects, path, _length: effects.write(_absolute(path)),
    "sqlite3.connect": _database,
    "os.putenv": lambda effects, name, _value: effects.set_variable(os.fsdecode(name)),
    "tempfile.mkdtemp": lambda effects, path: effects.allowed.append(_absolute(path)),
    "tempfile.mkstemp": lambda effects, path: effects.allowed.append(_absolute(path)),
    "socket.getaddrinfo": lambda effects, host, port, *_rest: effects.look_up(host, port),
    "socket.connect": lambda effects, _socket, address: effects.connect(address),
    "socket.sendto": lambda effects, _socket, address: effects.connect(address),
    "http.client.send": lambda effects, client, _data: effects.connect(client.host, client.port),
    "subprocess.Popen": lambda effects, program, arguments, *_rest: effects.start(program, arguments),
    "os.system": lambda effects, command: effects.start(command),
    "os.posix_spawn": lambda effects, program, arguments, _env: effects.start(program, arguments),
}
"""What to do with the audit events that tell of effects, beside ``open``."""
