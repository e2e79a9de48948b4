"""Who uses a remote store at this moment, and whether somebody cleans it: leases.

::

    <url>/users/<id>.json    a run that uses the store, and until when that counts
    <url>/sweep.json         somebody removes blobs, and until when that counts

A run writes its lease first and then looks whether somebody sweeps; who sweeps says so first and
then looks whether somebody uses the store. So the two never overlap. Whether a process of the
same machine lives is told by the lock file it holds. Of others a lease counts for some minutes
longer than it says: so much may the clocks of two machines differ.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from zenconv.components.machine import is_guarded, machine_id, machine_name
from zenconv.components.remote_files import RemoteFiles
from zenconv.errors import StoreError

LEASE_SECONDS = 90.0
_CLOCK_SECONDS = 600.0
_PAUSE_SECONDS = 0.2
_PATIENCE_SECONDS = 900.0
_SWEEP = "sweep.json"


class RemoteUsers:
    """The leases of one remote store."""

    def __init__(self, files: RemoteFiles, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self._files = files
        self._lease_seconds = lease_seconds
        self._lease: _Lease | None = None
        self._process = 0
        self._stop = threading.Event()

    def begin(self, guard: Path, owner: str) -> None:
        """Use the store from now on, while `guard` is held; wait for a sweep that is going on.

        Who may not write to the store uses it without anybody knowing.
        """
        self.end()
        self._process = os.getpid()
        lease = _Lease(f"users/{self._process}-{os.urandom(8).hex()}.json", guard, owner)
        with suppress(StoreError):
            self._write(lease)
        self._lease = lease
        self._stop = threading.Event()
        renewer = threading.Thread(
            target=self._renew, args=(self._stop, lease), name="zenconv-lease", daemon=True
        )
        renewer.start()
        self._wait_for_sweep()

    def _wait_for_sweep(self) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (sweep := self._read(_SWEEP)) is not None and _is_living(sweep):
            if time.monotonic() > deadline:
                raise self._busy(sweep)
            time.sleep(_PAUSE_SECONDS)

    def _busy(self, sweep: dict[str, Any]) -> StoreError:
        return StoreError(
            f"{self._files.url} is being cleaned by {sweep.get('owner')}", hint="run again later"
        )

    def _renew(self, stop: threading.Event, lease: _Lease) -> None:
        while not stop.wait(self._lease_seconds / 3):
            with suppress(StoreError):  # tried again next time
                self._write(lease)

    def end(self) -> None:
        """Use the store no more."""
        self._stop.set()
        lease, self._lease = self._lease, None
        if lease is not None and self._process == os.getpid():
            with suppress(StoreError):
                self._files.delete(lease.path)

    @contextmanager
    def sweeping(self, guard: Path) -> Iterator[Callable[[], list[str]]]:
        """Keep others from beginning meanwhile; give what says who has begun, and renews the lease.

        Raises
        ------
        StoreError
            Another sweep is going on.
        """
        lease = _Lease(_SWEEP, guard, f"a clean on {machine_name()}")
        if not self._write(lease, create=True):
            other = self._read(_SWEEP)
            if other is not None and _is_living(other):
                raise self._busy(other)
            self._write(lease)

        def look() -> list[str]:
            self._write(lease)
            return list(self._living())

        try:
            yield look
        finally:
            if (self._read(_SWEEP) or {}).get("id") == lease.id:
                self._files.delete(_SWEEP)

    def _living(self) -> Iterator[str]:
        names = self._files.names("users")
        for path in [f"users/{name}" for name in names if name.endswith(".json")]:
            facts = self._read(path)
            if facts is not None and _is_living(facts):
                yield str(facts.get("owner"))
            elif facts is not None:
                self._files.delete(path)

    def _read(self, path: str) -> dict[str, Any] | None:
        try:
            facts = json.loads(self._files.read(path) or b"null")
        except ValueError:
            return {"owner": "somebody"}  # half-written: in doubt it counts
        return facts if isinstance(facts, dict) else None

    def _write(self, lease: _Lease, *, create: bool = False) -> bool:
        data = lease.to_bytes(time.time() + self._lease_seconds)
        if create:
            return self._files.create(lease.path, data) or self._files.read(lease.path) == data
        self._files.replace(lease.path, data)
        return True


class _Lease:
    """What one process claims; `id` tells it from what others write in the same place."""

    def __init__(self, path: str, guard: Path, owner: str) -> None:
        self.path = path
        self.id = os.urandom(8).hex()
        self._facts = {
            "guard": os.path.abspath(guard),
            "machine": machine_id(),
            "owner": owner,
            "id": self.id,
        }

    def to_bytes(self, expires: float) -> bytes:
        return json.dumps({**self._facts, "expires": expires}).encode()


def _is_living(facts: dict[str, Any]) -> bool:
    """Whether who wrote a lease is still there; in doubt it is, until its lease has long expired."""
    if facts.get("machine") == machine_id():
        with suppress(StoreError, KeyError, TypeError, ValueError):
            return is_guarded(facts["guard"])
    try:
        return time.time() < float(facts["expires"]) + _CLOCK_SECONDS
    except (KeyError, TypeError, ValueError):
        return True
