"""A small real store in a folder, and the verbs under test bound to it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Self

import pytest

from zenconv import hashing
from zenconv.errors import CorruptArtifact
from zenconv.materializers import Materializers
from zenconv.records.artifact import Artifact


class FolderStore:
    """Content-addressed files in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = str(folder)
        folder.mkdir(parents=True, exist_ok=True)

    def writer(self) -> FolderWriter:
        return FolderWriter(self.folder)

    def has(self, digests: Iterable[str]) -> set[str]:
        return {digest for digest in digests if (self.folder / digest[3:]).exists()}

    def open(self, digest: str) -> IO[bytes]:
        return self.local_path(digest).open("rb")

    def local_path(self, digest: str) -> Path:
        if not hashing.is_digest(digest):
            raise ValueError(digest)
        path = self.folder / digest[3:]
        if not path.exists():
            raise CorruptArtifact("missing", digest=digest)
        return path

    def quarantine(self, digest: str) -> None:
        (self.folder / digest[3:]).unlink(missing_ok=True)

    def delete(self, digests: Iterable[str]) -> None:
        for digest in digests:
            self.quarantine(digest)

    def digests(self) -> Iterator[tuple[str, int]]:
        for path in self.folder.iterdir():
            yield f"b3:{path.name}", path.stat().st_size


class FolderWriter:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        descriptor, self._draft = tempfile.mkstemp(dir=folder.parent)
        self._stream = os.fdopen(descriptor, "wb")
        self._hasher = hashing.Hasher()
        self._size = 0

    def write(self, data: Any) -> int:
        self._hasher.update(data)
        count = self._stream.write(data)
        self._size += count
        return count

    def commit(self) -> tuple[str, int]:
        self._stream.close()
        digest = self._hasher.digest()
        shutil.move(self._draft, self._folder / digest[3:])
        return digest, self._size

    def abort(self) -> None:
        self._stream.close()
        Path(self._draft).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        return None


class Shelf:
    """Saves to and loads from one store."""

    def __init__(self, folder: Path) -> None:
        self.store = FolderStore(folder / "store")
        self.private = folder / "private"
        self.materializers = Materializers()

    def save(self, value: Any) -> Artifact:
        artifact = self.materializers.save(value, self.store, where="steps_x.py::made")
        return Artifact.from_json(artifact.to_json())

    def load(self, artifact: Artifact, allowed: bool = True) -> Any:
        return self.materializers.load(artifact, self.store, allowed=allowed, private=self.private)

    def round_trip(self, value: Any) -> Any:
        return self.load(self.save(value))

    def safe_round_trip(self, value: Any) -> Any:
        artifact = self.save(value)
        assert not artifact.runs_code, artifact
        return self.load(artifact, allowed=bool(artifact.refers))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")


@pytest.fixture(scope="module")
def shared_shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """One for many generated examples: hypothesis forbids function-scoped ones."""
    return Shelf(tmp_path_factory.mktemp("shelf"))
