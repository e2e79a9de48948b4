"""Plans and nodes as the plain data that events hold."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from zenconv import clock
from zenconv.engine.keys import short_text
from zenconv.records.events import PlanReady
from zenconv.records.plan import Plan
from zenconv.records.step import Binding, Node, Param

_NODES_PER_EVENT = 500
"""More of them would only take memory at once, in each process that hears of the plan."""


def plan_events(plan: Plan) -> Iterator[PlanReady]:
    """Yield the record of a plan, in pieces."""
    at, start, rows = clock.utc_now(), 0, plan_rows(plan)
    while nodes := list(islice(rows, _NODES_PER_EVENT)):
        yield PlanReady(nodes, start, at=at)
        start += len(nodes)
    if not start:
        yield PlanReady([], at=at)


def plan_rows(plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield plain JSON data about each node and what is intended with it."""
    for node in plan.pipeline:
        decision = plan.decisions[node.id]
        yield {**node_record(node), "action": decision.action, "reason": decision.reason}


def node_record(node: Node) -> dict[str, Any]:
    """Return plain JSON data about a node: where it is written and what its parameters get."""
    return {
        "id": node.id,
        "pipeline": node.pipeline,
        "step": node.step.name,
        "file": node.step.file,
        "line": node.step.line,
        "outputs": [output.name for output in node.step.outputs],
        "bindings": [
            *(_binding_record(binding) for binding in node.bindings),
            *(_param_record(param) for param in node.params),
        ],
        **({"check": True} if node.step.is_check else {}),
    }


def _param_record(param: Param) -> dict[str, Any]:
    name = param.fixture.rpartition("::")[2].partition("@")[0]
    record = _binding_record(param.value)
    return {**record, "parameter": name if param.replaces else f"{name}.param"}


def _binding_record(binding: Binding) -> dict[str, Any]:
    record: dict[str, Any] = {"parameter": binding.parameter, "source": binding.source}
    if binding.source in ("node", "item"):
        record["node"] = binding.node
        if binding.output:
            record["output"] = binding.output
    elif binding.source == "value":
        record["value"] = short_text(binding.value)
        record["origin"] = binding.origin
    elif binding.source == "collect":
        record["branches"] = [[branch.id, branch.node, branch.output or ""] for branch in binding.branches]
    else:
        record["value"] = binding.fixture
    return record
