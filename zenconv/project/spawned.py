"""The beginning of a worker that was started with an interpreter of its own, not forked.

``python -m zenconv.project.spawned CONNECTION SPOOL ALIVE NUMBER PARENT``: the first three are
descriptors. What a forked worker finds in its memory comes in the runner's first message.
"""

from __future__ import annotations

import base64
import io
import os
import pickle
import signal
import socket
import sys
from pathlib import Path, PurePath
from typing import Any

from zenconv.engine.perform import Performer
from zenconv.engine.runner import die_with
from zenconv.engine.worker import WorkerStart, run_worker
from zenconv.errors import UsageError
from zenconv.project.working import WorkerBody


def encode_body(body: WorkerBody) -> str:
    """Return what a worker does as text that another Python understands.

    Raises
    ------
    UsageError
        Something in it cannot be sent to another process.
    """
    stream = io.BytesIO()
    try:
        _Pickler(stream, protocol=4).dump(body)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise UsageError(f"this run cannot have steps in environments of their own: {error}") from error
    return base64.b64encode(stream.getvalue()).decode("ascii")


class _Pickler(pickle.Pickler):
    """Writes paths as text: the classes of `pathlib` live in other modules in other Pythons."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, PurePath):
            return make_path, (str(value),)
        return NotImplemented


def make_path(text: str) -> Path:
    """Return the path that `text` says."""
    return Path(text)


def open_performer(start: WorkerStart) -> Performer:
    """Collect the project as the runner did; return what executes its steps."""
    body: WorkerBody = pickle.loads(base64.b64decode(start.beginning["body"]))  # from our own runner
    return body.open_performer(start)


def main() -> None:
    """Work until the runner has no more tasks."""
    connection, spool, alive, number, parent = map(int, sys.argv[1:])
    for descriptor in (connection, spool, alive):
        os.set_inheritable(descriptor, False)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with(parent, alive)
    run_worker(socket.socket(fileno=connection), spool, number, open_performer)


if __name__ == "__main__":
    main()
