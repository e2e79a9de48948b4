"""Give processes that the user's code forks the signals of any Python, from their first moment on.

A pool of workers is ended by SIGTERM, and waits for that. A handler of zenconv would keep them
alive; and what arrives in a new process before Python has put itself in order there is lost where
it is handled in Python, so it waits until then.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

_DEFAULTS: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
_before = threading.local()


def restore_in_children(handler: Callable[..., object]) -> None:
    """Have processes that this one forks handle these signals as Python does, where `handler` would."""
    owner = os.getpid()

    def hold_back() -> None:
        if os.getpid() == owner:
            _before.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _DEFAULTS)

    def let_through() -> None:
        if os.getpid() == owner:
            signal.pthread_sigmask(signal.SIG_SETMASK, _before.__dict__.pop("mask"))

    def begin_child() -> None:
        mask = _before.__dict__.pop("mask", None)
        if mask is None:
            return  # a child of a child
        for number, default in _DEFAULTS.items():
            if signal.getsignal(number) == handler:
                signal.signal(number, default)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    os.register_at_fork(before=hold_back, after_in_parent=let_through, after_in_child=begin_child)
