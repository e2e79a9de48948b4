"""Check that fixtures do not outlive what they ask for, and do not ask for each other in a circle."""

from __future__ import annotations

from collections import deque
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
    mismatches = [
        (node, binding)
        for node in fixtures.values()
        for binding in node.bindings
        if _outlives(node, binding, fixtures)
    ]
    cycles = order_graph({id: _asked_by(node) for id, node in fixtures.items()})[1]
    if any(node.fixture.is_async for node in fixtures.values()):
        yield from _check_async(fixtures, nodes)
    if not mismatches and not cycles:
        return
    chains = _Chains(fixtures, nodes)
    for node, binding in mismatches:
        yield _mismatch(node, binding, fixtures, chains), node.id.partition("::")[0]
    for cycle in cycles:
        yield _circle(cycle, fixtures, chains), cycle[0].partition("::")[0]


def _asked_by(node: Node | FixtureNode) -> list[str]:
    unasked = node.autouse if isinstance(node, Node) else ()
    return [b.fixture for b in (*unasked, *node.bindings) if b.source == "fixture"]


def _check_async(
    fixtures: Mapping[str, FixtureNode], nodes: Mapping[str, Node]
) -> Iterator[tuple[Problem, str]]:
    """Yield what is wrong with async fixtures: only a step that is async can wait for one."""
    for node in fixtures.values():
        own = node.fixture
        if own.is_async and own.note.scope != "step":
            problem = Problem(
                f"fixture {own.name!r} is async and lives for the {own.note.scope}, "
                "but the event loop it needs only lives as long as async steps are under way",
                own.file,
                own.line,
                hint='leave it at scope="step", or write it without async',
            )
            yield problem, node.id.partition("::")[0]
    for asker in nodes.values():
        way = _find_async(asker, fixtures) if not asker.step.is_async else []
        if way:
            step = asker.step
            problem = Problem(
                f"step {step.name!r} cannot wait for fixture {way[-1].fixture.name!r}, which is async",
                step.file,
                step.line,
                exists=" -> ".join([f"{step.name} ({step.where})", *map(_describe, way)]),
                hint=f"write `async def {step.name}`",
            )
            yield problem, asker.id.partition("::")[0]


def _find_async(asker: Node, fixtures: Mapping[str, FixtureNode]) -> list[FixtureNode]:
    """Return the way from a step to an async fixture that is set up for it; empty if there is none."""
    waiting = [[id] for id in _asked_by(asker)]
    seen: set[str] = set()
    for way in waiting:
        found = fixtures[way[-1]]
        if found.fixture.is_async:
            return [fixtures[id] for id in way]
        if found.id not in seen:
            seen.add(found.id)
            waiting += [[*way, id] for id in _asked_by(found)]
    return []


class _Chains:
    """How each fixture comes to be asked for: the shortest way from a step, with the places."""

    def __init__(self, fixtures: Mapping[str, FixtureNode], nodes: Mapping[str, Node]) -> None:
        self._fixtures = fixtures
        self._askers: dict[str, Node | FixtureNode] = {}
        waiting: deque[Node | FixtureNode] = deque(nodes.values())
        while waiting:
            asker = waiting.popleft()
            for id in _asked_by(asker):
                if id not in self._askers:
                    self._askers[id] = asker
                    waiting.append(fixtures[id])

    def to(self, id: str) -> list[str]:
        """Return the links of the chain, the step first and the fixture `id` last."""
        links: list[str] = []
        seen: set[str] = set()
        asker: Node | FixtureNode | None = self._fixtures[id]
        while isinstance(asker, FixtureNode) and asker.id not in seen:
            seen.add(asker.id)
            links.append(_describe(asker))
            asker = self._askers.get(asker.id)
        if isinstance(asker, Node):
            links.append(f"{asker.step.name} ({asker.step.where})")
        return links[::-1]


def _describe(node: FixtureNode) -> str:
    return f"{node.fixture.name} ({node.fixture.note.scope}, {node.fixture.where})"


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
    node: FixtureNode, binding: Binding, fixtures: Mapping[str, FixtureNode], chains: _Chains
) -> Problem:
    found = _scope_of(binding, fixtures)
    assert found is not None
    name, scope, place = found
    own = node.fixture
    hint = f'make {own.name!r} narrower: @zenconv.fixture(scope="{scope}")'
    if name == "tmp_path":
        hint += ", or use tempfile.TemporaryDirectory() in it"
    return Problem(
        f"fixture {own.name!r} lives for the {own.note.scope}, "
        f"but asks for {name!r}, which lives for the {scope}",
        own.file,
        own.line,
        exists=" -> ".join([*chains.to(node.id), f"{name} ({scope}, {place})"]),
        hint=hint,
    )


def _circle(ids: list[str], fixtures: Mapping[str, FixtureNode], chains: _Chains) -> Problem:
    ways = {id: chains.to(id) for id in ids}
    start = min(range(len(ids)), key=lambda number: (len(ways[ids[number]]), number))
    turned = [fixtures[id] for id in (*ids[start:], *ids[:start])]
    first = turned[0].fixture
    names = [node.fixture.name for node in turned]
    what = f"fixtures ask for each other: {' -> '.join([*names, names[0]])}"
    if len(turned) == 1:
        what = f"fixture {first.name!r} asks for itself, and no file farther out has another"
    links = [*ways[turned[0].id], *(_describe(node) for node in turned[1:]), _describe(turned[0])]
    return Problem(
        what,
        first.file,
        first.line,
        exists=" -> ".join(links),
        hint="rename a parameter or a fixture on the way",
    )
