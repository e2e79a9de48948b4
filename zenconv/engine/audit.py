"""Hear what this process does: one audit hook for all who listen, and a watched ``os.environ``.

An audit hook can never be taken away again, so there is one, and it asks a table first.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

Listener = Callable[[str, tuple[Any, ...]], None]
"""Is told an audit event and its arguments, in the thread and context where it happens."""

NoteVariable = Callable[[str | None, FrameType | None], None]
"""Is told the environment variable that is read, or None for all of them, and by which frame."""

_listeners: dict[str, tuple[Listener, ...]] = {}
_is_installed = False
_notes: list[NoteVariable] = []
_watched_kinds: dict[type, type] = {}


def listen(events: Iterable[str], listener: Listener) -> None:
    """Tell `listener` about the audit events named `events`, for the rest of the process's life.

    It must not raise: that would end what the event announces.
    """
    global _is_installed
    for event in events:
        _listeners[event] = (*_listeners.get(event, ()), listener)
    if not _is_installed:
        _is_installed = True
        sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    for listener in _listeners.get(event, ()):
        listener(event, arguments)


@contextmanager
def watch_environment(note: NoteVariable) -> Iterator[None]:
    """Tell `note`, while entered, who reads ``os.environ``. It must not raise."""
    _notes.append(note)
    if len(_notes) == 1:
        for mapping in _environments():
            mapping.__class__ = _watched_kind(type(mapping))
    try:
        yield
    finally:
        _notes.remove(note)
        if not _notes:
            for mapping in _environments():
                if type(mapping) in _watched_kinds.values():
                    mapping.__class__ = type(mapping).__base__


def _environments() -> list[Any]:
    # What somebody put in their place is left alone.
    return [m for m in (os.environ, getattr(os, "environb", None)) if isinstance(m, os._Environ)]


def _watched_kind(kind: Any) -> type:
    """Return a kind of ``os.environ`` that tells who reads it; made once."""
    known = _watched_kinds.get(kind)
    if known is None:

        class Environ(kind):  # type: ignore[misc]
            def __getitem__(self, name: Any) -> Any:
                _tell(os.fsdecode(name) if isinstance(name, str | bytes) else repr(name), sys._getframe(1))
                return super().__getitem__(name)

            def __iter__(self) -> Any:
                _tell(None, sys._getframe(1))
                return super().__iter__()

            def __len__(self) -> int:
                _tell(None, sys._getframe(1))
                return int(super().__len__())

        known = _watched_kinds[kind] = Environ
    return known


def _tell(name: str | None, frame: FrameType) -> None:
    for note in tuple(_notes):
        note(name, frame)
