"""The terminal's foreground: lent to the runner where a step may talk to a person (``-s``).

A runner has a process group of its own, and the terminal stops a background group that reads.
While it is lent, Ctrl-C goes to the runner alone.
"""

from __future__ import annotations

import os
import signal


def take_terminal() -> None:
    """Make the group of this process the foreground of its terminal; without one, nothing happens."""
    try:
        if not os.isatty(0) or os.tcgetpgrp(0) == os.getpgrp():
            return
        # A background group that changes the foreground is stopped too, unless it ignores that.
        before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        try:
            os.tcsetpgrp(0, os.getpgrp())
        finally:
            signal.signal(signal.SIGTTOU, before)
    except OSError:
        pass  # not our controlling terminal: then nobody stops us for reading it either
