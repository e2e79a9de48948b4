"""Check that fixtures do not outlive what they ask for, and do not ask for each other in a circle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from zenconv.authoring import SCOPES
from zenconv.errors import Problem
from zenconv.project.builtins import BUILTIN_FIXTURES
from zenconv.project.order import order_graph
from zenconv.records.step import Binding, FixtureNode, Node


def check_fixtures(
    fixtures: Mapping[str, FixtureNode], nodes: Mapping[str, Node]
) -> Iterator[tuple[Problem, str]]:
    """Yield the problems of fixtures, each with the file that it concerns."""
    if not fixtures:
        return
    asking = _first_askers(nodes)
    for node in fixtures.values():
        for binding in node.bindings:
            if _outlives(node, binding, fixtures):
                yield _mismatch(node, binding, fixtures, asking.get(node.id)), node.id.partition("::")[0]
    upstream = {
        id: [b.fixture for b in node.bindings if b.source == "fixture"] for id, node in fixtures.items()
    }
    for cycle in order_graph(upstream)[1]:
        yield _circle([fixtures[id] for id in cycle]), cycle[0].partition("::")[0]


def _first_askers(nodes: Mapping[str, Node]) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for node in nodes.values():
        for binding in node.bindings:
            if binding.source == "fixture":
                found.setdefault(binding.fixture, node)
    return found


def _scope_of(binding: Binding, fixtures: Mapping[str, FixtureNode]) -> tuple[str, str, str] | None:
    """Return name, scope and place of the fixture that a binding asks for."""
    if binding.source == "builtin":
        builtin = BUILTIN_FIXTURES[binding.fixture]
        return builtin.name, builtin.scope, "built in"
    if binding.source == "fixture":
        other = fixtures[binding.fixture].fixture
        return other.name, other.note.scope, other.where
    return None


def _outlives(node: FixtureNode, binding: Binding, fixtures: Mapping[str, FixtureNode]) -> bool:
    other = _scope_of(binding, fixtures)
    order = [str(scope) for scope in SCOPES]
    return other is not None and order.index(other[1]) < order.index(node.fixture.note.scope)


def _mismatch(
    node: FixtureNode, binding: Binding, fixtures: Mapping[str, FixtureNode], asker: Node | None
) -> Problem:
    found = _scope_of(binding, fixtures)
    assert found is not None
    name, scope, place = found
    own = node.fixture
    chain = [f"{own.name} ({own.note.scope}, {own.where})", f"{name} ({scope}, {place})"]
    if asker is not None:
        chain.insert(0, f"{asker.step.name} ({asker.step.where})")
    return Problem(
        f"fixture {own.name!r} lives for the {own.note.scope}, "
        f"but asks for {name!r}, which lives for the {scope}",
        own.file,
        own.line,
        exists=" -> ".join(chain),
        hint=f'make {own.name!r} narrower: @zenconv.fixture(scope="{scope}")',
    )


def _circle(nodes: list[FixtureNode]) -> Problem:
    names = [node.fixture.name for node in nodes]
    first = nodes[0].fixture
    what = f"fixtures ask for each other: {' <- '.join([*names, names[0]])}"
    if len(nodes) == 1:
        what = f"fixture {first.name!r} asks for itself, and no file farther out has another"
    places = ", ".join(f"{node.fixture.name} at {node.fixture.where}" for node in nodes)
    return Problem(
        what, first.file, first.line, exists=places, hint="rename a parameter or a fixture on the way"
    )
