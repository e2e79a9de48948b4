"""Whether a node may run although something it waits for did not succeed."""

from __future__ import annotations

from collections.abc import Mapping

from zenconv.authoring import parse_tolerance
from zenconv.records.step import Binding, Node

BROKEN = ("failed", "skipped")


def find_broken(node: Node, status: Mapping[str, str]) -> str:
    """Return why `node` cannot run, given how everything it waits for ended, or ``""``."""
    for binding in node.bindings:
        if binding.source == "node" and status.get(binding.node) in BROKEN:
            return f"{binding.node} {status[binding.node]}"
        if binding.source == "collect":
            reason = _find_too_many(binding, status)
            if reason:
                return reason
    return ""


def _find_too_many(binding: Binding, status: Mapping[str, str]) -> str:
    broken = [branch.node for branch in binding.branches if status.get(branch.node) in BROKEN]
    if not broken:
        return ""
    number, is_share = parse_tolerance(binding.tolerate)
    allowed = number * len(binding.branches) if is_share else number
    if len(broken) <= allowed and len(broken) < len(binding.branches):
        return ""
    first = f"{broken[0]} {status[broken[0]]}"
    if not allowed:
        return first
    return f"{first}; {len(broken)} of {len(binding.branches)} branches did, {binding.tolerate} may"
