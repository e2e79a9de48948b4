"""Live resources of steps: the project's fixtures with their scopes, and the built-in ones."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from zenconv.authoring import SCOPES, Scope
from zenconv.engine.builtin_fixtures import Asker, BuiltinFixtures
from zenconv.engine.keys import find_impurity
from zenconv.engine.lifetimes import Finalizer, Identity, Lifetimes, Live, SettingUp, complete
from zenconv.engine.request import Request, RequestNode, refuse_unknown
from zenconv.engine.secrets import Secrets
from zenconv.engine.setting_up import describe_fixture, set_up_fixture
from zenconv.engine.telling_apart import describe_branch, name_value, own_copy, show_setting
from zenconv.engine.watching import Observation
from zenconv.engine.written import make_place
from zenconv.errors import UsageError
from zenconv.frozen import Frozen
from zenconv.interfaces.orchestrating import Task
from zenconv.records.step import Binding, FixtureNode, Node, Parameter, Pipeline
from zenconv.settings.convert import convert
from zenconv.settings.text import Text


@attrs.frozen(eq=False, repr=False)
class _Making(Frozen):
    """For whom arguments are made: a node, in the task of `owner`, and the fixtures on the way."""

    node: Node
    owner: str
    key: str
    seen: Observation | None = None
    on_the_way: tuple[FixtureNode, ...] = ()

    @property
    def fixture(self) -> FixtureNode | None:
        return self.on_the_way[-1] if self.on_the_way else None

    @property
    def scope(self) -> Scope:
        return self.fixture.fixture.note.scope if self.fixture is not None else "step"

    def inside(self, fixture: FixtureNode) -> _Making:
        return attrs.evolve(self, on_the_way=(*self.on_the_way, fixture))

    def chain(self) -> str:
        """Return who asked, the nearest first: ``fixture 'client' (zenconf.py:9), step 'one' (...)``."""
        asked = [describe_fixture(fixture) for fixture in reversed(self.on_the_way)]
        return " <- ".join([*asked, f"step {self.node.step.name!r} ({self.node.step.where})"])


class Resources:
    """Makes fixtures when a step first needs them, and ends them last in, first out.

    Methods that return `SettingUp` yield what has to be awaited: only async fixtures do, and only
    async steps have those.
    """

    def __init__(
        self, pipeline: Pipeline, builtins: BuiltinFixtures, secrets: Secrets, root: Path, spare: Path
    ) -> None:
        self._root = root
        self._spare = spare
        self._pipeline = pipeline
        self._builtins = builtins
        self._secrets = secrets
        self.gpus: dict[str, tuple[int, ...]] = {}
        self._lifetimes = Lifetimes()
        self._under_way: set[Identity] = set()
        self._shared: dict[str, str] = {}
        self._closures: dict[str, frozenset[str]] = {}
        self._unreported: list[BaseException] = []

    def arguments(
        self,
        node: Node,
        given: Mapping[str, Any],
        task: Task,
        owner: str,
        seen: Observation | None = None,
    ) -> SettingUp[dict[str, Any]]:
        """Return every argument of `node`: `given` for its inputs, the rest made or looked up here.

        What is made for the step belongs to the task of the node `owner`, and ends with it. Files that
        fixtures read are added to what is `seen`, also where one was made for an earlier step.
        """
        making = _Making(node, owner, task.key, seen)
        for wanted in self._in_order(node):
            yield from self._fixture(wanted, making)
        for binding in node.autouse:
            if binding.source == "builtin":
                self._builtin(binding.fixture, making, None)
        arguments: dict[str, Any] = {}
        for binding in node.bindings:
            if binding.source in ("node", "item", "collect"):
                arguments[binding.parameter] = given[binding.parameter]
            else:
                arguments[binding.parameter] = yield from self._argument(
                    binding, making, node.step.parameters, None
                )
        return arguments

    def has_any(self, owner: str) -> bool:
        """Return whether anything was made, or used, for the task of that node."""
        return self._lifetimes.concerns(owner)

    def describe(self, scope: str = "", owner: str = "") -> str:
        """Return which fixtures `end_pipeline` or `end_run` would tear down, in words."""
        names = self._lifetimes.names(scope, owner)
        return ", ".join(names) or ("fixtures" if self._unreported else "")

    def end_step(self, owner: str) -> SettingUp[list[BaseException]]:
        """Tear down what was made for the task of one node; return what failed on the way."""
        return self._lifetimes.end("step", owner)

    @property
    def made(self) -> int:
        """How many fixtures were set up so far."""
        return self._lifetimes.made

    def close_step(self, owner: str, *, succeeded: bool) -> None:
        """Give up what outlives a failure; called after `end_step`."""
        self.gpus.pop(owner, None)
        self._builtins.checkpoints.close(owner, succeeded=succeeded)

    def end_pipeline(self, pipeline: str) -> list[BaseException]:
        """Tear down what was made for one pipeline; return what failed on the way."""
        return [*self._take_unreported(), *complete(self._lifetimes.end("pipeline", pipeline))]

    def end_run(self) -> list[BaseException]:
        """Tear down everything; return what failed on the way."""
        return [*self._take_unreported(), *complete(self._lifetimes.end())]

    def _take_unreported(self) -> list[BaseException]:
        """Return, once, what failed when one variant of a fixture made room for another."""
        failures, self._unreported = self._unreported, []
        return failures

    def _in_order(self, node: Node) -> list[FixtureNode]:
        """Return the fixtures to set up: wider ones first, then autouse ones, then as asked for."""
        if not self._pipeline.fixtures:
            return []
        found: dict[str, FixtureNode] = {}
        replaced = {param.fixture for param in node.params if param.replaces}
        waiting = [*reversed([*node.autouse, *node.bindings])]
        while waiting:
            binding = waiting.pop()
            if binding.source == "fixture" and binding.fixture not in found.keys() | replaced:
                wanted = found[binding.fixture] = self._pipeline.fixtures[binding.fixture]
                waiting += reversed(wanted.bindings)
        return sorted(found.values(), key=lambda wanted: -SCOPES.index(wanted.fixture.note.scope))

    def _argument(
        self, binding: Binding, making: _Making, parameters: Iterable[Parameter], live: Live | None
    ) -> SettingUp[Any]:
        if binding.source == "value":
            if binding.is_output:
                return make_place(binding, self._root, self._spare)
            if binding.secret:
                return self._reveal(binding, parameters)
            # Defaults and values of an axis are one object for the whole process; a step may change it.
            return own_copy(binding.value)
        if binding.source == "builtin":
            return self._builtin(binding.fixture, making, live)
        return (yield from self._fixture(self._pipeline.fixtures[binding.fixture], making))

    def _reveal(self, binding: Binding, parameters: Iterable[Parameter]) -> Any:
        resolved = self._secrets.resolve(binding.value)
        for parameter in parameters:
            if parameter.name == binding.parameter and parameter.type is not None:
                return convert(Text(resolved), parameter.type, base=self._root)
        return resolved

    def _fixture(self, wanted: FixtureNode, making: _Making) -> SettingUp[Any]:
        param = making.node.param_of(wanted.id) if making.node.params else None
        if param is not None and param.replaces:
            return own_copy(param.value.value)
        variant = self._variant(wanted, making.node)
        identity, owner = self._identify(wanted, making, variant)
        live = self._lifetimes.find(identity)
        if live is not None and live.failure is not None and making.node.marks.retry is not None:
            self._unreported += yield from self._lifetimes.end_one(live)
            live = None  # a step that is tried again tries what it needs again
        if live is None:
            if variant:
                self._unreported += yield from self._lifetimes.end_variants(variant)
            live = Live(
                identity, wanted.fixture.note.scope, owner, wanted.fixture.name, wanted.fixture.where, variant
            )
            yield from self._make(wanted, live, making)
        if live.scope != "step":
            self._lifetimes.use(live, making.owner)
            if making.seen is not None:
                making.seen.add(live.read)
        return live.give(making.chain() if live.failure is not None else "")

    def _make(self, wanted: FixtureNode, live: Live, making: _Making) -> SettingUp[None]:
        fixture, identity = wanted.fixture, live.identity
        inside = making.inside(wanted)
        if identity in self._under_way:
            raise UsageError(f"fixture {fixture.name!r} asks for itself: {inside.chain()}")
        self._under_way.add(identity)
        try:
            arguments: dict[str, Any] = {}
            for binding in wanted.bindings:
                arguments[binding.parameter] = yield from self._argument(
                    binding, inside, fixture.parameters, live
                )
            try:
                live.value = yield from self._observe(
                    wanted, set_up_fixture(wanted, arguments, live), live, making
                )
            except BaseException as error:
                # It stays, as what it is: a fixture that failed fails everyone who asks for it.
                live.failure = error
                if isinstance(error, KeyboardInterrupt):
                    raise
            finally:
                # After what it asked for, by parameters or by name: it ends before those.
                self._lifetimes.add(live)
        finally:
            self._under_way.discard(identity)

    def _observe(
        self, wanted: FixtureNode, work: SettingUp[Any], live: Live, making: _Making
    ) -> SettingUp[Any]:
        """Do the set-up of a fixture; what it reads counts for it, where it counts in the key."""
        if making.seen is None:
            return (yield from work)
        is_counted = wanted.id in self._counted(making.node)
        with making.seen.apart(keep=is_counted and live.scope == "step") as read:
            live.read = read if is_counted else {}
            return (yield from work)

    def _counted(self, node: Node) -> set[str]:
        return {fixture.id for fixture in self._pipeline.fixtures_of(node, counted=True)}

    def _identify(
        self, wanted: FixtureNode, making: _Making, variant: Mapping[str, str]
    ) -> tuple[Identity, str]:
        scope = wanted.fixture.note.scope
        if scope == "step":
            return (scope, making.owner, making.node.id, wanted.id), making.owner
        made_with = tuple(itertools.chain.from_iterable(sorted(variant.items())))
        if scope == "pipeline":
            return (scope, making.node.pipeline, wanted.id, *made_with), making.node.pipeline
        return (scope, self._share(wanted), *made_with), ""

    def _variant(self, wanted: FixtureNode, node: Node) -> Mapping[str, str]:
        """Return the params that a wider fixture is made with: its own, and those of what it asks for."""
        if not node.params or wanted.fixture.note.scope == "step":
            return {}
        inside = self._inside(wanted)
        variant = {}
        for param in node.params:
            if param.fixture in inside:
                fixture = self._pipeline.fixtures[param.fixture]
                is_one = fixture.fixture.note.scope == "run"
                place = f"run {self._share(fixture)}" if is_one else f"{node.pipeline} {fixture.id}"
                variant[place] = f"{param.item} {name_value(param.value.value)}"
        return variant

    def _inside(self, wanted: FixtureNode) -> frozenset[str]:
        """Return the ids of a fixture and of all that it asks for."""
        known = self._closures.get(wanted.id)
        if known is None:
            found = [wanted.id]
            for id in found:
                fixture = self._pipeline.fixtures[id]
                asked = (b.fixture for b in (*fixture.bindings, *fixture.by_name) if b.source == "fixture")
                found += [other for other in asked if other not in found]
            known = self._closures[wanted.id] = frozenset(found)
        return known

    def _share(self, wanted: FixtureNode) -> str:
        """Return what tells a fixture of the run from others: its function, and all that it gets.

        Pipelines may see it differently: where another one overrides what it asks for, there are two.
        """
        known = self._shared.get(wanted.id)
        if known is None:
            gets = [
                (b.parameter, b.source, b.secret, show_setting(b.value), self._share_of(b))
                for b in itertools.chain(wanted.bindings, wanted.by_name)
            ]
            known = self._shared[wanted.id] = repr((id(wanted.fixture.function), gets))
        return known

    def _share_of(self, binding: Binding) -> str:
        if binding.source != "fixture":
            return binding.fixture
        other = self._pipeline.fixtures[binding.fixture]
        return self._share(other) if other.fixture.note.scope == "run" else other.fixture.where

    def _builtin(self, name: str, making: _Making, live: Live | None) -> Any:
        if name == "request":
            return self._request(making, live)
        asked_by = making.fixture.fixture.name if making.fixture is not None else ""
        node = making.node
        key = making.key
        if name == "checkpoint" and find_impurity(self._pipeline, node):
            key += f" in run {self._builtins.run.id}"  # the same key would not give the same in another
        is_shared = making.scope != "step"
        is_branch = name == "seed" and bool(node.axes or node.grown)
        branch = describe_branch(node, making.key) if is_branch else ""
        gpus = self.gpus.get(making.owner, ())
        asker = Asker(making.owner, node.id, key, node.step.name, asked_by, is_shared, branch, gpus)
        if not self._builtins.is_one_for_step(name):
            return self._builtins.make(name, asker)
        identity = ("builtin", making.owner, node.id, name)
        made = self._lifetimes.find(identity)
        if made is None:
            made = Live(identity, "step", making.owner, name, "built in")
            made.value, finalizer = self._builtins.make_for_step(name, asker)
            made.add(finalizer)
            self._lifetimes.add(made)
        return made.value

    def _request(self, making: _Making, live: Live | None) -> Request:
        node, scope = making.node, making.scope
        add = live.add if live is not None else self._finalizers_of(making)
        is_own = scope == "step"
        names = (
            tuple(dict.fromkeys(f.fixture.name for f in self._pipeline.fixtures_of(node))) if is_own else ()
        )
        param = node.param_of(making.fixture.id) if making.fixture is not None else None
        return Request(
            _node_of(node, scope),
            scope,
            live.name if live is not None else None,
            names,
            node.step.function if is_own else None,
            lambda wanted: self._find(wanted, making, live),
            add,
            () if param is None else (own_copy(param.value.value),),
        )

    def _finalizers_of(self, making: _Making) -> Callable[[Finalizer], None]:
        step = making.node.step.name
        return lambda finalizer: self._lifetimes.add_finalizer(making.owner, step, finalizer)

    def _find(self, name: str, making: _Making, live: Live | None) -> Any:
        """Return the fixture that code asks for by `name` while it runs."""
        asker = (
            describe_fixture(making.fixture)
            if making.fixture is not None
            else f"step {making.node.step.name!r}"
        )
        nameable = self._nameable(making)
        if name not in nameable:
            raise refuse_unknown(name, asker, [known for known in nameable if known != "request"])
        binding = nameable[name]
        wanted = self._pipeline.fixtures.get(binding.fixture)
        scope = wanted.fixture.note.scope if wanted is not None else self._builtins.scope_of(binding.fixture)
        if SCOPES.index(scope) < SCOPES.index(making.scope):
            where = f" ({wanted.fixture.where})" if wanted is not None else ""
            raise UsageError(
                f"{asker} lives for the {making.scope}, but asks for {name!r}, which lives for the {scope}",
                hint=f"who asked: {name}{where} <- {making.chain()}",
            )
        if wanted is None:
            return self._builtin(binding.fixture, making, None)
        if wanted.fixture.note.axis is not None and making.node.param_of(wanted.id) is None:
            raise UsageError(
                f"{asker} cannot have {name!r} by name: it has params, which multiply the steps that use it",
                hint="ask for it by a parameter",
            )
        if live is not None and live.is_over and not self._is_live(wanted, making):
            raise UsageError(
                f"{asker} asks for {name!r} in its teardown, where nothing is set up any more",
                hint="ask for it before the yield",
            )
        return complete(self._fixture(wanted, making))

    def _is_live(self, wanted: FixtureNode, making: _Making) -> bool:
        variant = self._variant(wanted, making.node)
        return self._lifetimes.find(self._identify(wanted, making, variant)[0]) is not None

    def _nameable(self, making: _Making) -> dict[str, Binding]:
        """Return what may be asked for by name: all that the key of whoever asks knows of."""
        asker: Node | FixtureNode = making.fixture or making.node
        found: dict[str, Binding] = {}
        for binding in itertools.chain(asker.by_name, asker.bindings, _autouse(asker)):
            if binding.source in ("fixture", "builtin"):
                found.setdefault(binding.parameter, binding)
        if making.scope == "step":
            replaced = [self._pipeline.fixtures[p.fixture] for p in making.node.params if p.replaces]
            for fixture in (*replaced, *self._pipeline.fixtures_of(making.node)):
                name = fixture.fixture.name
                found.setdefault(name, Binding(name, "fixture", fixture=fixture.id))
        return found


def _autouse(asker: Node | FixtureNode) -> tuple[Binding, ...]:
    return asker.autouse if isinstance(asker, Node) else ()


def _node_of(node: Node, scope: Scope) -> RequestNode:
    if scope == "run":
        return RequestNode("", "run", "")
    if scope == "pipeline":
        return RequestNode(node.pipeline, node.pipeline, node.pipeline)
    return RequestNode(node.id, node.id.rpartition("::")[2], node.pipeline, node.marks.own)
