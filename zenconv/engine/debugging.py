"""The debugger of a run: where a step failed (``--pdb``), and where ``breakpoint()`` stands.

It works in the process that executes steps, on the streams that process was started with: what
is typed and shown there is not part of what the step printed. While it talks, Ctrl-C belongs to
it, and SIGTERM ends it.
"""

from __future__ import annotations

import bdb
import importlib
import pdb  # noqa: T100 - this is where it is meant to be
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

import attrs

from zenconv import clock
from zenconv.engine.capture import Capture
from zenconv.engine.failures import ProjectFiles
from zenconv.engine.interruption import Interruption
from zenconv.engine.terminal import is_terminal_lent
from zenconv.errors import UsageError
from zenconv.frozen import Frozen
from zenconv.records.step import Node

if TYPE_CHECKING:
    from zenconv.engine.perform import Performer

Show = Callable[[str, Mapping[str, Any]], None]
"""Shows a person which node failed, and how: the data of `describe_failure`."""

_OWN_MODULES = frozenset({"zenconv", "zenconv.*"})


@attrs.frozen(eq=False, repr=False)
class DebuggerRequest(Frozen):
    """How a person wants to debug: `on_failure` opens the debugger wherever a step fails.

    `class_name`, ``module:Class``, takes the place of ``pdb.Pdb``.
    """

    show: Show = lambda _node, _error: None
    on_failure: bool = False
    class_name: str = ""

    def find_class(self) -> type[pdb.Pdb]:
        """Return the class of debuggers. `UsageError` if it cannot be imported."""
        if not self.class_name:
            return pdb.Pdb
        module, separator, name = self.class_name.partition(":")
        if not (module and separator and name):
            raise UsageError(
                f"--pdbcls {self.class_name!r}: expected module:Class",
                hint="--pdbcls IPython.terminal.debugger:TerminalPdb",
            )
        try:
            found = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError) as error:
            raise UsageError(f"--pdbcls {self.class_name}: cannot be imported ({error})") from error
        return found  # type: ignore[return-value]  # whatever has the methods will do


class _Ended(BaseException):
    """A signal that ends the conversation."""


class Debugger:
    """Opens the debugger in this process, for one person, one conversation at a time.

    `on_talk` is called when a conversation begins.

    Parameters
    ----------
    interruption
        Is told when the debugger was left with ``q``: the run ends.
    capture
        Has the streams to talk on.
    files
        Knows which frames are the user's.
    """

    def __init__(
        self, request: DebuggerRequest, interruption: Interruption, capture: Capture, files: ProjectFiles
    ) -> None:
        self.has_quit = False
        self.on_talk: Callable[[], object] = lambda: None
        self.files = files
        self._class = _with_way_out(request.find_class(), self)
        self._request = request
        self._interruption = interruption
        self._capture = capture
        self._seen: dict[str, Mapping[str, Any]] = {}
        self._load_errors: dict[str, BaseException] = {}
        self._examined: BaseException | None = None
        self._talked = 0.0
        self._is_talking = False

    def install(self) -> None:
        """Answer ``breakpoint()`` and ``pdb.set_trace()`` from now on.

        ``PYTHONBREAKPOINT`` keeps its meaning: the built-in hook reads it, and by default calls
        ``pdb.set_trace``.
        """
        pdb.set_trace = self.set_trace
        # Ctrl-C in a step opens the debugger there, if it comes from the person at the terminal.
        self._interruption.raises_only = self._request.on_failure and is_terminal_lent()

    def join(self, performer: Performer) -> None:
        """Debug what `performer` executes."""
        performer.debugger, self.files = self, performer.files
        performer.endings.examine = self.examine_teardown

    def set_trace(
        self, *, header: str | None = None, frame: FrameType | None = None, **_options: Any
    ) -> None:
        """Stop at the next line of `frame` (the caller)."""
        frame = frame if frame is not None else sys._getframe().f_back
        with self.talk():
            debugger = self._class()
        if header is not None:
            debugger.message(header)
        debugger.set_trace(frame)

    def see(self, node: Node, **values: Any) -> None:
        """Remember what a step got or returned, for the case that no frame of its own is left."""
        self._seen[node.id] = {**self._seen.get(node.id, {}), **values}

    def note_load_error(self, node: str, error: BaseException | None) -> None:
        """Remember why the inputs of `node` could not be loaded; the step has not failed yet."""
        if error is not None:
            self._load_errors[node] = error

    def examine_load_error(self, node: Node, described: Mapping[str, Any]) -> None:
        """Open the debugger on what was noted of `node`, which has failed now."""
        error = self._load_errors.pop(node.id, None)
        if error is not None:
            self.examine(node, error, described)

    def examine(self, node: Node, error: BaseException, described: Mapping[str, Any]) -> None:
        """Open the debugger where `error` was raised, at the innermost frame of the user's code."""
        if self._is_worth_it(error):
            trace = self._user_trace(error) or _frame_of_step(node, error, self._seen.get(node.id, {}))
            self._open(node.id, error, trace, described)

    def examine_teardown(self, error: BaseException, described: Mapping[str, Any]) -> None:
        """Open the debugger where the end of a fixture failed that had outlived its steps."""
        trace = self._user_trace(error)
        if trace is not None and self._is_worth_it(error):
            self._open("a teardown", error, trace, described)

    def _is_worth_it(self, error: BaseException) -> bool:
        if not self._request.on_failure or isinstance(error, bdb.BdbQuit) or self._interruption.signal:
            return False
        # A fixture that failed fails everyone who asks for it.
        return error is not self._examined

    def _open(
        self, title: str, error: BaseException, trace: TracebackType, described: Mapping[str, Any]
    ) -> None:
        self._examined = error
        sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
        with self.talk():
            self._request.show(title, described)
            debugger = self._class()
            debugger.reset()
            debugger.interaction(None, trace)

    def end_step(self, node: Node) -> float:
        """Forget the step, stop stepping; return how many seconds were spent talking."""
        self._seen.pop(node.id, None)
        if isinstance(getattr(sys.gettrace(), "__self__", None), bdb.Bdb):
            sys.settrace(None)
        talked, self._talked = self._talked, 0.0
        return talked

    def quit(self) -> None:
        """Have the run end: nothing more is started."""
        self.has_quit = True
        self._interruption.stop(signal.SIGINT)

    def find_frame(self, stack: list[tuple[FrameType, int]]) -> int:
        """Return the position of the innermost frame of the user's code, else of the outermost."""
        ranks = range(len(stack) - 1, -1, -1)
        return next((i for i in ranks if stack[i][0].f_code.co_filename in self.files), 0)

    def _user_trace(self, error: BaseException) -> TracebackType | None:
        """Return the traceback from its first frame of the user's code, of `error` or what caused it."""
        current: BaseException | None = error
        while current is not None:
            trace = current.__traceback__
            while trace is not None:
                if trace.tb_frame.f_code.co_filename in self.files:
                    return trace
                trace = trace.tb_next
            current = current.__cause__
        return None

    @contextmanager
    def talk(self) -> Iterator[None]:
        """Give the person the streams and the signals."""
        if self._is_talking:
            yield
            return
        self._is_talking = True
        self.on_talk()
        started = clock.monotonic()
        try:
            with self._capture.lend(), self._own_signals():
                yield
        except _Ended:
            pass
        finally:
            self._is_talking = False
            self._talked += clock.monotonic() - started

    @contextmanager
    def _own_signals(self) -> Iterator[None]:
        own = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: self._end}
        if not is_terminal_lent():
            own[signal.SIGINT] = self._end  # from the supervisor, which means the run
        is_main = threading.current_thread() is threading.main_thread()
        before = {number: signal.signal(number, handler) for number, handler in own.items() if is_main}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, number: int, _frame: FrameType | None) -> None:
        self._interruption.stop(number)
        raise _Ended


def _with_way_out(cls: type[pdb.Pdb], owner: Debugger) -> type[pdb.Pdb]:
    """Return `cls` with what a run needs: its streams, its signals, and an end."""

    class Conversation(cls):  # type: ignore[misc,valid-type]
        """A debugger that ends the run when it is left with ``q`` or at the end of its input."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.nosigint = True
            self.skip = _OWN_MODULES

        def interaction(self, frame: FrameType | None, trace: Any, *args: Any) -> None:
            with owner.talk():
                super().interaction(frame, trace, *args)
            if self.quitting:
                owner.quit()
            if frame is not None and owner._interruption.signal:
                self.set_quit()
                raise KeyboardInterrupt  # out of the user's code, whatever it catches of Exception

        def user_return(self, frame: FrameType, value: Any) -> None:
            super().user_return(frame, value)
            caller = frame.f_back
            if caller is None or self.is_skipped_module(caller.f_globals.get("__name__", "")):
                self.set_continue()  # stepping ends where the step does

        def get_stack(self, frame: FrameType | None, trace: Any) -> tuple[list[tuple[FrameType, int]], int]:
            stack, position = super().get_stack(frame, trace)
            return stack, position if frame is not None else owner.find_frame(stack)

    Conversation.__name__ = cls.__name__
    return Conversation


def _frame_of_step(node: Node, error: BaseException, seen: Mapping[str, Any]) -> TracebackType:
    """Return a traceback that begins at the step's ``def``, for an error outside of the step's code.

    Its frame has what the step got and what it ``returned``, as far as known.
    """
    function = node.step.function
    plain = getattr(function, "__code__", None)
    file = plain.co_filename if plain is not None else str(Path(node.step.file))
    code = compile("raise LookupError", file, "exec").replace(
        co_firstlineno=node.step.line, co_name=node.step.name, co_qualname=node.step.name
    )
    trace: TracebackType | None = None
    try:
        exec(code, getattr(function, "__globals__", {}), {"error": error, **seen})
    except LookupError as made:
        trace = made.__traceback__
    while trace is not None and trace.tb_frame.f_code is not code:
        trace = trace.tb_next
    assert trace is not None
    return TracebackType(error.__traceback__, trace.tb_frame, trace.tb_lasti, trace.tb_lineno)
