"""Put steps that use one variant of a wider fixture beside each other, so that each is set up once."""

from __future__ import annotations

from collections.abc import Mapping

from zenconv.project.order import order_graph
from zenconv.records.step import FixtureNode, Node

Variants = dict[object, dict[str, int]]
"""For each wider fixture that has params, its items, numbered in order."""


def group_nodes(nodes: Mapping[str, Node], fixtures: Mapping[str, FixtureNode]) -> dict[str, Node]:
    """Return `nodes` so that as few variants of fixtures as possible are set up at a time.

    Variants of the run's fixtures come one after another, and within them, pipeline by pipeline, those of
    a pipeline's. The order in which nodes wait for each other is kept.
    """
    wide = {
        param.fixture
        for node in nodes.values()
        for param in node.params
        if fixtures[param.fixture].fixture.note.scope != "step"
    }
    if not wide:
        return dict(nodes)
    variants: Mapping[str, Variants] = {"run": {}, "pipeline": {}}
    for node in nodes.values():
        for param in node.params:
            if param.fixture in wide:
                fixture = fixtures[param.fixture]
                items = variants[fixture.fixture.note.scope].setdefault(_key_of(fixture), {})
                items.setdefault(param.item, len(items))
    pipelines = {
        name: number for number, name in enumerate(dict.fromkeys(n.pipeline for n in nodes.values()))
    }
    ranks = {
        id: (
            _place(node, variants["run"], fixtures),
            pipelines[node.pipeline],
            _place(node, variants["pipeline"], fixtures),
            position,
        )
        for position, (id, node) in enumerate(nodes.items())
    }
    order, _ = order_graph({id: nodes[id].upstream for id in sorted(nodes, key=ranks.__getitem__)})
    placed = set(order)
    return {id: nodes[id] for id in (*order, *(id for id in nodes if id not in placed))}


def _key_of(fixture: FixtureNode) -> object:
    """Return what is the same for all pipelines that share a fixture."""
    return fixture.fixture.function if fixture.fixture.note.scope == "run" else fixture.id


def _place(node: Node, variants: Variants, fixtures: Mapping[str, FixtureNode]) -> tuple[int, ...]:
    """Return the number of the variant of each fixture that `node` uses, -1 for those it does not."""
    if not variants:
        return ()
    used = {_key_of(fixtures[param.fixture]): param.item for param in node.params}
    return tuple(items.get(used.get(key, ""), -1) for key, items in variants.items())
