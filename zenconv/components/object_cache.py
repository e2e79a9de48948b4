"""An action cache of small objects on any fsspec URL, for stores that machines share.

::

    <url>/actions/<local>/<inputs>.json              one entry: a line with its checksum, a line of JSON
    <url>/claims/<local>/<inputs>/<generation>.json  who computes it
    <url>/leases/<owner>.json                        until when that owner counts as living

A claim is made by a conditional write and counts while its owner renews one lease, however many
claims there are. The claim that follows one of a dead owner has the next generation, so of two that
take over only one succeeds; and a holder who was taken for dead finds the higher generation and
then replaces nothing (fencing). The clock is used for the expiry of leases and nothing else: a
wrong one costs repeated work.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Self

import attrs

from zenconv.components.options import check_options
from zenconv.components.remote_files import RemoteFiles
from zenconv.components.remote_store import REMOTE_OPTIONS, remote_files
from zenconv.errors import Problem, SettingsError, StoreError
from zenconv.records.artifact import ActionEntry, ActionKey
from zenconv.records.entry_bytes import checksum, decode_entry, encode_entry, key_bytes, part_bytes

CLAIM_SECONDS = 90.0
"""How long the claims of an owner count without a sign of life; those of a dead process block so long."""


@attrs.frozen
class _Claim:
    """One generation of a claim, as it is stored."""

    folder: str
    generation: int
    owner: str

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.generation:08d}.json"

    def to_bytes(self) -> bytes:
        return json.dumps({"owner": self.owner, "generation": self.generation}).encode()


class ObjectActionCache:
    """Entries and claims as objects. Safe for many machines, as far as the back-end writes conditionally.

    Parameters
    ----------
    files
        Where the objects live.
    claim_seconds
        Seconds that claims count without a sign of life; a thread gives one three times as often.
    """

    def __init__(self, files: RemoteFiles, *, claim_seconds: float = CLAIM_SECONDS) -> None:
        self.url = files.url
        self._files = files
        self._claim_seconds = claim_seconds
        self._begin()

    def _begin(self) -> None:
        """Start as an owner of nothing: when made, and in a forked child."""
        self._process = os.getpid()
        self._owner = f"{self._process}-{os.urandom(8).hex()}"
        self._claims: dict[ActionKey, _Claim] = {}
        self._mutex = threading.RLock()
        self._stop = threading.Event()
        self._renewer: threading.Thread | None = None

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path, state: Path) -> Self:
        """Build from a settings table: the options of the remote store, and ``claim_seconds``."""
        owner = "action cache 'objects'"
        check_options(owner, options, {**REMOTE_OPTIONS, "claim_seconds": float})
        seconds = options.get("claim_seconds", CLAIM_SECONDS)
        if seconds <= 0:
            problem = Problem(f"option 'claim_seconds' of the {owner}: {seconds} is not above 0")
            raise SettingsError(problems=(problem,))
        shared = {name: value for name, value in options.items() if name != "claim_seconds"}
        return cls(remote_files(owner, shared, root), claim_seconds=seconds)

    def look_up(self, keys: Sequence[ActionKey]) -> dict[ActionKey, ActionEntry]:
        """Return the entries of those `keys` that have one. A damaged entry is a miss."""
        wanted = list(dict.fromkeys(keys))
        paths = [_entry_path(key) for key in wanted]
        found = (
            _parse_entry(key, data)
            for key, data in zip(wanted, self._files.map(self._files.read, paths), strict=True)
        )
        return {entry.key: entry for entry in found if entry is not None}

    def knows_local(self, local: Iterable[str]) -> set[str]:
        """Return those local key parts for which some entry exists, with whatever inputs."""
        wanted = list(local)
        for part in wanted:
            part_bytes(part)
        names = self._files.map(lambda part: self._files.names(f"actions/{part}"), wanted)
        return {part for part, found in zip(wanted, names, strict=True) if found}

    def publish(self, entry: ActionEntry) -> None:
        """Store `entry`, replacing an older one of the same key, and release its claim.

        Where another owner took the claim over meanwhile, an entry that is there stays.
        """
        path, data = _entry_path(entry.key), _entry_data(entry)
        with self._owned():
            claim = self._claims.get(entry.key)
        if claim is None:  # whoever only copies entries does so in many threads
            self._files.replace(path, data)
            return
        with self._owned():
            if self._is_current(claim):
                self._files.replace(path, data)
            elif not self._files.create(path, data):
                self._replace_if_damaged(entry.key, path, data)
            self.release(entry.key)

    def _replace_if_damaged(self, key: ActionKey, path: str, data: bytes) -> None:
        present = self._files.read(path)
        if present is None or _parse_entry(key, present) is None:
            self._files.replace(path, data)

    def remove(self, keys: Iterable[ActionKey]) -> None:
        """Forget entries. Missing ones are no error."""
        self._files.map(self._files.delete, [_entry_path(key) for key in keys])

    def claim(self, key: ActionKey) -> bool:
        """Announce that this process computes `key`; False when a living process already does.

        That process may be this one: a second claim of one key is refused too. Living means
        that it gave a sign of life within ``claim_seconds``.
        """
        key_bytes(key)
        folder = f"claims/{key.local}/{key.inputs}"
        with self._owned():
            generations = _generations(self._files.names(folder))
            if key in self._claims or self._has_living(folder, generations):
                return False
            self._start_renewing()
            claim = _Claim(folder, max(generations, default=0) + 1, self._owner)
            if not self._write_claim(claim):
                return False
            if generations and not self._clear_older(claim):
                return False
            self._claims[key] = claim
            return True

    def _write_claim(self, claim: _Claim) -> bool:
        data = claim.to_bytes()
        return self._files.create(claim.path, data) or self._files.read(claim.path) == data

    def _clear_older(self, claim: _Claim) -> bool:
        """Delete the expired claims before `claim`; withdraw it when a living one turned up among them."""
        older = [g for g in _generations(self._files.names(claim.folder)) if g < claim.generation]
        if self._has_living(claim.folder, older):
            self._files.delete(claim.path)
            return False
        for generation in older:
            self._files.delete(_Claim(claim.folder, generation, "").path)
        return True

    def _has_living(self, folder: str, generations: Iterable[int]) -> bool:
        return any(self._is_living(_Claim(folder, g, "").path) for g in generations)

    def _is_living(self, path: str) -> bool:
        """Whether the claim at `path` is readable and its owner's lease has not expired."""
        owner = _read_owner(self._files.read(path))
        if not owner:
            return False
        return _read_expiry(self._files.read(_lease_path(owner))) > time.time()

    def _is_current(self, claim: _Claim) -> bool:
        """Whether `claim` still stands and nobody has taken over."""
        generations = _generations(self._files.names(claim.folder))
        if not generations or max(generations) != claim.generation:
            return False
        return _read_owner(self._files.read(claim.path)) == claim.owner

    def release(self, key: ActionKey) -> None:
        """Give up a claim. One not held is no error."""
        key_bytes(key)
        with self._owned():
            claim = self._claims.pop(key, None)
            if claim is not None and _read_owner(self._files.read(claim.path)) == claim.owner:
                self._files.delete(claim.path)

    def _owned(self) -> AbstractContextManager[Any]:
        """Return the mutex of this process's claims."""
        if self._process != os.getpid():
            self._begin()
        return self._mutex

    def _start_renewing(self) -> None:
        """Write the lease and keep renewing it, unless that is being done."""
        if self._renewer is not None and self._renewer.is_alive() and not self._stop.is_set():
            return
        self._write_lease(self._owner)
        self._stop = threading.Event()
        self._renewer = threading.Thread(
            target=self._renew, args=(self._stop, self._owner), name="zenconv-claims", daemon=True
        )
        self._renewer.start()

    def _renew(self, stop: threading.Event, owner: str) -> None:
        while not stop.wait(self._claim_seconds / 3):
            with suppress(StoreError):  # tried again next time, and then it expires
                self._write_lease(owner)

    def _write_lease(self, owner: str) -> None:
        expires = time.time() + self._claim_seconds
        self._files.replace(_lease_path(owner), json.dumps({"expires": expires}).encode())

    def entries(self) -> Iterator[ActionEntry]:
        """Yield every readable entry, in no particular order."""
        for local in self._files.names("actions"):
            names = [name.removesuffix(".json") for name in self._files.names(f"actions/{local}")]
            keys = [key for key in (ActionKey(local, name) for name in names) if _is_key(key)]
            yield from self.look_up(keys).values()

    def sync(self) -> None:
        """Do nothing: what `publish` returned from is held by the remote store."""

    def close(self) -> None:
        """Release all claims and stop renewing them. The cache may be used again."""
        with self._owned():
            renewer, self._renewer = self._renewer, None
            self._stop.set()
            for key in list(self._claims):
                self.release(key)
            if renewer is not None:
                renewer.join()  # or it would write the lease again
                self._files.delete(_lease_path(self._owner))


def _entry_path(key: ActionKey) -> str:
    key_bytes(key)
    return f"actions/{key.local}/{key.inputs}.json"


def _is_key(key: ActionKey) -> bool:
    try:
        key_bytes(key)
    except ValueError:
        return False
    return True


def _entry_data(entry: ActionEntry) -> bytes:
    payload = encode_entry(entry)
    code = checksum(key_bytes(entry.key), payload).hex()
    return json.dumps({"format": 1, "checksum": code}).encode() + b"\n" + payload


def _parse_entry(key: ActionKey, data: bytes | None) -> ActionEntry | None:
    if data is None:
        return None
    header, _, payload = data.partition(b"\n")
    try:
        code = bytes.fromhex(json.loads(header)["checksum"])
    except (ValueError, KeyError, TypeError):
        return None
    return decode_entry(key, key_bytes(key), payload, code)


def _lease_path(owner: str) -> str:
    return f"leases/{owner}.json"


def _read_owner(data: bytes | None) -> str:
    """Return whose claim this is, empty when it is missing or unreadable."""
    try:
        owner = str(json.loads(data or b"")["owner"])
    except (ValueError, KeyError, TypeError):
        return ""
    return owner if owner.isascii() and owner.replace("-", "").isalnum() else ""


def _read_expiry(data: bytes | None) -> float:
    """Return when a lease ends, in seconds since 1970; 0 when it is missing or unreadable."""
    try:
        return float(json.loads(data or b"")["expires"])
    except (ValueError, KeyError, TypeError):
        return 0.0


def _generations(names: Iterable[str]) -> list[int]:
    stems = (name.removesuffix(".json") for name in names if name.endswith(".json"))
    return sorted(int(stem) for stem in stems if stem.isascii() and stem.isdigit() and len(stem) == 8)
