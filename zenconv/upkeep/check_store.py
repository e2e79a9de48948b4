"""Whether what is stored and recorded is sound: blobs, cache entries, logs, the index, leftovers."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from zenconv import hashing
from zenconv.errors import CorruptArtifact, ZenconvError
from zenconv.interfaces.recording import MetadataStore, Verifiable
from zenconv.interfaces.storing import ActionCache, ArtifactStore
from zenconv.interfaces.sweeping import Sweepable
from zenconv.locks import FileLock, is_held
from zenconv.records.artifact import ActionEntry
from zenconv.records.layout import StateFolder
from zenconv.records.run import HAS_RESULT, RunRecord
from zenconv.stack.assemble import Stack
from zenconv.stack.pins import is_pin
from zenconv.upkeep.findings import Finding, Section, count
from zenconv.upkeep.remains import find_remains, remove

SECTION = Section("store")
_SAMPLE_BLOBS, _SAMPLE_BYTES = 50, 256 << 20
_SAMPLE_RUNS = 10
_LITTLE_SPACE = 1 << 30
_OLD_COLLECTION = 30 * 86400.0
_BATCH = 400


class StoreCheck:
    """Looks at one state folder and the store of one stack.

    Parameters
    ----------
    deep
        Read every blob and every log, instead of a sample.
    fix
        Mend what can be mended.
    """

    def __init__(self, state: StateFolder, stack: Stack, *, deep: bool, fix: bool) -> None:
        self.state = state
        self.stack = stack
        self.deep = deep
        self.fix = fix

    def findings(self, *, with_store: bool = True) -> Iterator[Finding]:
        """Yield everything that is found; nothing is raised. Without `with_store`, of the records only."""
        if self.fix and self.state.path.exists() and not os.access(self.state.path, os.W_OK):
            self.fix = False
            yield SECTION.error("state", f"nothing can be mended: {self.state.path} cannot be written", 1)
        yield from SECTION.look("space", self._check_space)
        yield from SECTION.look("records", self._check_records)
        if not with_store:
            return
        yield from SECTION.look("results", self._check_results)
        yield from SECTION.look("stored files", self._check_blobs)
        yield from SECTION.look("cached results", self._check_entries)
        yield from SECTION.look("leftovers", self._check_leftovers)

    def _check_space(self) -> Iterator[Finding]:
        folder = self.state.path if self.state.path.exists() else self.state.path.parent
        free = shutil.disk_usage(folder).free
        if free < _LITTLE_SPACE:
            text = f"only {free / 1e6:.0f} MB are free in {folder}"
            yield SECTION.warning("space", text, "zenconv clean")
        else:
            yield SECTION.ok("space", f"{free / 1e9:.1f} GB free in {folder}")
        if self.state.path.exists() and os.access(self.state.path, os.W_OK):
            yield from _check_locks(self.state.path)

    def _check_records(self) -> Iterator[Finding]:
        records: MetadataStore = self.stack.metadata_store
        if self.fix and any(True for _ in self.state.run_ids()):
            records.refresh(anew=True)
            yield from (SECTION.fixed("records", text) for text in _take_notices(records))
        else:
            records.refresh()
        yield from (SECTION.warning("records", text) for text in _take_notices(records))
        runs = list(records.runs(limit=None if self.deep else _SAMPLE_RUNS))
        for run in runs:
            lost = [text for level, text in run.notices if level == "warning" and "log is damaged" in text]
            yield from (SECTION.warning("records", f"run {run.id}: {text}") for text in lost)
        if isinstance(records, Verifiable):
            wrong = records.verify(run.id for run in runs)
            yield from (SECTION.error("records", text, 1, "zenconv check --fix") for text in wrong)
        total = records.count()
        compared = "" if len(runs) == total else f", the newest {len(runs)} compared with their logs"
        yield SECTION.ok("records", f"{count(total, 'run')}{compared}")

    def _check_results(self) -> Iterator[Finding]:
        """Look whether the bytes of recorded results are there."""
        own = self.stack.name
        runs = self.stack.metadata_store.runs(limit=None if self.deep else _SAMPLE_RUNS)
        for run in (run for run in runs if run.stack == own):
            gone = list(self._find_gone(run))
            if gone:
                more = f" and {len(gone) - 3} more" if len(gone) > 3 else ""
                text = f"run {run.id}: what {', '.join(gone[:3])}{more} returned is no longer stored"
                yield SECTION.warning("results", text, "it is computed again by the next run that needs it")

    def _find_gone(self, run: RunRecord) -> Iterator[str]:
        wanted: dict[str, list[str]] = {}
        for step in self.stack.metadata_store.steps(run.id, statuses=HAS_RESULT):
            for artifact in step.outputs.values():
                for file in artifact.files:
                    if file.inline is None:
                        wanted.setdefault(file.digest, []).append(step.node)
        there = _which_are_there(self.stack.artifact_store, list(wanted))
        yield from dict.fromkeys(node for d, nodes in wanted.items() if d not in there for node in nodes)

    def _check_blobs(self) -> Iterator[Finding]:
        store = self.stack.artifact_store
        blobs = list(store.digests())
        chosen = blobs if self.deep else _sample(blobs)
        damaged = [digest for digest, _ in chosen if not _is_sound(store, digest)]
        owners = self._find_owners(set(damaged)) if damaged else {}
        for digest in damaged:
            whose = owners.get(digest, "of no recorded result")
            text = f"{store.url}: the bytes {whose} are damaged ({digest})"
            if self.fix:
                store.quarantine(digest)
                yield SECTION.fixed("stored files", f"{text}: moved into quarantine")
            else:
                yield SECTION.error("stored files", text, 1, "zenconv check --fix moves it into quarantine")
        size = sum(size for _, size in blobs)
        what = f"{count(len(blobs), 'file')}, {size / 1e6:.1f} MB"
        read = "all read" if len(chosen) == len(blobs) else f"{len(chosen)} of them read (--deep reads all)"
        yield SECTION.ok("stored files", f"{what}; {read}, {len(chosen) - len(damaged)} sound")

    def _find_owners(self, digests: set[str]) -> dict[str, str]:
        """Return for digests whose result they belong to, in the newest run that has it."""
        owners: dict[str, str] = {}
        records = self.stack.metadata_store
        for run in records.runs():
            for step in records.steps(run.id, statuses=HAS_RESULT):
                files = [file for artifact in step.outputs.values() for file in artifact.files]
                if step.output is not None:
                    files += step.output.files
                for file in files:
                    if file.digest in digests:
                        owners.setdefault(file.digest, f"of {step.node} in run {run.number}")
            if len(owners) == len(digests):
                break
        return owners

    def _check_entries(self) -> Iterator[Finding]:
        cache: ActionCache = self.stack.action_cache
        lost: list[ActionEntry] = []
        total = 0
        for batch in _batches(entry for entry in cache.entries() if not is_pin(entry)):
            total += len(batch)
            lost += self._find_lost(batch)
        if lost:
            text = f"of {count(len(lost), 'cached result')} the bytes are gone"
            if self.fix:
                cache.remove([entry.key for entry in lost])
                yield SECTION.fixed("cached results", f"{text}: forgotten")
            else:
                yield SECTION.warning("cached results", text, "zenconv check --fix forgets them")
        yield SECTION.ok("cached results", count(total - len(lost), "result"))

    def _find_lost(self, entries: Sequence[ActionEntry]) -> list[ActionEntry]:
        needs = {id(entry): _blobs(entry) for entry in entries}
        wanted = list({digest for digests in needs.values() for digest in digests})
        there = _which_are_there(self.stack.artifact_store, wanted)
        return [entry for entry in entries if not needs[id(entry)] <= there]

    def _check_leftovers(self) -> Iterator[Finding]:
        """Look for files that dead processes left; those that help to find out what happened stay."""
        stale = [f for f in find_remains(self.state, _OLD_COLLECTION) if f.kind in _STALE]
        store = self.stack.artifact_store
        left = [f for f in store.leftovers() if f.kind == "spool"] if isinstance(store, Sweepable) else []
        total = len(stale) + len(left)
        if not total:
            yield SECTION.ok("leftovers", "none")
        elif self.fix:
            for found in stale:
                remove(found)
            if isinstance(store, Sweepable):
                store.remove_leftovers(left)
            yield SECTION.fixed("leftovers", f"{count(total, 'file')} of processes that died: removed")
        else:
            text = f"{count(total, 'file')} of processes that died"
            yield SECTION.warning("leftovers", text, "zenconv check --fix, or zenconv clean, removes them")


_STALE = ("half-removed run", "draft", "scratch of a run", "run that never began")


def _check_locks(folder: Path) -> Iterator[Finding]:
    """Everything that several processes do at once rests on locks."""
    lock = FileLock(folder / f"check-{os.getpid()}.lock")
    try:
        if not lock.acquire() or not is_held(lock.path):
            text = f"the file system of {folder} keeps no locks: runs at the same time may disturb each other"
            yield SECTION.error("locks", text, 1, "keep the project on a local disk")
    finally:
        lock.close(remove=True)


def _take_notices(records: MetadataStore) -> list[str]:
    notices, records.notices[:] = list(records.notices), []
    return notices


def _sample(blobs: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    chosen, size = [], 0
    for blob in random.sample(blobs, min(_SAMPLE_BLOBS, len(blobs))):
        if size + blob[1] <= _SAMPLE_BYTES:
            chosen.append(blob)
            size += blob[1]
    return chosen


def _is_sound(store: ArtifactStore, digest: str) -> bool:
    """Whether a blob has its bytes; one that a clean removes meanwhile is no matter."""
    try:
        with store.open(digest) as stream:
            return hashing.digest_stream(stream) == digest
    except CorruptArtifact:
        return not store.has([digest])
    except ZenconvError:
        return False


def _which_are_there(store: ArtifactStore, digests: Sequence[str]) -> set[str]:
    return store.has(digests) if digests else set()


def _blobs(entry: ActionEntry) -> set[str]:
    files = (file for artifact in entry.outputs.values() for file in artifact.files)
    return {file.digest for file in files if file.inline is None}


def _batches(entries: Iterable[ActionEntry]) -> Iterator[list[ActionEntry]]:
    waiting = iter(entries)
    while batch := list(islice(waiting, _BATCH)):
        yield batch
