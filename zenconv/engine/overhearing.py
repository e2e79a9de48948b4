"""Hear two calls that Python raises no audit event for: a look at a file, and a path that is expanded.

Libraries whose compiled code opens files expand ``~`` first, in Python: so the path is heard of.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Look = Callable[[Any, "os.stat_result | None"], None]
"""Is told the path that somebody looks at, and what is there; None: nothing."""

Expansion = Callable[[Any], None]
"""Is told the path whose ``~`` somebody has expanded, if it has one."""

_looks: list[Look] = []
_expansions: list[Expansion] = []
_lock = threading.Lock()


class _Call:
    """Stands for a function of `os`. An object: as an attribute of a class it must not become a method."""

    def __init__(self, real: Callable[..., Any], call: Callable[..., Any]) -> None:
        functools.update_wrapper(self, real)
        self._call = call

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._call(*arguments, **options)


_real_stat = os.stat
_real_expanduser = os.path.expanduser


def _stat(*arguments: Any, **options: Any) -> os.stat_result:
    path = arguments[0] if arguments else options.get("path")
    try:
        status = _real_stat(*arguments, **options)
    except (FileNotFoundError, NotADirectoryError):
        _tell_look(path, None, options)
        raise
    _tell_look(path, status, options)
    return status


def _tell_look(path: Any, status: os.stat_result | None, options: dict[str, Any]) -> None:
    if not isinstance(path, int) and options.get("dir_fd") is None:
        for tell in tuple(_looks):
            tell(path, status)


def _expanduser(path: Any) -> Any:
    expanded = _real_expanduser(path)
    for tell in tuple(_expansions):
        tell(expanded)
    return expanded


_heard_stat = _Call(_real_stat, _stat)
_heard_expanduser = _Call(_real_expanduser, _expanduser)
for _able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
    if _real_stat in _able:
        _able.add(_heard_stat)  # `shutil` asks there what a function can do


@contextmanager
def overhear(look: Look, expansion: Expansion) -> Iterator[None]:
    """Tell `look` and `expansion`, while entered, in the thread where it happens. They must not raise."""
    with _lock:
        _looks.append(look)
        _expansions.append(expansion)
        _put(_real_stat, _heard_stat, _real_expanduser, _heard_expanduser)
    try:
        yield
    finally:
        with _lock:
            _looks.remove(look)
            _expansions.remove(expansion)
            if not _looks:
                _put(_heard_stat, _real_stat, _heard_expanduser, _real_expanduser)


def _put(stat: Any, new_stat: Any, expanduser: Any, new_expanduser: Any) -> None:
    # What somebody else has put in their place is left alone.
    if os.stat is stat:
        vars(os)["stat"] = new_stat
    if os.path.expanduser is expanduser:
        vars(os.path)["expanduser"] = new_expanduser
