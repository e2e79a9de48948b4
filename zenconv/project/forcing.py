"""What ``--from`` and ``--ff`` make of a graph: what lies downstream, what comes first."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from zenconv.records.step import Pipeline


def list_downstream(pipeline: Pipeline, starts: Iterable[str]) -> frozenset[str]:
    """Return `starts` and everything that waits for them, directly or not."""
    below = pipeline.downstream()
    found: set[str] = set()
    waiting = [id for id in starts if id in below]
    while waiting:
        id = waiting.pop()
        if id not in found:
            found.add(id)
            waiting += below[id]
    return frozenset(found)


def put_first(pipeline: Pipeline, wanted: Iterable[str]) -> Pipeline:
    """Return `pipeline` with `wanted` and what they wait for at its beginning; otherwise in its order."""
    first: set[str] = set()
    waiting = [id for id in wanted if id in pipeline.nodes]
    while waiting:
        id = waiting.pop()
        if id not in first:
            first.add(id)
            waiting += pipeline.nodes[id].upstream
    order = sorted(pipeline.nodes, key=lambda node: node not in first)
    return attrs.evolve(pipeline, nodes={id: pipeline.nodes[id] for id in order})
