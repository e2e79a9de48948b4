"""Which axes give values to the fixtures of a step: their own params, and those of `parametrize`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from zenconv.authoring import Axis
from zenconv.errors import Problem, did_you_mean
from zenconv.frozen import Frozen
from zenconv.records.step import Binding, FixtureNode, Node, Param


@attrs.frozen(eq=False, repr=False)
class Target(Frozen):
    """A fixture that gets a value of each item of `axis`, that of its argument `number`.

    `replaces`: in place of being set up. `origin`: where the values are written.
    """

    axis: Axis
    number: int
    fixture: str
    origin: str
    replaces: bool = False

    def params(self) -> dict[str, Param]:
        """Return by item what the fixture gets."""
        return {
            item.id: Param(
                self.fixture,
                f"{self.axis.name}={item.id}",
                Binding("param", "value", value=item.values[self.number], origin=self.origin),
                self.replaces,
            )
            for item in self.axis.items
        }


class FixtureAxes:
    """Answers for the nodes of a graph that is not expanded yet."""

    def __init__(self, fixtures: Mapping[str, FixtureNode]) -> None:
        self._fixtures = fixtures

    def targets(self, node: Node) -> list[Target]:
        """Return the fixtures of `node` that axes give something to."""
        if not self._fixtures:
            return []
        asked = list(self._asked_by(node, ()))
        targets = [target for axis in node.step.note.axes for target in _of_axis(axis, asked, node)]
        replaced = [target.fixture for target in targets if target.replaces]
        if replaced:
            asked = list(self._asked_by(node, replaced))
            targets = [t for t in targets if t.replaces or any(f.id == t.fixture for f in asked)]
        given = {target.fixture for target in targets}
        for fixture in asked:
            axis = fixture.fixture.note.axis
            if axis is not None and fixture.id not in given:
                targets.append(Target(axis, 0, fixture.id, f"params {fixture.fixture.where}"))
        return targets

    def check(self, node: Node) -> Problem | None:
        """Return what is wrong with an axis of `node` whose arguments are no parameters."""
        parameters = [parameter.name for parameter in node.step.parameters]
        asked: Sequence[FixtureNode] = ()
        for axis in node.step.note.axes:
            for argument in axis.arguments:
                if argument in parameters and argument not in axis.indirect:
                    continue
                asked = asked or list(self._asked_by(node, ()))
                names = [fixture.fixture.name for fixture in asked]
                if argument not in names:
                    return _nothing_to_give(node, argument, argument in axis.indirect, [*names, *parameters])
        return None

    def _asked_by(self, node: Node, replaced: Sequence[str]) -> Iterator[FixtureNode]:
        """Yield every fixture that is set up for `node`, the nearest to it first."""
        waiting = [b.fixture for b in (*node.autouse, *node.bindings) if b.source == "fixture"]
        seen = set(replaced)
        for id in waiting:
            if id not in seen and id in self._fixtures:
                seen.add(id)
                yield self._fixtures[id]
                waiting += [b.fixture for b in self._fixtures[id].bindings if b.source == "fixture"]


def _of_axis(axis: Axis, asked: Sequence[FixtureNode], node: Node) -> Iterator[Target]:
    for number, argument in enumerate(axis.arguments):
        fixture = next((f for f in asked if f.fixture.name == argument), None)
        if fixture is not None:
            replaces = argument not in axis.indirect
            yield Target(axis, number, fixture.id, f"parametrize {node.step.where}", replaces)


def _nothing_to_give(node: Node, argument: str, is_indirect: bool, known: Sequence[str]) -> Problem:
    what = "no fixture that it uses" if is_indirect else "no parameter of it and no fixture that it uses"
    return Problem(
        f"step {node.step.name!r} is parametrized by {argument!r}, which is {what}",
        node.step.file,
        node.step.line,
        exists=did_you_mean(argument, known),
    )
