"""Run-time fan-out: make the branches of `Each` steps when their items are known.

Nodes with open axes are templates. An *enumeration* lists the branches of one template: partial
coordinates wait for the node that returns the items of the next axis, and go on item by item when
it has ended. What collects branches comes into being when none of those it takes is missing. The
same object serves the plan, which knows the items of what is reused, and then the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import attrs

from zenconv.engine.pruning import BranchTest, Pruning
from zenconv.records.step import Binding, Branch, Node, OpenAxis, Pipeline, branch_id, branch_suffix

Coordinates = tuple[str, ...]
"""The items on the first axes of an enumeration, by id."""

_NO_TESTS: Mapping[str, BranchTest] = {}


class Growth(NamedTuple):
    """What came into being: `nodes` in order, and the ids of templates that are complete."""

    nodes: list[Node]
    complete: list[str]


class _Member(NamedTuple):
    """One branch of an enumeration: its place in the order of declaration, coordinates, and node."""

    order: tuple[int, ...]
    coordinates: Coordinates
    node: str
    output: str | None


class _View:
    """An enumeration as somebody sees who keeps the axes `kept` and collects the others."""

    def __init__(self, axes: Sequence[OpenAxis], kept: tuple[str, ...]) -> None:
        names = [axis.name for axis in axes]
        self.kept = kept
        self._positions = [names.index(name) for name in kept]
        self._depth = max(self._positions, default=-1) + 1
        self._shallow = 0
        self._pending: dict[Coordinates, int] = {}
        self._waiting: dict[Coordinates, list[_Collector]] = {}
        self.members: dict[Coordinates, list[_Member]] = {}

    def project(self, coordinates: Coordinates) -> Coordinates | None:
        """Return the kept part of coordinates, None where they do not reach so far."""
        if len(coordinates) < self._depth:
            return None
        return tuple([coordinates[position] for position in self._positions])

    def expect(self, coordinates: Coordinates) -> None:
        """Note that branches below `coordinates` are missing."""
        kept = self.project(coordinates)
        if kept is None:
            self._shallow += 1
        else:
            self._pending[kept] = self._pending.get(kept, 0) + 1

    def end(self, coordinates: Coordinates) -> list[_Collector]:
        """Note that they are missing no more; return those who waited for nothing else here."""
        kept = self.project(coordinates)
        if kept is not None:
            self._pending[kept] -= 1
            return self._waiting.pop(kept, []) if self._waiting and self.is_complete(kept) else []
        self._shallow -= 1
        freed = [kept for kept in self._waiting if self.is_complete(kept)] if not self._shallow else []
        return [collector for kept in freed for collector in self._waiting.pop(kept)]

    def add(self, member: _Member) -> None:
        """Add a branch; one that cannot be placed concerns nobody who keeps that axis."""
        kept = self.project(member.coordinates)
        if kept is not None:
            self.members.setdefault(kept, []).append(member)

    def is_complete(self, kept: Coordinates) -> bool:
        """Return whether no branch on the kept coordinates is missing; then none ever is again."""
        return not self._shallow and not self._pending.get(kept)

    def await_complete(self, kept: Coordinates, collector: _Collector) -> None:
        """Have a collector wait until no branch on the kept coordinates is missing."""
        if not self.is_complete(kept):
            self._waiting.setdefault(kept, []).append(collector)
            collector.missing += 1


@attrs.define(eq=False, repr=False)
class _Enumeration:
    """The branches of a template, or (`of_items`) the items of a step that returns `Each`."""

    node: Node
    axes: tuple[OpenAxis, ...]
    of_items: bool
    views: dict[tuple[str, ...], _View] = attrs.field(factory=dict)
    missing: int = 0

    def view(self, over: tuple[str, ...]) -> _View:
        """Return the view of those who collect the axes `over`."""
        if over not in self.views:
            self.views[over] = _View(self.axes, tuple(a.name for a in self.axes if a.name not in over))
        return self.views[over]

    def expect(self, coordinates: Coordinates) -> None:
        self.missing += 1
        for view in self.views.values():
            view.expect(coordinates)

    def end(self, coordinates: Coordinates) -> list[_Collector]:
        """Note that nothing below `coordinates` is missing; return those who waited for that."""
        self.missing -= 1
        freed = [collector for view in self.views.values() for collector in view.end(coordinates)]
        for collector in freed:
            collector.missing -= 1
        return [collector for collector in freed if not collector.missing]

    def add(self, member: _Member) -> None:
        for view in self.views.values():
            view.add(member)


@attrs.define(eq=False, repr=False)
class _Collector:
    """A branch that waits until all it collects has come into being: `missing` views are incomplete."""

    enumeration: _Enumeration
    order: tuple[int, ...]
    coordinates: Coordinates
    missing: int = 0


class FanOut:
    """Makes the branches of one pipeline; those that come into being are added to it.

    Parameters
    ----------
    pipeline
        Its templates are taken out when all their branches are there.
    tests
        For templates of which not all branches are asked for, which are. What no branch that is
        asked for needs does not come into being.
    ids
        The nodes and templates that are asked for.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        tests: Mapping[str, BranchTest] = _NO_TESTS,
        ids: Iterable[str] = (),
    ) -> None:
        self._nodes = pipeline.nodes
        self._pruning = Pruning(pipeline, tests, ids) if tests else None
        self._items: dict[str, tuple[str, ...] | None] = {}
        self._waiting: dict[str, list[tuple[_Enumeration, tuple[int, ...], Coordinates]]] = {}
        self._ready: list[_Collector] = []
        self._filled: list[str] = []
        self._branches: dict[str, _Enumeration] = {}
        self._of_items: dict[str, _Enumeration] = {}
        self._templates = {node.id: node for node in pipeline if node.is_open}
        self._each = {node.id: node for node in pipeline if node.step.shape == "each"}
        self._places = {id: place for place, id in enumerate(pipeline.nodes)}
        self._grown: list[Node] = []
        self._complete: list[str] = []
        self._begin()

    def _begin(self) -> None:
        for id, node in self._templates.items():
            self._branches[id] = _Enumeration(node, node.open, of_items=False)
        for id, node in self._each.items():
            axes = (*node.open, OpenAxis(node.step.name, id))
            self._of_items[id] = _Enumeration(node, axes, of_items=True)
        for node in self._templates.values():
            for binding in node.bindings:
                for branch in binding.branches if binding.over else ():
                    enumeration = self._enumeration(branch.node)
                    if enumeration is not None:
                        enumeration.view(binding.over)
        enumerations = [*self._branches.values(), *self._of_items.values()]
        for enumeration in enumerations:
            enumeration.expect(())
        for enumeration in enumerations:
            self._advance(enumeration, (), ())

    def _enumeration(self, id: str) -> _Enumeration | None:
        """Return what lists the branches that a collecting parameter takes; None for a plain node."""
        return self._of_items.get(id) or self._branches.get(id)

    @property
    def open_ids(self) -> Mapping[str, Node]:
        """The templates of which branches are still missing."""
        return self._templates

    def put_in_order(self) -> None:
        """Put the branches where their templates stand: then each node follows what it waits for."""
        nodes = sorted(self._nodes.items(), key=lambda item: self._places[item[1].grown or item[0]])
        self._nodes.clear()
        self._nodes.update(nodes)

    def is_taken(self, id: str) -> bool:
        """Return whether the items of that node were told already."""
        return id in self._items

    def take(self, id: str, items: Sequence[str] | None) -> Growth:
        """Be told the ids of the items that a node returned; None: it did not succeed."""
        self._tell(id, tuple(items) if items is not None else None)
        while self._pruning is not None and self._prune(self._pruning):
            pass
        growth = Growth(self._grown, self._complete)
        self._grown, self._complete = [], []
        return growth

    def _tell(self, id: str, items: tuple[str, ...] | None) -> None:
        self._items[id] = items
        for enumeration, order, coordinates in self._waiting.pop(id, ()):
            self._advance(enumeration, order, coordinates)
        self._settle()

    def _prune(self, pruning: Pruning) -> bool:
        """Take out what nobody asked for; return whether more came into being by that."""
        dropped = pruning.choose(self._grown, self._templates)
        self._grown = [node for node in self._grown if node.id not in dropped]
        for id in dropped:
            del self._nodes[id]
        emptied = [id for id in dropped if dropped[id].step.shape == "each"]
        for id in emptied:
            self._tell(id, ())
        return bool(emptied)

    @property
    def unmatched(self) -> list[str]:
        """The templates of which only some branches are asked for, if none of all has come."""
        return self._pruning.unmatched if self._pruning is not None else []

    def _advance(self, enumeration: _Enumeration, order: tuple[int, ...], coordinates: Coordinates) -> None:
        """Follow the axes from `coordinates` on, as far as items are known."""
        if len(coordinates) == len(enumeration.axes):
            self._reach_end(enumeration, order, coordinates)
            return
        axis = enumeration.axes[len(coordinates)]
        source = self._locate(axis.source, enumeration.axes, coordinates)
        if source not in self._items:
            self._waiting.setdefault(source, []).append((enumeration, order, coordinates))
            return
        items = self._items[source]
        if items is None:
            self._break_off(enumeration, order, coordinates, source)
            return
        for number, item in enumerate(items):
            enumeration.expect((*coordinates, item))
            self._advance(enumeration, (*order, number), (*coordinates, item))
        self._end(enumeration, coordinates)

    def _locate(self, id: str, axes: Sequence[OpenAxis], coordinates: Coordinates) -> str:
        """Return the id of the branch of `id` that lies on these coordinates."""
        node = self._each[id]
        known = {axis.name: item for axis, item in zip(axes, coordinates, strict=False)}
        return _branch_of(node, [(axis.name, known[axis.name]) for axis in node.open])

    def _reach_end(self, enumeration: _Enumeration, order: tuple[int, ...], coordinates: Coordinates) -> None:
        node = enumeration.node
        if enumeration.of_items:
            producer = _branch_of(node, _pairs(node.open, coordinates))
            enumeration.add(_Member(order, coordinates, producer, coordinates[-1]))
            self._end(enumeration, coordinates)
        else:
            collector = _Collector(enumeration, order, coordinates)
            for view, kept in self._collected(node, coordinates):
                view.await_complete(kept, collector)
            if not collector.missing:
                self._make(enumeration, order, coordinates)

    def _collected(self, node: Node, coordinates: Coordinates) -> Iterator[tuple[_View, Coordinates]]:
        """Yield the views of all that a branch collects, with its coordinates on the axes it keeps."""
        for binding in node.bindings:
            for branch in binding.branches if binding.over else ():
                enumeration = self._enumeration(branch.node)
                if enumeration is not None:
                    view = enumeration.view(binding.over)
                    yield view, _kept(view, node, coordinates)

    def _end(self, enumeration: _Enumeration, coordinates: Coordinates) -> None:
        self._ready += enumeration.end(coordinates)
        if not enumeration.missing and not enumeration.of_items:
            self._filled.append(enumeration.node.id)

    def _break_off(
        self, enumeration: _Enumeration, order: tuple[int, ...], coordinates: Coordinates, source: str
    ) -> None:
        """Put one node, which waits for what did not succeed, in place of branches that cannot be."""
        node = enumeration.node
        id = source
        if not enumeration.of_items:
            axes = (*node.axes, *_pairs(node.open, coordinates))
            id = node.template + branch_suffix(axes) if axes else node.template
            binding = Binding(enumeration.axes[len(coordinates)].name, "node", source)
            self._grow(attrs.evolve(node, id=id, bindings=(binding,), axes=axes, open=(), grown=node.id))
        enumeration.add(_Member(order, coordinates, id, None))
        self._end(enumeration, coordinates)

    def _settle(self) -> None:
        """Make what collects, as far as nothing is missing, and see which templates are complete."""
        while self._ready:
            ready, self._ready = self._ready, []
            for collector in ready:
                self._make(collector.enumeration, collector.order, collector.coordinates)
        for id in self._filled:
            del self._templates[id]
            self._complete.append(id)
            if self._nodes.get(id) is self._branches[id].node:
                del self._nodes[id]
        self._filled.clear()

    def _make(self, enumeration: _Enumeration, order: tuple[int, ...], coordinates: Coordinates) -> None:
        node = enumeration.node
        axes = (*node.axes, *_pairs(node.open, coordinates))
        id = node.template + branch_suffix(axes) if axes else node.id
        bindings = tuple([self._bind(binding, node, coordinates) for binding in node.bindings])
        self._grow(attrs.evolve(node, id=id, bindings=bindings, axes=axes, open=(), grown=node.id))
        enumeration.add(_Member(order, coordinates, id, None))
        self._end(enumeration, coordinates)

    def _grow(self, node: Node) -> None:
        self._nodes.pop(node.id, None)  # a template of that id gives up its place
        self._nodes[node.id] = node
        self._grown.append(node)

    def _bind(self, binding: Binding, node: Node, coordinates: Coordinates) -> Binding:
        if binding.source == "item":
            producer = self._each[binding.node]
            item = dict(_pairs(node.open, coordinates))[producer.step.name]
            source = self._locate(binding.node, node.open, coordinates)
            return Binding(binding.parameter, "node", source, item)
        if binding.source == "node" and binding.node in self._branches:
            source = self._locate_branch(binding.node, node, coordinates)
            return Binding(binding.parameter, "node", source, binding.output)
        if (binding.source == "collect" and node.open) or binding.over:
            branches = tuple(self._collect(binding, node, coordinates))
            return attrs.evolve(binding, branches=branches, over=())
        return binding

    def _locate_branch(self, id: str, node: Node, coordinates: Coordinates) -> str:
        known = dict(_pairs(node.open, coordinates))
        template = self._branches[id].node
        return _branch_of(template, [(axis.name, known[axis.name]) for axis in template.open])

    def _collect(self, binding: Binding, node: Node, coordinates: Coordinates) -> Iterator[Branch]:
        for branch in binding.branches:
            enumeration = self._enumeration(branch.node)
            if enumeration is None:
                yield branch
                continue
            if not binding.over:  # all its run-time axes are kept: there is one on these coordinates
                yield attrs.evolve(branch, node=self._locate_branch(branch.node, node, coordinates))
                continue
            view = enumeration.view(binding.over)
            kept = _kept(view, node, coordinates)
            for member in sorted(view.members.get(kept, ())):
                pairs = [p for p in _pairs(enumeration.axes, member.coordinates) if p[0] in binding.over]
                own = ",".join(filter(None, (branch.id, branch_id(pairs)))) or enumeration.node.step.name
                output = member.output if enumeration.of_items else branch.output
                yield Branch(own, member.node, output)


def _kept(view: _View, node: Node, coordinates: Coordinates) -> Coordinates:
    """Return the coordinates of `node` on the axes of what it collects that it keeps."""
    known = dict(_pairs(node.open, coordinates))
    return tuple([known[name] for name in view.kept])


def _pairs(axes: Sequence[OpenAxis], coordinates: Coordinates) -> list[tuple[str, str]]:
    return [(axis.name, item) for axis, item in zip(axes, coordinates, strict=False)]


def _branch_of(node: Node, pairs: Sequence[tuple[str, str]]) -> str:
    return node.template + branch_suffix((*node.axes, *pairs)) if pairs else node.id
