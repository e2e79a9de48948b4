"""Watch what the project's code reads while it is imported, other than modules.

The rule: what counts is what a project module asks for itself. Looking outwards from the place
where something is read, the first frame that belongs to the project decides; if the import
system stands before it, an installed library reads for its own start, and its version covers
that. Files of installed libraries are covered too.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
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
_watchers: list[Watcher] = []
_is_listening = False


class Watcher:
    """Notes, while entered, why what is imported may depend on more than its bytes.

    `reasons` are sentences with file and line, in the order in which they were found.
    """

    def __init__(self, sources: ProjectSources) -> None:
        self.sources = sources
        self.reasons: list[str] = []
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
        shown = f" {os.fspath(subject)!r}" if isinstance(subject, str | os.PathLike) else ""
        self.note(_WATCHED[event] + shown, sys._getframe(3))

    def note_variable(self, name: str | None, frame: FrameType | None) -> None:
        """Take down that the environment is read: one variable, or all."""
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


def _listen() -> None:
    global _is_listening
    if not _is_listening:
        _is_listening = True
        listen(_WATCHED, _hear)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    for watcher in _watchers:
        watcher.see(event, arguments)
