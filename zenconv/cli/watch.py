"""``zenconv run --watch``: what is shown of each round and between them."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import attrs

from zenconv.cli.options import CommonOptions
from zenconv.cli.output import escape, has_colors, has_screen, plural, shorten, style
from zenconv.cli.report import RunReport
from zenconv.cli.run_flags import RunFlags
from zenconv.engine.frames import FrameReader, encode_frame
from zenconv.engine.preload import Preloaded
from zenconv.project.running import RunOptions
from zenconv.records import events
from zenconv.records.events import Event
from zenconv.settings import Settings

_FEW = 3
_READ_SIZE = 1 << 18


@attrs.frozen(eq=False, repr=False)
class WatchOptions:
    """How rounds run and what they show: the flags of ``zenconv run``."""

    common: CommonOptions
    run: RunOptions
    load_settings: Callable[[], Settings]
    flags: RunFlags


def watch_project(options: WatchOptions) -> int:
    """Run, and run again as files change, until Ctrl-C; return the exit code."""
    from zenconv.engine.changes import Watched
    from zenconv.project.watch_loop import OutdatedProgram, WatchLoop
    from zenconv.settings.cores import count_cores
    from zenconv.stack.workers import has_workers

    settings = options.load_settings()
    threads = None
    if has_workers(settings):
        workers = settings.stack.components["orchestrator"].options.get("workers")
        threads = max(
            1, count_cores() // (workers if isinstance(workers, int) and workers else count_cores())
        )
    aside = frozenset({str(settings.state), os.path.realpath(settings.state)})
    watched = Watched(settings.root, settings.norecurse, aside)
    screen = BetweenRounds(settings, options.flags.verbosity)
    try:
        return WatchLoop(settings.root, watched, lambda: RoundInProcess(options), screen, threads).run()
    except OutdatedProgram:
        screen.note("zenconv itself has changed: starting again")
        os.execv(sys.executable, sys.orig_argv)


class BetweenRounds:
    """Shows on stderr what happens while no round is under way."""

    def __init__(self, settings: Settings, verbosity: int) -> None:
        self._root = str(settings.root)
        self._verbosity = verbosity
        self._has_status = has_screen(sys.stderr)

    def wait(self, *, has_news: bool) -> None:
        """Say that an edit is waited for.

        Where lines stay it is said once, lest a log in the project's folder is a change each time.
        """
        text = "waiting for changes; Ctrl-C ends"
        if self._has_status:
            self._write(style(text, "dim", stream=sys.stderr))
        elif has_news:
            self._write(text + "\n")

    def end(self) -> None:
        """Leave the line on which was said what is waited for, and where the terminal shows ``^C``."""
        if self._has_status:
            self._write("\n")

    def say_idle(self, changed: Collection[str]) -> None:
        """Say that these files changed and nothing has to run."""
        self._clear()
        text = f"{_now()} {name_changed(sorted(changed), self._root)}: nothing has to run"
        self._write(style(text, "dim", stream=sys.stderr) + "\n")

    def say_warm(self, left_out: Collection[str]) -> None:
        """Say, to whoever wants to know everything, that libraries are imported."""
        if self._verbosity > 0:
            rest = f", but in each round anew: {', '.join(left_out)}" if left_out else ""
            self.note(f"libraries are imported{rest}")

    def note(self, text: str) -> None:
        """Show something worth knowing."""
        self._clear()
        self._write(style("note: ", "dim", stream=sys.stderr) + escape(text) + "\n")

    def _clear(self) -> None:
        if self._has_status:
            self._write("\r\x1b[2K")

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except BrokenPipeError:
            raise  # whoever read this has gone, and nobody else wants to know
        except OSError:
            pass  # the terminal has gone; a signal says so too


class RoundInProcess:
    """One round, in a process of its own: an ordinary run, of which only what is new is shown."""

    def __init__(self, options: WatchOptions) -> None:
        self._options = options
        self.preloaded: Preloaded | None = None

    def __call__(self, connection: socket.socket, spool: int, number: int) -> None:
        """Receive a request, play the round, send what came of it; does not return."""
        from zenconv.cli.main import flush, report
        from zenconv.engine.runner import end_process

        os.close(spool)
        # Stopping is the watching process's business, which has the terminal.
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)

        def tell(message: Any) -> None:
            connection.sendall(encode_frame(dict(message)))

        try:
            request = _receive(connection)
            if "scout" in request:
                code = self._learn_imports(tell)
            elif "judge" in request:
                code = self._judge(request["judge"], tell)
            else:
                code = self._play(request, tell)
        except BrokenPipeError:
            code = 128 + signal.SIGPIPE
        except BaseException as error:  # noqa: BLE001 - shown as any command shows it
            code = report(error)
        tell({"code": flush(code)})
        end_process()

    def _play(self, request: dict[str, Any], tell: Callable[[Any], None]) -> int:
        from zenconv.cli.exports import Exports
        from zenconv.project.rounds import Freshness, Round, RoundListener, RoundState
        from zenconv.project.running import run_project

        settings = self._options.load_settings()
        changed = request["changed"]
        since = RoundState.from_json(request["since"]) if request["since"] else None
        report = RunReport(self._options.flags, settings.root)
        shown = None if changed is None else request["shown"]
        freshness = Freshness(self.preloaded) if self.preloaded is not None else None
        listener = RoundListener(_Headed(report, shown, str(settings.root)), since, tell, freshness)
        played = Round(settings.root, since, changed or (), self.preloaded, freshness)
        selection = self._options.run.selection
        if since is not None and not since.error:  # what was to be executed in any case has been
            selection = attrs.evolve(selection, force=(), begin=())
        run = attrs.evolve(self._options.run, round=played, selection=selection)
        common = self._options.common
        exports = Exports(settings, listener, selection.sample)
        name, finished = run_project(
            settings, run, partial(common.load_plugins, settings), exports, lambda: listener.is_dropped
        )
        report.clear()
        if not listener.is_dropped:
            exports.write(common, name, finished)
            report.show_end(name, finished, exports.written)
        tell(listener.result(finished))
        return finished.exit_code

    def _learn_imports(self, tell: Callable[[Any], None]) -> int:
        """Import the project, only to say which libraries it uses."""
        from zenconv.engine.import_recorder import ImportRecorder
        from zenconv.project.project import Project
        from zenconv.project.rounds import collect_imports

        _be_silent()
        settings = self._options.load_settings()
        os.chdir(settings.root)
        self._options.common.load_plugins(settings)
        recorder = ImportRecorder(settings.root, None)
        tell({"imports": collect_imports(Project(settings), recorder).to_json()})
        return 0

    def _judge(self, running: dict[str, str], tell: Callable[[Any], None]) -> int:
        """Plan with what is on disk now, only to say whether any of the nodes `running` is still wanted."""
        from zenconv.project.planning import Planner, consult
        from zenconv.project.superseding import is_superseded

        _be_silent()
        settings, selection = self._options.load_settings(), self._options.run.selection
        os.chdir(settings.root)
        plugins = self._options.common.load_plugins(settings)

        def question(planner: Planner) -> bool:
            return is_superseded(planner.plan(selection).decisions, running)

        tell({"superseded": consult(settings, selection, plugins, lambda _text: None, question)})
        return 0


class _Headed:
    """Shows a round under a line that says when it was and what changed."""

    def __init__(self, report: RunReport, changed: Sequence[str] | None, root: str) -> None:
        self._report = report
        self._changed = changed
        self._root = root
        self._is_headed = changed is None

    def __call__(self, event: Event) -> None:
        if self._changed is not None and isinstance(event, events.RunHeader):
            return
        if not self._is_headed and not isinstance(event, events.Progress | events.Answer):
            self._is_headed = True
            self._report.clear()
            head = f"{_now()} {name_changed(self._changed or (), self._root)}"
            if has_colors(sys.stderr):
                head = style(f"\n── {head} ".ljust(70, "─"), "bold", stream=sys.stderr)
            sys.stderr.write(head + "\n")
            sys.stderr.flush()
        self._report(event)


def name_changed(paths: Sequence[str], root: str) -> str:
    """Return what changed in a few words: names of files, relative to the root where below it."""
    inside = root.rstrip(os.sep) + os.sep
    packages = {path for path in paths if "site-packages" in path or "dist-packages" in path}
    names = [path.removeprefix(inside) for path in paths if path and path not in packages]
    shown = [shorten(escape(name), 50) for name in names[:_FEW]]
    if len(names) > _FEW:
        shown[-1] = f"{plural(len(names) - _FEW + 1, 'file')} more"
    if packages:
        shown.append("installed packages")
    return f"{', '.join(shown) or 'something'} changed"


def _be_silent() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)


def _now() -> str:
    return time.strftime("%H:%M:%S")


def _receive(connection: socket.socket) -> dict[str, Any]:
    reader = FrameReader()
    while True:
        data = connection.recv(_READ_SIZE)
        if not data:
            os._exit(1)  # whoever asked has gone
        for message in reader.feed(data):
            return message
