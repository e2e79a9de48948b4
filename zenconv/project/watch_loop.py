"""Run again and again, as edits come: the process that waits for them and starts each round.

It never imports anything of the project, nor a library. Every round is a process of its own, in
which an ordinary run takes place; it is forked from a server that has imported the libraries that
the project used last, and nothing of the project. The server is made anew as soon as any of these
files changes; rounds that cannot use it begin with nothing imported.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Collection
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from zenconv.engine.changes import ANYTHING, Changes, Watched, open_changes
from zenconv.engine.endings import describe_end
from zenconv.engine.fork_server import ForkServer
from zenconv.engine.preload import Imports
from zenconv.engine.terminal import take_terminal
from zenconv.engine.wakeups import Wakeups, drain
from zenconv.project.round_process import RoundProcess
from zenconv.project.superseding import Superseding
from zenconv.project.warm_libraries import RoundBody, WarmLibraries

_QUIET_SECONDS = 0.03
"""How long nothing more may happen until changes count as complete."""
_SETTLED_SECONDS = 0.01
"""The same, where every file that was written is closed again."""
_HALF_WRITTEN_SECONDS = 1.0
"""The same, where code that was written is still open: it may be empty, or half of it may be missing."""
_VANISHED_SECONDS = 0.25
"""The same, where a file has gone: editors put another one in its place."""
_CODE_SUFFIXES = (".py", ".toml")
_MOST_SECONDS = 2.0
_OWN_FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")
_CHECKOUT_SECONDS = 30.0
_INSTALLED = "-packages" + os.sep
_INSTALL_SECONDS = 0.5
"""How long nothing more may happen where packages are being installed."""
_PAUSES_SECONDS = (0.25, 0.5, 1.0, 2.0)


class OutdatedProgram(Exception):
    """A file of zenconv itself has changed: this process still is what it was before."""


class Screen(Protocol):
    """What a person is told between rounds."""

    def wait(self, *, has_news: bool) -> None:
        """Everything is done; an edit is waited for. `has_news`: something was shown since this was said."""

    def end(self) -> None:
        """Nothing more will come."""

    def say_idle(self, changed: Collection[str]) -> None:
        """These files changed, and nothing has to run."""

    def say_warm(self, left_out: Collection[str]) -> None:
        """The libraries that the project uses are imported, but for some."""

    def note(self, text: str) -> None:
        """Something is worth knowing."""


class WatchLoop:
    """Plays rounds until a signal comes.

    Parameters
    ----------
    root, watched
        The project's root and what is watched of it.
    make_body
        Makes what rounds are.
    screen
        What a person sees between them.
    threads
        How many threads numerical libraries may use; None: as many as they like.
    """

    def __init__(
        self,
        root: Path,
        watched: Watched,
        make_body: Callable[[], RoundBody],
        screen: Screen,
        threads: int | None = None,
    ) -> None:
        self._root = root
        self._watched = watched
        self._make_body = make_body
        self._screen = screen
        self._signals: list[int] = []
        self._wakeup = -1
        self._clean: ForkServer
        self._warm = WarmLibraries(root, make_body, self._release, screen.note, screen.say_warm, threads)
        self._scout: RoundProcess | None = None
        self._changes: Changes | None = None
        self._since: Any = None
        self._code: set[str] = set()
        self._pending: set[str] = set()
        self._unimportant: set[str] = set()
        self._pauses = 0
        self._has_news = True
        self._count = 0

    def run(self) -> int:
        """Play rounds; return the exit code, which is that of the signal that ended it."""
        with Wakeups(self._note_signal, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)) as wakeup:
            self._wakeup = wakeup
            self._clean = ForkServer(self._make_body(), self._release)
            self._changes = changes = open_changes(self._watched)
            try:
                changed: set[str] | None = None
                while not self._signals:
                    self._play(changed)
                    if not self._signals:
                        changed = self._await_change(changes)
            finally:
                self._warm.end()
                self._clean.abandon()
                changes.close()
                self._screen.end()
        return 128 + self._signals[0]

    def _note_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)

    def _release(self, is_server: bool) -> None:
        """Let go, in a forked process, of what only this one is to hold."""
        if is_server and self._changes is not None:
            self._changes.close()

    # -- rounds

    def _play(self, changed: set[str] | None) -> None:
        """Play one round; a second time, with nothing imported ahead, where that was in the way."""
        self._stop_scout()
        outcome = self._play_on(self._choose(), changed)
        reason = outcome.get("doubt") or outcome.get("stale")
        if reason and not self._signals:
            if reason.startswith(_OWN_FOLDER):
                raise OutdatedProgram(reason)
            self._warm.give_up(outcome)
            outcome = self._play_on(self._clean, changed)
        self._learn(outcome, changed)

    def _choose(self) -> ForkServer:
        """Return the server to fork from; one that is nearly ready is worth waiting for."""
        while self._warm.is_coming and not self._signals:
            self._select([])
        return self._warm.server() or self._clean

    def _play_on(self, server: ForkServer, changed: set[str] | None) -> dict[str, Any]:
        shown = [path for path in _listed(changed) or () if path in self._code or os.path.exists(path)]
        request = {"since": self._since, "changed": _listed(changed), "shown": shown}
        playing = self._start(server, request)
        is_superseded = self._follow(playing)
        playing.read()
        playing.connection.close()
        take_terminal()  # back, where the round had it
        outcome = playing.outcome
        if "code" not in outcome and not self._signals and playing.status is not None:
            self._screen.note(f"this round's process ended: {describe_end(playing.status)}")
        if outcome.get("code") == 128 + signal.SIGPIPE:
            raise BrokenPipeError  # nobody reads what rounds print
        if outcome.get("code") in (130, 143) and not is_superseded and "doubt" not in outcome:
            self._signals = self._signals or [signal.SIGINT]  # Ctrl-C went to a step that had the terminal
        return outcome

    def _follow(self, playing: RoundProcess) -> bool:
        """Wait for the end of a round, passing on signals; return whether edits made it end early."""
        superseding = Superseding(lambda request: self._start(playing.server, request))
        forwarded, is_told = 0, False
        is_superseded = False
        while playing.status is None:
            self._take_changes(playing, superseding)
            for number in self._signals[forwarded:]:
                playing.signal(signal.SIGTERM if number == signal.SIGHUP else number)
                forwarded += 1
            is_superseded = superseding.look(playing) and not is_told
            if not is_told and (is_superseded or "doubt" in playing.outcome):
                is_told = True
                playing.signal(signal.SIGTERM)
        superseding.end()
        return is_told and "doubt" not in playing.outcome

    def _take_changes(self, playing: RoundProcess, superseding: Superseding) -> None:
        """Wait for something, and note what changes meanwhile: it is played afterwards."""
        changes = self._changes
        assert changes is not None
        waiting = [*playing.descriptors(), *superseding.descriptors(), changes.fileno()]
        limits = [limit for limit in (superseding.timeout(playing), changes.interval) if limit is not None]
        self._select(waiting, playing, min(limits, default=None))
        more = changes.take()
        self._pending |= more
        known = self._code | set(playing.outcome.get("elsewhere", {}).get("files", ()))
        # What steps write while they run is no reason to ask.
        if any(path in known or path.endswith(_CODE_SUFFIXES) for path in more):
            superseding.note_change()

    def _start(self, server: ForkServer, request: dict[str, Any]) -> RoundProcess:
        self._count += 1
        return RoundProcess.start(server, self._count, request)

    def _learn(self, outcome: dict[str, Any], changed: set[str] | None) -> None:
        """Take down what a round has told, for the next ones."""
        elsewhere = outcome.get("elsewhere")
        if elsewhere is not None and self._changes is not None:
            self._code = set(elsewhere["files"])
            self._changes.watch(elsewhere["files"], elsewhere["folders"], elsewhere["code"])
        self._has_news = self._has_news or not outcome.get("idle")
        if outcome.get("idle"):
            self._pauses = min(self._pauses + 1, len(_PAUSES_SECONDS))
            self._unimportant |= changed or set()
            if changed and not changed.isdisjoint(self._code):
                self._screen.say_idle(sorted(changed & self._code))
                self._has_news = True
        elif changed is None or not changed <= self._unimportant:
            self._pauses, self._unimportant = 0, set()
        if "state" in outcome:
            self._since = outcome["state"]
        elif not outcome.get("idle"):
            self._since = None
        imports = outcome.get("imports")
        if imports is not None:
            self._warm.keep(Imports.from_json(imports))
        elif not self._warm.is_known and not self._signals:
            self._scout = self._start(self._clean, {"scout": True})

    def _stop_scout(self) -> None:
        scout, self._scout = self._scout, None
        if scout is not None:
            scout.end()

    # -- waiting

    def _await_change(self, changes: Changes) -> set[str]:
        """Return what changed, once it is complete; empty if a signal came instead."""
        changed, self._pending = self._pending, set()
        if not changed:
            self._screen.wait(has_news=self._has_news)
            self._has_news = False
        while not changed and not self._signals:
            self._select([changes.fileno()], timeout=changes.interval)
            changed = changes.take()
        started = time.monotonic()
        more = changed
        while more and not self._signals:
            is_installing = any(_INSTALLED in path for path in changed)
            if time.monotonic() - started > (_CHECKOUT_SECONDS if is_installing else _MOST_SECONDS):
                break
            more = self._await_more(changes, self._quiet_seconds(changes, changed))
            changed |= more
        changed |= self._await_checkout(changes)
        if self._pauses and changed <= self._unimportant and changed.isdisjoint(self._code):
            changed |= self._pause(changes, _PAUSES_SECONDS[self._pauses - 1])
        return changed

    def _quiet_seconds(self, changes: Changes, changed: set[str]) -> float:
        """Return how long nothing more may happen until what changed counts as complete."""
        if any(_INSTALLED in path for path in changed):
            return _INSTALL_SECONDS
        if any(path in self._code and not os.path.exists(path) for path in changed):
            return _VANISHED_SECONDS
        if any(path.endswith(_CODE_SUFFIXES) for path in changed & changes.being_written):
            return _HALF_WRITTEN_SECONDS
        return _SETTLED_SECONDS if changes.is_settled else _QUIET_SECONDS

    def _await_more(self, changes: Changes, seconds: float) -> set[str]:
        deadline = time.monotonic() + seconds
        while not self._signals and (left := deadline - time.monotonic()) > 0:
            self._select([changes.fileno()], timeout=left)
            more = changes.take()
            if more:
                return more
        return set()

    def _await_checkout(self, changes: Changes) -> set[str]:
        """Wait while git writes files; return what changed meanwhile."""
        changed: set[str] = set()
        deadline = time.monotonic() + _CHECKOUT_SECONDS
        while not self._signals and time.monotonic() < deadline and self._is_checking_out():
            changed |= self._await_more(changes, _QUIET_SECONDS)
        return changed

    def _is_checking_out(self) -> bool:
        for folder in (self._root, *self._root.parents):
            try:
                age = time.time() - os.stat(folder / ".git" / "index.lock").st_mtime
            except OSError:
                continue
            return age < _CHECKOUT_SECONDS  # an older one was left behind
        return False

    def _pause(self, changes: Changes, seconds: float) -> set[str]:
        """Let files rest that change all the time and matter to nobody, unless others change too."""
        changed: set[str] = set()
        deadline = time.monotonic() + seconds
        while not self._signals and (left := deadline - time.monotonic()) > 0:
            changed |= self._await_more(changes, left)
            if not changed <= self._unimportant:
                break
        return changed

    def _select(
        self, descriptors: list[int], playing: RoundProcess | None = None, timeout: float | None = None
    ) -> None:
        """Wait for something, and take what servers say."""
        waiting = [fd for fd in descriptors if fd >= 0] + [self._wakeup]
        ready_warm = set(self._warm.reports())
        waiting += ready_warm
        server = playing.server if playing is not None else self._clean
        waiting.append(server.fileno())
        if self._scout is not None:
            waiting += self._scout.descriptors()
        ready, _, _ = select.select(waiting, [], [], timeout)
        drain(self._wakeup)
        if not ready_warm.isdisjoint(ready):
            self._warm.hear()
        if self._scout is not None:
            self._hear_scout(self._scout)
        if playing is not None:
            playing.read()
        for each in {self._clean, server}:
            for pid, status in each.ended():
                if playing is not None and playing.server is each and playing.pid == pid:
                    playing.status = status

    def _hear_scout(self, scout: RoundProcess) -> None:
        scout.read()
        if scout.is_over:
            self._scout = None
            scout.connection.close()
            if scout.outcome.get("imports") is not None:
                self._warm.keep(Imports.from_json(scout.outcome["imports"]))


def _listed(changed: set[str] | None) -> list[str] | None:
    return None if changed is None else sorted(changed or {ANYTHING})
