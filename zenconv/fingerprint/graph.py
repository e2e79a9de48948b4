"""The digest of everything a unit reaches: of the graph's structure, with no names or places in it.

The digest of a unit covers its own digest and those of what it refers to, in order. Units that
refer to each other in a circle are refined together: each starts from its own digest and takes
in those of its targets, round by round, until two of them can only agree if the code below them
does. All passes are iterative and linear in the size of the graph.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from blake3 import blake3

from zenconv.errors import Problem
from zenconv.fingerprint.units import Unit

_NOTHING: frozenset[str] = frozenset()
"""One for all: an empty set is larger than all else that is known of a small function."""
MAXIMUM_ROUNDS = 32
KEPT_UNITS = 1000


class CodeGraph:
    """Digests of units, each computed once."""

    def __init__(self) -> None:
        self._digests: dict[Unit, bytes] = {}
        self._reads_docs: set[Unit] = set()

    def digest(self, unit: Unit) -> bytes:
        """Return the digest of `unit` and everything it reaches."""
        if unit not in self._digests:
            if all(target in self._digests for target in unit.targets()):
                self._settle([unit])
                return self._digests[unit]
            for component in strong_components(unit, self._digests):
                self._settle(component)
        return self._digests[unit]

    def reads_docs(self, unit: Unit) -> bool:
        """Return whether `unit` or anything it reaches looks at docstrings or annotations."""
        self.digest(unit)
        return unit in self._reads_docs

    def _settle(self, component: list[Unit]) -> None:
        targets = [target for unit in component for target in unit.targets()]
        if any(unit.reads_docs for unit in component) or not self._reads_docs.isdisjoint(targets):
            self._reads_docs.update(component)
        first = component[0]
        if len(component) == 1 and first not in targets:
            self._digests[first] = _combine(first, self._digests)
        else:
            self._digests.update(self._refine(component))

    def _refine(self, component: list[Unit]) -> dict[Unit, bytes]:
        known = self._digests
        colors = {unit: unit.local.encode() for unit in component}
        for _ in range(min(len(component), MAXIMUM_ROUNDS)):
            colors = {unit: _combine(unit, known, colors) for unit in component}
        together = blake3(b"circle" + b"".join(sorted(colors.values()))).digest()
        return {unit: blake3(b"member" + together + color).digest() for unit, color in colors.items()}


def _combine(unit: Unit, known: dict[Unit, bytes], circle: dict[Unit, bytes] | None = None) -> bytes:
    parts = [unit.local.encode()]
    for entry in unit.entries:
        if isinstance(entry, str):
            parts.append(b"\0t" + entry.encode("utf-8", "surrogatepass"))
        else:
            parts.append(b"\0u" + (circle[entry] if circle and entry in circle else known[entry]))
    return blake3(b"".join(b"%d:%b" % (len(part), part) for part in parts)).digest()


def strong_components(root: Unit, done: dict[Unit, bytes]) -> list[list[Unit]]:
    """Return the strongly connected components below `root` that are not `done`, targets first."""
    components: list[list[Unit]] = []
    order: dict[Unit, int] = {root: 0}
    low: dict[Unit, int] = {root: 0}
    open_units: list[Unit] = [root]
    is_open: set[Unit] = {root}
    stack = [(root, iter(root.targets()))]
    while stack:
        unit, targets = stack[-1]
        for target in targets:
            if target in done:
                continue
            if target not in order:
                order[target] = low[target] = len(order)
                open_units.append(target)
                is_open.add(target)
                stack.append((target, iter(target.targets())))
                break
            if target in is_open:
                low[unit] = min(low[unit], order[target])
        else:
            stack.pop()
            if stack:
                parent = stack[-1][0]
                low[parent] = min(low[parent], low[unit])
            if low[unit] == order[unit]:
                components.append(_close(unit, open_units, is_open))
    return components


def _close(unit: Unit, open_units: list[Unit], is_open: set[Unit]) -> list[Unit]:
    component: list[Unit] = []
    while True:
        member = open_units.pop()
        is_open.discard(member)
        component.append(member)
        if member is unit:
            return component


def reachable(root: Unit) -> list[Unit]:
    """Return `root` and everything it reaches, in the order of a walk."""
    found = {root: None}
    stack = [root]
    while stack:
        for target in stack.pop().targets():
            if target not in found:
                found[target] = None
                stack.append(target)
    return list(found)


class Reach(NamedTuple):
    """Everything below one unit, itself included: units, installed modules, warnings."""

    units: tuple[Unit, ...]
    installed: frozenset[str]
    problems: tuple[Problem, ...]


class Reaches:
    """What units reach; kept for those that several steps share."""

    def __init__(self) -> None:
        self._kept: dict[Unit, Reach] = {}

    def of(self, roots: Iterable[Unit]) -> Reach:
        """Return what any of `roots` reaches, each unit once."""
        units: dict[Unit, None] = {}
        installed: set[str] = set()
        problems: dict[Problem, None] = {}
        for root in roots:
            units[root] = None
            installed |= root.installed
            problems.update(dict.fromkeys(root.problems))
            for target in root.targets():
                below = self._below(target)
                units.update(dict.fromkeys(below.units))
                installed |= below.installed
                problems.update(dict.fromkeys(below.problems))
        return Reach(tuple(units), frozenset(installed - {""}) or _NOTHING, tuple(problems))

    def _below(self, unit: Unit) -> Reach:
        known = self._kept.get(unit)
        if known is None:
            units = reachable(unit)
            installed = frozenset(name for reached in units for name in reached.installed)
            problems = tuple(problem for reached in units for problem in reached.problems)
            known = Reach(tuple(units), installed, problems)
            if len(units) <= KEPT_UNITS:
                self._kept[unit] = known
        return known
