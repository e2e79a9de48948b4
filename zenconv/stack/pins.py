"""Digests that must stay in a store that others use too, whoever cleans it: pins.

A pin is an entry of the action cache under a key that no step has, so every kind of cache can
hold it and everybody who shares the store sees it. Its owner (a run, a registered model, a
schema) puts it there before the digests are relied on, and takes it away when it is given up.
"""

from __future__ import annotations

from collections.abc import Iterable

from zenconv import clock, hashing
from zenconv.interfaces.storing import ActionCache
from zenconv.records.artifact import ActionEntry, ActionKey, Artifact, StoredFile

_LOCAL = hashing.digest_texts("zenconv.pins", [])[3:]
_MATERIALIZER = "pin/1"
_KEYS = "keys"
_NOTHING = hashing.digest_bytes(b"")


def pin_key(kind: str, name: str) -> ActionKey:
    """Return the key of a pin: `kind` is what its owner is (``run``, ``model``), `name` says which."""
    return ActionKey(_LOCAL, hashing.digest_texts("zenconv.pin", [kind, name])[3:])


def pin(
    cache: ActionCache,
    kind: str,
    name: str,
    digests: Iterable[str],
    owner: str,
    *,
    keys: Iterable[str] = (),
) -> None:
    """Keep `digests` in the store of `cache`, instead of those that this pin kept before.

    `owner` is what people are told: ``run 3-ab12cd on laptop``. The entries under `keys` are kept
    as well. Bytes that are needed are looked for after this: a clean that began before may have
    removed them. `StoreError` as `publish`.
    """
    files = tuple(StoredFile("", digest, 0) for digest in sorted(set(digests)))
    names = tuple(StoredFile(key, _NOTHING, 0, b"") for key in sorted(set(keys)))
    outputs = {f"{kind} {name}": Artifact("", _MATERIALIZER, "", files)}
    if names:
        outputs[_KEYS] = Artifact("", _MATERIALIZER, "", names)
    cache.publish(ActionEntry(pin_key(kind, name), outputs, created=clock.utc_now(), writer=owner))


def unpin(cache: ActionCache, kind: str, names: Iterable[str]) -> None:
    """Give pins up. Those that are not there are no error."""
    cache.remove([pin_key(kind, name) for name in names])


def is_pin(entry: ActionEntry) -> bool:
    """Return whether an entry of the cache is a pin, and no result of a step."""
    return entry.key.local == _LOCAL


def keys_of(entry: ActionEntry) -> set[str]:
    """Return the keys of the entries that a pin keeps."""
    kept = entry.outputs.get(_KEYS)
    return {file.name for file in kept.files} if kept is not None and is_pin(entry) else set()


def digests_of(entry: ActionEntry) -> set[str]:
    """Return the digests of all the bytes, stored or inline, that an entry needs."""
    artifacts = [*entry.outputs.values(), *([entry.output] if entry.output is not None else [])]
    return {file.digest for artifact in artifacts for file in artifact.files}
