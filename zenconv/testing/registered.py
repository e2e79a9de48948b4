"""Models for the suites of components that are given some: records, and the bytes behind them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import IO, Any

import attrs

from zenconv import hashing
from zenconv.errors import CorruptArtifact
from zenconv.interfaces.registering import ModelRegistry, OpenFile
from zenconv.records.artifact import Artifact, StoredFile
from zenconv.records.model_version import ModelVersion, Promotion

AT = "2026-11-23T08:00:00.000000Z"

HOSTILE_MODEL_NAMES = (
    "",
    ".",
    "..",
    "../churn",
    "/churn",
    "a/b",
    "a\\b",
    "-rf",
    " churn",
    "churn ",
    "churn\n",
    "churn[\n]",
    "churn[\x00]",
    "churn[\ud800]",
    "churn[\x1b[31m]",
    "churn[",
    "<script>",
    "a" * 201,
)

HOSTILE_ALIASES = ("", "1", "latest", "../x", "a/b", "a b", "a\n", "ä", "a" * 65, "<b>", "-x")


def parts_of(text: str) -> dict[str, bytes]:
    """Return the files of the model `text`, by name; the last is kept inline."""
    return {
        "weights.bin": text.encode() * 1000,
        "part/1.npy": text.encode()[::-1] * 1000,
        "note": b"of " + text.encode(),
    }


def make_version(text: str = "first", name: str = "churn", **fields: Any) -> ModelVersion:
    """Return a model that is not registered yet; another `text` is another content."""
    files = []
    for file, data in parts_of(text).items():
        inline = data if file == "note" else None
        files.append(StoredFile(file, hashing.digest_bytes(data), len(data), inline))
    content = hashing.digest_texts("test", [text])
    artifact = Artifact(
        content, "sklearn/1", "sklearn.X", tuple(files), ("steps_a:Net",), True, {"ä": "\u2028"}
    )
    origin = {"node": "steps_a.py::churn", "run": "3-ab12cd", "key": "k" * 10, "metrics": {"auc": 0.5}}
    return ModelVersion(name, artifact, **{**origin, "by": "näme", "at": AT, **fields})


def open_files(*texts: str) -> OpenFile:
    """Return what opens the bytes of these models."""
    blobs = {hashing.digest_bytes(data): data for text in texts for data in parts_of(text).values()}
    return lambda digest: io.BytesIO(blobs[digest])


def open_wrong(text: str) -> OpenFile:
    """Return what opens the files of a model, the second of which is found to be wrong at its end."""
    right, asked = open_files(text), []

    def open_file(digest: str) -> IO[bytes]:
        asked.append(digest)
        return right(digest) if len(asked) < 2 else _Wrong(right(digest).read())

    return open_file


class _Wrong(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if len(data) < 1 or size in (-1, None) or self.tell() == len(self.getbuffer()):
            raise CorruptArtifact("the bytes are wrong")
        return data


class Blocks(io.RawIOBase):
    """A file of `size` bytes that is read in blocks, and made while it is."""

    def __init__(self, size: int, largest: int) -> None:
        self._left, self._largest = size, largest

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next block."""
        assert size is not None
        assert 0 <= size <= self._largest, f"read({size}) asks for too much at once"
        block = bytes(min(size, self._left))
        self._left -= len(block)
        return block

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill `buffer` with the next block."""
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)


def register(
    registry: ModelRegistry, text: str = "first", name: str = "churn", **fields: Any
) -> ModelVersion:
    """Register a model and return its version."""
    return registry.register(make_version(text, name, **fields), open_files(text))


def promotion_of(version: ModelVersion, alias: str = "production", **fields: Any) -> Promotion:
    """Return the promotion of a version."""
    fields = {"by": "näme", "at": AT, "reason": "auc > production.auc", **fields}
    return Promotion(version.name, alias, version.number, version.content, **fields)


def remove_alias(name: str, alias: str) -> Promotion:
    """Return what takes an alias away."""
    return Promotion(name, alias, 0, by="näme", at=AT)


def read_parts(registry: ModelRegistry, version: ModelVersion) -> dict[str, bytes]:
    """Return all files of a version, by name."""
    found = {}
    for file in version.artifact.files:
        with registry.open(version, file.name) as stream:
            found[file.name] = stream.read()
    return found


def same_but_number(version: ModelVersion, other: ModelVersion) -> bool:
    """Return whether two versions differ in their number only."""
    return attrs.evolve(version, number=0) == attrs.evolve(other, number=0)


Reopen = Callable[[], ModelRegistry]
