"""Steps and graphs as plain JSON data, for the commands that show them."""

from __future__ import annotations

import os
from collections.abc import Collection as Ids
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from zenconv.authoring import Mark, show_argument
from zenconv.project.collected import Override
from zenconv.project.select import Selected
from zenconv.records.step import Binding, FixtureNode, Node, Param, Parameter

_TEXT_LIMIT = 120


def describe_steps(selected: Selected, root: Path) -> list[dict[str, Any]]:
    """Return each selected step: where it is, what it gives, and what each parameter gets.

    Paths below `root` are shown relative to it.
    """
    pipeline = selected.pipeline
    return [
        {
            "node": node.id,
            "pipeline": node.pipeline,
            "step": node.step.name,
            "where": node.step.where,
            "is_template": node.step.is_template,
            "outputs": [{"name": o.name, "type": o.annotation} for o in node.step.outputs],
            "parameters": [_describe_binding(b, node.step.parameters, root) for b in node.bindings],
            "fixtures": [_describe_fixture(f, node.param_of(f.id), root) for f in pipeline.fixtures_of(node)],
            "marks": [_describe_mark(mark) for mark in node.marks.marks],
            "doc": node.step.doc,
        }
        for node in selected.pipeline
        if node.id in selected.ids
    ]


def _describe_mark(mark: Mark) -> dict[str, Any]:
    """Return a mark as data; arguments as people write them."""
    return {
        "name": mark.name,
        "args": [show_argument(value) for value in mark.args],
        "kwargs": {name: show_argument(value) for name, value in mark.kwargs.items()},
        "where": f"{mark.file}:{mark.line}",
    }


def describe_overrides(overrides: Iterable[Override], pipelines: Ids[str]) -> list[dict[str, Any]]:
    """Return the overrides that steps of `pipelines` see."""
    return [
        {
            "name": override.name,
            "kind": override.kind,
            "where": override.where,
            "overridden": override.overridden,
            "wraps": override.wraps,
            "pipelines": seen,
        }
        for override in overrides
        if (seen := [name for name in override.pipelines if name in pipelines])
    ]


def describe_graph(nodes: Iterable[Node]) -> list[dict[str, Any]]:
    """Return nodes in order, with what each waits for and through which outputs."""
    return [
        {
            "node": node.id,
            "pipeline": node.pipeline,
            "step": node.step.name,
            "where": node.step.where,
            "outputs": [o.name for o in node.step.outputs if o.name],
            "inputs": [edge for b in node.bindings for edge in _edges(b)],
        }
        for node in nodes
    ]


def _edges(binding: Binding) -> list[dict[str, str]]:
    """Return from which nodes, and which of their outputs, a parameter gets its value."""
    if binding.source == "collect":
        given = [(branch.node, branch.output) for branch in binding.branches]
    else:
        given = [(node, binding.output) for node in binding.above()]
    return [{"parameter": binding.parameter, "node": n, "output": o or ""} for n, o in dict.fromkeys(given)]


def _describe_binding(binding: Binding, parameters: Iterable[Parameter], root: Path) -> dict[str, Any]:
    written = next((p.annotation for p in parameters if p.name == binding.parameter), "")
    found: dict[str, Any] = {
        "name": binding.parameter,
        "type": written,
        "source": binding.source,
        "origin": binding.origin,
    }
    if binding.source == "node":
        found |= {"node": binding.node, "output": binding.output or ""}
        found["origin"] = f"{binding.node}.{binding.output}" if binding.output else binding.node
    elif binding.source == "item":
        found |= {"node": binding.node, "origin": f"each of {binding.node}"}
    elif binding.source == "collect":
        found["branches"] = [{"id": b.id, "node": b.node, "output": b.output or ""} for b in binding.branches]
        found["origin"] = _collected(binding)
    elif binding.source == "value":
        found["value"] = _short_text(binding, root)
    else:
        found["fixture"] = binding.fixture
        found["origin"] = "built-in fixture" if binding.source == "builtin" else f"fixture {binding.fixture}"
    return found


def _collected(binding: Binding) -> str:
    ids = [branch.node for branch in binding.branches]
    if binding.over:
        return f"all branches of {ids[0]} over {', '.join(binding.over)}"
    return f"{len(ids)} branches, {ids[0]} the first" if ids else "no branches"


def _short_text(binding: Binding, root: Path) -> str:
    if binding.is_output and binding.value is None:
        return "a place to write"
    try:
        value = binding.value
        if isinstance(value, Path) and value.is_relative_to(root):
            value = value.relative_to(root)
        text = str(value) if isinstance(value, os.PathLike) else repr(value)
    except Exception:  # noqa: BLE001 - a project's class may fail to print itself
        text = f"<{type(binding.value).__qualname__}>"
    text = " ".join(text.split())
    return text if len(text) <= _TEXT_LIMIT else text[: _TEXT_LIMIT - 1] + "…"


def _describe_fixture(node: FixtureNode, param: Param | None, root: Path) -> dict[str, Any]:
    fixture = node.fixture
    return {
        "id": node.id,
        "name": fixture.name,
        "where": fixture.where,
        "scope": fixture.note.scope,
        "param": "" if param is None else _short_text(param.value, root),
        "parameters": [_describe_binding(b, fixture.parameters, root) for b in node.bindings],
    }
