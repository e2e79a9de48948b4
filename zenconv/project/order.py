"""Put nodes after what they wait for, and find cycles; linear, without recursion."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping


def order_graph(upstream: Mapping[str, Iterable[str]]) -> tuple[list[str], list[list[str]]]:
    """Return the ids so that each follows its upstream, and the cycles that prevent it for the rest.

    Ties are in the order of `upstream`. Ids in a cycle or below one are left out of the list.
    A cycle is a list of ids, each waiting for the next and the last for the first.
    """
    rank = {id: number for number, id in enumerate(upstream)}
    waits = {id: set(above) & rank.keys() for id, above in upstream.items()}
    downstream: dict[str, list[str]] = {id: [] for id in rank}
    for id, above in waits.items():
        for other in above:
            downstream[other].append(id)
    ids = list(rank)
    missing = {id: len(above) for id, above in waits.items()}
    ready = [rank[id] for id, count in missing.items() if not count]
    heapq.heapify(ready)
    ordered = []
    while ready:
        id = ids[heapq.heappop(ready)]
        ordered.append(id)
        for below in downstream[id]:
            missing[below] -= 1
            if not missing[below]:
                heapq.heappush(ready, rank[below])
    if len(ordered) == len(ids):
        return ordered, []
    done = set(ordered)
    return ordered, _find_cycles([id for id in ids if id not in done], waits, done)


def _find_cycles(rest: list[str], waits: Mapping[str, set[str]], done: set[str]) -> list[list[str]]:
    cycles = []
    visited: set[str] = set()
    for start in rest:
        path: list[str] = []
        position: dict[str, int] = {}
        id = start
        while id not in visited:
            visited.add(id)
            position[id] = len(path)
            path.append(id)
            id = min(other for other in waits[id] if other not in done)
        if id in position:
            cycles.append(path[position[id] :])
    return cycles
