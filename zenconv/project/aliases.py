"""The names by which a pipeline may be called."""

from __future__ import annotations

from zenconv.project.collected import Collection


def list_aliases(collection: Collection) -> dict[str, tuple[str, ...]]:
    """Return what each pipeline may be called: its path, dotted too, and its last part where unique."""
    names = [file.pipeline for file in collection.step_files()]
    counts: dict[str, int] = {}
    for name in names:
        last = name.rpartition("/")[2]
        counts[last] = counts.get(last, 0) + 1
    aliases = {}
    for name in names:
        last = name.rpartition("/")[2]
        spellings = [name, name.replace("/", "."), *([last] if counts[last] == 1 else [])]
        aliases[name] = tuple(dict.fromkeys(spellings))
    return aliases
