"""The collection index: what the last full collection found, for commands that import nothing.

One file per set of settings and Python in ``.zenconv/collection/``, plain JSON lines: a digest of
the header; the header with the witness (`witnesses`) and the digests of the rest; what planning
needs; texts for listing; pieces of code for explaining. A file that is damaged in any way, or
whose witness does not hold, is as good as none. Nothing in it names code to be imported.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zenconv import hashing
from zenconv.errors import StoreError
from zenconv.project.json_rows import encode_members
from zenconv.project.witnesses import Surroundings, holds
from zenconv.records.layout import StateFolder

if TYPE_CHECKING:
    from zenconv.settings.settings import Settings

FORMAT = 3
FOLDER = "collection"
DAMAGES = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What reading rows that are not as they were written may raise."""

_MOST_FILES = 12
_SECTIONS = ("plan", "texts", "parts")


class CollectionIndex:
    """One index whose witness holds; its sections are checked and parsed when asked for."""

    def __init__(
        self, witness: dict[str, Any], sections: Mapping[str, bytes], digests: Mapping[str, str]
    ) -> None:
        self.witness = witness
        self._sections = sections
        self._digests = digests
        self._parsed: dict[str, Any] = {}

    def section(self, name: str) -> Any:
        """Return a section. `ValueError` if it is damaged."""
        if name not in self._parsed:
            data = self._sections[name]
            if hashing.digest_bytes(data) != self._digests[name]:
                raise ValueError(f"section {name} of the collection index is damaged")
            self._parsed[name] = json.loads(data)
        return self._parsed[name]


def find_index(settings: Settings, before: Surroundings) -> CollectionIndex | None:
    """Return the index of this project for these settings, if there is one and all of it still holds."""
    try:
        data = index_path(settings, before).read_bytes()
        first, header, *rest = data.split(b"\n")
        if hashing.digest_bytes(header).encode() != first:
            return None
        facts = json.loads(header)
        if facts["format"] != FORMAT or not holds(facts["witness"], before):
            return None
        sections = dict(zip(_SECTIONS, rest, strict=True))
        return CollectionIndex(facts["witness"], sections, facts["digests"])
    except (OSError, *DAMAGES):
        return None


def write_index(
    settings: Settings,
    before: Surroundings,
    make: Callable[[], tuple[Mapping[str, Any], dict[str, Any]]],
) -> None:
    """Write what `make` returns, the witness and the sections; where nothing can be written, nothing is."""
    witness, sections = make()
    lines = [encode_members(sections.pop(name)) for name in _SECTIONS]
    digests = {name: hashing.digest_bytes(line) for name, line in zip(_SECTIONS, lines, strict=True)}
    header = json.dumps({"format": FORMAT, "digests": digests, "witness": witness}).encode()
    first = hashing.digest_bytes(header).encode()
    _replace(index_path(settings, before), [first, header, *lines])


def index_path(settings: Settings, before: Surroundings) -> Path:
    """Return where the index for these settings and this Python lies."""
    name = hashing.digest_texts("zenconv.collection", [before.settings, *before.paths])
    return settings.state / FOLDER / f"{name.rpartition(':')[2][:24]}.json"


def _replace(target: Path, lines: Sequence[bytes | bytearray]) -> None:
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        StateFolder(target.parent.parent).create()
        target.parent.mkdir(exist_ok=True)
        with draft.open("wb") as stream:
            for number, line in enumerate(lines):
                stream.write(b"\n" * bool(number))
                stream.write(line)
        os.replace(draft, target)
        _forget_oldest(target.parent)
    except (OSError, StoreError):
        try:
            draft.unlink(missing_ok=True)
        except OSError:
            pass


def _forget_oldest(folder: Path) -> None:
    with os.scandir(folder) as scan:
        files = [(entry.stat().st_mtime_ns, entry.path) for entry in scan]
    for _, path in sorted(files)[:-_MOST_FILES]:
        os.unlink(path)
