"""Which branches of a run-time fan-out are needed, where only some are asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from zenconv.records.step import Node, Pipeline


class BranchTest(Protocol):
    """Which branches of a template are asked for."""

    def passes(self, branch: Node) -> bool:
        """Return whether a branch that is there is asked for."""

    def may_pass(self, template: Node, known: Sequence[tuple[str, str]], seen: Collection[str]) -> bool:
        """Return whether one with the `known` axes may yet come; `seen` are all run-time ids so far."""


class Pruning:
    """Decides about branches as they come into being.

    Parameters
    ----------
    pipeline
        With its templates.
    tests
        For templates of which not all branches are asked for, which are.
    ids
        The nodes and templates that are asked for, in full or in part.
    """

    def __init__(self, pipeline: Pipeline, tests: Mapping[str, BranchTest], ids: Iterable[str]) -> None:
        self._tests = tests
        self._full = _ancestors(pipeline, [id for id in ids if id not in tests])
        self._templates = {node.id: node for node in pipeline if node.is_open}
        self._below = _open_descendants(pipeline)
        self._needed: set[str] = set()
        self._matched: set[str] = set()
        self._seen: set[str] = set()

    @property
    def unmatched(self) -> list[str]:
        """The templates of which only some branches are asked for, if none of all has come."""
        return [] if self._matched else list(self._tests)

    def choose(self, grown: Sequence[Node], open_ids: Collection[str]) -> dict[str, Node]:
        """Return those of the new nodes that nobody needs.

        `open_ids` are the templates that still grow: what they may come to need stays.
        """
        for node in grown:
            self._seen.update(id for _, id in node.axes)
        dropped: dict[str, Node] = {}
        for node in reversed(grown):
            if self._is_asked(node) or node.id in self._needed or self._may_be_needed(node, open_ids):
                self._needed.update(node.upstream)
            else:
                dropped[node.id] = node
        return dropped

    def _is_asked(self, node: Node) -> bool:
        if node.grown in self._full:
            return True
        test = self._tests.get(node.grown)
        if test is None or not test.passes(node):
            return False
        self._matched.add(node.grown)
        return True

    def _may_be_needed(self, node: Node, open_ids: Collection[str]) -> bool:
        for id in self._below[node.grown]:
            if id not in open_ids:
                continue
            template = self._templates[id]
            if id in self._full:
                return True
            names = {axis.name for axis in template.open} | {name for name, _ in template.axes}
            known = [pair for pair in node.axes if pair[0] in names]
            if id in self._tests and self._tests[id].may_pass(template, known, self._seen):
                return True
        return False


def _ancestors(pipeline: Pipeline, ids: Iterable[str]) -> set[str]:
    """Return `ids` and everything they wait for."""
    found: set[str] = set()
    waiting = list(ids)
    while waiting:
        id = waiting.pop()
        if id not in found and id in pipeline.nodes:
            found.add(id)
            waiting += pipeline.nodes[id].upstream
    return found


def _open_descendants(pipeline: Pipeline) -> dict[str, set[str]]:
    """Return for every node the templates that wait for it, directly or not."""
    below: dict[str, set[str]] = {id: set() for id in pipeline.nodes}
    for node in reversed(list(pipeline)):
        own = {node.id} if node.is_open else set()
        for above in node.upstream:
            below[above] |= below[node.id] | own
    return below
