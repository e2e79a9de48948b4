"""Where things lie in a project's state folder, and how a run gets its number.

::

    .zenconv/
        .gitignore  CACHEDIR.TAG
        runs/<number>-<6 hex digits>/   events.log   lock
        store/                          artifacts (unless the stack says otherwise)
        checkpoints/                    what unfinished steps saved of their progress
        index.sqlite                    made from the logs, and again whenever it is damaged

Reading never needs anything that `StateFolder.create` writes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import attrs

from zenconv.errors import StoreError, UsageError, hint_to_write
from zenconv.frozen import Frozen
from zenconv.locks import FileLock

STATE_FOLDER = ".zenconv"

_PATIENCE_SECONDS = 5.0

_RUN_ID = re.compile(r"([1-9][0-9]{0,8})-([0-9a-f]{6})")
_CACHE_TAG = """Signature: 8a477f597d28d172789f06886806bc55
# Made by zenconv: records of runs and reusable results. Backup programs may leave it out;
# deleting it loses the history and costs recomputing.
"""


def is_run_id(text: str) -> bool:
    """Return whether `text` has the form of a run id: the allow-list for anything that names a run."""
    return _RUN_ID.fullmatch(text) is not None


def run_number(run: str) -> int:
    """Return the number in front of a run id.

    Raises
    ------
    UsageError
        `run` does not have the form of a run id.
    """
    match = _RUN_ID.fullmatch(run)
    if match is None:
        raise UsageError(f"{run[:80]!r} is no run id", hint="zenconv runs lists them")
    return int(match[1])


@attrs.frozen(eq=False, repr=False)
class RunFolder(Frozen):
    """The folder of one run: `id` is ``<number>-<6 hex digits>``, and `number` orders runs."""

    path: Path
    id: str
    number: int

    @property
    def log(self) -> Path:
        """The event log."""
        return self.path / "events.log"

    @property
    def lock(self) -> Path:
        """The lock file, held for as long as the run lives."""
        return self.path / "lock"

    def hold(self) -> FileLock:
        """Take the lock of this run, before its log is made; whoever drops it has ended the run.

        Raises
        ------
        StoreError
            Somebody else holds it, or the file cannot be made.
        """
        lock = FileLock(self.lock)
        # Whoever looks whether the run lives has its lock for an instant, which a busy machine stretches.
        if not lock.acquire(timeout=_PATIENCE_SECONDS):
            raise StoreError(f"run {self.id} already has a writer ({self.lock} is held)")
        return lock


@attrs.frozen(eq=False, repr=False)
class StateFolder(Frozen):
    """The state of one project, usually ``.zenconv`` in its root."""

    path: Path

    @property
    def runs(self) -> Path:
        """The folder that holds a folder for every run."""
        return self.path / "runs"

    @property
    def store(self) -> Path:
        """The default place of artifacts."""
        return self.path / "store"

    @property
    def checkpoints(self) -> Path:
        """The folder of what steps saved of their progress before they succeeded."""
        return self.path / "checkpoints"

    @property
    def index(self) -> Path:
        """The metadata index."""
        return self.path / "index.sqlite"

    def create(self) -> None:
        """Make the folder and what keeps version control and backups out of it.

        What is there already is left as it is, so N processes may do this at once.

        Raises
        ------
        StoreError
            The folder cannot be written.
        """
        try:
            os.makedirs(self.runs, exist_ok=True)
            _write_once(self.path / ".gitignore", "*\n")
            _write_once(self.path / "CACHEDIR.TAG", _CACHE_TAG)
        except OSError as error:
            raise StoreError(
                f"cannot write the state folder {self.path}: {error.strerror or error}",
                hint=hint_to_write(error),
            ) from error

    def run(self, run: str) -> RunFolder:
        """Return the folder of the run id `run`, there or not. `UsageError` if it is no run id."""
        return RunFolder(self.runs / run, run, run_number(run))

    def run_ids(self) -> Iterator[str]:
        """Yield the ids of all runs that have a folder, in no particular order.

        Raises
        ------
        StoreError
            The folder is there but cannot be read.
        """
        try:
            names = os.listdir(self.runs)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"cannot read {self.runs}: {error.strerror or error}") from error
        yield from filter(_RUN_ID.fullmatch, names)

    def next_run(self) -> RunFolder:
        """Make a folder for a new run, numbered above every run before it; `create` comes first.

        Safe for any number of processes at once. The number of a deleted run is not given
        again. The folder counts as a run once its log has a first event.

        Raises
        ------
        StoreError
            The folder cannot be written.
        """
        lock = FileLock(self.path / "runs.lock")
        try:
            lock.acquire(timeout=None)
            number = 1 + max(self._last_number(), *map(run_number, self.run_ids()), 0)
            folder = self.run(f"{number}-{os.urandom(3).hex()}")
            os.mkdir(folder.path)
            self._write_last_number(number)
        except OSError as error:
            place = error.filename2 or error.filename or self.runs
            what = f"cannot start a run: {place}: {error.strerror or error}"
            raise StoreError(what, hint=hint_to_write(error)) from error
        finally:
            lock.close()
        return folder

    def take_back(self, folder: RunFolder) -> None:
        """Remove the folder of what never became a run; its number is free again if it is the last."""
        import shutil

        lock = FileLock(self.path / "runs.lock")
        try:
            lock.acquire(timeout=None)
            shutil.rmtree(folder.path, ignore_errors=True)
            if self._last_number() == folder.number:
                self._write_last_number(folder.number - 1)
        except OSError:
            pass  # then a number is missing
        finally:
            lock.close()

    def _last_number(self) -> int:
        try:
            text = (self.path / "last_run").read_bytes()
        except FileNotFoundError:
            return 0
        return int(text) if text.isdigit() and len(text) < 10 else 0

    def _write_last_number(self, number: int) -> None:
        draft = self.path / "last_run.new"
        draft.write_bytes(b"%d" % number)
        os.replace(draft, self.path / "last_run")


def _write_once(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return
    with open(descriptor, "w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
