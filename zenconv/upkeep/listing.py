"""What is in a cache, step by step."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from zenconv.frozen import Frozen
from zenconv.interfaces.recording import MetadataStore
from zenconv.interfaces.storing import ActionCache
from zenconv.records.artifact import ActionEntry
from zenconv.records.run import HAS_RESULT
from zenconv.stack.pins import is_pin

_PAGE = 50


@attrs.frozen(eq=False, repr=False)
class CachedResult(Frozen):
    """An entry of the cache and the node whose result it is, ``""`` where no recorded run had it."""

    entry: ActionEntry
    node: str

    @property
    def size(self) -> int:
        """Bytes of its outputs, wherever else they are used."""
        return sum(artifact.size for artifact in self.entry.outputs.values())


def list_results(cache: ActionCache, records: MetadataStore) -> list[CachedResult]:
    """Return everything in `cache` that a step may reuse."""
    entries = [entry for entry in cache.entries() if not is_pin(entry)]
    nodes = _find_nodes({str(entry.key) for entry in entries}, records)
    locals_ = {key.partition("-")[0]: node for key, node in nodes.items()}
    return [
        CachedResult(entry, nodes.get(str(entry.key)) or locals_.get(entry.key.local, ""))
        for entry in entries
    ]


def total_size(entries: Iterable[ActionEntry]) -> tuple[int, int]:
    """Return how many stored files the entries have, and their bytes; what they share counts once."""
    sizes = {
        file.digest: file.size
        for entry in entries
        for artifact in (*entry.outputs.values(), entry.output)
        if artifact is not None
        for file in artifact.files
        if file.inline is None
    }
    return len(sizes), sum(sizes.values())


def _find_nodes(keys: set[str], records: MetadataStore) -> dict[str, str]:
    """Return the nodes that had results under `keys`, newest first, until all are found."""
    nodes: dict[str, str] = {}
    records.refresh()
    offset = 0
    while len(nodes) < len(keys) and (page := records.runs(limit=_PAGE, offset=offset)):
        offset += len(page)
        for run in page:
            for step in records.steps(run.id, statuses=HAS_RESULT):
                if step.key in keys:
                    nodes.setdefault(step.key, step.node)
    return nodes
