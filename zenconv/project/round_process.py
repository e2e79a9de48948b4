"""A round as the process that watches sees it: what it is asked, what it tells, when it ends."""

from __future__ import annotations

import os
import socket
from typing import Any

import attrs

from zenconv.engine.fork_server import ForkServer
from zenconv.engine.frames import FrameReader, encode_frame

_READ_SIZE = 1 << 18


@attrs.define(eq=False, repr=False)
class RoundProcess:
    """A forked process that was asked for something.

    Parameters
    ----------
    outcome
        What it has told so far; a later word on one thing takes the place of an earlier one.
    running
        Cache keys of the nodes that it is executing.
    status
        Its wait status, once it has ended.
    is_over
        Whether it will tell nothing more.
    """

    server: ForkServer
    pid: int
    connection: socket.socket
    outcome: dict[str, Any] = attrs.field(factory=dict)
    running: dict[str, str] = attrs.field(factory=dict)
    status: int | None = None
    is_over: bool = False
    _reader: FrameReader = attrs.field(factory=FrameReader)

    @classmethod
    def start(cls, server: ForkServer, number: int, request: dict[str, Any]) -> RoundProcess:
        """Fork it and ask it. `StoreError` where the system refuses."""
        ours, theirs = socket.socketpair()
        null = os.open(os.devnull, os.O_RDONLY)
        try:
            pid = server.fork(theirs, null, number)
        finally:
            theirs.close()
            os.close(null)
        ours.sendall(encode_frame(request))
        return cls(server, pid, ours)

    def descriptors(self) -> list[int]:
        """Return what is readable when it has told something."""
        return [] if self.is_over else [self.connection.fileno()]

    def read(self) -> None:
        """Take what it has told since."""
        while not self.is_over:
            try:
                data = self.connection.recv(_READ_SIZE, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except ConnectionResetError:
                data = b""
            self.is_over = not data
            for message in self._reader.feed(data):
                self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        if "started" in message:
            node, key = message["started"]
            self.running[node] = key
        elif "ended" in message:
            self.running.pop(message["ended"], None)
        else:
            self.outcome.update(message)

    def signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        self.server.signal(self.pid, number)

    def end(self) -> None:
        """Kill it and what it started, and forget it."""
        self.server.kill(self.pid)
        self.connection.close()
