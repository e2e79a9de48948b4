"""Telling values apart while a run goes on, where no digest is at hand; and copies of shared ones."""

from __future__ import annotations

from types import FunctionType, ModuleType
from typing import Any

from zenconv.records.step import Node

_SHARED = (str, bytes, int, float, complex, bool, type(None), type, FunctionType, ModuleType)


def own_copy(value: Any) -> Any:
    """Return `value`, which is one object for the whole process, as a step may change it."""
    if isinstance(value, _SHARED):
        return value
    import copy

    try:
        return copy.deepcopy(value)
    except Exception:  # noqa: BLE001 - what cannot be copied (a lock, a client) is shared on purpose
        return value


def describe_branch(node: Node, key: str) -> str:
    """Return what tells a branch from the others: what the axes and other steps give it, never labels."""
    values = [b.value for b in node.bindings if b.origin.startswith("parametrize")]
    values += [param.value.value for param in node.params]
    inputs = key.rpartition("-")[2]
    if all(_is_plain(value) for value in values):
        return " ".join([inputs, *map(repr, values)])
    return f"{inputs} {node.id.partition('[')[2]}"


def _is_plain(value: Any) -> bool:
    return type(value) in (str, bytes, int, float, bool, type(None))


def name_value(value: Any) -> str:
    """Return what tells one value of an axis from another."""
    return repr(value) if _is_plain(value) else f"{type(value).__qualname__} {id(value)}"


def show_setting(value: Any) -> str:
    """Return what tells one setting from another: values that are written alike are equal."""
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - a project's class may fail to print itself
        return name_value(value)
