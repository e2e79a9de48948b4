"""What holds something open: `Closable`."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Closable(Protocol):
    """A component that holds connections, files or claims."""

    def close(self) -> None:
        """Release them; a second time is no error. What is stored, or answers, stays."""


__all__ = ["Closable"]
