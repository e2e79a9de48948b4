"""From stored files back to a value: the `Source` that materializers read from.

Every byte is compared with its digest before anything else looks at it. A record is data from
who knows where: its names are checked, and what it says about trust is not believed. A record
that claims to need no trust gets none, whatever the caller allows.
"""

from __future__ import annotations

import atexit
import importlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from zenconv import hashing
from zenconv.errors import ArtifactError, CorruptArtifact, UntrustedArtifact
from zenconv.interfaces.storing import ArtifactStore
from zenconv.materializers.saving import BLOCK_SIZE, PARTS
from zenconv.records.artifact import Artifact, StoredFile

Importer = Callable[[str], ModuleType]

_FILE_NAME = re.compile(r"(@[0-9]{1,9}/)*(@|[a-z0-9][a-z0-9._-]{0,100}|)")


@attrs.frozen
class Permission:
    """What the bytes of one artifact may do here."""

    run_code: bool
    references: frozenset[str]
    importer: Importer

    @classmethod
    def of(cls, artifact: Artifact, allowed: bool, importer: Importer | None) -> Permission:
        """Return what `artifact` may do; `UntrustedArtifact` if it needs trust and has none."""
        if artifact.needs_trust and not allowed:
            raise UntrustedArtifact(
                f"{artifact.type} ({artifact.materializer}): loading it would run code, "
                "and nobody trusted here wrote it"
            )
        references = frozenset(artifact.refers) if allowed else frozenset()
        return cls(artifact.runs_code and allowed, references, importer or importlib.import_module)


class ArtifactSource:
    """Reads the files of one value, or of one part of it."""

    def __init__(
        self,
        files: Mapping[str, StoredFile],
        store: ArtifactStore,
        permission: Permission,
        scratch: Scratch,
        load_kind: Callable[[str, ArtifactSource], Any],
        prefix: str = "",
    ) -> None:
        self.permission = permission
        self._files = files
        self._store = store
        self._scratch = scratch
        self._load_kind = load_kind
        self._prefix = prefix
        self._parts: dict[int, Any] = {}
        self._kinds: list[str] | None = None

    def names(self) -> list[str]:
        """Return the names of this value's own files."""
        size = len(self._prefix)
        own = [name[size:] for name in self._files if name.startswith(self._prefix)]
        return [name for name in own if not name.startswith(PARTS)]

    def read(self, name: str = "") -> bytes:
        """Return the verified bytes of the file `name`."""
        file = self._file(name)
        if file.inline is not None:
            data = file.inline
        else:
            with self._store.open(file.digest) as stream:
                data = stream.read()
        if len(data) != file.size or hashing.digest_bytes(data) != file.digest:
            raise _corrupt(file)
        return data

    def path(self, name: str = "") -> Path:
        """Return a verified local file; never change it."""
        file = self._file(name)
        if file.inline is not None:
            path = self._scratch.make() / "file"
            path.write_bytes(self.read(name))
            return path
        path = self._store.local_path(file.digest)
        _verify(path, file)
        return path

    def size(self, name: str = "") -> int:
        """Return how many bytes the file `name` should have, by the record."""
        return self._file(name).size

    def load_part(self, number: int, *, keep: bool = True) -> Any:
        """Load a nested value; one number gives one object, unless it is not to be kept."""
        if not keep:
            return self._load_part(number)
        if number not in self._parts:
            self._parts[number] = self._load_part(number)
        return self._parts[number]

    def resolve(self, module: str, qualname: str) -> Any:
        """Return a class or function that the record declares and this machine trusts."""
        if f"{module}:{qualname}" not in self.permission.references:
            raise UntrustedArtifact(
                f"the stored form names {module}:{qualname}, which its record does not declare"
            )
        return find_by_name(self.permission.importer, module, qualname)

    def private_directory(self) -> Path:
        """Return an empty folder that belongs to the consumer."""
        return self._scratch.make()

    def _load_part(self, number: int) -> Any:
        if self._kinds is None:
            self._kinds = json.loads(self.read(PARTS))
        if not 0 <= number < len(self._kinds):
            raise CorruptArtifact(f"the stored value names part {number}, which does not exist")
        prefix = f"{self._prefix}{PARTS}{number}/"
        part = ArtifactSource(
            self._files, self._store, self.permission, self._scratch, self._load_kind, prefix
        )
        return self._load_kind(self._kinds[number], part)

    def _file(self, name: str) -> StoredFile:
        file = self._files.get(self._prefix + name)
        if file is None:
            raise CorruptArtifact(f"the record of the artifact lacks the file {name!r}")
        return file


class Scratch:
    """Makes folders for one loaded value, inside the consumer's own folder if it has one."""

    def __init__(self, parent: Path | None) -> None:
        self._parent = parent

    def make(self) -> Path:
        """Return a new, empty folder. Without a parent it lives as long as the process."""
        if self._parent is not None:
            self._parent.mkdir(parents=True, exist_ok=True)
            return Path(tempfile.mkdtemp(dir=self._parent))
        folder = tempfile.mkdtemp(prefix="zenconv-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)


def files_by_name(artifact: Artifact) -> dict[str, StoredFile]:
    """Return the files of a record, or `CorruptArtifact` if its names or digests are not ours."""
    files: dict[str, StoredFile] = {}
    for file in artifact.files:
        if not _FILE_NAME.fullmatch(file.name) or file.name in files:
            raise CorruptArtifact(f"the record of the artifact has a file named {file.name!r}")
        if not hashing.is_digest(file.digest):
            raise CorruptArtifact(f"the record of the artifact has a malformed digest: {file.digest!r}")
        files[file.name] = file
    return files


def find_by_name(importer: Importer, module: str, qualname: str) -> Any:
    """Return a module's attribute by its dotted name; `ArtifactError` if it is not there any more."""
    try:
        found: Any = importer(module)
        for name in qualname.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as error:
        raise ArtifactError(
            f"the stored value needs {module}.{qualname}, which is not there any more ({error})",
            hint="run the step that made it again, or bring the definition back",
        ) from error
    return found


def _verify(path: Path, file: StoredFile) -> None:
    # Read in blocks, not through a map: mapped pages would count as memory of this process.
    hasher = hashing.Hasher()
    buffer = bytearray(min(BLOCK_SIZE, max(file.size, 1)))
    view = memoryview(buffer)
    total = 0
    with path.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            hasher.update(view[:count])
            total += count
    if total != file.size or hasher.digest() != file.digest:
        raise _corrupt(file)


def _corrupt(file: StoredFile) -> CorruptArtifact:
    return CorruptArtifact(
        f"stored bytes differ from their digest {file.digest[:19]}... ({file.size} bytes)", digest=file.digest
    )
