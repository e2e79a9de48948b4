"""Keep apart what steps print that are under way at the same time in one process.

Each runs in a context of its own, and so does everything it starts in its event loop or with
`asyncio.to_thread`: what Python prints there goes to the step's own record.
"""

from __future__ import annotations

import io
import os
import sys
from contextvars import Context, ContextVar, copy_context
from pathlib import Path
from typing import Any

from zenconv.engine.capture import Capture, Spool

_record: ContextVar[tuple[Spool, str] | None] = ContextVar("zenconv_record", default=None)


class SeparateOutput:
    """While entered, ``sys.stdout`` and ``sys.stderr`` write to the record of the current context."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._replaced: list[tuple[str, Any, _ByContext]] = []

    def __enter__(self) -> None:
        for name in ("stdout", "stderr"):
            before = getattr(sys, name)
            stream = _ByContext(before, self._capture)
            setattr(sys, name, stream)
            self._replaced.append((name, before, stream))

    def __exit__(self, *exc_info: object) -> None:
        while self._replaced:
            name, before, stream = self._replaced.pop()
            if getattr(sys, name) is stream:
                setattr(sys, name, before)


def open_record(folder: Path, label: str) -> tuple[Context, Spool]:
    """Return a new context and the record, a file in `folder`, of what `label` prints in it."""
    context, spool = copy_context(), Spool(folder)
    context.run(_record.set, (spool, label))
    return context, spool


class _ByContext(io.TextIOBase):
    """Text goes to the record of the current context, or on to `shared` where there is none."""

    def __init__(self, shared: Any, capture: Capture) -> None:
        self._shared = shared
        self._capture = capture

    def write(self, text: str) -> int:
        record = _record.get()
        if record is None or record[0].is_closed:
            return int(self._shared.write(text))
        spool, label = record
        os.write(spool.descriptor, text.encode("utf-8", "backslashreplace"))
        if self._capture.live:
            self._shared.show(text, label if self._capture.label else "")
        return len(text)

    def flush(self) -> None:
        self._shared.flush()

    def isatty(self) -> bool:
        return bool(self._shared.isatty())

    def fileno(self) -> int:
        return int(self._shared.fileno())

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(self._shared.encoding)

    @property
    def buffer(self) -> Any:
        return self._shared.buffer
