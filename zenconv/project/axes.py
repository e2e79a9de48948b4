"""Expand: every step becomes one node for each combination of the axes that reach it.

An axis begins where a step is parametrized and reaches everything that waits for it. A shared
axis is aligned, different axes multiply, `Collect` ends an axis. One pass over the ordered graph.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import attrs

from zenconv.authoring import Axis, Over
from zenconv.errors import Problem, did_you_mean
from zenconv.records.step import Binding, Branch, Node, Parameter, branch_id, branch_suffix

MOST_NODES = 1_000_000
"""More nodes than this are a mistake in the axes, not a plan."""

Coordinates = tuple[str, ...]
Reach = dict[str, Axis]
"""The axes that reach a node, by name, in order."""


def expand(nodes: Mapping[str, Node]) -> tuple[dict[str, Node], list[tuple[Problem, str]]]:
    """Return the graph with every branch as a node of its own, in order, and what is wrong.

    Parameters
    ----------
    nodes
        In an order in which every node follows what it waits for. A node about which something is
        wrong stays one node.
    """
    if not any(node.step.note.axes or _collects(node) for node in nodes.values()):
        return dict(nodes), []
    expander = _Expander(nodes)
    for node in nodes.values():
        expander.add(node)
    return expander.expanded, expander.problems


def _collects(node: Node) -> bool:
    return any(parameter.collects for parameter in node.step.parameters)


@attrs.define(eq=False, repr=False)
class _Expander:
    templates: Mapping[str, Node]
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
            count *= len(axis.items)
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
        for binding in node.bindings:
            if binding.source != "node" or binding.node not in self._reach:
                continue
            if parameters[binding.parameter].collects:
                collecting.append(binding)
                continue
            problem = self._join(node, reach, self._reach[binding.node])
            if problem is not None:
                return {}, problem
        problem = self._join(node, reach, {axis.name: axis for axis in node.step.note.axes})
        for binding in collecting if problem is None else ():
            over = parameters[binding.parameter].over
            producer = self._reach[binding.node]
            problem = self._check_collect(node, binding, over, producer, reach)
            if problem is None and over is not None and over.axes:
                kept = {name: axis for name, axis in producer.items() if name not in over.axes}
                problem = self._join(node, reach, kept)
            if problem is not None:
                break
        return reach, problem

    def _join(self, node: Node, reach: Reach, more: Reach) -> Problem | None:
        for name, axis in more.items():
            known = reach.setdefault(name, axis)
            if known is not axis and set(known.ids()) != set(axis.ids()):
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
        if not (over is not None and over.axes) and all(name in reach for name in producer):
            kept = ", ".join(producer)
            return Problem(
                f"{what}, but another parameter keeps its branches apart by {kept}: none is left to collect",
                node.step.file,
                node.step.line,
                hint=f'say which axes to collect: Annotated[Collect[...], Over("{next(iter(producer))}")]',
            )
        return None

    def _instantiate(self, node: Node, parameters: Mapping[str, Parameter], reach: Reach) -> None:
        names = list(reach)
        makers = [self._maker(b, parameters[b.parameter], names, reach, node) for b in node.bindings]
        items = [axis.ids() for axis in reach.values()]
        for coordinates in itertools.product(*items):
            axes = tuple(zip(names, coordinates, strict=True))
            id = node.id + branch_suffix(axes) if axes else node.id
            bindings = tuple([make(coordinates) for make in makers])
            self.expanded[id] = attrs.evolve(node, id=id, bindings=bindings, axes=axes)

    def _maker(
        self, binding: Binding, parameter: Parameter, names: Sequence[str], reach: Reach, node: Node
    ) -> _Maker:
        if binding.source == "axis":
            return _ValueMaker(binding, names.index(binding.output or ""), reach[binding.output or ""], node)
        if binding.source != "node" or not self._reach.get(binding.node):
            return _SameMaker(binding)
        producer = self._reach[binding.node]
        if not parameter.collects:
            return _NodeMaker(binding, [(name, names.index(name)) for name in producer])
        over = parameter.over.axes if parameter.over is not None else ()
        collected = over or tuple(name for name in producer if name not in self._kept(node, parameter))
        return _CollectMaker(binding, parameter.over, producer, collected, names)

    def _kept(self, node: Node, collecting: Parameter) -> set[str]:
        """Return the axes that something else than this parameter keeps."""
        kept = {axis.name for axis in node.step.note.axes}
        parameters = {parameter.name: parameter for parameter in node.step.parameters}
        for binding in node.bindings:
            other = parameters[binding.parameter]
            if binding.source != "node" or other is collecting:
                continue
            over = other.over.axes if other.over is not None else ()
            if not other.collects:
                kept |= self._reach.get(binding.node, {}).keys()
            elif over:
                kept |= {name for name in self._reach.get(binding.node, {}) if name not in over}
        return kept

    def _too_many(self, node: Node, reach: Reach, count: int) -> Problem:
        text = " x ".join(f"{name} ({len(axis.items)})" for name, axis in reach.items())
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


class _NodeMaker(_Maker):
    """The branch of another step on the same axes."""

    def __init__(self, binding: Binding, positions: Sequence[tuple[str, int]]) -> None:
        super().__init__(binding)
        self._positions = positions

    def __call__(self, coordinates: Coordinates) -> Binding:
        axes = [(name, coordinates[position]) for name, position in self._positions]
        return Binding(
            self.binding.parameter, "node", self.binding.node + branch_suffix(axes), self.binding.output
        )


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
        self._producer = producer
        self._collected = collected
        self._positions = {name: names.index(name) for name in producer if name not in collected}

    def __call__(self, coordinates: Coordinates) -> Binding:
        return Binding(
            self.binding.parameter,
            "collect",
            branches=tuple(self._branches(coordinates)),
            tolerate=self._tolerate,
        )

    def _branches(self, coordinates: Coordinates) -> Iterator[Branch]:
        choices = [
            axis.ids() if name in self._collected else (coordinates[self._positions[name]],)
            for name, axis in self._producer.items()
        ]
        for ids in itertools.product(*choices):
            axes = list(zip(self._producer, ids, strict=True))
            own = branch_id(pair for pair in axes if pair[0] in self._collected)
            yield Branch(own, self.binding.node + branch_suffix(axes), self.binding.output)


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
