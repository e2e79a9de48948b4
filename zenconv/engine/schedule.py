"""Which nodes may start: what each waits for, and the order in which those that wait for nothing come."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping

import attrs

from zenconv.records.step import Node


@attrs.define(eq=False, repr=False)
class Schedule:
    """The bookkeeping of one run. `status` is how nodes ended, filled by whoever runs them."""

    status: Mapping[str, str]
    _order: dict[str, int] = attrs.field(factory=dict)
    _waiting: dict[str, int] = attrs.field(factory=dict)
    _downstream: dict[str, list[str]] = attrs.field(factory=dict)
    _wanted: set[str] = attrs.field(factory=set)
    _left: dict[str, int] = attrs.field(factory=dict)
    _beyond: dict[str, list[str]] = attrs.field(factory=dict)
    _ready: dict[bool, list[tuple[int, str]]] = attrs.field(factory=lambda: {True: [], False: []})

    def enter(self, nodes: Iterable[Node]) -> None:
        """Take nodes in, in the order in which they are to start. Templates only wait to be complete."""
        for node in nodes:
            self._left[node.pipeline] = self._left.get(node.pipeline, 0) + 1
            self._order.setdefault(node.id, len(self._order))
            self._downstream.setdefault(node.id, [])
            self._wanted.update(node.upstream)
            if not node.is_open:
                self._waiting[node.id] = sum(above not in self.status for above in node.upstream)
                for above in node.upstream:
                    self._downstream.setdefault(above, []).append(node.id)

    def is_wanted(self, id: str) -> bool:
        """Return whether something waits for the value of that node."""
        return id in self._wanted

    def is_free(self, id: str) -> bool:
        """Return whether a node waits for nothing any more."""
        return self._waiting[id] <= 0

    def close(self, node: Node) -> list[str]:
        """Note that a node has ended; return those that wait for nothing now."""
        self._left[node.pipeline] -= 1
        free = []
        for id in (*self._downstream[node.id], *self._beyond.pop(node.id, ())):
            self._waiting[id] -= 1
            if self._waiting[id] == 0:
                free.append(id)
        return free

    def reopen(self, node: Node, live: Collection[str] = ()) -> None:
        """Note that a node has to be done once more: what waits for it waits again.

        So does what waits for one of the `live` nodes below it: these are made in their consumers.
        """
        self._left[node.pipeline] += 1
        below = self._downstream[node.id]
        beyond = self._beyond[node.id] = list(self._below_live(below, live))
        for id in (*below, *beyond):
            self._waiting[id] += 1  # taken back when it closes again
        held = sum(ids.count(node.id) for ids in self._beyond.values())
        self._waiting[node.id] = held + sum(above not in self.status for above in node.upstream)

    def _below_live(self, ids: Iterable[str], live: Collection[str]) -> Iterator[str]:
        for id in ids:
            if id in live:
                yield from self._downstream[id]
                yield from self._below_live(self._downstream[id], live)

    def complete(self, pipeline: str) -> None:
        """Note that a template of `pipeline` has all its branches, or that what held it is done."""
        self._left[pipeline] -= 1

    def hold(self, pipeline: str) -> None:
        """Note that there is one more thing to do for `pipeline`, which `complete` ends."""
        self._left[pipeline] += 1

    def is_done(self, pipeline: str) -> bool:
        """Return whether nothing of `pipeline` is left to do."""
        return self._left[pipeline] <= 0

    def make_ready(self, id: str, *, is_async: bool) -> None:
        """Queue a node, among the async ones or the others."""
        heapq.heappush(self._ready[is_async], (self._order[id], id))

    def first(self, *, is_async: bool) -> str | None:
        """Return the next node of a queue, which stays in it; None where there is none."""
        queue = self._ready[is_async]
        return queue[0][1] if queue else None

    def pop(self, *, is_async: bool) -> str:
        """Take the next node out of a queue."""
        return heapq.heappop(self._ready[is_async])[1]

    def has_ready(self) -> bool:
        """Return whether any node is queued."""
        return self.count_ready() > 0

    def count_ready(self) -> int:
        """Return how many nodes are queued."""
        return len(self._ready[True]) + len(self._ready[False])
