"""Running the code of plugins: what it prints stays off stdout, and its errors get a place."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

_OWN = (os.path.dirname(os.path.abspath(__file__)), os.path.dirname(importlib.__file__))


@contextmanager
def prints_aside() -> Iterator[None]:
    """Send what a plugin prints to stderr: stdout holds results, perhaps JSON."""
    with redirect_stdout(sys.stderr):
        yield


def place_of(error: BaseException) -> str:
    """Return ``file:line: `` of the foreign code that raised `error`, empty if none did."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}: "
    place, frame = "", error.__traceback__
    while frame is not None:
        name = frame.tb_frame.f_code.co_filename
        if not name.startswith("<frozen ") and os.path.dirname(name) not in _OWN:
            place = f"{name}:{frame.tb_lineno}: "
        frame = frame.tb_next
    return place
