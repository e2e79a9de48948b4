"""Build: place every step in its pipelines, bind every parameter, check every edge.

One pass over a queue, so a chain may be as long as it likes. Mistakes are gathered with the file
that must be sound for them not to matter; `Graph.check` raises those that a selection needs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import attrs

from zenconv.errors import CollectionError, Problem, SettingsError
from zenconv.frozen import Frozen
from zenconv.project.axes import expand
from zenconv.project.collected import Collection
from zenconv.project.collecting_hooks import CollectingHooks
from zenconv.project.edges import EdgeChecker
from zenconv.project.fixture_axes import FixtureAxes
from zenconv.project.grouping import group_nodes
from zenconv.project.lifetimes import check_fixtures
from zenconv.project.order import order_graph
from zenconv.project.request_use import REQUEST, TELLS, find_use
from zenconv.project.resolve import Asker, Resolution, Resolver
from zenconv.project.scopes import Provider, Scope, Scopes
from zenconv.project.unknown import describe_missing_fixture, describe_unknown
from zenconv.project.values import Values
from zenconv.records.step import Binding, Fixture, FixtureNode, Node, Parameter, Pipeline, Step

if TYPE_CHECKING:
    from zenconv.settings.settings import Settings


_NONE: Mapping[str, str] = {}


class Mistake(NamedTuple):
    """A problem, and the file that a selection must need for it to matter (``""``: always)."""

    problem: Problem
    file: str = ""
    is_setting: bool = False


@attrs.frozen(eq=False, repr=False)
class Graph(Frozen):
    """Every pipeline of the project as one graph, with all mistakes found on the way.

    `needs` lists, by pipeline file, the other files that its parameters look into: each
    ``zenconf.py``, and files that could not be imported and may provide a name it asks for.
    `scopes` are what each file sees.
    """

    pipeline: Pipeline
    mistakes: tuple[Mistake, ...] = ()
    warnings: tuple[Problem, ...] = ()
    needs: Mapping[str, frozenset[str]] = attrs.field(factory=dict)
    scopes: Scopes | None = None

    def check(self, files: Iterable[str]) -> None:
        """Raise every problem that concerns `files`, sorted by file and line.

        Raises
        ------
        CollectionError
            The project's code has mistakes.
        SettingsError
            Only the settings and flags have.
        """
        wanted: set[str] = set()
        waiting = list(files)
        while waiting:
            file = waiting.pop()
            if file not in wanted:
                wanted.add(file)
                waiting.extend(self.needs.get(file, ()))
        found = [m for m in self.mistakes if not m.file or m.file in wanted]
        if not found:
            return
        problems = sorted({str(m.problem): m.problem for m in found}.values(), key=lambda p: (p.file, p.line))
        kind = SettingsError if all(m.is_setting for m in found) else CollectionError
        raise kind(problems=tuple(problems))


def build(collection: Collection, settings: Settings, hooks: CollectingHooks | None = None) -> Graph:
    """Return the graph of all pipelines of `collection`, in an order that never varies.

    `hooks`: what plugins have to say about parameters.
    """
    return _Builder(collection, settings, hooks).build()


class _Builder:
    def __init__(self, collection: Collection, settings: Settings, hooks: CollectingHooks | None) -> None:
        self.collection = collection
        self.scopes = Scopes(collection)
        steps = {step.name for file in collection.files.values() for step in file.steps}
        names = {alias for aliases in self.scopes.aliases.values() for alias in aliases}
        self.values = Values(settings, frozenset(steps | names))
        self.resolver = Resolver(collection, self.scopes, self.values, hooks)
        self.edges = EdgeChecker(collection, self.resolver)
        self.params = list(settings.params)
        self.nodes: dict[str, Node] = {}
        self.fixtures: dict[str, FixtureNode] = {}
        self.queue: deque[Asker] = deque()
        self.known: dict[tuple[str, str, str], str] = {}
        self.mistakes: list[Mistake] = []
        self.needs: dict[str, set[str]] = {}
        self.placed: set[tuple[str, str]] = set()

    def build(self) -> Graph:
        for file in self.collection.step_files():
            scope = self.scopes.of(file.file)
            self.needs[file.file] = set(scope.zenconfs)
            for step in file.steps:
                for name in step.note.when:  # that a variant hangs on it is a use of the parameter
                    self.values.find(name, step.name, scope.aliases)
                self._node_of(step, scope, 0)
            self._place_shared_checks(scope)
        while self.queue:
            asker = self.queue.popleft()
            if isinstance(asker.target, Step):
                self._place_step(asker, asker.target)
            else:
                self._place_fixture(asker, asker.target)
        self._add_file_problems()
        self._check_fixtures()
        warnings = [*self._check_values(), *self._warn_of_idle_checks()]
        return Graph(
            Pipeline(self._ordered(), self.fixtures, tuple(f.pipeline for f in self.collection.step_files())),
            tuple(self.mistakes),
            tuple(warnings),
            {file: frozenset(needed) for file, needed in self.needs.items()},
            self.scopes,
        )

    def _place_shared_checks(self, scope: Scope) -> None:
        """Place the checks of each ``zenconf.py`` whose parameters this pipeline can give."""
        taken = {step.name for step in self.collection.files[scope.file.file].steps}
        for level, layer in enumerate(scope.layers):
            for check in layer.checks if level else ():
                if check.name not in taken and self._suits(Asker("", check, scope, level)):
                    taken.add(check.name)
                    self.placed.add((check.file, check.name))
                    self._node_of(check, scope, level)

    def _suits(self, asker: Asker) -> bool:
        found = [self.resolver.resolve(parameter, asker) for parameter in asker.target.parameters]
        is_known = all(r.problem is None and not r.is_unknown and not r.unread for r in found)
        return is_known and any(r.provider is not None and r.provider.step is not None for r in found)

    def _warn_of_idle_checks(self) -> list[Problem]:
        return [
            Problem(
                f"check {check.name!r} is part of no pipeline: none has all that it asks for",
                check.file,
                check.line,
                hint=", ".join(parameter.name for parameter in check.parameters),
            )
            for file in self.collection.files.values()
            for check in (file.steps if file.is_zenconf else ())
            if check.is_check and (check.file, check.name) not in self.placed
        ]

    def _place_step(self, asker: Asker, step: Step) -> None:
        bindings = self._bind_all(asker, step.parameters, _axes_of(step))
        is_alone = not asker.scope.autouse and not step.marks.fixtures
        autouse = () if is_alone else self._autouse(asker, step, bindings)
        bindings, by_name = self._by_name(asker, bindings)
        self.nodes[asker.id] = Node(asker.id, step, asker.scope.pipeline, bindings, autouse, by_name)

    def _place_fixture(self, asker: Asker, fixture: Fixture) -> None:
        bindings = self._bind_all(asker, fixture.parameters)
        bindings, by_name = self._by_name(asker, bindings)
        self.fixtures[asker.id] = FixtureNode(asker.id, fixture, asker.scope.pipeline, bindings, by_name)

    def _bind_all(
        self, asker: Asker, parameters: Iterable[Parameter], axes: Mapping[str, str] = _NONE
    ) -> tuple[Binding, ...]:
        bindings, unknown = [], []
        for parameter in parameters:
            if parameter.name in axes:
                bindings.append(Binding(parameter.name, "axis", output=axes[parameter.name]))
                continue
            resolution = self.resolver.resolve(parameter, asker)
            if resolution.is_unknown:
                unknown.append(parameter.asks_for)
                continue
            binding = self._bind(parameter, asker, resolution)
            if binding is not None:
                bindings.append(binding)
        if unknown:
            problem = describe_unknown(unknown, asker, self.collection, self.params)
            self.mistakes.append(Mistake(problem, asker.owner))
        return tuple(bindings)

    def _bind(self, parameter: Parameter, asker: Asker, resolution: Resolution) -> Binding | None:
        if resolution.problem is not None:
            self.mistakes.append(Mistake(resolution.problem, asker.owner, resolution.is_setting))
        if resolution.unread:
            self.needs.setdefault(asker.owner, set()).update(resolution.unread)
        if resolution.provider is None or resolution.scope is None:
            return resolution.binding
        return self._bind_provider(parameter, asker, resolution.provider, resolution.scope, resolution.level)

    def _bind_provider(
        self, parameter: Parameter, asker: Asker, provider: Provider, scope: Scope, level: int
    ) -> Binding:
        if provider.fixture is not None:
            return Binding(parameter.name, "fixture", fixture=self._enter(provider.fixture, scope, level))
        assert provider.step is not None
        problem = self.edges.check(parameter, asker, provider.step, provider.output)
        if problem is not None:
            self.mistakes.append(Mistake(problem, asker.owner))
        id = self._node_of(provider.step, scope, level)
        return Binding(parameter.name, "node", node=id, output=_output_of(provider))

    def _node_of(self, step: Step, scope: Scope, level: int) -> str:
        """Return the id of `step` in the pipeline of `scope`; the first time it is queued."""
        return self._enter(step, scope, level)

    def _enter(self, target: Step | Fixture, scope: Scope, level: int) -> str:
        key = (scope.file.file, target.file, target.name)
        id = self.known.get(key)
        if id is None:
            id = f"{scope.file.file}::{target.name}"
            is_check = isinstance(target, Step) and target.is_check
            if level and not is_check and scope.find(target.name, self.scopes.unread).level != level:
                id += f"@{target.file}"  # one nearer has the plain id and wraps this one
            self.known[key] = id
            self.queue.append(Asker(id, target, scope, level))
        return id

    def _autouse(self, asker: Asker, step: Step, bindings: tuple[Binding, ...]) -> tuple[Binding, ...]:
        """Return what is set up although no parameter gets it: autouse fixtures, then ``usefixtures``."""
        asked = {binding.fixture for binding in bindings}
        found: dict[str, Binding] = {}
        for name in (*asker.scope.autouse, *step.marks.fixtures):
            resolution = self.resolver.resolve_fixture(name, asker)
            binding = self._bind(Parameter(name, asks_for=name), asker, resolution)
            if binding is not None and binding.fixture not in asked:
                found[binding.fixture] = binding
            elif resolution.is_unknown and name in step.marks.fixtures:
                problem = describe_missing_fixture(name, asker, resolution.instead)
                self.mistakes.append(Mistake(problem, asker.owner))
        return tuple(found.values())

    def _by_name(
        self, asker: Asker, bindings: tuple[Binding, ...]
    ) -> tuple[tuple[Binding, ...], tuple[Binding, ...]]:
        """Return `bindings`, and the fixtures that the code of `asker` may ask for by name when it runs."""
        if not any(binding.source == "builtin" and binding.fixture == REQUEST for binding in bindings):
            return bindings, ()
        use = find_use(asker.target.function, self.collection.sources)
        if use.tells:
            bindings = tuple([attrs.evolve(b, output=TELLS) if b.fixture == REQUEST else b for b in bindings])
        hinted = [*use.hinted, *(_texts_in_params(asker.target) if use.is_open else ())]
        found = []
        for name in dict.fromkeys((*use.asked, *hinted)):
            resolution = self.resolver.resolve_fixture(name, asker)
            binding = self._bind(Parameter(name, asks_for=name), asker, resolution)
            if binding is not None and (binding.source == "fixture" or name in use.asked):
                found.append(binding)
        return bindings, tuple(found)

    def _add_file_problems(self) -> None:
        for problem in self.collection.problems:
            self.mistakes.append(Mistake(problem, problem.file))
        for file in self.collection.files.values():
            self.mistakes += [Mistake(problem, file.file) for problem in file.problems]

    def _check_fixtures(self) -> None:
        for problem, file in check_fixtures(self.fixtures, self.nodes):
            self.mistakes.append(Mistake(problem, file))

    def _check_values(self) -> list[Problem]:
        if not self.params:
            return []
        providers = {
            name: f"step {step.name!r} ({step.where})"
            for file in self.collection.files.values()
            for step in file.steps
            for name in (step.name, *(o.name for o in step.outputs if o.name))
        }
        broken = [f for f in self.collection.files.values() if f.problems and not f.steps]
        unread = self.scopes.unread
        likely = {
            name
            for key in self.params
            for name in (key.rpartition(".")[2],)
            if any(unread.may_take(f, name) for f in broken)
        }
        for file in self.collection.files.values():
            self.values.used.update(file.asked & set(self.params))
        problems, warnings = self.values.find_unused(providers, likely)
        self.mistakes += [Mistake(problem, "", is_setting=True) for problem in problems]
        return warnings

    def _ordered(self) -> dict[str, Node]:
        ranked = sorted(self.nodes.values(), key=self._rank())
        order, cycles = order_graph({node.id: node.upstream for node in ranked})
        for cycle in cycles:
            self.mistakes.append(Mistake(_describe_cycle(cycle, self.nodes), _file_of(cycle[0])))
        placed = set(order)
        order += [node.id for node in ranked if node.id not in placed]
        nodes, problems = expand({id: self.nodes[id] for id in order}, FixtureAxes(self.fixtures))
        self.mistakes += [Mistake(problem, file) for problem, file in problems]
        return group_nodes(nodes, self.fixtures)

    def _rank(self) -> Callable[[Node], tuple[int, bool, int, str]]:
        pipelines = {file.pipeline: number for number, file in enumerate(self.collection.step_files())}
        return lambda node: (pipelines[node.pipeline], not node.step.is_template, node.step.line, node.id)


def _texts_in_params(target: Step | Fixture) -> Iterator[str]:
    """Yield what ``request.param`` may be, where that may be the name of a fixture."""
    axis = target.note.axis if isinstance(target, Fixture) else None
    for item in axis.items if axis is not None else ():
        yield from (value for value in item.values if isinstance(value, str) and value.isidentifier())


def _axes_of(step: Step) -> Mapping[str, str]:
    """Return the axis that gives each parametrized parameter its values."""
    if not step.note.axes:
        return _NONE
    return {
        argument: axis.name
        for axis in step.note.axes
        for argument in axis.arguments
        if argument not in axis.indirect
    }


def _output_of(provider: Provider) -> str | None:
    assert provider.step is not None
    if provider.output is not None:
        return provider.output
    outputs = provider.step.outputs
    return "" if len(outputs) == 1 and not outputs[0].name else None


def _file_of(id: str) -> str:
    return id.partition("::")[0]


def _describe_cycle(cycle: list[str], nodes: Mapping[str, Node]) -> Problem:
    """Draw a cycle with the place where each step asks for the next."""
    start = min(range(len(cycle)), key=lambda i: (nodes[cycle[i]].step.file, nodes[cycle[i]].step.line))
    turned = [nodes[id] for id in [*cycle[start:], *cycle[:start]]]
    shown = turned if len(turned) <= 12 else [*turned[:6], *turned[-6:]]
    names = [node.step.name for node in shown]
    if len(turned) > 12:
        names.insert(6, f"... {len(turned) - 12} more ...")
    places = ", ".join(f"{node.step.where} {node.step.name}" for node in shown)
    first = turned[0].step
    what = f"a cycle: {' <- '.join([*names, first.name])}"
    if len(turned) == 1:
        what = f"step {first.name!r} asks for itself: {first.name} <- {first.name}"
    return Problem(
        what, first.file, first.line, exists=places, hint="rename a parameter or a step on the way"
    )
