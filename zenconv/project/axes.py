"""Expand: every step becomes one node for each combination of the axes that reach it.

An axis begins where a step is parametrized and reaches everything that waits for it. A shared
axis is aligned, different axes multiply, `Collect` ends an axis. One pass over the ordered graph.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import attrs

from zenconv.authoring import Axis, Over
from zenconv.errors import Problem, did_you_mean
from zenconv.project.annotations import each_item
from zenconv.project.fixture_axes import FixtureAxes, Target
from zenconv.records.marks import Markings, merge_markings
from zenconv.records.step import Binding, Branch, Node, OpenAxis, Param, Parameter, branch_id, branch_suffix

MOST_NODES = 1_000_000
"""More nodes than this are a mistake in the axes, not a plan."""

Coordinates = tuple[str, ...]
Reach = dict[str, Axis | OpenAxis]
"""The axes that reach a node, by name, in order; the source of an open one is a template's id."""


def expand(
    nodes: Mapping[str, Node], fixtures: FixtureAxes
) -> tuple[dict[str, Node], list[tuple[Problem, str]]]:
    """Return the graph with every branch as a node of its own, in order, and what is wrong.

    Parameters
    ----------
    nodes
        In an order in which every node follows what it waits for. A node about which something is
        wrong stays one node.
    fixtures
        What axes there are because of fixtures.
    """
    targets = {node.id: found for node in nodes.values() if (found := fixtures.targets(node))}
    is_plain = not any(n.step.note.axes or n.step.shape == "each" or _collects(n) for n in nodes.values())
    if is_plain and not targets:
        return dict(nodes), []
    expander = _Expander(nodes, fixtures, targets)
    for node in nodes.values():
        expander.add(node)
    return expander.expanded, expander.problems


def _collects(node: Node) -> bool:
    return any(parameter.collects for parameter in node.step.parameters)


@attrs.define(eq=False, repr=False)
class _Expander:
    templates: Mapping[str, Node]
    fixtures: FixtureAxes
    targets: Mapping[str, Sequence[Target]]
    expanded: dict[str, Node] = attrs.field(factory=dict)
    problems: list[tuple[Problem, str]] = attrs.field(factory=list)
    _reach: dict[str, Reach] = attrs.field(factory=dict)

    def add(self, node: Node) -> None:
        """Add the branches of one template; those of what it waits for are there."""
        parameters = {parameter.name: parameter for parameter in node.step.parameters}
        reach, problem = self._reach_of(node, parameters)
        if problem is not None:
            self.problems.append((problem, node.id.partition("::")[0]))
            reach = {}
        self._reach[node.id] = reach
        if problem is None and not reach and not _collects(node):
            self.expanded[node.id] = node
            return
        count = 1
        for axis in reach.values():
            count *= len(axis.items) if isinstance(axis, Axis) else 1
        if problem is None and count + len(self.expanded) > MOST_NODES:
            problem = self._too_many(node, reach, count)
            self.problems.append((problem, node.id.partition("::")[0]))
        if problem is not None:
            self.expanded[node.id] = self._detach(node)
            self._reach[node.id] = {}
            return
        self._instantiate(node, parameters, reach)

    def _detach(self, node: Node) -> Node:
        """Return a node that cannot be expanded without what it would wait for."""
        kept = tuple(b for b in node.bindings if b.source != "node" or b.node in self.expanded)
        return attrs.evolve(node, bindings=kept)

    def _reach_of(self, node: Node, parameters: Mapping[str, Parameter]) -> tuple[Reach, Problem | None]:
        reach: Reach = {}
        collecting = []
        for parameter in node.step.parameters:
            if each_item(parameter.type)[0]:
                return {}, _asks_for_each(node, parameter)
        for binding in node.bindings:
            if binding.source != "node" or binding.node not in self._reach:
                continue
            if parameters[binding.parameter].collects:
                collecting.append(binding)
                continue
            problem = self._join(node, reach, self._reach_through(binding.node))
            if problem is not None:
                return {}, problem
        problem = self.fixtures.check(node)
        for axis in self._own_axes(node) if problem is None else ():
            problem = problem or self._join(node, reach, {axis.name: axis})
        for binding in collecting if problem is None else ():
            over = parameters[binding.parameter].over
            producer = self._reach_through(binding.node)
            problem = self._check_collect(node, binding, over, producer, reach)
            if problem is None and over is not None and over.axes:
                kept = {name: axis for name, axis in producer.items() if name not in over.axes}
                problem = self._join(node, reach, kept)
            if problem is not None:
                break
        return reach, problem

    def _own_axes(self, node: Node) -> Iterator[Axis]:
        """Yield the axes that begin at a node: those of its function, then those of its fixtures."""
        yield from node.step.note.axes
        for target in self.targets.get(node.id, ()):
            if target.axis not in node.step.note.axes:
                yield target.axis

    def _reach_through(self, template: str) -> Reach:
        """Return the axes of what a step asks for: those of the node, and the items that it returns."""
        step = self.templates[template].step
        reach = self._reach.get(template, {})
        return {**reach, step.name: OpenAxis(step.name, template)} if step.shape == "each" else reach

    def _join(self, node: Node, reach: Reach, more: Reach) -> Problem | None:
        for name, axis in more.items():
            known = reach.setdefault(name, axis)
            if known is axis or known == axis:
                continue
            if isinstance(known, OpenAxis) or isinstance(axis, OpenAxis):
                return _same_name(node, name)
            if set(known.ids()) != set(axis.ids()):
                return _misaligned(node, name, known, axis)
        return None

    def _check_collect(
        self, node: Node, binding: Binding, over: Over | None, producer: Reach, reach: Reach
    ) -> Problem | None:
        what = f"step {node.step.name!r} collects {binding.parameter!r}"
        if not producer:
            return Problem(
                f"{what}, but there is only one: no axis reaches it",
                node.step.file,
                node.step.line,
                hint=f"parametrize the step it comes from, or ask for it plainly: {binding.parameter}",
            )
        unknown = [name for name in over.axes if name not in producer] if over is not None else []
        if unknown:
            return Problem(
                f"{what} over {unknown[0]!r}, which is no axis of it",
                node.step.file,
                node.step.line,
                exists=did_you_mean(unknown[0], producer),
            )
        if over is not None and over.axes:
            return self._check_dependent(what, node, over.axes, producer)
        if all(name in reach for name in producer):
            kept = ", ".join(producer)
            return Problem(
                f"{what}, but another parameter keeps its branches apart by {kept}: none is left to collect",
                node.step.file,
                node.step.line,
                hint=f'say which axes to collect: Annotated[Collect[...], Over("{next(iter(producer))}")]',
            )
        return None

    def _check_dependent(
        self, what: str, node: Node, collected: Sequence[str], producer: Reach
    ) -> Problem | None:
        """Refuse to end an axis and keep one whose items may differ along it."""
        for name, axis in producer.items():
            if isinstance(axis, OpenAxis) and name not in collected:
                outer = [other for other in self._reach.get(axis.source, {}) if other in collected]
                if outer:
                    return Problem(
                        f"{what} over {outer[0]!r} and keeps {name!r}, whose items may differ "
                        f"for each {outer[0]}",
                        node.step.file,
                        node.step.line,
                        hint=f'collect both: Over("{outer[0]}", "{name}")',
                    )
        return None

    def _instantiate(self, node: Node, parameters: Mapping[str, Parameter], reach: Reach) -> None:
        names, items = _static(reach)
        makers = [self._maker(b, parameters[b.parameter], names, reach, node) for b in node.bindings]
        sources = [
            (axis.name, _Locator(axis.source, self._reach.get(axis.source, {}), names))
            for axis in reach.values()
            if isinstance(axis, OpenAxis)
        ]
        give = _Giver(self.targets.get(node.id, ()), names)
        mark = _Marking(list(self._own_axes(node)), names, node)
        for coordinates in itertools.product(*items):
            axes = tuple(zip(names, coordinates, strict=True))
            id = node.id + branch_suffix(axes) if axes else node.id
            self.expanded[id] = attrs.evolve(
                node,
                id=id,
                bindings=tuple([make(coordinates) for make in makers]),
                axes=axes,
                open=tuple([OpenAxis(name, locate(coordinates)) for name, locate in sources]),
                params=give(coordinates),
                marked=mark(coordinates),
            )

    def _maker(
        self, binding: Binding, parameter: Parameter, names: Sequence[str], reach: Reach, node: Node
    ) -> _Maker:
        if binding.source == "axis":
            axis = next(axis for axis in node.step.note.axes if axis.name == binding.output)
            return _ValueMaker(binding, names.index(axis.name), axis, node)
        producer = self._reach_through(binding.node) if binding.source == "node" else {}
        if not producer:
            return _SameMaker(binding)
        if not parameter.collects:
            is_each = self.templates[binding.node].step.shape == "each"
            locate = _Locator(binding.node, self._reach.get(binding.node, {}), names)
            return _NodeMaker(binding, locate, "item" if is_each else "node")
        over = parameter.over.axes if parameter.over is not None else ()
        collected = over or tuple(name for name in producer if name not in self._kept(node, parameter))
        return _CollectMaker(binding, parameter.over, producer, collected, names)

    def _kept(self, node: Node, collecting: Parameter) -> set[str]:
        """Return the axes that something else than this parameter keeps."""
        kept = {axis.name for axis in self._own_axes(node)}
        parameters = {parameter.name: parameter for parameter in node.step.parameters}
        for binding in node.bindings:
            other = parameters[binding.parameter]
            if binding.source != "node" or other is collecting:
                continue
            over = other.over.axes if other.over is not None else ()
            if not other.collects:
                kept |= self._reach_through(binding.node).keys()
            elif over:
                kept |= {name for name in self._reach_through(binding.node) if name not in over}
        return kept

    def _too_many(self, node: Node, reach: Reach, count: int) -> Problem:
        names, items = _static(reach)
        text = " x ".join(f"{name} ({len(ids)})" for name, ids in zip(names, items, strict=True))
        return Problem(
            f"step {node.step.name!r} would be {count:,} nodes: {text}",
            node.step.file,
            node.step.line,
            hint="collect an axis before the next one begins, or use fewer values",
        )


class _Maker:
    """Makes the binding of one parameter for each branch of its step."""

    def __init__(self, binding: Binding) -> None:
        self.binding = binding

    def __call__(self, coordinates: Coordinates) -> Binding:
        raise NotImplementedError


class _SameMaker(_Maker):
    def __call__(self, coordinates: Coordinates) -> Binding:
        return self.binding


class _ValueMaker(_Maker):
    """A value of the axis itself."""

    def __init__(self, binding: Binding, position: int, axis: Axis, node: Node) -> None:
        super().__init__(binding)
        number = axis.arguments.index(binding.parameter)
        self._position = position
        origin = f"parametrize {node.step.where}"
        self._bindings = {
            item.id: Binding(binding.parameter, "value", value=item.values[number], origin=origin)
            for item in axis.items
        }

    def __call__(self, coordinates: Coordinates) -> Binding:
        return self._bindings[coordinates[self._position]]


class _Giver:
    """What the fixtures of each branch get from axes."""

    def __init__(self, targets: Sequence[Target], names: Sequence[str]) -> None:
        self._params = [(names.index(target.axis.name), target.params()) for target in targets]

    def __call__(self, coordinates: Coordinates) -> tuple[Param, ...]:
        return tuple([params[coordinates[position]] for position, params in self._params])


class _Marking:
    """The marks of each branch, where items of the axes that begin at its step have some."""

    def __init__(self, axes: Sequence[Axis], names: Sequence[str], node: Node) -> None:
        self._step = node.step.marks
        self._items = [
            (names.index(axis.name), {item.id: item.marks for item in axis.items})
            for axis in axes
            if any(item.marks for item in axis.items)
        ]

    def __call__(self, coordinates: Coordinates) -> Markings | None:
        found = [marks for position, items in self._items for marks in items[coordinates[position]]]
        return merge_markings([*found, self._step]) if found else None


class _Locator:
    """Finds the node of another step that lies on the same branch."""

    def __init__(self, template: str, reach: Reach, names: Sequence[str]) -> None:
        self._template = template
        self._positions = [(name, names.index(name)) for name in _static(reach)[0]]

    def __call__(self, coordinates: Coordinates) -> str:
        axes = [(name, coordinates[position]) for name, position in self._positions]
        return self._template + branch_suffix(axes) if axes else self._template


class _NodeMaker(_Maker):
    """The branch of another step on the same axes."""

    def __init__(self, binding: Binding, locate: _Locator, source: Literal["node", "item"]) -> None:
        super().__init__(binding)
        self._locate = locate
        self._source = source

    def __call__(self, coordinates: Coordinates) -> Binding:
        binding = self.binding
        return Binding(binding.parameter, self._source, self._locate(coordinates), binding.output)


class _CollectMaker(_Maker):
    """All branches of another step over some of its axes."""

    def __init__(
        self,
        binding: Binding,
        over: Over | None,
        producer: Reach,
        collected: Sequence[str],
        names: Sequence[str],
    ) -> None:
        super().__init__(binding)
        self._tolerate = over.tolerate if over is not None else 0
        self._names, self._items = _static(producer)
        self._collected = collected
        self._positions = {name: names.index(name) for name in self._names if name not in collected}
        self._over = tuple(name for name in collected if isinstance(producer[name], OpenAxis))

    def __call__(self, coordinates: Coordinates) -> Binding:
        return Binding(
            self.binding.parameter,
            "collect",
            branches=tuple(self._branches(coordinates)),
            tolerate=self._tolerate,
            over=self._over,
        )

    def _branches(self, coordinates: Coordinates) -> Iterator[Branch]:
        choices = [
            ids if name in self._collected else (coordinates[self._positions[name]],)
            for name, ids in zip(self._names, self._items, strict=True)
        ]
        for ids in itertools.product(*choices):
            axes = list(zip(self._names, ids, strict=True))
            own = branch_id(pair for pair in axes if pair[0] in self._collected)
            node = self.binding.node + branch_suffix(axes) if axes else self.binding.node
            yield Branch(own, node, self.binding.output)


def _static(reach: Reach) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return names and ids of the axes that are known before the run."""
    known = {name: axis.ids() for name, axis in reach.items() if isinstance(axis, Axis)}
    return list(known), list(known.values())


def _same_name(node: Node, name: str) -> Problem:
    return Problem(
        f"step {node.step.name!r} is reached by two different axes called {name!r}",
        node.step.file,
        node.step.line,
        hint=f'give one another name: parametrize(..., axis="{name}2"), or rename the step {name!r}',
    )


def _asks_for_each(node: Node, parameter: Parameter) -> Problem:
    return Problem(
        f"step {node.step.name!r} wants {parameter.name}: {parameter.annotation}, but Each is what a step "
        "returns; ask for one item, or for all: Collect",
        node.step.file,
        node.step.line,
        hint=f"{parameter.name}: Collect[...] takes all items, {parameter.name}: T one of them",
    )


def _misaligned(node: Node, name: str, one: Axis, other: Axis) -> Problem:
    only = [id for id in (*one.ids(), *other.ids()) if (id in one.ids()) != (id in other.ids())]
    shown = ", ".join(map(repr, only[:4])) + (", ..." if len(only) > 4 else "")
    return Problem(
        f"step {node.step.name!r} is reached by two axes called {name!r} with other ids: {shown} "
        "is in one of them only",
        node.step.file,
        node.step.line,
        hint=f'give both the same ids, or one another name: parametrize(..., axis="{name}2")',
    )
