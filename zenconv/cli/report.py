"""All that ``zenconv run`` shows of one run: while it goes on, and at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zenconv.cli.output import escape, print_json, print_line, print_note
from zenconv.cli.progress import Progress
from zenconv.cli.run_flags import RunFlags
from zenconv.cli.summary import Summary
from zenconv.records.events import Event, RunFinished


class RunReport:
    """Is told the events of one run of the project at `root`; `flags` say what is shown."""

    def __init__(self, flags: RunFlags, root: Path) -> None:
        self._as_json = flags.as_json
        self._verbosity = flags.verbosity
        self._progress = Progress(
            root, verbosity=flags.verbosity, traceback=flags.traceback, is_live=flags.is_live
        )
        self._summary = Summary(
            verbosity=flags.verbosity,
            durations=flags.durations,
            shortest=flags.shortest,
            sample=flags.sample,
        )

    def __call__(self, event: Event) -> None:
        """Show one event."""
        self._progress(event)
        self._summary(event)

    def clear(self) -> None:
        """Take the status line away."""
        self._progress.clear()

    def show_end(self, run: str, finished: RunFinished, written: Sequence[Mapping[str, Any]] = ()) -> None:
        """Print, on stdout, what came of it; `written` are files that it led to (`Exports`)."""
        if self._as_json:
            print_json(
                {
                    "run": run or None,
                    "status": finished.status,
                    "exit_code": finished.exit_code,
                    "counts": dict(finished.counts),
                    "verified": dict(finished.verified),
                    "seconds": finished.seconds,
                    "written": list(written),
                }
            )
        elif finished.status != "error":
            for row in written if self._verbosity >= 0 else ():
                print_note(f"wrote {escape(row['file'])}")
            for line in self._summary.lines(finished, run):
                print_line(line)
