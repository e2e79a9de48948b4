"""An artifact store on any fsspec URL, with a copy on this machine of what was written or read.

::

    <url>/objects/ab/<64 hex digits>     blobs, written once
    <url>/quarantine/<64 hex digits>     blobs whose bytes were found wrong
    <url>/users/  sweep.json             see `zenconv.components.remote_users`

A new blob is spooled into the local copy while it is hashed and uploaded from there, in parts
where it is big. A downloaded blob is verified before it enters the copy.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Self

from zenconv import hashing
from zenconv.components.local_store import LocalStore, hex_part
from zenconv.components.options import check_options
from zenconv.components.remote_files import RemoteFiles, hide_credentials
from zenconv.components.remote_users import RemoteUsers
from zenconv.components.spool import LocalBlobWriter, remove_file, store_error
from zenconv.errors import CorruptArtifact, Problem, SettingsError, StoreError
from zenconv.interfaces.sweeping import Leftover, Swept
from zenconv.locks import FileLock

REMOTE_OPTIONS: dict[str, type] = {"url": str, "storage_options": dict}
_SINGLE_PUT = 8 << 20
"""Blobs up to this size are put in one conditional request, larger ones in parts."""
_BATCH = 200
"""So many blobs are removed before others get their turn."""


def remote_files(owner: str, options: Mapping[str, Any], root: Path) -> RemoteFiles:
    """Return the files that the options ``url`` and ``storage_options`` of `owner` describe.

    A ``file://`` address with a relative path, and a URL without a scheme, are relative to `root`.
    """
    check_options(owner, options, REMOTE_OPTIONS)
    url = options.get("url")
    if not url:
        raise SettingsError(
            problems=(Problem(f"the {owner} needs the option 'url'", hint='url = "s3://bucket/zenconv"'),)
        )
    if "://" not in url and "::" not in url:
        url = f"file://{(root / os.path.expanduser(url)).resolve().as_posix()}"
    return RemoteFiles(url, options.get("storage_options"))


class RemoteStore:
    """Content-addressed blobs below an fsspec URL.

    Parameters
    ----------
    files
        The remote files.
    copies
        A local folder for spooling and for copies of blobs; may be deleted at any time.

    Attributes
    ----------
    keeps_copies
        Whether what is read or written here stays in that folder; for whoever passes each blob
        on once, it need not.
    """

    keeps_copies = True

    def __init__(self, files: RemoteFiles, copies: Path | str) -> None:
        self.url = files.url
        self._files = files
        self._copies = LocalStore(copies)
        self._users = RemoteUsers(files)

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path, state: Path) -> Self:
        """Build from a settings table: ``url``, and ``storage_options`` for the file system."""
        files = remote_files("artifact store 'fsspec'", options, root)
        name = hashing.digest_texts("zenconv.remote-copy", [hide_credentials(files.url)])[3:19]
        return cls(files, state / "remote-cache" / name)

    def writer(self) -> LocalBlobWriter:
        """Start a new blob. It is uploaded, and then visible, by `commit`."""
        return LocalBlobWriter(self._copies.spool, self._is_present, self._adopt)

    def _is_present(self, digest: str, size: int) -> bool:
        return self._files.size(_blob(digest)) == size

    def _adopt(self, spooled: str, digest: str, size: int) -> None:
        """Upload a complete spool file that is not there in this size, and keep it as a copy."""
        path = _blob(digest)
        if size > _SINGLE_PUT:
            self._files.upload(spooled, path)
            self._check_size(path, size)
        else:
            with open(spooled, "rb") as stream:
                self._put(path, stream.read())
        if not self.keeps_copies:
            remove_file(spooled)
            return
        self._copies.has([digest])  # so that a clean that is about to remove the copy leaves it
        self._copies.adopt(spooled, digest, size)

    def _put(self, path: str, data: bytes) -> None:
        if self._files.create(path, data):
            return
        if self._files.size(path) != len(data):  # torn, or of a back-end that writes bit by bit
            self._files.replace(path, data)
            self._check_size(path, len(data))

    def _check_size(self, path: str, size: int) -> None:
        written = self._files.size(path)
        if written != size:
            raise StoreError(f"cannot write {self.url}/{path}: it has {written} bytes there, expected {size}")

    def has(self, digests: Iterable[str]) -> set[str]:
        """Return those of `digests` that are present remotely, whatever is copied here."""
        wanted = [(digest, _blob(digest)) for digest in digests]
        sizes = self._files.map(self._files.size, [path for _, path in wanted])
        return {digest for (digest, _), size in zip(wanted, sizes, strict=True) if size is not None}

    def open(self, digest: str) -> IO[bytes]:
        """Open a blob for reading; downloads and verifies it first unless it is copied here."""
        self._fetch(digest)
        stream = self._copies.open(digest)
        if not self.keeps_copies and os.name != "nt":  # an open file cannot be deleted there
            self._copies.delete([digest])
        return stream

    def local_path(self, digest: str) -> Path:
        """Return a read-only copy of a blob; downloads and verifies it first unless it is here."""
        self._fetch(digest)
        return self._copies.local_path(digest)

    def _fetch(self, digest: str) -> None:
        """Bring a verified copy here. `CorruptArtifact` when it is missing or its bytes are wrong."""
        if self._copies.has([digest]):
            return
        path = _blob(digest)
        try:
            spooled, descriptor = self._copies.spool.create()
            try:
                self._fetch_into(spooled, path, digest)
            finally:
                os.close(descriptor)
                remove_file(spooled)
        except OSError as error:
            raise store_error("write", str(self._copies.path), error) from error

    def _fetch_into(self, spooled: str, path: str, digest: str) -> None:
        if not self._files.download(path, spooled):
            raise CorruptArtifact(f"the stored file {self.url}/{path} is missing", digest=digest)
        with open(spooled, "rb") as stream:
            found = hashing.digest_stream(stream)
            size = stream.tell()
        if found != digest:
            raise CorruptArtifact(f"the bytes of {self.url}/{path} differ from its digest", digest=digest)
        self._copies.adopt(spooled, digest, size)

    def quarantine(self, digest: str) -> None:
        """Take a blob out of sight: always the copy here, and the remote one if its bytes are wrong.

        The copy of one machine can rot; that must not take a sound blob from all others.
        """
        self._copies.quarantine(digest)
        path = _blob(digest)
        try:
            self._fetch(digest)
        except CorruptArtifact:
            if self._files.size(path) is not None:
                self._files.copy(path, f"quarantine/{hex_part(digest)}")
            self._files.delete(path)

    def delete(self, digests: Iterable[str]) -> None:
        """Remove blobs, here and remotely. Missing ones are no error."""
        wanted = list(digests)
        paths = [_blob(digest) for digest in wanted]
        self._copies.delete(wanted)
        self._files.map(self._files.delete, paths)

    def protect(self, guard: Path, owner: str) -> None:
        """Keep everything here safe from `sweep` while `guard` is held; waits for one that is going on."""
        self._copies.protect(guard, owner)
        self._users.begin(guard, owner)

    def unprotect(self) -> None:
        """Give up what `protect` promised."""
        self._copies.unprotect()
        self._users.end()

    def sweep(self, digests: Iterable[str], still_needed: Callable[[], Container[str]]) -> Swept:
        """Remove those blobs that `still_needed` does not hold, unless somebody uses the store."""
        wanted = list(digests)
        guard = FileLock(self._copies.path / f"sweep-{os.getpid()}-{os.urandom(4).hex()}.lock")
        guard.acquire(timeout=None)
        try:
            with self._users.sweeping(Path(guard.path)) as look:
                users = look()
                if users:
                    return Swept({}, tuple(users))
                needed = still_needed()
                return self._remove([digest for digest in wanted if digest not in needed], look)
        finally:
            guard.close(remove=True)

    def _remove(self, digests: list[str], look: Callable[[], list[str]]) -> Swept:
        """Remove in batches, so that nobody has to wait for long."""
        removed: dict[str, int] = {}
        for start in range(0, len(digests), _BATCH):
            batch = digests[start : start + _BATCH]
            users = look() if start else []
            if users:
                return Swept(removed, tuple(users))
            sizes = self._files.map(self._files.size, [_blob(digest) for digest in batch])
            found = {d: size for d, size in zip(batch, sizes, strict=True) if size is not None}
            self.delete(found)
            removed.update(found)
        return Swept(removed)

    def leftovers(self) -> Iterator[Leftover]:
        """Yield what is in quarantine, half-written files on this machine, and the copies here."""
        for name, size in self._files.sizes("quarantine"):
            if hashing.is_digest(f"{hashing.ALGORITHM}:{name}"):
                yield Leftover("quarantine", name, size)
        yield from (Leftover("copy", digest, size) for digest, size in self._copies.digests())
        yield from (Leftover("spool", found.name, found.size) for found in self._copies.spool.leftovers())

    def remove_leftovers(self, leftovers: Iterable[Leftover]) -> None:
        """Delete such files. Missing ones, and those in use by now, are no error."""
        found = list(leftovers)
        rotten = [
            f"quarantine/{hex_part(f'{hashing.ALGORITHM}:{f.name}')}" for f in found if f.kind == "quarantine"
        ]
        self._files.map(self._files.delete, rotten)
        self._copies.remove_leftovers(f for f in found if f.kind == "spool")
        nothing: frozenset[str] = frozenset()
        self._copies.sweep([f.name for f in found if f.kind == "copy"], lambda: nothing)

    def digests(self) -> Iterator[tuple[str, int]]:
        """Yield (digest, size in bytes) of every remote blob."""
        folders = [f"objects/{shard}" for shard in self._files.names("objects")]
        for found in self._files.map(self._files.sizes, folders):
            for name, size in found:
                digest = f"{hashing.ALGORITHM}:{name}"
                if hashing.is_digest(digest):
                    yield digest, size

    def sync(self) -> None:
        """Do nothing: what `commit` returned is held by the remote store."""


def _blob(digest: str) -> str:
    name = hex_part(digest)
    return f"objects/{name[:2]}/{name}"
