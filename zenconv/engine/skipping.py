"""Steps that are not to run: those marked so, and what waits for them."""

from __future__ import annotations

from collections.abc import Collection

from zenconv.engine.tolerance import find_broken
from zenconv.records.plan import Decision
from zenconv.records.step import Node, Pipeline


class Skips:
    """Says of one node after another, in the order of a pipeline, whether and why it is skipped."""

    def __init__(self) -> None:
        self._roots: dict[str, str] = {}

    def reason(self, node: Node) -> str:
        """Return why `node` is not to run, ``""`` if it is; nodes it waits for were asked about before."""
        skip = node.marks.skip
        if skip is not None:
            where = f" ({skip.where})" if skip.where else ""
            self._roots[node.id] = f"{node.short_id}, skipped: {skip.reason}"
            return f"{skip.reason}{where}"
        if not any(above in self._roots for above in node.upstream):
            return ""
        broken = find_broken(node, dict.fromkeys(self._roots, "skipped"))
        if not broken:
            return ""
        root = next(self._roots[above] for above in node.upstream if above in self._roots)
        self._roots[node.id] = root
        return f"waits for {root}"


def skip_decisions(pipeline: Pipeline, asked: Collection[str] | None = None) -> dict[str, Decision]:
    """Return the decisions for the nodes that are not to run.

    Nor are those that nobody but such nodes waits for, unless they are among those `asked` for;
    None: all are.
    """
    skips = Skips()
    found = {
        node.id: Decision(node.id, "skip", reason) for node in pipeline if (reason := skips.reason(node))
    }
    if not found or asked is None:
        return found
    downstream = pipeline.downstream()
    for node in reversed(list(pipeline)):
        below = downstream[node.id]
        is_asked = node.id in asked or node.grown in asked
        if below and not is_asked and node.id not in found and all(id in found for id in below):
            found[node.id] = Decision(node.id, "skip", "only steps that are skipped need it")
    return found
