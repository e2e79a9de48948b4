"""Files of a remote store: whole objects on any fsspec URL, and errors in one line.

The only module that imports fsspec, when a file is first touched. Objects appear whole: by a
single put on object stores (never a rename there), by link or rename on ``file://``.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from importlib import import_module
from typing import Any, TypeVar

from zenconv.errors import StoreError

Item = TypeVar("Item")
Result = TypeVar("Result")

_THREADS = 16
_FEW = 3
_WITH_FOLDERS = {"file", "local", "sftp", "ssh", "smb", "ftp", "hdfs", "webhdfs", "arrow_hdfs", "dask"}
"""Protocols on which a folder must be made first; on object stores making one could make a bucket."""
_memory_mutex = threading.RLock()
"""In memory, a file that is read or half written is one object for all threads, its position included."""


class RemoteFiles:
    """Reads, writes and lists files below `url`; paths given here are relative to it.

    Parameters
    ----------
    url
        Any URL that fsspec understands; credentials in it are never shown.
    storage_options
        Passed to the file system, such as ``{"endpoint_url": ..., "key": ...}``.

    Notes
    -----
    Every method raises `StoreError` for what the network, the permissions or the file system
    refuse; a missing file is told apart as described.
    """

    def __init__(self, url: str, storage_options: Mapping[str, Any] | None = None) -> None:
        self.url = hide_credentials(url)
        self._given_url = url.rstrip("/")
        self._options = dict(storage_options or {})
        self._opened: tuple[int, Any, str] | None = None
        self._mutex = threading.Lock()

    def _open(self) -> tuple[Any, str]:
        """Return the file system and the root path in it; again after a fork, where none is usable."""
        opened = self._opened
        if opened is None or opened[0] != os.getpid():
            opened = self._opened = (os.getpid(), *self._connect())
        return opened[1], opened[2]

    def _connect(self) -> tuple[Any, str]:
        try:
            url_to_fs = import_module("fsspec.core").url_to_fs
        except ImportError as error:
            raise StoreError(
                f"the store {self.url} needs the package fsspec", hint="pip install fsspec"
            ) from error
        options = {"use_listings_cache": False, **self._options}
        try:
            file_system, path = url_to_fs(self._given_url, **options)
        except ImportError as error:
            raise StoreError(f"the store {self.url} needs a package: {_one_line(error)}") from error
        except Exception as error:
            raise StoreError(f"cannot open the store {self.url}: {_one_line(error)}") from error
        return file_system, str(path).rstrip("/")

    @property
    def _protocols(self) -> set[str]:
        protocol = self._open()[0].protocol
        return {protocol} if isinstance(protocol, str) else set(protocol)

    @property
    def is_local(self) -> bool:
        """Whether the files are on this machine (``file://``)."""
        return "file" in self._protocols

    @contextmanager
    def _explained(self, verb: str, path: str) -> Iterator[None]:
        """Turn whatever a back-end raises, but a missing file, into a `StoreError`."""
        try:
            with _memory_mutex if "memory" in self._protocols else nullcontext():
                yield
        except (FileNotFoundError, FileExistsError, StoreError):
            raise
        except Exception as error:
            raise StoreError(f"cannot {verb} {self.url}/{path}: {_one_line(error)}") from error

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a file, None when there is none."""
        file_system, root = self._open()
        with self._explained("read", path):
            try:
                return bytes(file_system.cat_file(f"{root}/{path}"))
            except (FileNotFoundError, NotADirectoryError):
                return None

    def size(self, path: str) -> int | None:
        """Return the size of a file in bytes, None when there is none."""
        file_system, root = self._open()
        with self._explained("read", path):
            try:
                status = file_system.info(f"{root}/{path}")
            except (FileNotFoundError, NotADirectoryError):
                return None
            return int(status["size"]) if status.get("type") == "file" and not status.get("islink") else None

    def download(self, path: str, target: str) -> bool:
        """Copy a file to the local path `target`; return False when there is none (or a link)."""
        file_system, root = self._open()
        if self.is_local and self.size(path) is None:
            return False
        with self._explained("read", path):
            try:
                file_system.get_file(f"{root}/{path}", target)
            except FileNotFoundError:
                return False
        return True

    def replace(self, path: str, data: bytes) -> None:
        """Write a whole file, in place of one that may be there."""
        file_system, root = self._open()
        with self._explained("write", path):
            if self.is_local:
                _write_local(f"{root}/{path}", data, os.replace)
            else:
                self._with_folder(path, lambda: file_system.pipe_file(f"{root}/{path}", data))

    def create(self, path: str, data: bytes) -> bool:
        """Write a whole file unless there is one; return whether it was written.

        Where the back-end has no conditional write, the file is written after a look and read
        back; two writers at one instant may then both believe to be the first. A request repeated
        by the network may find its own file: who must know compares what is there.
        """
        file_system, root = self._open()
        with self._explained("write", path):
            try:
                if self.is_local:
                    _write_local(f"{root}/{path}", data, _link)
                    return True
                return bool(
                    self._with_folder(path, lambda: self._create(file_system, f"{root}/{path}", data))
                )
            except FileExistsError:
                return False

    def _create(self, file_system: Any, path: str, data: bytes) -> bool:
        try:
            file_system.pipe_file(path, data, mode="create")
        except (NotImplementedError, TypeError, ValueError):
            if file_system.exists(path):
                return False
            file_system.pipe_file(path, data)
            return bool(file_system.cat_file(path) == data)
        return True

    def upload(self, source: str, path: str) -> None:
        """Write a file from the local path `source`, in parts where it is big."""
        file_system, root = self._open()
        with self._explained("write", path):
            if self.is_local:
                _copy_local(source, f"{root}/{path}")
            else:
                self._with_folder(path, lambda: file_system.put_file(source, f"{root}/{path}"))

    def _with_folder(self, path: str, write: Callable[[], Result]) -> Result:
        """Write; where folders are needed, and this one is missing, make it and write again."""
        try:
            return write()
        except FileNotFoundError as error:
            if not self._protocols & _WITH_FOLDERS:
                raise StoreError(f"cannot write {self.url}/{path}: {_one_line(error)}") from error
            file_system, root = self._open()
            file_system.makedirs(f"{root}/{path}".rpartition("/")[0], exist_ok=True)
            return write()

    def delete(self, path: str) -> None:
        """Remove a file. A missing one is no error."""
        file_system, root = self._open()
        with self._explained("delete", path), suppress(FileNotFoundError):
            file_system.rm_file(f"{root}/{path}")

    def copy(self, path: str, target: str) -> None:
        """Copy a file that is there within the store."""
        file_system, root = self._open()
        with self._explained("copy", path):
            self._with_folder(target, lambda: file_system.cp_file(f"{root}/{path}", f"{root}/{target}"))

    def names(self, folder: str) -> list[str]:
        """Return the names of files and folders directly in `folder`, sorted; none if it is missing."""
        return [name for name, _ in self.sizes(folder)]

    def sizes(self, folder: str) -> list[tuple[str, int]]:
        """Return (name, size in bytes) of what is directly in `folder`; a folder's size has no meaning."""
        file_system, root = self._open()
        with self._explained("list", folder):
            try:
                found = file_system.ls(f"{root}/{folder}", detail=True)
            except (FileNotFoundError, NotADirectoryError):
                return []
        prefix = f"{root}/{folder}".rstrip("/")
        names = ((str(f["name"]).rstrip("/"), int(f.get("size") or 0)) for f in found)
        return sorted((name.rpartition("/")[2], size) for name, size in names if not prefix.endswith(name))

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Return ``[function(item) for item in items]``, computed by several threads when there are many."""
        wanted = list(items)
        if len(wanted) <= _FEW or self.is_local:
            return [function(item) for item in wanted]
        from concurrent.futures import ThreadPoolExecutor  # remote stores only

        with ThreadPoolExecutor(min(_THREADS, len(wanted))) as pool:
            return list(pool.map(function, wanted))


def hide_credentials(url: str) -> str:
    """Return `url` without the user and password it may contain."""
    scheme, separator, rest = url.rstrip("/").partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}" if separator else url


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _link(draft: str, path: str) -> None:
    os.link(draft, path)
    os.unlink(draft)


def _write_local(path: str, data: bytes, place: Callable[[str, str], None]) -> None:
    draft = f"{path}.{os.getpid()}-{os.urandom(6).hex()}.draft"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.filename}: {error.strerror or error}") from error
    try:
        with open(draft, "xb") as stream:
            stream.write(data)
        place(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise


def _copy_local(source: str, path: str) -> None:
    import shutil

    def place(draft: str, target: str) -> None:
        shutil.copyfile(source, draft)
        os.replace(draft, target)

    _write_local(path, b"", place)
