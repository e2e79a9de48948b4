"""Exceptions that nobody catches, in threads and finalizers: Python reads the lines of code it shows.

It does so in C, as if whatever is executed at that moment had opened the file.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

_here = threading.local()


def is_showing() -> bool:
    """Return whether this thread is showing such an exception."""
    return getattr(_here, "is_showing", False)


def notice_showing() -> None:
    """Know from now on when one is shown. Hooks that the user's code installs take the place of this."""
    sys.unraisablehook = _noticing(sys.unraisablehook)
    threading.excepthook = _noticing(threading.excepthook)


def _noticing(show: Callable[[Any], Any]) -> Callable[[Any], None]:
    def show_noticed(unhandled: Any) -> None:
        _here.is_showing = True
        try:
            show(unhandled)
        finally:
            _here.is_showing = False

    return show_noticed
