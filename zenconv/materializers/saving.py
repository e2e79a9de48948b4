"""From a value to stored files: the `Sink` that materializers write to.

Names of files in an artifact: those of the value itself as its materializer chose them
(``""`` is the main file), those of its n-th part behind ``@n/``, and, where there are parts,
``@`` with the list of their materializers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from zenconv import hashing
from zenconv.errors import SaveError
from zenconv.interfaces.storing import ArtifactStore, BlobWriter
from zenconv.records.artifact import INLINE_LIMIT, StoredFile

if TYPE_CHECKING:
    from zenconv.interfaces.materializing import Materializer

INLINE_TOTAL = 16 * INLINE_LIMIT
BLOCK_SIZE = 1 << 22
PARTS = "@"

_OWN_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,100}|")


class Declined(SaveError):
    """The materializer at hand cannot hold the value faithfully, and the next one should be asked.

    Raised by `save` before anything is written, where `accepts` would have had to do all the
    work of saving to find out.
    """


class ArtifactSink:
    """Collects the files, parts, references and digests of one value being saved."""

    def __init__(self, save_value: SaveValue, is_closed: Callable[[Any], bool], store: ArtifactStore) -> None:
        self.files: list[StoredFile] = []
        self.parts: list[SavedValue] = []
        self.references: set[str] = set()
        self.runs_code = False
        self.own_code = False
        self.content: str | None = None
        self.store = store
        self.is_closed = is_closed
        self.inline_left = INLINE_TOTAL
        self._save_value = save_value
        self._part_numbers: dict[int, int] = {}
        self._kept: list[Any] = []  # ids in _part_numbers stay valid only while their objects live

    def write(self, data: bytes | bytearray | memoryview, name: str = "") -> None:
        """Store `data` as the file `name`."""
        with self.open(name) as stream:
            stream.write(data)

    def open(self, name: str = "") -> IO[bytes]:
        """Open the file `name` for writing; stored when closed, dropped if the block raises."""
        if not _OWN_NAME.fullmatch(name):
            raise ValueError(f"not a name for a stored file: {name!r}")
        if any(file.name == name for file in self.files):
            raise ValueError(f"the file {name!r} is written twice")
        return _SinkStream(self, name)  # type: ignore[return-value]

    def add_file(self, path: Path, name: str = "") -> None:
        """Store a copy of the file at `path`."""
        with path.open("rb", buffering=0) as source, self.open(name) as stream:
            while block := source.read(BLOCK_SIZE):
                stream.write(block)

    def save_part(self, value: Any, *, closed: bool = False, keep: bool = True) -> int:
        """Store a nested value by its own materializer; one object gets one number.

        With `closed`, only by one whose values share no mutable object with their
        surroundings; `Declined` if there is none. Without `keep`, the value may go as soon
        as it is stored, and saving it again gives another number.
        """
        number = self._part_numbers.get(id(value)) if keep else None
        if number is None:
            saved = self._save_value(value, self.store, closed)
            number = len(self.parts)
            if keep:
                self._part_numbers[id(value)] = number
                self._kept.append(value)
            self.parts.append(saved)
            self.references |= saved.references
            self.runs_code = self.runs_code or saved.runs_code
        return number

    def set_content(self, digest: str) -> None:
        """Declare the content digest of the value's own files."""
        self.content = digest

    def add_reference(self, module: str, qualname: str) -> None:
        """Declare that the stored form mentions this class or function."""
        self.references.add(f"{module}:{qualname}")

    def set_runs_code(self) -> None:
        """Declare that loading these bytes can run code."""
        self.own_code = self.runs_code = True

    def finish(self, materializer: Materializer) -> SavedValue:
        """Return what was saved, with the content digest of value and parts together."""
        kind = f"{materializer.id}/{materializer.version}"
        files = list(self.files)
        if self.parts:
            manifest = json.dumps([part.kind for part in self.parts]).encode()
            files.append(StoredFile(PARTS, hashing.digest_bytes(manifest), len(manifest), manifest))
            for number, part in enumerate(self.parts):
                files.extend(_renamed(file, f"{PARTS}{number}/") for file in part.files)
        content = content_digest(kind, self.content, self.files, [part.content for part in self.parts])
        return SavedValue(kind, content, tuple(files), frozenset(self.references), self.runs_code)


class SavedValue:
    """One value as it lies in the store, not yet part of a record."""

    __slots__ = ("content", "files", "kind", "references", "runs_code")

    def __init__(
        self,
        kind: str,
        content: str,
        files: tuple[StoredFile, ...],
        references: frozenset[str],
        runs_code: bool,
    ) -> None:
        self.kind = kind
        self.content = content
        self.files = files
        self.references = references
        self.runs_code = runs_code


SaveValue = Callable[[Any, ArtifactStore, bool], SavedValue]


def content_digest(
    kind: str, declared: str | None, files: Iterable[StoredFile], parts: Iterable[str] = ()
) -> str:
    """Return the content digest of a value.

    The materializer counts: a folder that holds the bytes of an array is not that array.
    """
    own = [declared] if declared else [text for file in files for text in (file.name, file.digest)]
    return hashing.digest_texts("zenconv.content.1", [kind, str(len(own)), *own, *parts])


def _renamed(file: StoredFile, prefix: str) -> StoredFile:
    return StoredFile(prefix + file.name, file.digest, file.size, file.inline)


class _SinkStream:
    """A file being written: kept in memory while it is small enough to travel in the record."""

    def __init__(self, sink: ArtifactSink, name: str) -> None:
        self._sink = sink
        self._name = name
        self._head = bytearray()
        self._writer: BlobWriter | None = None
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> int:
        size = data.nbytes if isinstance(data, memoryview) else len(data)
        if self._writer is None and len(self._head) + size <= self._limit():
            self._head += data
            return size
        if self._writer is None:
            self._writer = self._sink.store.writer()
            if self._head:
                self._writer.write(bytes(self._head))
        if size:
            self._writer.write(data)
        return size

    def _limit(self) -> int:
        return min(INLINE_LIMIT, self._sink.inline_left)

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        if self._writer is not None:
            digest, size = self._writer.commit()
            self._sink.files.append(StoredFile(self._name, digest, size))
            return
        data = bytes(self._head)
        self._sink.inline_left -= len(data)
        self._sink.files.append(StoredFile(self._name, hashing.digest_bytes(data), len(data), data))

    def abort(self) -> None:
        self.closed = True
        if self._writer is not None:
            self._writer.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def flush(self) -> None:
        """Nothing to do: the file becomes visible when it is closed."""
