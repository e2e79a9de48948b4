"""`zenconv clean`: find what no kept run, pin or recent result needs, and remove it beside running runs.

The order makes every moment consistent: entries first (a missing one costs a computation), then
the records of runs (moved away whole), then the bytes that only they needed. What still needs
bytes is looked up again at the last moment, under the rule of `zenconv.interfaces.sweeping`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import islice

import attrs

from zenconv.errors import StoreError
from zenconv.frozen import Frozen
from zenconv.interfaces.storing import ActionCache, ArtifactStore
from zenconv.interfaces.sweeping import Leftover, Sweepable, Swept
from zenconv.locks import FileLock, is_held
from zenconv.records.artifact import ActionEntry
from zenconv.records.layout import StateFolder
from zenconv.settings import Settings
from zenconv.stack.assemble import Stack, choose_component
from zenconv.stack.pins import digests_of, is_pin, unpin
from zenconv.upkeep.marking import Mentioned, RunMarks
from zenconv.upkeep.remains import REMOVED, Remains, find_remains, remove
from zenconv.upkeep.retention import Retention, RunFacts, Verdict, age_of

_PAGE = 500
_PATIENCE_SECONDS = 600.0


@attrs.frozen(eq=False, repr=False)
class CleanPlan(Frozen):
    """What would go, and what stays.

    `frees` maps ids of runs that go to the bytes that nothing else needs. `entries` are cache
    entries that go, `blobs` digests with their sizes. `kept_entries`, `kept_blobs` and
    `kept_bytes` count what stays in the store.
    """

    verdicts: tuple[Verdict, ...]
    frees: Mapping[str, int]
    entries: tuple[ActionEntry, ...]
    blobs: Mapping[str, int]
    leftovers: tuple[Leftover, ...]
    remains: tuple[Remains, ...]
    kept_entries: int = 0
    kept_blobs: int = 0
    kept_bytes: int = 0

    @property
    def going(self) -> list[RunFacts]:
        """The runs that go."""
        return [verdict.run for verdict in self.verdicts if verdict.goes]

    @property
    def is_empty(self) -> bool:
        """Whether nothing goes."""
        return not (self.going or self.entries or self.blobs or self.leftovers or self.remains)


@attrs.define(eq=False, repr=False)
class Cleaned:
    """What was done: `freed` bytes, and lines about what had to stay."""

    runs: list[str] = attrs.field(factory=list)
    entries: int = 0
    blobs: int = 0
    files: int = 0
    freed: int = 0
    notes: list[str] = attrs.field(factory=list)


class Cleaner:
    """Cleans the state folder of one project and the store of one stack."""

    def __init__(self, settings: Settings, stack: Stack, retention: Retention) -> None:
        self.settings = settings
        self.state = StateFolder(settings.state)
        self.stack = stack
        self.retention = retention
        self.store: ArtifactStore = stack.artifact_store
        self.cache: ActionCache = stack.action_cache

    def plan(self) -> CleanPlan:
        """Look at everything, change nothing.

        Raises
        ------
        StoreError
            The log of a run that stays cannot be read, so nothing can be told to be unneeded.
        """
        verdicts = self._judge_runs()
        going = [verdict.run.id for verdict in verdicts if verdict.goes]
        marks = RunMarks(self.state, going)
        kept = marks.refresh()
        per_run = {run: self._read_going(run) for run in going}
        gone_keys = set[str]().union(*(mentioned.keys for mentioned in per_run.values()))
        entries, needed, kept_entries = self._judge_entries(kept, gone_keys)
        sizes = dict(self.store.digests())
        blobs = {d: size for d, size in sizes.items() if d not in kept.digests and d not in needed}
        frees = {run: sum(blobs.get(d, 0) for d in m.digests) for run, m in per_run.items()}
        return CleanPlan(
            verdicts=tuple(verdicts),
            frees=frees,
            entries=tuple(entries),
            blobs=blobs,
            leftovers=tuple(self._leftovers(blobs)),
            remains=tuple(find_remains(self.state, self.retention.result_age)),
            kept_entries=kept_entries,
            kept_blobs=len(sizes) - len(blobs),
            kept_bytes=sum(sizes.values()) - sum(blobs.values()),
        )

    def _judge_runs(self) -> list[Verdict]:
        store = self.stack.metadata_store
        store.refresh()
        present = set(self.state.run_ids())
        runs: list[RunFacts] = []
        while page := store.runs(limit=_PAGE, offset=len(runs)):
            runs += map(RunFacts.of, page)
        here = [run for run in runs if run.id in present]
        alive = {run.id for run in here if _is_alive(self.state, run.id)}
        own = choose_component(self.stack.settings, "artifact_store")
        stacks = self.settings.stacks
        elsewhere = {
            run.id
            for run in here
            if run.stack not in stacks or choose_component(stacks[run.stack], "artifact_store") != own
        }
        return self.retention.judge(here, alive=alive, elsewhere=elsewhere)

    def _read_going(self, run: str) -> Mentioned:
        mentioned = Mentioned()
        with suppress(StoreError):
            mentioned.read(self.state.run(run).log)
        return mentioned

    def _judge_entries(self, kept: Mentioned, gone_keys: set[str]) -> tuple[list[ActionEntry], set[str], int]:
        """Return the entries that go, the digests that the others need, and how many those are."""
        going: list[ActionEntry] = []
        needed: set[str] = set()
        count = 0
        for entry in self.cache.entries():
            if self._stays(entry, kept, gone_keys):
                needed |= digests_of(entry)
                count += not is_pin(entry)
            else:
                going.append(entry)
        return going, needed, count

    def _stays(self, entry: ActionEntry, kept: Mentioned, gone_keys: set[str]) -> bool:
        key = str(entry.key)
        if is_pin(entry) or key in kept.keys:
            return True
        if entry.discovered and digests_of(entry) <= kept.digests:
            return True  # a kept run used it under the key that it has without what was discovered
        return key not in gone_keys and age_of(entry.created) <= self.retention.result_age

    def _leftovers(self, blobs: Mapping[str, int]) -> Iterable[Leftover]:
        if isinstance(self.store, Sweepable):
            yield from (found for found in self.store.leftovers() if found.kind != "copy")

    def perform(self, plan: CleanPlan) -> Cleaned:
        """Remove what `plan` says, as far as nobody needs it by now.

        Killed at any instant, what is left is consistent, and another clean goes on from there.

        Raises
        ------
        StoreError
            Something cannot be removed, or another clean of this project does not end.
        """
        lock = FileLock(self.state.path / "clean.lock")
        if not lock.acquire(timeout=_PATIENCE_SECONDS):
            raise StoreError(f"another clean is going on ({lock.path} is held)", hint="run again later")
        try:
            return self._perform(plan)
        finally:
            lock.close(remove=True)

    def _perform(self, plan: CleanPlan) -> Cleaned:
        done = Cleaned()
        done.entries = self._remove_entries(plan.entries)
        done.runs = [run.id for run in plan.going if self._move_away(run.id)]
        self._forget(done.runs)
        swept = self._sweep(plan.blobs, done.runs)
        done.blobs = len(swept.removed)
        done.freed = sum(swept.removed.values())
        if swept.in_use_by:
            done.notes.append(
                f"stored bytes stay for now: the store is in use by {', '.join(swept.in_use_by)}"
            )
        if isinstance(self.store, Sweepable):
            self.store.remove_leftovers(plan.leftovers)
        # Looked for again: the folders of the runs are among them now, and what was in use may be.
        for found in find_remains(self.state, self.retention.result_age):
            remove(found)
            done.files += found.path.name not in done.runs
            done.freed += found.size
        done.files += len(plan.leftovers)
        done.freed += sum(leftover.size for leftover in plan.leftovers)
        return done

    def _remove_entries(self, entries: Sequence[ActionEntry]) -> int:
        """Remove entries that are as they were; one that was published anew meanwhile stays."""
        removed = 0
        for batch in _batches(entries):
            present = self.cache.look_up([entry.key for entry in batch])
            same = [e.key for e in batch if e.key in present and present[e.key].created == e.created]
            self.cache.remove(same)
            removed += len(same)
        return removed

    def _move_away(self, run: str) -> bool:
        """Move the folder of a run that has ended out of the records, whole; False if that is not for us."""
        folder = self.state.run(run)
        if not folder.path.exists():
            return False  # another clean was quicker
        lock = FileLock(folder.lock)
        try:
            if not lock.acquire():
                return False
            target = self.state.path / REMOVED
            target.mkdir(exist_ok=True)
            os.replace(folder.path, target / run)
        except OSError as error:
            raise StoreError(f"cannot remove {folder.path}: {error.strerror or error}") from error
        finally:
            lock.close()
        return True

    def _forget(self, runs: Sequence[str]) -> None:
        """Have the index forget the runs now, and not tell people later that their logs have vanished."""
        if runs:
            store = self.stack.metadata_store
            store.refresh()
            store.notices[:] = [text for text in store.notices if "logs were deleted" not in text]
            unpin(self.cache, "run", runs)

    def _sweep(self, blobs: Mapping[str, int], runs: Iterable[str]) -> Swept:
        if not blobs:
            return Swept({})
        if not isinstance(self.store, Sweepable):
            return Swept({}, ("somebody, perhaps: this kind of store cannot tell",))
        return self.store.sweep(blobs, self._needed_now)

    def _needed_now(self) -> set[str]:
        """Return every digest that records and cache entries mention at this moment."""
        needed = RunMarks(self.state).refresh().digests
        for entry in self.cache.entries():
            needed |= digests_of(entry)
        return needed


def _is_alive(state: StateFolder, run: str) -> bool:
    try:
        return is_held(state.run(run).lock)
    except StoreError:
        return True


def _batches(entries: Sequence[ActionEntry]) -> Iterable[list[ActionEntry]]:
    waiting = iter(entries)
    while batch := list(islice(waiting, _PAGE)):
        yield batch


__all__ = ["CleanPlan", "Cleaned", "Cleaner"]
