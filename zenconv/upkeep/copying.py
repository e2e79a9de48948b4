"""`zenconv cache push` and `pull`: copy cached results between two stores, only what is missing.

An entry is published only when all its bytes are there, each of them verified on the way, so what
was interrupted is simply done again. Copying makes nothing trusted: the other side's rules decide
at look-up whether bytes may be unpickled. Only what this side may load by a signature is signed
with the keys of the other side, if it has any here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import islice
from typing import Any

import attrs

from zenconv import hashing
from zenconv.engine.discovery import variant_of
from zenconv.errors import CorruptArtifact
from zenconv.frozen import Frozen
from zenconv.interfaces.storing import ActionCache, ArtifactStore
from zenconv.records.artifact import ActionEntry, ActionKey, Artifact
from zenconv.stack.pins import is_pin
from zenconv.trust import Trust

_BATCH = 200
_THREADS = 16
_BLOCK = 4 << 20


@attrs.frozen(eq=False, repr=False)
class Side(Frozen):
    """A store with its cache. `trust`: whose bytes count there; None where no keys are at hand."""

    store: ArtifactStore
    cache: ActionCache
    trust: Trust | None = None
    is_remote: bool = False


@attrs.define(eq=False, repr=False)
class Copied:
    """What was copied. `present` entries were there, `untrusted` ones may not be unpickled there.

    `problems` are lines about entries that could not be copied.
    """

    entries: int = 0
    blobs: int = 0
    size: int = 0
    present: int = 0
    signed: int = 0
    untrusted: int = 0
    problems: list[str] = attrs.field(factory=list)


def copy_results(
    source: Side,
    target: Side,
    *,
    local_parts: Collection[str] | None = None,
    on_batch: Callable[[Copied], object] = lambda _done: None,
) -> Copied:
    """Copy what `source` has and `target` lacks; with `local_parts`, of these local key parts only.

    `on_batch` is told now and then how far it is.

    Raises
    ------
    StoreError
        One of the two cannot be read or written. What was copied until then stays.
    """
    done = Copied()
    entries = [
        entry
        for entry in source.cache.entries()
        if not is_pin(entry) and (local_parts is None or entry.key.local in local_parts)
    ]
    signing_keys = _find_signing_keys(entries)
    threads = ThreadPoolExecutor(_THREADS) if source.is_remote or target.is_remote else nullcontext()
    with threads as pool:
        copier = _Copier(source, target, signing_keys, done, pool)
        for batch in _batches(entries):
            copier.copy(batch)
            on_batch(done)
    return done


def _batches(entries: Iterable[ActionEntry]) -> Iterator[list[ActionEntry]]:
    waiting = iter(entries)
    while batch := list(islice(waiting, _BATCH)):
        yield batch


def _find_signing_keys(entries: Sequence[ActionEntry]) -> dict[ActionKey, str]:
    """Return under which key the artifacts of each entry were signed, where that is another one.

    What a step has discovered is kept a second time under a key that holds this, too.
    """
    siblings: dict[str, list[ActionKey]] = {}
    for entry in entries:
        if entry.discovered:
            siblings.setdefault(entry.key.local, []).append(entry.key)
    keys: dict[ActionKey, str] = {}
    for entry in entries:
        for key in siblings.get(entry.key.local, ()) if entry.discovered else ():
            if variant_of(key, entry.discovered) == entry.key:
                keys[entry.key] = str(key)
    return keys


@attrs.define(eq=False, repr=False)
class _Copier:
    source: Side
    target: Side
    signing_keys: dict[ActionKey, str]
    done: Copied
    pool: Any

    def copy(self, batch: Sequence[ActionEntry]) -> None:
        """Copy the bytes that are missing, then publish what is complete."""
        present = self.target.cache.look_up([entry.key for entry in batch])
        wanted = [entry for entry in batch if _is_same(entry, present.get(entry.key))]
        blobs = {digest: size for entry in wanted for digest, size in _blobs(entry).items()}
        there = self.target.store.has(blobs) if blobs else set()
        missing = [digest for digest in blobs if digest not in there]
        failed = {
            d: text for d, text in zip(missing, self._map(self._copy_blob, missing), strict=True) if text
        }
        self.done.blobs += len(missing) - len(failed)
        self.done.size += sum(blobs[digest] for digest in missing if digest not in failed)
        complete = []
        for entry in wanted:
            problem = next((failed[digest] for digest in _blobs(entry) if digest in failed), "")
            if problem:
                self.done.problems.append(problem)
            else:
                complete.append(entry)
        self._publish(complete, present)
        self.done.present += len(batch) - len(wanted)

    def _map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        return list(map(function, items) if self.pool is None else self.pool.map(function, items))

    def _copy_blob(self, digest: str) -> str:
        """Copy one blob; return what is wrong with it, or nothing."""
        try:
            with self.source.store.open(digest) as stream, self.target.store.writer() as writer:
                hasher = hashing.Hasher()
                while block := stream.read(_BLOCK):
                    hasher.update(block)
                    writer.write(block)
                if hasher.digest() == digest:
                    writer.commit()
                    return ""
        except CorruptArtifact as error:
            return error.what
        self.source.store.quarantine(digest)
        return f"the bytes of {digest} in {self.source.store.url} are damaged: taken into quarantine"

    def _publish(self, entries: Sequence[ActionEntry], present: dict[ActionKey, ActionEntry]) -> None:
        fresh = [self._prepare(entry, present.get(entry.key)) for entry in entries]
        new = [entry for entry in fresh if entry.key not in present]
        signed = [e for e in fresh if e.key in present and self._is_better(e, present[e.key])]
        self._map(self.target.cache.publish, [*new, *signed])
        self.done.entries += len(new)
        self.done.signed += len(signed)
        self.done.present += len(entries) - len(new)

    def _is_better(self, entry: ActionEntry, present: ActionEntry) -> bool:
        """Whether the signatures of `entry` let somebody load it whom those of `present` did not."""
        if self.target.trust is None:
            return _signatures(entry) != _signatures(present)
        return self._is_refused(present) and not self._is_refused(entry)

    def _prepare(self, entry: ActionEntry, present: ActionEntry | None) -> ActionEntry:
        """Return `entry` with the signatures of both sides, and one of the target's where that is due."""
        key = self.signing_keys.get(entry.key, str(entry.key))
        outputs = {}
        for name, artifact in entry.outputs.items():
            known = present.outputs[name] if present is not None else artifact
            outputs[name] = self._sign(_merge(artifact, known), key, name)
        prepared = attrs.evolve(entry if present is None else present, outputs=outputs)
        if present is None and self._is_refused(prepared):
            self.done.untrusted += 1
        return prepared

    def _sign(self, artifact: Artifact, key: str, name: str) -> Artifact:
        source, target = self.source.trust, self.target.trust
        if not artifact.needs_trust or source is None or target is None or source.mode == "trust":
            return artifact
        if source.refusal(artifact, key, name) is not None:
            return artifact
        return _merge(artifact, target.sign(artifact, key, name))

    def _is_refused(self, entry: ActionEntry) -> bool:
        """Whether some output of `entry` may not be loaded at the target, as far as is known here."""
        trust = self.target.trust
        if trust is None:
            return any(artifact.needs_trust for artifact in entry.outputs.values())
        key = self.signing_keys.get(entry.key, str(entry.key))
        return any(trust.refusal(artifact, key, name) is not None for name, artifact in entry.outputs.items())


def _is_same(entry: ActionEntry, present: ActionEntry | None) -> bool:
    """Whether there is nothing at the target, or the same result, of which bytes may be missing.

    Where the same key has led to another result there, that one stays.
    """
    if present is None:
        return True
    return {name: a.stored for name, a in entry.outputs.items()} == {
        name: a.stored for name, a in present.outputs.items()
    }


def _blobs(entry: ActionEntry) -> dict[str, int]:
    artifacts = [*entry.outputs.values(), *([entry.output] if entry.output is not None else [])]
    return {f.digest: f.size for artifact in artifacts for f in artifact.files if f.inline is None}


def _merge(artifact: Artifact, other: Artifact) -> Artifact:
    made = {(s.key_id, s.code): s for s in (*artifact.signatures, *other.signatures)}
    return attrs.evolve(artifact, signatures=tuple(made.values()))


def _signatures(entry: ActionEntry) -> set[tuple[str, str, str]]:
    return {(name, s.key_id, s.code) for name, a in entry.outputs.items() for s in a.signatures}
