"""What a step left behind: its stored outputs and the entry that finds them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from zenconv import hashing
from zenconv.frozen import Frozen

INLINE_LIMIT = 1024
"""Files up to this many bytes travel inside the record instead of the store."""


@attrs.frozen(eq=False, repr=False)
class StoredFile(Frozen):
    """One file of an artifact: a name, the digest and size of its bytes, the bytes if few.

    `name` is ``""`` for the only or main file, else a relative POSIX path.
    """

    name: str
    digest: str
    size: int
    inline: bytes | None = None

    def to_json(self) -> list[Any]:
        """Return plain JSON data."""
        data: list[Any] = [self.name, self.digest, self.size]
        if self.inline is not None:
            data.append(self.inline.decode("latin-1"))
        return data

    @classmethod
    def from_json(cls, data: list[Any]) -> StoredFile:
        """Rebuild from `to_json` data."""
        name, digest, size, *inline = data
        return cls(name, digest, size, inline[0].encode("latin-1") if inline else None)


@attrs.frozen(eq=False, repr=False)
class Signature(Frozen):
    """A message authentication code over an artifact, by the key named `key_id`."""

    key_id: str
    code: str


@attrs.frozen(eq=False, repr=False)
class Artifact(Frozen):
    """The stored output of a step.

    `content` is the digest that cache keys use, of the value; the digests in `files` are
    of the bytes, and verify them. `materializer` is the id and format version that wrote the
    bytes (``"numpy/1"``). `refers` names the classes and functions that the stored form
    mentions (``"steps_training:Net"``). `runs_code` says that loading executes code chosen
    by the bytes (a pickle) or resolves such names: it needs a trusted signature.
    """

    content: str
    materializer: str
    type: str
    files: tuple[StoredFile, ...]
    refers: tuple[str, ...] = ()
    runs_code: bool = False
    summary: Mapping[str, Any] = attrs.field(factory=dict)
    signatures: tuple[Signature, ...] = ()

    @property
    def size(self) -> int:
        """Stored size in bytes."""
        return sum(file.size for file in self.files)

    @property
    def stored(self) -> str:
        """The digest of the stored form: of the bytes, or of the list of files."""
        if len(self.files) == 1 and not self.files[0].name:
            return self.files[0].digest
        return hashing.digest_texts("files", (t for f in self.files for t in (f.name, f.digest)))

    @property
    def needs_trust(self) -> bool:
        """Whether loading must be allowed by a signature."""
        return self.runs_code or bool(self.refers)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data; defaults are left out."""
        data: dict[str, Any] = {
            "content": self.content,
            "materializer": self.materializer,
            "type": self.type,
            "files": [file.to_json() for file in self.files],
        }
        if self.refers:
            data["refers"] = list(self.refers)
        if self.runs_code:
            data["runs_code"] = True
        if self.summary:
            data["summary"] = dict(self.summary)
        if self.signatures:
            data["signatures"] = [[s.key_id, s.code] for s in self.signatures]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Artifact:
        """Rebuild from `to_json` data."""
        return cls(
            content=data["content"],
            materializer=data["materializer"],
            type=data["type"],
            files=tuple(StoredFile.from_json(f) for f in data["files"]),
            refers=tuple(data.get("refers", ())),
            runs_code=data.get("runs_code", False),
            summary=data.get("summary", {}),
            signatures=tuple(Signature(*s) for s in data.get("signatures", ())),
        )


@attrs.frozen
class ActionKey:
    """The cache key of one step execution, in two parts.

    `local` covers everything but the inputs (code, parameters, environment); `inputs` covers
    the content of the inputs. Both are 64 hexadecimal digits. Two parts, so that a plan can
    tell *maybe* (this code and these parameters ran before) from *run*.
    """

    local: str
    inputs: str

    def __str__(self) -> str:
        return f"{self.local}-{self.inputs}"

    @classmethod
    def parse(cls, text: str) -> ActionKey:
        """Rebuild from ``str(key)``."""
        local, _, inputs = text.partition("-")
        return cls(local, inputs)


@attrs.frozen(eq=False, repr=False)
class ActionEntry(Frozen):
    """What the action cache holds under a key: the outputs of a successful step.

    `outputs` maps output names to artifacts, in declaration order (``""`` for the only output
    of a step). `live` means the value cannot be stored and the step is repeated in each consumer.
    `discovered` maps files that it read without having asked for them to their digests.
    `output` is the captured text of the step. `seconds` is the wall time it took.
    """

    key: ActionKey
    outputs: Mapping[str, Artifact]
    output: Artifact | None = None
    live: bool = False
    discovered: Mapping[str, str] = attrs.field(factory=dict)
    seconds: float = 0.0
    created: str = ""
    writer: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data without the key."""
        data: dict[str, Any] = {
            "outputs": {name: a.to_json() for name, a in self.outputs.items()},
            "seconds": self.seconds,
            "created": self.created,
            "writer": self.writer,
        }
        if self.output is not None:
            data["output"] = self.output.to_json()
        if self.live:
            data["live"] = True
        if self.discovered:
            data["discovered"] = dict(self.discovered)
        return data

    @classmethod
    def from_json(cls, key: ActionKey, data: Mapping[str, Any]) -> ActionEntry:
        """Rebuild from `to_json` data."""
        output = data.get("output")
        return cls(
            key=key,
            outputs={name: Artifact.from_json(a) for name, a in data["outputs"].items()},
            output=Artifact.from_json(output) if output else None,
            live=data.get("live", False),
            discovered=data.get("discovered", {}),
            seconds=data["seconds"],
            created=data["created"],
            writer=data["writer"],
        )
