"""The terminal's foreground: lent to the runner where a step may talk to a person (``-s``, ``--pdb``).

A runner has a process group of its own, and the terminal stops a background group that reads.
While it is lent, Ctrl-C and Ctrl-Z go to the runner alone.
"""

from __future__ import annotations

import os
import signal
import stat
from typing import Any

_COMMAND = os.getpgrp()
"""The group in which the command was started: this is imported before it splits."""


def take_terminal(group: int | None = None) -> None:
    """Make `group` (this process's) the foreground of the terminal; without one, nothing happens."""
    wanted = os.getpgrp() if group is None else group
    try:
        if not os.isatty(0) or os.tcgetpgrp(0) == wanted:
            return
        # A background group that changes the foreground is stopped too, unless it ignores that.
        before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        try:
            os.tcsetpgrp(0, wanted)
        finally:
            signal.signal(signal.SIGTTOU, before)
    except OSError:
        pass  # not our controlling terminal: then nobody stops us for reading it either


def borrow_terminal() -> int:
    """Make the group of this process the foreground, if the command has it; return the one that was.

    0: nothing was done. A command in the background has no say about the terminal; who reads from
    it all the same is stopped, and with it the command, until it comes to the foreground.
    """
    try:
        before = os.tcgetpgrp(0)
    except OSError:
        return 0
    if before not in (_COMMAND, os.getpgrp()):
        return 0
    take_terminal()
    return before


def is_terminal_lent(group: int | None = None) -> bool:
    """Return whether `group` (this process's) is the foreground of a terminal on stdin."""
    try:
        return os.isatty(0) and os.tcgetpgrp(0) == (os.getpgrp() if group is None else group)
    except OSError:
        return False


def has_answers() -> bool:
    """Return whether stdin can answer questions: a terminal, or a script that is piped in."""
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        return False  # closed
    return os.isatty(0) or stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def read_terminal_mode() -> Any:
    """Return how the terminal on stdin treats what is typed; None without one."""
    if not os.isatty(0):
        return None
    import termios

    try:
        return termios.tcgetattr(0)
    except termios.error:
        return None


def restore_terminal_mode(mode: Any) -> None:
    """Undo what an editor of lines left behind when its process was killed."""
    if mode is None:
        return
    import termios

    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        termios.tcsetattr(0, termios.TCSADRAIN, mode)
    except termios.error:
        pass
    finally:
        signal.signal(signal.SIGTTOU, before)
