"""Watch what the project's code reads while it is imported, other than modules.

The rule: what counts is what a project module asks for itself. Looking outwards from the place
where something is read, the first frame that belongs to the project decides; if the import
system stands before it, an installed library reads for its own start, and its version covers
that. Files of installed libraries are covered too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import takewhile
from types import FrameType, TracebackType
from typing import Any, Self

from zenconv.engine.audit import listen, watch_environment
from zenconv.fingerprint.places import STANDARD_LIBRARY
from zenconv.fingerprint.sources import ProjectSources

_WATCHED = {
    "open": "opens",
    "os.listdir": "lists",
    "os.scandir": "lists",
    "os.mkdir": "makes",
    "os.remove": "deletes",
    "os.rename": "renames",
    "shutil.rmtree": "deletes",
    "subprocess.Popen": "starts",
    "os.system": "starts",
    "os.posix_spawn": "starts",
    "os.exec": "starts",
    "os.fork": "forks",
    "socket.connect": "connects to",
    "socket.getaddrinfo": "looks up",
    "socket.gethostbyname": "looks up",
    "socket.gethostname": "asks for the host's name",
    "urllib.Request": "fetches",
    "sqlite3.connect": "opens",
    "ctypes.dlopen": "loads",
    "tempfile.mkstemp": "makes",
    "tempfile.mkdtemp": "makes",
    "builtins.input": "asks for input",
}
_SEARCHING = ("open", "os.listdir", "os.scandir")
_METADATA = ("importlib_metadata", "zipp")
_INSTALLED = ("site-packages", "dist-packages")
_watchers: list[Watcher] = []
_is_listening = False


class Watcher:
    """Notes, while entered, why what is imported may depend on more than its bytes.

    `reasons` are sentences with file and line, in the order in which they were found. `switches` are
    variables of the environment that a library reads for itself on behalf of the project, such as
    ``PYDANTIC_DISABLE_PLUGINS``: their values can be compared.
    """

    def __init__(self, sources: ProjectSources) -> None:
        self.sources = sources
        self.reasons: list[str] = []
        self.switches: set[str] = set()
        self._depth = 0
        self._environment = ExitStack()

    def __enter__(self) -> Self:
        self._depth += 1
        if self._depth == 1:
            _listen()
            _watchers.append(self)
            self._environment.enter_context(watch_environment(self.note_variable))
            self._paths = list(sys.path)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if not self._depth:
            self._environment.close()
            _watchers.remove(self)
            self._look_at_import_system()

    def note(self, what: str, frame: FrameType | None) -> None:
        """Take down that `what` happened, if the project's own code asked for it."""
        asking = self._find_asking(frame)
        if asking is None:
            return
        file, line = asking
        reason = f"{self.sources.relative(file)}:{line} {what} while it is imported"
        if reason not in self.reasons and len(self.reasons) < 50:
            self.reasons.append(reason)

    def see(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take down an audit event."""
        subject = arguments[0] if arguments else None
        if event == "open" and self._is_covered(subject):
            return
        if event in _SEARCHING and subject in sys.path and _is_search(sys._getframe(3)):
            return  # the names of what is installed are compared
        shown = f" {os.fspath(subject)!r}" if isinstance(subject, str | os.PathLike) else ""
        self.note(_WATCHED[event] + shown, sys._getframe(3))

    def note_variable(self, name: str | None, frame: FrameType | None) -> None:
        """Take down that the environment is read: one variable, or all."""
        if name is not None and _is_switch(name, frame):
            if self._find_asking(frame) is not None:
                self.switches.add(name)
            return
        self.note(
            "reads the environment" if name is None else f"reads the environment variable {name!r}", frame
        )

    def _is_covered(self, path: Any) -> bool:
        if not isinstance(path, str | os.PathLike):
            return isinstance(path, int)  # a descriptor: whoever opened it was seen
        full = os.path.abspath(os.fspath(path))
        if full.startswith(STANDARD_LIBRARY + os.sep):
            return True
        if any(str(source.path) == full for source in self.sources.modules()):
            return True
        return not self.sources.places.is_project_folder(os.path.dirname(full)) and (
            "site-packages" in full or "dist-packages" in full
        )

    def _find_asking(self, frame: FrameType | None) -> tuple[str, int] | None:
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith("<frozen importlib"):
                return None
            is_program = file.startswith("<") or frame.f_globals.get("__name__") == "__main__"
            if not is_program and self.sources.places.is_project_file(file):
                return file, frame.f_lineno
            frame = frame.f_back
        return None

    def _look_at_import_system(self) -> None:
        if [path for path in self._paths if path != str(self.sources.root)] != [
            path for path in sys.path if path != str(self.sources.root)
        ]:
            self.reasons.append("sys.path is changed while the project is imported")
        for finder in (*sys.meta_path, *sys.path_hooks):
            module = getattr(finder, "__module__", None) or type(finder).__module__
            if isinstance(module, str) and self.sources.get(module) is not None:
                self.reasons.append(f"{module} changes how modules are imported")


def _is_switch(name: str, frame: FrameType | None) -> bool:
    """Return whether a library reads a variable that has its name: ``TORCH_...`` by torch."""
    reader = next((outer for outer in _outwards(frame) if not _is_standard(outer)), None)
    if reader is None or not any(part in reader.f_code.co_filename for part in _INSTALLED):
        return False
    library = _library(reader)
    return bool(library) and name.startswith(f"{library.upper()}_")


def _is_search(frame: FrameType | None) -> bool:
    """Return whether installed packages are looked for by their metadata, as for entry points."""
    inner = takewhile(lambda outer: _is_standard(outer) or _library(outer) in _METADATA, _outwards(frame))
    names = {outer.f_globals.get("__name__") for outer in inner}
    return not names.isdisjoint(("importlib.metadata", "importlib_metadata"))


def _library(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _is_standard(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return file.startswith(("<frozen ", STANDARD_LIBRARY + os.sep)) and not any(p in file for p in _INSTALLED)


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _listen() -> None:
    global _is_listening
    if not _is_listening:
        _is_listening = True
        listen(_WATCHED, _hear)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    for watcher in _watchers:
        watcher.see(event, arguments)
