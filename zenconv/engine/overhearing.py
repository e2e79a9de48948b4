"""Hear calls that Python raises no audit event for: looks at files, paths expanded, modules asked for.

Libraries whose compiled code opens files expand ``~`` first, in Python: so the path is heard of.
A module that is imported already is asked for by ``importlib.import_module`` without an event.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

Look = Callable[[Any, "os.stat_result | None", bool], None]
"""Is told the path that is looked at, what is there (None: nothing), and if the whole status is given."""

Expansion = Callable[[Any], None]
"""Is told the path whose ``~`` somebody has expanded, if it has one."""

Asking = Callable[[str, FrameType], None]
"""Is told the full name of a module that was imported by it, and from where ``import_module`` was called."""

_looks: list[Look] = []
_expansions: list[Expansion] = []
_askings: list[Asking] = []
_lock = threading.Lock()


class _Call:
    """Stands for a function of `os`. An object: as an attribute of a class it must not become a method."""

    def __init__(self, real: Callable[..., Any], call: Callable[..., Any]) -> None:
        functools.update_wrapper(self, real)
        self._call = call

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._call(*arguments, **options)


_real_stat = os.stat
_real_access = os.access
_real_expanduser = os.path.expanduser
_importing: Any = vars(importlib)["_bootstrap"]
_real_import = _importing._gcd_import


def _stat(*arguments: Any, **options: Any) -> os.stat_result:
    path = arguments[0] if arguments else options.get("path")
    try:
        status = _real_stat(*arguments, **options)
    except (FileNotFoundError, NotADirectoryError):
        _tell_look(path, None, options)
        raise
    _tell_look(path, status, options, is_whole=True)
    return status


def _tell_look(
    path: Any, status: os.stat_result | None, options: dict[str, Any], *, is_whole: bool = False
) -> None:
    if not isinstance(path, int) and options.get("dir_fd") is None:
        for tell in tuple(_looks):
            tell(path, status, is_whole)


def _access(*arguments: Any, **options: Any) -> bool:
    path: Any = arguments[0] if arguments else options.get("path")
    try:
        _tell_look(path, _real_stat(path), options)
    except (OSError, TypeError, ValueError):
        _tell_look(path, None, options)
    return _real_access(*arguments, **options)


def _expanduser(path: Any) -> Any:
    expanded = _real_expanduser(path)
    for tell in tuple(_expansions):
        tell(expanded)
    return expanded


def _import(name: str, package: str | None = None, level: int = 0) -> Any:
    module = _real_import(name, package, level)
    caller = sys._getframe(1).f_back
    if caller is not None:
        full = _importing._resolve_name(name, package, level) if level else name
        for tell in tuple(_askings):
            tell(full, caller)
    return module


_heard_stat = _Call(_real_stat, _stat)
_heard_access = _Call(_real_access, _access)
_heard_expanduser = _Call(_real_expanduser, _expanduser)
for _able in (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks):
    for _real, _heard in ((_real_stat, _heard_stat), (_real_access, _heard_access)):
        if _real in _able:
            _able.add(_heard)  # `shutil` asks there what a function can do

_PAIRS = (
    (vars(os), "stat", _real_stat, _heard_stat),
    (vars(os), "access", _real_access, _heard_access),
    (vars(os.path), "expanduser", _real_expanduser, _heard_expanduser),
    (vars(_importing), "_gcd_import", _real_import, _import),
)


@contextmanager
def overhear(look: Look, expansion: Expansion, asking: Asking) -> Iterator[None]:
    """Tell all three, while entered, in the thread where it happens. They must not raise."""
    told: tuple[tuple[list[Any], Any], ...] = ((_looks, look), (_expansions, expansion), (_askings, asking))
    with _lock:
        for listeners, listener in told:
            listeners.append(listener)
        _put(is_heard=True)
    try:
        yield
    finally:
        with _lock:
            for listeners, listener in told:
                listeners.remove(listener)
            if not _looks:
                _put(is_heard=False)


def _put(*, is_heard: bool) -> None:
    for names, name, real, heard in _PAIRS:
        old, new = (real, heard) if is_heard else (heard, real)
        if names[name] is old:  # what somebody else has put in its place is left alone
            names[name] = new
