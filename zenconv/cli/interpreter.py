"""A Python for people: a console, IPython where it is installed, or a script.

Tracebacks leave out zenconv's own frames, and what is secret is struck out of all that is shown.
"""

from __future__ import annotations

import code
import io
import linecache
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from zenconv.cli.output import print_note

_OWN_CODE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

Redact = Callable[[str], str]


def run_script(source: str, name: str, namespace: dict[str, Any]) -> int:
    """Execute Python text; return the exit code: 1 after an exception, which is shown.

    `SystemExit` is raised on.
    """
    # So that tracebacks show the lines; an entry without a time is never looked for on disk.
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    try:
        exec(compile(source, name, "exec"), namespace)
    except SystemExit:
        raise
    except KeyboardInterrupt:
        print_note("interrupted")
        return 130
    except BaseException as error:  # noqa: BLE001 - whatever the script raises is shown
        show_exception(error)
        return 1
    return 0


def interact(namespace: dict[str, Any], banner: str, *, plain: bool = False) -> None:
    """Talk until the person leaves: in IPython if it is there and not `plain`, else in Python's console."""
    if not plain and _interact_in_ipython(namespace, banner):
        return
    try:
        import readline
        import rlcompleter
    except ImportError:
        pass  # a Python without it still reads lines
    else:
        readline.set_completer(rlcompleter.Completer(namespace).complete)
        readline.parse_and_bind("tab: complete")
    _Console(namespace, filename="<console>").interact(banner, exitmsg="")


def _interact_in_ipython(namespace: Mapping[str, Any], banner: str) -> bool:
    try:
        from IPython import start_ipython  # type: ignore[import-not-found]
        from traitlets.config import Config  # type: ignore[import-not-found]
    except ImportError:
        return False
    config = Config()
    config.TerminalInteractiveShell.banner1 = banner + "\n"
    config.TerminalInteractiveShell.banner2 = ""
    start_ipython(argv=[], user_ns=dict(namespace), config=config)
    return True


class _Console(code.InteractiveConsole):
    def showtraceback(self) -> None:
        error = sys.exc_info()[1]
        if error is not None:
            sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
            show_exception(error)


def show_exception(error: BaseException) -> None:
    """Print a traceback to stderr, without the frames of zenconv and of the console."""
    shown = traceback.TracebackException.from_exception(error)
    for one in _with_causes(shown):
        kept = [frame for frame in one.stack if not _is_own(frame.filename)]
        one.stack = traceback.StackSummary.from_list(kept)
    sys.stderr.write("".join(shown.format()))


def _with_causes(shown: traceback.TracebackException | None) -> Iterator[traceback.TracebackException]:
    while shown is not None:
        yield shown
        shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)


def _is_own(file: str) -> bool:
    return file.startswith(_OWN_CODE) or file == code.__file__


@contextmanager
def redacted_streams(redact: Redact) -> Iterator[None]:
    """Strike secrets out of everything that Python prints meanwhile."""
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Redacted(streams[0], redact), _Redacted(streams[1], redact)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = streams


class _Redacted(io.TextIOBase):
    """A stream that passes text on, made safe to see."""

    def __init__(self, shown: Any, redact: Redact) -> None:
        self._shown = shown
        self._redact = redact

    def write(self, text: str) -> int:
        self._shown.write(self._redact(text))
        return len(text)

    def flush(self) -> None:
        self._shown.flush()

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return bool(self._shown.isatty())

    def fileno(self) -> int:
        return int(self._shown.fileno())

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(self._shown.encoding)

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        errors: str | None = self._shown.errors
        return errors

    @property
    def buffer(self) -> Any:
        return self._shown.buffer
