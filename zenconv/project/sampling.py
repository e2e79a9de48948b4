"""A pipeline on a sample: behind each loader stands a node that samples, and others ask that one.

A loader is a step without data inputs. It is not touched: its full result is computed, stored and
shared with runs on all data. What waits for it gets another content, and so another key.
"""

from __future__ import annotations

from typing import Any

import attrs

from zenconv.authoring import StepNote
from zenconv.engine.sampling import take_sample
from zenconv.records.marks import NO_MARKS
from zenconv.records.step import Binding, Node, Parameter, Pipeline, branch_suffix

VERSION = "2"
"""Counts up when other rows are chosen than before."""


def sample_pipeline(pipeline: Pipeline, sample: str) -> Pipeline:
    """Return `pipeline` with a node ``<loader>@<sample>`` behind each loader that others wait for."""
    waiting = pipeline.downstream()
    sampled = {
        node.id: _sampling_node(node, sample)
        for node in pipeline
        if not node.upstream and not node.is_open and node.step.shape != "each" and waiting[node.id]
    }
    nodes: dict[str, Node] = {}
    for node in pipeline:
        nodes[node.id] = _redirect(node, sampled) if node.upstream else node
        if node.id in sampled:
            nodes[sampled[node.id].id] = sampled[node.id]
    return Pipeline(nodes, pipeline.fixtures, pipeline.names)


def _sampling_node(loader: Node, sample: str) -> Node:
    name = f"{loader.step.name}@{sample}"
    step = attrs.evolve(
        loader.step,
        name=name,
        module=take_sample.__module__,
        parameters=tuple(map(Parameter, ("value", "sample", "seed"))),
        note=StepNote(version=VERSION),
        is_template=False,
        is_async=False,
        doc="",
        function=take_sample,
        marks=NO_MARKS,
    )
    id = f"{loader.template}@{sample}" + (branch_suffix(loader.axes) if loader.axes else "")
    bindings = (
        Binding("value", "node", node=loader.id),
        Binding("sample", "value", value=sample, origin="--sample"),
        Binding("seed", "builtin", fixture="seed"),
    )
    return Node(id, step, loader.pipeline, bindings, axes=loader.axes)


def _redirect(node: Node, sampled: dict[str, Node]) -> Node:
    if not any(above in sampled for above in node.upstream):
        return node
    bindings = tuple(_redirect_binding(binding, sampled) for binding in node.bindings)
    values: dict[str, Any] = {
        name: getattr(node, name) for name in attrs.fields_dict(Node) if name != "upstream"
    }
    return Node(**{**values, "bindings": bindings})


def _redirect_binding(binding: Binding, sampled: dict[str, Node]) -> Binding:
    if binding.source == "node" and binding.node in sampled:
        return attrs.evolve(binding, node=sampled[binding.node].id)
    if binding.source == "collect" and any(branch.node in sampled for branch in binding.branches):
        branches = tuple(
            attrs.evolve(branch, node=sampled[branch.node].id) if branch.node in sampled else branch
            for branch in binding.branches
        )
        return attrs.evolve(binding, branches=branches)
    return binding
