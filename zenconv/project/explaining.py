"""`zenconv explain`: for a step, the decision and the very parts of its key that changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zenconv.engine.decide import NodeResult
from zenconv.engine.explain import Change, compare_parts, without_inputs
from zenconv.project.planning import Planner, Selection
from zenconv.records.plan import Decision, Plan
from zenconv.records.step import Node


def explain_steps(planner: Planner, selection: Selection) -> list[dict[str, Any]]:
    """Return, for each selected step, plain data.

    ``node``, ``action``, ``reason``, ``where``, ``parts``, and ``changes`` (each with ``kind``,
    ``name``, ``how``, ``where``, ``diff``).
    """
    plan = planner.plan(selection)
    results = _known_results(plan)
    # Branches that came into being with the plan stand for the template that was asked for.
    selected = planner.selected
    wanted = [node for node in planner.pipeline if node.id in selected or node.grown in selected]
    planner.decider.remember(node.id for node in wanted)
    return [_explain(planner, plan.decisions[node.id], node, results) for node in wanted]


def _known_results(plan: Plan) -> dict[str, NodeResult]:
    return {id: NodeResult.of(d.entry) for id, d in plan.decisions.items() if d.entry is not None}


def _explain(
    planner: Planner, decision: Decision, node: Node, results: Mapping[str, NodeResult]
) -> dict[str, Any]:
    decider = planner.decider
    past = decider.past(node.id)
    knows_inputs = all(above in results for above in node.upstream)
    parts = decider.parts(node, decider.inputs(node, results) if knows_inputs else {})
    changes: tuple[Change, ...] = ()
    if past is not None and decision.action != "reuse":
        changes = compare_parts(past if knows_inputs else without_inputs(past, parts), parts)
    return {
        "node": node.id,
        "pipeline": node.pipeline,
        "where": node.step.where,
        "action": decision.action,
        "reason": decision.reason,
        "has_past": past is not None,
        "last": planner.past.last_execution(node.id),
        "changes": [_change_record(change) for change in changes],
        "waits_for": [above for above in node.upstream if above not in results],
        "parts": {
            name: {"digest": digest, "where": parts.sources.get(name, ("", ""))[0]}
            for name, digest in parts.parts.items()
        },
    }


def _change_record(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "name": change.name,
        "how": change.how,
        "where": change.where,
        "text": str(change),
        "diff": change.diff(),
    }
