"""An artifact store in a local folder: one read-only file per blob, named by its digest.

::

    <path>/objects/ab/<64 hex digits>    blobs, mode 0444
    <path>/spool/                        blobs being written; a living writer holds its file's lock
    <path>/quarantine/                   blobs whose bytes were found wrong

A blob is spooled in the same file system while it is hashed, then renamed into place, so
nobody ever sees half of one. Nothing is written, not even a folder, before the first blob.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

from zenconv import hashing
from zenconv.components.options import check_options
from zenconv.errors import CorruptArtifact, StoreError

_BUFFERED = 256 * 1024
"""Up to this many bytes are kept in memory until `commit`: a blob that exists is never written."""
_BLOCK = 4 << 20
_OVERLAP_FROM = 2 << 20
"""From this size on, hashing in a second thread gains more than starting the thread costs."""
_ABANDONED_AFTER = 60.0
"""Seconds before an unlocked spool file counts as left over (it is locked just after its creation)."""

_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_READ_FLAGS |= getattr(os, "O_BINARY", 0)
_SPOOL_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)

_HINTS = {
    errno.ENOSPC: "free some space on that disk; the next run resumes where this one stopped",
    errno.EDQUOT: "your disk quota is used up; the next run resumes where this one stopped",
    errno.EROFS: "give the artifact store a writable folder with the option path",
    errno.EACCES: "give the artifact store a writable folder with the option path",
    errno.EPERM: "give the artifact store a writable folder with the option path",
}


def _store_error(verb: str, path: str, error: OSError) -> StoreError:
    return StoreError(
        f"cannot {verb} {path}: {error.strerror or error}", hint=_HINTS.get(error.errno or 0, "")
    )


def check_digest(digest: str) -> str:
    """Return the hexadecimal part of `digest`; `ValueError` if it has not the form of one."""
    if not isinstance(digest, str) or not hashing.is_digest(digest):
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
        self.url = self.path.as_uri()
        self._objects = str(self.path / "objects")
        self._spool = str(self.path / "spool")
        self._unsynced: deque[str] = deque()
        self._real_folders: set[str] = set()
        self._cleaned = False

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path, state: Path) -> Self:
        """Build from a settings table: ``path`` (relative to `root`; default: `state` / store)."""
        check_options("artifact store 'local'", options, {"path": str})
        path = options.get("path")
        return cls(root / os.path.expanduser(path) if path else state / "store")

    def _blob(self, digest: str) -> str:
        name = check_digest(digest)
        return f"{self._objects}/{name[:2]}/{name}"

    def writer(self) -> LocalBlobWriter:
        """Start a new blob."""
        return LocalBlobWriter(self)

    def has(self, digests: Iterable[str]) -> set[str]:
        """Return those of `digests` that are present as regular files."""
        return {digest for digest in digests if self._size(self._blob(digest)) is not None}

    def _size(self, path: str) -> int | None:
        """Return the size of the blob at `path`, None when there is no regular file."""
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _store_error("read", path, error) from error
        if not stat.S_ISREG(status.st_mode) or self._is_link(os.path.dirname(path)):
            return None
        return status.st_size

    def _is_link(self, folder: str) -> bool:
        """Whether `folder`, or the one above, is a link; those found real are not asked again."""
        if folder in self._real_folders:
            return False
        if os.path.islink(folder) or os.path.islink(self._objects):
            return True
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
            raise _store_error("read", path, error) from error
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
        target = f"{self.path}/quarantine/{digest[3:]}"
        try:
            self._make_folder(target)
            os.replace(path, target)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _store_error("quarantine", path, error) from error

    def delete(self, digests: Iterable[str]) -> None:
        """Remove blobs. Missing ones are no error."""
        for path in [self._blob(digest) for digest in digests]:
            try:
                _remove(path)
            except OSError as error:
                raise _store_error("delete", path, error) from error

    def digests(self) -> Iterator[tuple[str, int]]:
        """Yield (digest, size in bytes) of every blob; what has another name or is a link is passed over."""
        for shard in _entries(self._objects):
            if not shard.is_dir(follow_symlinks=False):
                continue
            for entry in _entries(shard.path):
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
        while self._unsynced:
            path = self._unsynced.popleft()
            folders.add(os.path.dirname(path))
            try:
                _fsync(path)
            except OSError as error:
                self._unsynced.append(path)
                raise _store_error("write", path, error) from error
        if folders:
            for folder in [*folders, self._objects, str(self.path)]:
                _fsync_folder(folder)

    def clean_spool(self) -> int:
        """Delete what dead writers left behind; return how many files. Runs before the first write."""
        self._cleaned = True
        return sum(_remove_abandoned(entry) for entry in list(_entries(self._spool)))

    def adopt(self, spooled: str, digest: str, size: int) -> None:
        """Move the complete, verified file `spooled` (on the same file system) into place."""
        path = self._blob(digest)
        if self._size(path) == size:
            _remove(spooled)
            return
        if sys.platform != "win32":
            os.chmod(spooled, 0o444)
        try:
            self._replace(spooled, path)
        except FileNotFoundError:
            self._make_folder(path)
            self._replace(spooled, path)
        self._unsynced.append(path)

    def _replace(self, spooled: str, path: str) -> None:
        if self._is_link(os.path.dirname(path)):
            raise OSError(errno.ELOOP, "the folder is a link, which is refused", path)
        os.replace(spooled, path)

    def new_spool(self) -> str:
        """Return the path of a spool file that does not exist yet, in a folder that does."""
        if not self._cleaned:
            self.clean_spool()
        return f"{self._spool}/{os.getpid()}-{os.urandom(8).hex()}"

    def open_spool(self, path: str) -> int:
        """Create the spool file `path` and return its locked descriptor."""
        try:
            descriptor = os.open(path, _SPOOL_FLAGS, 0o644)
        except FileNotFoundError:
            self._make_folder(path)
            descriptor = os.open(path, _SPOOL_FLAGS, 0o644)
        _hold(descriptor)
        return descriptor

    def _make_folder(self, path: str) -> None:
        os.makedirs(os.path.dirname(path), exist_ok=True)


class LocalBlobWriter:
    """A blob on its way into a `LocalStore`: first in memory, then, when it grows, in a spool file."""

    def __init__(self, store: LocalStore) -> None:
        self._store = store
        self._hasher = hashing.Hasher()
        self._buffer = bytearray()
        self._size = 0
        self._spooled = ""
        self._descriptor = -1
        self._is_open = True

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append `data` (any contiguous buffer); return its size in bytes."""
        self._check_open()
        view = memoryview(data)
        if not view.nbytes:
            return 0
        if view.format != "B" or view.ndim != 1:
            view = view.cast("B")
        if not self._spooled and len(self._buffer) + len(view) <= _BUFFERED:
            self._buffer += view
        else:
            self._spool(view)
        self._size += len(view)
        return len(view)

    def _check_open(self) -> None:
        if not self._is_open:
            raise ValueError("this blob was already committed or aborted")

    def _spool(self, view: memoryview) -> None:
        try:
            if not self._spooled:
                self._spooled = self._store.new_spool()
                self._descriptor = self._store.open_spool(self._spooled)
                self._put(memoryview(self._buffer))
                self._buffer = bytearray()
            self._put(view)
        except OSError as error:
            path = self._spooled
            self.abort()
            raise _store_error("write", path, error) from error
        except BaseException:
            self.abort()
            raise

    def _put(self, view: memoryview) -> None:
        """Hash and write, at the same time where it is worth it (blake3 and write free the GIL)."""
        if len(view) < _OVERLAP_FROM:
            self._hasher.update(view)
            _write_all(self._descriptor, view)
            return
        from threading import Thread  # big values only

        hashing_thread = Thread(target=self._hasher.update, args=(view,), name="zenconv-hash")
        hashing_thread.start()
        try:
            _write_all(self._descriptor, view)
        finally:
            hashing_thread.join()

    def commit(self) -> tuple[str, int]:
        """Make the blob visible; return (digest, size in bytes).

        A file that is there already stays, unless its size is wrong (torn by a power loss).
        """
        self._check_open()
        path = self._spooled or self._store.url
        try:
            if not self._spooled:
                self._hasher.update(self._buffer)
            digest = self._hasher.digest()
            path = self._store._blob(digest)
            if self._spooled or self._store._size(path) != self._size:
                self._place(digest)
        except OSError as error:
            raise _store_error("write", path, error) from error
        finally:
            self.abort()
        return digest, self._size

    def _place(self, digest: str) -> None:
        if not self._spooled:
            self._spooled = self._store.new_spool()
            self._descriptor = self._store.open_spool(self._spooled)
            _write_all(self._descriptor, memoryview(self._buffer))
        if sys.platform == "win32":  # an open file cannot be renamed there
            self._close()
        self._store.adopt(self._spooled, digest, self._size)
        self._spooled = ""

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def abort(self) -> None:
        """Forget everything written. Does nothing after `commit`."""
        self._is_open = False
        self._buffer = bytearray()
        spooled, self._spooled = self._spooled, ""
        try:
            self._close()
        finally:
            if spooled:
                with suppress(OSError):
                    _remove(spooled)

    def __enter__(self) -> LocalBlobWriter:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.abort()


def _write_all(descriptor: int, view: memoryview) -> None:
    start = 0
    while start < len(view):
        start += os.write(descriptor, view[start : start + _BLOCK])


def _remove(path: str) -> None:
    """Delete the file at `path` if it is there."""
    try:
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except PermissionError:
        if sys.platform != "win32":
            raise
        os.chmod(path, stat.S_IWRITE)  # Windows does not delete read-only files
        os.unlink(path)


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise _store_error("read", folder, error) from error


def _fsync(path: str) -> None:
    try:
        descriptor = os.open(path, _READ_FLAGS)
    except FileNotFoundError:
        return  # deleted or quarantined meanwhile
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fsync_folder(path: str) -> None:
    if sys.platform == "win32":  # folders cannot be opened there, and need not be
        return
    with suppress(OSError):  # some file systems refuse it; the blobs themselves are safe
        _fsync(path)


def _hold(descriptor: int) -> None:
    """Lock the spool file for the life of its writer."""
    if sys.platform == "win32":
        return  # an open file cannot be deleted there
    import fcntl

    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_abandoned(entry: os.DirEntry[str]) -> bool:
    """Delete a spool file that is old enough and that no living writer holds."""
    try:
        if time.time() - entry.stat(follow_symlinks=False).st_mtime < _ABANDONED_AFTER:
            return False
        if not entry.is_file(follow_symlinks=False) or _is_writing(entry.path):
            return False
        os.unlink(entry.path)
    except OSError:
        return False  # someone else was quicker, or may
    return True


def _is_writing(path: str) -> bool:
    if sys.platform == "win32":
        return False
    from zenconv.locks import is_held

    return is_held(path)
