"""An artifact store in a local folder: one read-only file per blob, named by its digest.

::

    <path>/objects/ab/<64 hex digits>    blobs, mode 0444
    <path>/spool/                        blobs being written
    <path>/quarantine/                   blobs whose bytes were found wrong
    <path>/holds/  doomed  sweep.lock    see `zenconv.components.local_sweep`

A blob is spooled in the same file system while it is hashed, then renamed into place, so
nobody ever sees half of one. Nothing is written, not even a folder, before the first blob.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

from zenconv import hashing
from zenconv.components.local_sweep import LocalSweep
from zenconv.components.options import check_options
from zenconv.components.spool import LocalBlobWriter, Spool, remove_file, scan, store_error
from zenconv.errors import CorruptArtifact
from zenconv.interfaces.sweeping import Leftover, Swept

_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_READ_FLAGS |= getattr(os, "O_BINARY", 0)


def hex_part(digest: str) -> str:
    """Return the hexadecimal digits of `digest`; `ValueError` if it has not the form of one."""
    if not hashing.is_digest(str(digest)):
        raise ValueError(f"not a digest: {str(digest)[:80]!r}")
    return digest[3:]


class LocalStore:
    """Content-addressed blobs below a local folder. Safe for many processes and threads at once.

    Parameters
    ----------
    path
        The folder. It may be a link; nothing inside it may.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(os.path.abspath(path))
        self.url = f"file://{self.path.as_posix()}"
        self.spool = Spool(str(self.path / "spool"))
        self._objects = str(self.path / "objects")
        self._unsynced: deque[str] = deque()
        self._real_folders: set[str] = set()
        self._sweep = LocalSweep(str(self.path), self._blob, self._is_link)

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path, state: Path) -> Self:
        """Build from a settings table: ``path`` (relative to `root`; default: ``store`` in `state`)."""
        check_options("artifact store 'local'", options, {"path": str})
        path = options.get("path")
        return cls(root / os.path.expanduser(path) if path else state / "store")

    def _blob(self, digest: str) -> str:
        name = hex_part(digest)
        return f"{self._objects}/{name[:2]}/{name}"

    def writer(self) -> LocalBlobWriter:
        """Start a new blob."""
        return LocalBlobWriter(self.spool, self._is_present, self.adopt)

    def _is_present(self, digest: str, size: int) -> bool:
        self._sweep.announce([digest])
        return self._size(self._blob(digest)) == size

    def has(self, digests: Iterable[str]) -> set[str]:
        """Return those of `digests` that are present as regular files."""
        wanted = {digest: self._blob(digest) for digest in digests}
        if self._sweep.holds.is_kept and os.path.isdir(self._objects):
            try:
                self._sweep.announce(wanted)
            except OSError as error:
                raise store_error("write", self._sweep.holds.folder, error) from error
        return {digest for digest, path in wanted.items() if self._size(path) is not None}

    def _size(self, path: str) -> int | None:
        """Return the size of the blob at `path`, None when there is no regular file."""
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise store_error("read", path, error) from error
        if not stat.S_ISREG(status.st_mode) or self._is_link(os.path.dirname(path)):
            return None
        return status.st_size

    def _is_link(self, folder: str) -> bool:
        """Whether `folder`, or the one above, is a link; those found real are not asked again."""
        if folder in self._real_folders:
            return False
        if os.path.islink(folder) or os.path.islink(self._objects):
            return True
        if os.path.isdir(folder):
            self._real_folders.add(folder)
        return False

    def open(self, digest: str) -> IO[bytes]:
        """Open a blob for reading, unverified. Links are refused."""
        path = self._blob(digest)
        if self._size(path) is None:
            raise self._missing(digest, path)
        try:
            descriptor = os.open(path, _READ_FLAGS)
        except FileNotFoundError:
            raise self._missing(digest, path) from None
        except OSError as error:
            raise store_error("read", path, error) from error
        return open(descriptor, "rb")

    def local_path(self, digest: str) -> Path:
        """Return the read-only file of a blob, unverified. Links are refused."""
        path = self._blob(digest)
        if self._size(path) is None:
            raise self._missing(digest, path)
        return Path(path)

    def _missing(self, digest: str, path: str) -> CorruptArtifact:
        link = os.path.islink(path) or self._is_link(os.path.dirname(path))
        reason = "is a link, which is refused" if link else "is missing"
        return CorruptArtifact(f"the stored file {path} {reason}", digest=digest)

    def quarantine(self, digest: str) -> None:
        """Move a blob to the quarantine folder. A missing one is no error."""
        path = self._blob(digest)
        target = f"{self.path}/quarantine/{hex_part(digest)}"
        if not os.path.lexists(path):
            return
        try:
            _make_folder(target)
            os.replace(path, target)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise store_error("quarantine", path, error) from error

    def delete(self, digests: Iterable[str]) -> None:
        """Remove blobs. Missing ones are no error."""
        for path in [self._blob(digest) for digest in digests]:
            try:
                remove_file(path)
            except OSError as error:
                raise store_error("delete", path, error) from error

    def protect(self, guard: Path, owner: str) -> None:
        """Keep safe from `sweep` what is found or committed from now on, while `guard` is held."""
        self._sweep.holds.begin(guard, owner)

    def unprotect(self) -> None:
        """Give up what `protect` promised."""
        self._sweep.holds.end()

    def sweep(self, digests: Iterable[str], still_needed: Callable[[], Container[str]]) -> Swept:
        """Remove those blobs that nobody protects and that `still_needed` does not hold."""
        return Swept(self._sweep.sweep(digests, still_needed))

    def leftovers(self) -> Iterator[Leftover]:
        """Yield what is in quarantine, and what dead writers left in the spool."""
        folder = str(self.path / "quarantine")
        for entry in () if os.path.islink(folder) else scan(folder):
            if not hashing.is_digest(f"{hashing.ALGORITHM}:{entry.name}"):
                continue
            with suppress(FileNotFoundError):
                yield Leftover("quarantine", entry.name, entry.stat(follow_symlinks=False).st_size)
        yield from self.spool.leftovers()

    def remove_leftovers(self, leftovers: Iterable[Leftover]) -> None:
        """Delete such files. Missing ones, and those in use by now, are no error."""
        present = {(found.kind, found.name) for found in self.leftovers()}
        for leftover in leftovers:
            if (leftover.kind, leftover.name) in present:
                path = f"{self.path}/{leftover.kind}/{leftover.name}"
                try:
                    remove_file(path)
                except OSError as error:
                    raise store_error("remove", path, error) from error

    def digests(self) -> Iterator[tuple[str, int]]:
        """Yield (digest, size in bytes) of every blob; links and files of other names are passed over."""
        for shard in scan(self._objects):
            if not shard.is_dir(follow_symlinks=False):
                continue
            for entry in scan(shard.path):
                digest = f"{hashing.ALGORITHM}:{entry.name}"
                if hashing.is_digest(digest) and entry.is_file(follow_symlinks=False):
                    with suppress(FileNotFoundError):
                        yield digest, entry.stat(follow_symlinks=False).st_size

    def sync(self) -> None:
        """Force to the disk what was committed since the last call: blobs, then their folders.

        Raises
        ------
        StoreError
            The disk reports an error; what was not forced out is tried again by the next call.
        """
        folders = set()
        for path in self._take_unsynced():
            folders.add(os.path.dirname(path))
            try:
                _fsync(path)
            except OSError as error:
                self._unsynced.append(path)
                raise store_error("write", path, error) from error
        if folders:
            for folder in [*folders, self._objects, str(self.path)]:
                _fsync_folder(folder)

    def _take_unsynced(self) -> Iterator[str]:
        while True:
            try:
                yield self._unsynced.popleft()
            except IndexError:  # empty, or emptied by another thread
                return

    def adopt(self, spooled: str, digest: str, size: int) -> None:
        """Move the complete, verified file `spooled` (of this store's spool) into place (`OSError`)."""
        path = self._blob(digest)
        if self._size(path) == size:
            remove_file(spooled)
            return
        if sys.platform != "win32":
            os.chmod(spooled, 0o444)
        if self._is_link(os.path.dirname(path)):
            raise OSError(errno.ELOOP, "its folder is a link, which is refused", spooled, None, path)
        try:
            os.replace(spooled, path)
        except FileNotFoundError:
            _make_folder(path)
            os.replace(spooled, path)
        self._unsynced.append(path)


def _make_folder(path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)


def _fsync(path: str) -> None:
    if sys.platform == "win32":  # neither read-only files nor folders can be forced out there
        return
    try:
        descriptor = os.open(path, _READ_FLAGS)
    except FileNotFoundError:
        return  # deleted or quarantined meanwhile
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fsync_folder(path: str) -> None:
    with suppress(OSError):  # some file systems refuse it; the blobs themselves are safe
        _fsync(path)
