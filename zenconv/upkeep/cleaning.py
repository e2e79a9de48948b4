"""`zenconv clean`: what would go, and removing it beside running runs.

The order makes every moment consistent: entries first (a missing one costs a computation), then
the records of runs (moved away whole), then the bytes that only they needed. What still needs
bytes is looked up again at the last moment, under the rule of `zenconv.interfaces.sweeping`.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import attrs

from zenconv.errors import StoreError
from zenconv.frozen import Frozen
from zenconv.interfaces.sweeping import Leftover, Sweepable, Swept
from zenconv.locks import FileLock
from zenconv.records.artifact import ActionEntry
from zenconv.records.layout import StateFolder
from zenconv.settings import Settings
from zenconv.stack.assemble import Stack
from zenconv.stack.pins import digests_of
from zenconv.stack.run_pins import pin_runs, unpin_runs
from zenconv.stack.sharing import is_shared
from zenconv.upkeep.judging import Judge
from zenconv.upkeep.marking import RunMarks
from zenconv.upkeep.pending import Pending
from zenconv.upkeep.remains import REMOVED, Remains, find_remains, remove
from zenconv.upkeep.retention import Retention, RunFacts, Verdict

_PAGE = 500
_PATIENCE_SECONDS = 600.0


@attrs.frozen(eq=False, repr=False)
class CleanPlan(Frozen):
    """What would go, and what stays.

    `frees` maps ids of runs that go to the bytes that nothing else needs. `entries` are cache
    entries that go (pins that were given up among them), `blobs` digests with their sizes.
    `kept_entries`, `kept_blobs` and `kept_bytes` count what stays in the store.
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
    def staying(self) -> list[RunFacts]:
        """The runs that stay."""
        return [verdict.run for verdict in self.verdicts if not verdict.goes]

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
    """Cleans the state folder of one project and the store of one stack.

    Parameters
    ----------
    others
        In a store that is shared: also what this project does not know of, where nobody has
        pinned it.
    """

    def __init__(
        self, settings: Settings, stack: Stack, retention: Retention, *, others: bool = False
    ) -> None:
        self.state = StateFolder(settings.state)
        self.stack = stack
        self.retention = retention
        self.is_shared = is_shared(settings, stack.settings)
        self.pending = Pending(self.state, stack.artifact_store.url)
        only_own = self.is_shared and not others
        self._judge = Judge(settings, stack, retention, only_own=only_own, others=others)

    def plan(self) -> CleanPlan:
        """Look at everything, change nothing.

        Raises
        ------
        StoreError
            The log of a run that stays cannot be read, so nothing can be told to be unneeded.
        """
        verdicts = self._judge.judge_runs()
        going = [verdict.run.id for verdict in verdicts if verdict.goes]
        kept = RunMarks(self.state, going).refresh()
        gone = {run: self._judge.mentioned_by(run) for run in going}
        judged = self._judge.judge_entries(kept, gone)
        sizes = dict(self.stack.artifact_store.digests())
        unneeded = {d: s for d, s in sizes.items() if d not in kept.digests and d not in judged.needed}
        blobs = unneeded
        if self._judge.only_own:
            own = set(self.pending.read()).union(*(m.digests for m in gone.values()), judged.freed)
            blobs = {digest: size for digest, size in unneeded.items() if digest in own}
        return CleanPlan(
            verdicts=tuple(verdicts),
            frees={run: sum(blobs.get(d, 0) for d in m.digests) for run, m in gone.items()},
            entries=tuple(judged.going),
            blobs=blobs,
            leftovers=tuple(self._leftovers(kept.digests)),
            remains=tuple(find_remains(self.state, self.retention.result_age)),
            kept_entries=judged.staying,
            kept_blobs=len(sizes) - len(blobs),
            kept_bytes=sum(sizes.values()) - sum(blobs.values()),
        )

    def _leftovers(self, kept: set[str]) -> Iterator[Leftover]:
        """Yield what the store has to throw away; copies of what a kept run needs stay."""
        store = self.stack.artifact_store
        if isinstance(store, Sweepable):
            yield from (f for f in store.leftovers() if f.kind != "copy" or f.name not in kept)

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
        # What needs no record of its own goes first: on a full disk the rest needs some room.
        self._remove_leftovers(plan.leftovers, done)
        self._remove_remains(done)
        if self.is_shared:
            pin_runs(self.state, self.stack, [run.id for run in plan.staying], platform.node())
            self.pending.add(plan.blobs)
        is_full = not self._remove_entries(plan.entries, done)
        done.runs = [run.id for run in plan.going if self._move_away(run.id)]
        self._remove_remains(done)
        self._forget(done.runs)
        self._remove_remains(done)
        self._sweep(plan, done)
        if is_full and not self._remove_entries(plan.entries, done):
            done.notes.append("cached results stay for now, without their bytes: the cache cannot be written")
        return done

    def _remove_leftovers(self, leftovers: Sequence[Leftover], done: Cleaned) -> None:
        store = self.stack.artifact_store
        if leftovers and isinstance(store, Sweepable):
            store.remove_leftovers(leftovers)
            done.files += len(leftovers)
            done.freed += sum(leftover.size for leftover in leftovers)

    def _remove_remains(self, done: Cleaned) -> None:
        """Remove what is left over by now; the folders of runs that were moved away are among it."""
        for found in find_remains(self.state, self.retention.result_age):
            remove(found)
            done.files += found.path.name not in done.runs
            done.freed += found.size

    def _remove_entries(self, entries: Sequence[ActionEntry], done: Cleaned) -> bool:
        """Remove entries that are as they were; one that was published anew meanwhile stays.

        False where the cache cannot be written: entries that lose their bytes do no harm.
        """
        cache = self.stack.action_cache
        try:
            for batch in _batches(entries):
                present = cache.look_up([entry.key for entry in batch])
                same = [e.key for e in batch if e.key in present and present[e.key].created == e.created]
                cache.remove(same)
                done.entries += len(same)
        except StoreError:
            return False
        return True

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
        if not runs:
            return
        store = self.stack.metadata_store
        store.refresh()
        if len(runs) > store.count():  # most of it is about runs that are gone: a new one is small
            store.refresh(anew=True)
        store.notices[:] = [text for text in store.notices if not _is_own_doing(text)]
        if self.is_shared:
            unpin_runs(self.state, self.stack, runs)

    def _sweep(self, plan: CleanPlan, done: Cleaned) -> None:
        store = self.stack.artifact_store
        swept = Swept({}, ("somebody, perhaps: this kind of store cannot tell",) if plan.blobs else ())
        if plan.blobs and isinstance(store, Sweepable):
            swept = store.sweep(plan.blobs, lambda: self._needed_now(plan.entries))
        done.blobs = len(swept.removed)
        done.freed += sum(swept.removed.values())
        if swept.in_use_by:
            users = ", ".join(swept.in_use_by)
            done.notes.append(f"stored files stay for now: the store is in use by {users}")
        else:
            self.pending.clear()

    def _needed_now(self, going: Iterable[ActionEntry]) -> set[str]:
        """Return every digest that records, pins and cache entries mention at this moment.

        Entries that should be gone, and could not be removed, do not count.
        """
        ignored = {(entry.key, entry.created) for entry in going}
        needed = RunMarks(self.state).refresh().digests
        for entry in self.stack.action_cache.entries():
            if (entry.key, entry.created) not in ignored:
                needed |= digests_of(entry)
        return needed


def _is_own_doing(notice: str) -> bool:
    return "logs were deleted" in notice or "made again from the logs" in notice


def _batches(entries: Iterable[ActionEntry]) -> Iterator[list[ActionEntry]]:
    waiting = iter(entries)
    while batch := list(islice(waiting, _PAGE)):
        yield batch


__all__ = ["CleanPlan", "Cleaned", "Cleaner"]
