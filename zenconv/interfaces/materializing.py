"""How Python values become files and come back: `Materializer`, with its `Sink` and `Source`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Protocol


class Sink(Protocol):
    """Where a materializer puts the files of one value."""

    def write(self, data: bytes | bytearray | memoryview, name: str = "") -> None:
        """Store `data` as the file `name` (``""``: the main file)."""

    def open(self, name: str = "") -> IO[bytes]:
        """Open the file `name` for writing; hashed as it is written, stored when closed."""

    def add_file(self, path: Path, name: str = "") -> None:
        """Store a copy of the file at `path`."""

    def save_part(self, value: Any, *, keep: bool = True) -> int:
        """Store a nested value by its own materializer; return its number for `Source.load_part`.

        One object saved twice has one number, for which it is kept in memory; without `keep` not.
        """

    def set_content(self, digest: str) -> None:
        """Declare the content digest, where equal values may have different bytes."""

    def add_reference(self, module: str, qualname: str) -> None:
        """Declare that the stored form mentions this class or function."""

    def set_runs_code(self) -> None:
        """Declare that loading these bytes can run code (a pickle)."""


class Source(Protocol):
    """Where a materializer finds the files of one value: verified, and trusted where needed."""

    def read(self, name: str = "") -> bytes:
        """Return the verified bytes of the file `name`."""

    def path(self, name: str = "") -> Path:
        """Return a verified local file to map or read; never change it."""

    def names(self) -> list[str]:
        """Return the names of this value's own files (without those of its parts)."""

    def load_part(self, number: int, *, keep: bool = True) -> Any:
        """Load a nested value: the same object for the same number, unless it is not to be kept."""

    def resolve(self, module: str, qualname: str) -> Any:
        """Return a class or function that `add_reference` declared, and no other."""

    def private_directory(self) -> Path:
        """Return an empty folder that lives as long as the consumer and belongs to it."""


class Materializer(Protocol):
    """Writes and reads one Python type, or a family of them.

    `id` and `version` name the format; the version counts up when bytes written before
    cannot be read any more. `types` are dotted names (``"pandas.DataFrame"`` as
    ``"pandas.core.frame.DataFrame"``), matched along the MRO of the value's class, so the
    library is imported only when a value of it appears. Two optional attributes: ``runs_code = True``
    where loading may run code chosen by the bytes, or by its parts; ``closed = False`` where a
    value may share mutable objects with its surroundings, so that it is never stored as a part
    of something else.
    """

    id: str
    version: int
    types: tuple[str, ...]

    def accepts(self, value: Any) -> bool:
        """Return whether this value, of one of `types`, can be stored so that it comes back equal."""

    def save(self, value: Any, sink: Sink) -> None:
        """Write `value`. Raise `SaveError` rather than store something that would come back different."""

    def load(self, source: Source) -> Any:
        """Return a new, equal object that the caller may change in place."""

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return a few facts for people, such as ``{"shape": [3, 2]}``; cheap."""
