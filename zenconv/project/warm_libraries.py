"""Servers that have imported the libraries a project uses, and from which its rounds are forked."""

from __future__ import annotations

import importlib
import json
import os
import socket
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Protocol

import attrs

from zenconv.engine.fork_server import ForkServer
from zenconv.engine.preload import Imports, Preloaded
from zenconv.engine.runner import die_at_end_of
from zenconv.engine.worker import THREAD_VARIABLES
from zenconv.fingerprint.places import is_own_module, is_standard_module

_READY = "ready"
_OWN_MODULES = (
    "zenconv.components.in_process",
    "zenconv.components.index_intake",
    "zenconv.components.index_queries",
    "zenconv.components.local_store",
    "zenconv.components.sqlite_cache",
    "zenconv.components.sqlite_index",
    "zenconv.fingerprint.fingerprinter",
    "zenconv.fingerprint.value_types",
    "zenconv.materializers.registry",
    "zenconv.materializers.values",
    "zenconv.project.indexing",
    "zenconv.project.rounds",
    "zenconv.project.running",
)
"""What nearly every round needs of zenconv itself."""
_MANY_MODULES = 30
_MOST_TRIES = 3
"""So often libraries are imported ahead in vain, for one reason."""


class RoundBody(Protocol):
    """What a round is: called in its own process, with a connection, a descriptor and a number.

    It receives a request, plays the round, sends what came of it, and does not return.
    """

    preloaded: Preloaded | None
    """What was imported ahead in the process from which this one was forked."""

    def __call__(self, connection: socket.socket, spool: int, number: int) -> None:
        """Do all that; `spool` is not used."""


@attrs.define(eq=False, repr=False)
class _Warm:
    """A server that imports libraries, or has; what it says of that arrives at `reports`."""

    server: ForkServer
    imports: Imports
    reports: int
    leash: int
    is_ready: bool = False

    def end(self) -> None:
        self.server.abandon()
        os.close(self.reports)
        os.close(self.leash)


class WarmLibraries:
    """Keeps one such server for what the project imported last, and makes another when that changes.

    Parameters
    ----------
    root
        The project's root.
    make_body
        Makes what is called in forked processes.
    release
        As for `ForkServer`.
    note
        Told, once each, why libraries are not kept imported.
    is_ready
        Told when they are, and which packages are not among them.
    threads
        How many threads numerical libraries may use; None: as many as they like.
    """

    def __init__(
        self,
        root: Path,
        make_body: Callable[[], RoundBody],
        release: Callable[[bool], object],
        note: Callable[[str], object],
        is_ready: Callable[[Collection[str]], object],
        threads: int | None = None,
    ) -> None:
        self._root = root
        self._make_body = make_body
        self._release = release
        self._note = note
        self._tell_ready = is_ready
        self._threads = threads
        self._warm: _Warm | None = None
        self._coming: _Warm | None = None
        self._excluded: set[str] = set()
        self._tries: dict[str, int] = {}
        self._noted: set[str] = set()

    @property
    def is_known(self) -> bool:
        """Whether there is a server, or soon will be."""
        return self._warm is not None or self._coming is not None

    @property
    def is_coming(self) -> bool:
        """Whether there will be a server soon, and is none now."""
        return self._warm is None and self._coming is not None and not self._coming.is_ready

    def server(self) -> ForkServer | None:
        """Return the server to fork the next round from. Called while none is under way."""
        if self._coming is not None and self._coming.is_ready:
            if self._warm is not None:
                self._warm.end()
            self._warm, self._coming = self._coming, None
        return self._warm.server if self._warm is not None else None

    def reports(self) -> list[int]:
        """Return descriptors that are readable when `hear` has something to take."""
        return [self._coming.reports] if self._coming is not None and not self._coming.is_ready else []

    def keep(self, imports: Imports) -> None:
        """See to it that a server has imported what the project uses."""
        imports = imports.without(self._excluded)
        latest = self._coming or self._warm
        if latest is not None and not _is_worth_it(imports, latest.imports):
            return
        if self._tries.get(_name(imports), 0) >= _MOST_TRIES:
            return
        if self._coming is not None:
            self._coming.end()
        self._coming = self._start(imports)

    def hear(self) -> None:
        """Take what a server that imports libraries says of it."""
        coming = self._coming
        assert coming is not None
        said = os.read(coming.reports, 4096).decode("utf-8", "replace").strip()
        if said == _READY:
            coming.is_ready = True
            left_out = {name.partition(".")[0] for name in coming.imports.barred}
            self._tell_ready(sorted(self._excluded | left_out))
            return
        self._coming = None
        coming.end()
        if said:
            self._excluded.add(said)
            self._coming = self._start(coming.imports.without(self._excluded))
        else:
            self._tries[_name(coming.imports)] = _MOST_TRIES
            self._note_once("importing the libraries ahead ended its process: every round imports them anew")

    def give_up(self, outcome: Mapping[str, Any]) -> None:
        """End the server: a round found it out of date, or has doubts that outlast this round."""
        warm, self._warm = self._warm, None
        if warm is None:
            return
        if outcome.get("doubt"):
            self._count_try(_name(warm.imports))
            self._note_once(f"libraries are imported anew: {outcome['doubt']}")
        elif self._count_try(outcome["stale"]):
            self._tries[_name(warm.imports)] = _MOST_TRIES
            self._note_once(f"every round imports libraries anew: {outcome['stale']} changes all the time")
        warm.end()

    def _count_try(self, name: str) -> bool:
        """Count a reason for which libraries were imported in vain; return whether that was too often."""
        self._tries[name] = self._tries.get(name, 0) + 1
        return self._tries[name] >= _MOST_TRIES

    def end(self) -> None:
        """End all servers, whatever they are doing."""
        for warm in (self._warm, self._coming):
            if warm is not None:
                warm.end()

    def _note_once(self, text: str) -> None:
        if text not in self._noted:
            self._noted.add(text)
            self._note(text)

    def _start(self, imports: Imports) -> _Warm:
        reports, writing = os.pipe()
        alive, leash = os.pipe()
        body = self._make_body()

        def release(is_server: bool) -> None:
            self._release(is_server)
            if is_server:
                os.close(reports)
                os.close(leash)

        def prepare() -> None:
            if sys.platform == "linux":  # elsewhere it sees its parent's end once it is ready
                die_at_end_of(alive)
            body.preloaded = preload(self._root, imports, self._threads)
            os.write(writing, (body.preloaded.unsafe or _READY).encode() + b"\n")

        server = ForkServer(body, release, prepare)
        os.close(writing)
        os.close(alive)
        return _Warm(server, imports, reports, leash)


def _is_worth_it(imports: Imports, older: Imports) -> bool:
    """Return whether to import everything again: a few modules more are soon imported in each round."""
    if (imports.writes, imports.order) != (older.writes, older.order):
        return True
    fresh = {
        name
        for name in set(imports.modules) - set(older.modules)
        if not is_standard_module(name) and not is_own_module(name)
    }
    packages = {name.partition(".")[0] for name in older.modules}
    return len(fresh) > _MANY_MODULES or any(name.partition(".")[0] not in packages for name in fresh)


def _name(imports: Imports) -> str:
    return json.dumps(imports.to_json())


def preload(root: Path, imports: Imports, threads: int | None = None) -> Preloaded:
    """Import libraries in this process, as it will be in those that are forked from it."""
    os.chdir(root)
    names = [name for name in THREAD_VARIABLES if threads is not None and name not in os.environ]
    for name in names:
        os.environ[name] = str(threads)
    try:
        for module in _OWN_MODULES:
            importlib.import_module(module)
        preloaded = Preloaded(root)
        preloaded.load(imports)
    finally:
        for name in names:
            del os.environ[name]
    return preloaded
