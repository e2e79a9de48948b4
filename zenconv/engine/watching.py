"""Watch a step while it runs: the files of the project that it reads without asking, and its effects.

What it opens for reading and which folders it lists is heard from an audit hook, what it looks for
and gives to libraries by name from two functions of `os`; text in its code that names a file counts
too, for libraries that open files without Python noticing.

What happens in the context of a step is its doing, and so is what a thread does that it has
started: other than async steps, only one runs at a time in a process.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar, Token
from glob import has_magic
from itertools import chain
from pathlib import Path
from stat import S_ISREG
from types import FrameType
from typing import Any, Self

from zenconv.engine.asked_modules import AskedModules
from zenconv.engine.audit import listen, watch_environment
from zenconv.engine.discovery import (
    LOOK,
    Reading,
    find_matches,
    find_unopened,
    fold,
    is_older,
    sign_file,
)
from zenconv.engine.effects import TAKERS, Effects, effects_of, file_of_database, paths_in
from zenconv.engine.failures import ProjectFiles
from zenconv.engine.handed_over import (
    COMMANDS,
    overhear_new_pools,
    overhear_tasks,
    paths_named_in,
    task_of_fork,
    words_of,
)
from zenconv.engine.looks import Looks
from zenconv.engine.named_files import find_patterns, sign_named_files
from zenconv.engine.naming import Spoken, read_code, texts_in
from zenconv.engine.origins import UNKNOWN, Origin, Origins, is_import, is_inside_open_folder, loaded_files
from zenconv.engine.overhearing import overhear
from zenconv.engine.places import Places
from zenconv.engine.process_state import ProcessState
from zenconv.engine.uncaught import notice_showing
from zenconv.records.step import Node

_CREATING_FLAGS = os.O_CREAT | os.O_TRUNC | os.O_APPEND
_WRITING_FLAGS = os.O_WRONLY | os.O_RDWR | _CREATING_FLAGS
_CODE_SUFFIXES = (".py", ".pyw", ".pyc", ".pyi", ".so", ".pyd")
_LISTINGS = ("os.listdir", "os.scandir")
_NEW_PROCESSES = ("os.fork", "_thread.start_new_thread")
"""A process, or the thread that feeds a pool of them with tasks."""
_READING = ("open", *_LISTINGS)
_HEARD = ("open", *_LISTINGS, "os.chdir", *TAKERS, *_NEW_PROCESSES)
_REPLACING = {"os.rename": 1, "os.link": 1, "os.symlink": 1, "os.remove": 0, "shutil.rmtree": 0}
"""Which argument of an audit event names what the step itself puts there or takes away."""
_MOST_FILES = 100_000
_MOST_PLACES = 3
"""For how many of them the line that reads them is looked for."""
_HOOK_FRAMES = 4
"""How many frames stand between a method that `Observation.hear` calls and what caused the event."""

_current: ContextVar[Observation | None] = ContextVar("zenconv_observation", default=None)
_alone: Observation | None = None
_is_listening = False


class Observer(Places):
    """Watches the steps of one project, whose root and source files are given."""

    def __init__(self, root: Path, files: ProjectFiles | None = None) -> None:
        super().__init__(root)
        self._files = files or ProjectFiles(root)
        self.origins = Origins(self._files)
        self._texts: dict[Callable[..., Any], Spoken] = {}

    def begin(
        self,
        node: Node | None = None,
        *,
        is_async: bool = False,
        fixtures: Iterable[Callable[..., Any]] = (),
    ) -> Observation:
        """Return what will be seen of one execution of a step, and of the functions of its fixtures."""
        _listen_once()
        return Observation(self, node, is_async=is_async, fixtures=fixtures)

    def speaks_of(self, function: Callable[..., Any] | None) -> Spoken:
        """Return what the project's code that `function` reaches speaks of; taken once."""
        if function is None:
            return Spoken([], is_unheard=False)
        known = self._texts.get(function)
        if known is None:
            known = self._texts[function] = read_code(function, self._files)
        return known


class Observation:
    """What one execution of a step reads below the root, and its effects, while it is entered.

    Left out of what it reads: the state folder, hidden folders, installed packages, Python
    modules that are imported (their code counts by fingerprint), and what the step itself writes.
    """

    def __init__(
        self,
        observer: Observer,
        node: Node | None,
        *,
        is_async: bool,
        fixtures: Iterable[Callable[..., Any]] = (),
    ) -> None:
        self._observer = observer
        self._node = node
        self._is_async = is_async
        self._home = self._folder = os.getcwd()
        self._has_moved = False
        self._strayed = ""
        self._began = time.time_ns()
        self._is_storing = False
        self._read: dict[str, Reading] = {}
        self._asked = AskedModules(observer.origins, observer.name_below)
        self._looks = Looks(observer.root)
        self._written: set[str] = set()
        self._replaced: list[str] = []
        self._unheard_patterns: list[str] | None = None
        self._named = self._sign_named(fixtures)
        self._effects: Effects | None = None
        self._state: ProcessState | None = None
        self._around = ExitStack()
        self._token: Token[Observation | None] | None = None

    def __enter__(self) -> Self:
        global _alone
        if self._strayed:
            os.chdir(self._strayed)  # where the step's code had gone, and goes on
        self._token = _current.set(self)
        if not self._is_async:
            _alone = self
        self._around.enter_context(watch_environment(_hear_variable))
        self._around.enter_context(overhear(_hear_look, _hear_expansion, _hear_asking))
        self._around.enter_context(overhear_tasks(_hear_task))
        return self

    def __exit__(self, *exc_info: object) -> None:
        global _alone
        self._around.close()
        if not self._is_async:
            _alone = None
        if self._token is not None:
            _current.reset(self._token)
        if self._has_moved and not self._is_async:
            self._return_home()

    def _return_home(self) -> None:
        """Go back to where paths of the next step begin."""
        try:
            self._strayed = os.getcwd()
        except FileNotFoundError:  # it was a temporary folder
            self._strayed = ""
        os.chdir(self._home)

    @contextmanager
    def apart(self, *, keep: bool) -> Iterator[dict[str, Reading]]:
        """Give what is read meanwhile by itself; with `keep` it counts for the step as well."""
        read: dict[str, Reading] = {}
        before = self._read
        self._read = read
        try:
            yield read
        finally:
            self._read = before
            if keep:
                self.add(read)

    @contextmanager
    def storing(self) -> Iterator[None]:
        """Hear, while entered, what is read to store what the step returned, such as files by their paths.

        It counts if it was there, as it is, before the step began; else it is likely to be its own work.
        """
        token = _current.set(self)
        self._is_storing = True
        try:
            yield
        finally:
            self._is_storing = False
            _current.reset(token)

    def add(self, read: Mapping[str, Reading]) -> None:
        """Count what was read earlier for something that the step uses."""
        for name, reading in read.items():
            self._read.setdefault(name, reading)

    def watch_effects(self, arguments: Mapping[str, Any], *allowed: Path) -> None:
        """Go on to the step itself, called with `arguments`: its effects count from now on.

        It may write to the paths `allowed`, to its declared places, and where its fixtures say.
        """
        self._state = None if self._is_async else ProcessState(self._observer.origins)
        if self._node is not None:
            observer = self._observer
            self._effects = effects_of(
                self._node, arguments, allowed, observer.root, observer.origins, is_async=self._is_async
            )

    def put_back(self) -> None:
        """Undo what the step has changed about its process, where that is its own doing."""
        if self._state is not None:
            self._state.put_back()

    def pass_on(self, items: Iterable[Any]) -> Iterator[Any]:
        """Yield `items` that a step returns one by one: where one is a path, the step may write there."""
        for item in items:
            self.note_returned(item)
            yield item

    def note_returned(self, item: Any) -> None:
        """Take down one of several values that a step returns."""
        if self._effects is not None:
            self._effects.allowed += paths_in(item)

    def warnings(self, returned: Iterable[Any]) -> list[str]:
        """Return what people should know of the step's effects, once it has returned these values."""
        if self._effects is None or self._node is None:
            return []
        named = ((name, ("", before)) for name, before in self._named.items())
        for name, (where, before) in chain(named, self._looks.given()):
            if name not in self._written and sign_file(self._full(name)) not in (before, []):
                self._effects.write_unseen(self._full(name), where, existed=bool(before))
        note = self._node.step.note
        values = {b.parameter: b.value for b in self._node.bindings if b.source == "value"}
        return self._effects.warnings(returned, note.env, values, self._node.step.name)

    def discovered(self) -> dict[str, Reading]:
        """Return what was read, by name relative to the root (``folder/`` for a listing), sorted.

        What the step's code names counts as well, if it is a file and is as it was before.
        """
        where = self._node.step.where if self._node is not None else ""
        found = dict(self._read)
        found = {**self._asked.readings(), **found}
        for name, before in self._named.items():
            if before and name not in found and sign_file(self._full(name)) == before:
                found[name] = (where, before)
        if self._unheard_patterns is not None:
            root = Path(self._observer.root)
            found |= find_unopened(found, where, root, self._began, self._unheard_patterns)
        written = self._written | self._looks.written()
        found = {name: reading for name, reading in found.items() if self._counts(name, found, written)}
        return fold(dict(sorted(found.items())), Path(self._observer.root))

    def _counts(self, name: str, found: Mapping[str, Reading], written: set[str]) -> bool:
        """Return whether what was read, or looked for, is an input, and not the step's own work."""
        if self._is_own(name):
            return False
        if name.endswith(LOOK):
            looked = name.removesuffix(LOOK)
            if self._is_own(looked) or (self._effects and self._effects.may_write(self._full(looked))):
                return False
        return self._looks.counts(name, found, written)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take down an audit event."""
        if self._is_storing:
            if event in _READING:
                self._hear_stored(event, *arguments)
        elif event == "open":
            self._hear_open(*arguments)
        elif event in _LISTINGS:
            self._hear_listing(arguments[0])
        elif event == "os.chdir":
            self._folder = ""
            self._has_moved = True
        elif event in _NEW_PROCESSES:
            overhear_new_pools()
            if event == "os.fork" and (process := task_of_fork(sys._getframe(1))) is not None:
                self.hear_task(process)
        else:
            self._hear_deed(event, arguments)

    def _hear_deed(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.mkdir":
            self._written.add(self._observer.name_below(self._absolute(arguments[0])) or "")
        if event in _REPLACING:
            self._hear_replacing(arguments[_REPLACING[event]])
        if event == "sqlite3.connect":
            self._hear_database(file_of_database(arguments[0]))
        if event in COMMANDS and self._find_origin() is not None:
            self._hear_names(*words_of(event, arguments))
        if self._effects is not None:
            TAKERS[event](self._effects, *arguments)

    def hear_variable(self, name: str | None, frame: FrameType | None) -> None:
        """Take down that somebody reads ``os.environ``."""
        if self._effects is not None:
            self._effects.read_variable(name, frame)

    def _hear_open(self, path: Any, mode: Any, flags: Any) -> None:
        full = self._absolute(path)
        if not full or (mode is None and is_inside_open_folder(path, sys._getframe(_HOOK_FRAMES))):
            return
        name = self._observer.name_below(full)
        flags = flags if isinstance(flags, int) else 0
        if isinstance(mode, str) and any(letter in mode for letter in "wax"):
            flags |= os.O_CREAT
        if flags & os.O_RDWR and not flags & _CREATING_FLAGS:
            self._note_changeable(name, full)
            if self._effects is not None:
                self._effects.open_to_change(full)
        elif flags & _WRITING_FLAGS:
            if name:
                self._written.add(name)
            if self._effects is not None:
                self._effects.write(full)
        elif name and not (name.endswith(_CODE_SUFFIXES) and self._is_about_code(full)):
            self._looks.note_reading(name)
            self._note_read(name, full)

    def _is_about_code(self, full: str) -> bool:
        """Return whether code is read because it is imported, or a library looks into what is."""
        if is_import(sys._getframe(_HOOK_FRAMES + 1)):
            return True
        origin = self._find_origin()
        return origin is not None and not origin.is_direct and full in map(self._absolute, loaded_files())

    def _hear_stored(self, event: str, path: Any, _mode: Any = None, flags: Any = 0) -> None:
        name = self._observer.name_below(full := self._absolute(path))
        if not name or name in self._written or not is_older(full, self._began):
            return
        if event in _LISTINGS:
            self._hear_listing(path)
        elif isinstance(flags, int) and flags & _WRITING_FLAGS:
            pass  # by whoever stores it
        elif not (name.endswith(_CODE_SUFFIXES) and self._is_about_code(full)):
            self._note_read(name, full)

    def _note_changeable(self, name: str | None, full: str) -> None:
        """Note a file that is opened for both: whether it is only read shows in the end."""
        if name and os.path.isfile(full) and name not in self._written:
            self._note_read(name, full)
            self._looks.note_changeable(name, self._read.get(name, ("", [])))

    def hear_look(self, path: Any, status: os.stat_result | None, is_whole: bool) -> None:
        """Take down that somebody looks what is at `path`, and may be told its whole status."""
        name = self._observer.name_below(self._absolute(path))
        if not name or name.endswith(_CODE_SUFFIXES):
            return
        is_file = status is not None and S_ISREG(status.st_mode)
        if is_file and is_whole and self._observer.origins.asks_status(sys._getframe(1)):
            self._hear_names([name], self._observer.root)
        elif not self._looks.is_news(name):
            return
        elif self._find_origin() is not None or self._observer.origins.is_bare_thread(sys._getframe(1)):
            self._looks.note_look(name, status, self._read)

    def hear_expansion(self, path: Any) -> None:
        """Take down that a library makes `path` ready, most likely to open it in compiled code."""
        name = self._observer.name_below(self._absolute(path))
        origin = self._find_origin() if name else None
        if name and origin is not None and not origin.is_direct:
            where = f"{origin.file}:{origin.line}" if origin.line else ""
            self._looks.note_given(name, where, self._read, self._observer.name_below)

    def hear_task(self, task: Any) -> None:
        """Take down that another process is given something to do."""
        self._hear_names(paths_named_in(task))

    def _hear_names(self, names: Iterable[str], folder: str = "") -> None:
        """Take down what is handed over by name, seen from `folder`: what is there counts by content.

        What the step has read before is an input, whatever becomes of it.
        """
        folder = os.path.join(self._absolute("."), folder)
        where = self._node.step.where if self._node is not None else ""
        for text in names:
            full = self._observer.absolute(text, folder)
            name = self._observer.name_below(full) if full else None
            if name and name not in self._read and (os.path.lexists(full) or find_matches(full)):
                self._looks.note_given(name, where, self._read, self._observer.name_below)

    def hear_asking(self, module: str, caller: FrameType) -> None:
        """Take down that a module is asked for by a name that no fingerprint knows."""
        self._read.update(self._asked.note(module, caller))

    def _find_origin(self) -> Origin | None:
        origin = self._observer.origins.find(sys._getframe(2))
        return None if origin is UNKNOWN else origin

    def _hear_listing(self, path: Any) -> None:
        name = self._observer.name_below(self._absolute(path))
        # What imports look through is not what the step looks at.
        if name is not None and self._observer.origins.find(sys._getframe(1)) is not None:
            self._note_read(f"{name}/" if name else "./", "")

    def _hear_replacing(self, path: Any) -> None:
        """Note what is not an input any more: it goes away, or something takes its place."""
        name = self._observer.name_below(self._absolute(path))
        if name:
            self._written.add(name)
            self._replaced.append(f"{name}/")

    def _is_own(self, name: str) -> bool:
        return name in self._written or name.startswith(tuple(self._replaced))

    def _hear_database(self, path: Any) -> None:
        full = self._absolute(path)
        self._note_changeable(self._observer.name_below(full), full)

    def _note_read(self, name: str, full: str) -> None:
        if name not in self._read and len(self._read) < _MOST_FILES:
            where = ""
            if len(self._read) < _MOST_PLACES:
                origin = self._observer.origins.find(sys._getframe(1))
                where = f"{origin.file}:{origin.line}" if origin is not None and origin.line else ""
            self._read[name] = (where, sign_file(full) if full else [])

    def _absolute(self, path: Any) -> str:
        if not self._folder:
            self._folder = os.getcwd()
        return self._observer.absolute(path, self._folder)

    def _full(self, name: str) -> str:
        return os.path.join(self._observer.root, name)

    def _sign_named(self, fixtures: Iterable[Callable[..., Any]]) -> dict[str, list[int]]:
        """Return the files that the code of the step and its fixtures may name, and what each is like now."""
        observer = self._observer
        function = self._node.step.function if self._node is not None else None
        spoken = [observer.speaks_of(code) for code in (function, *fixtures)]
        texts = list(chain.from_iterable(one.texts for one in spoken))
        if any(one.is_unheard for one in spoken):
            self._unheard_patterns = [os.path.basename(text) for text in texts if has_magic(text)]
        for pattern in find_patterns(texts):
            if name := observer.name_below(observer.absolute(pattern, observer.root)):
                self._looks.note_given(name, "", self._read, observer.name_below)
        values = [b.value for b in self._node.bindings if b.source == "value"] if self._node else []
        places = (observer.root, observer.absolute, observer.name_below)
        return sign_named_files(texts, *places, texts_in(values))


@contextmanager
def unwatched() -> Iterator[None]:
    """Do what is no doing of the step that is being called, such as what a plugin does around it."""
    global _alone
    alone, _alone = _alone, None
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)
        _alone = alone


def _listen_once() -> None:
    global _is_listening
    if not _is_listening:
        _is_listening = True
        listen(_HEARD, _hear)
        notice_showing()


def _telling(hear: Callable[..., None]) -> Callable[..., None]:
    """Return what passes a call on to the observation that it belongs to."""

    def tell(*arguments: Any) -> None:
        observation = _current.get() or _alone
        if observation is not None:
            try:
                hear(observation, *arguments)
            except Exception:  # it would end what is being told of
                if os.environ.get("ZENCONV_DEBUG"):
                    raise

    return tell


_hear = _telling(Observation.hear)
_hear_variable = _telling(Observation.hear_variable)
_hear_look = _telling(Observation.hear_look)
_hear_expansion = _telling(Observation.hear_expansion)
_hear_task = _telling(Observation.hear_task)
_hear_asking = _telling(Observation.hear_asking)
