"""Plans and nodes as the plain data that events hold."""

from __future__ import annotations

from typing import Any

from zenconv import clock
from zenconv.engine.keys import short_text
from zenconv.records.events import PlanReady
from zenconv.records.plan import Plan
from zenconv.records.step import Binding, Node, Param


def plan_event(plan: Plan) -> PlanReady:
    """Return the record of a plan."""
    nodes = []
    for node in plan.pipeline:
        decision = plan.decisions[node.id]
        nodes.append(
            {
                **node_record(node),
                "action": decision.action,
                "reason": decision.reason,
            }
        )
    return PlanReady(nodes, at=clock.utc_now())


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
