"""Resolve one parameter: which step, value or fixture it gets, in the order that DESIGN fixes.

`From` first, then the nearest step or fixture, then values (command line, configuration,
default), then built-in fixtures. A parameter with a default is a value: only its own file wires it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

import attrs

from zenconv.errors import Problem, did_you_mean
from zenconv.frozen import Frozen
from zenconv.project.builtins import BUILTIN_FIXTURES
from zenconv.project.collected import Collection
from zenconv.project.collecting_hooks import CollectingHooks
from zenconv.project.scopes import Found, Provider, Scope, Scopes
from zenconv.project.values import Values, place_of
from zenconv.records.step import Binding, Fixture, Parameter, Step


@attrs.frozen(eq=False, repr=False)
class Asker(Frozen):
    """A step or fixture whose parameters are resolved, in the scope it lives in.

    `level` is its distance in that scope: a template asking for its own name means one farther out.
    `id` is that of the node, `owner` the file that must be sound for it (its pipeline's).
    """

    id: str
    target: Step | Fixture
    scope: Scope
    level: int = 0

    @property
    def owner(self) -> str:
        return self.scope.file.file

    @property
    def noun(self) -> str:
        return "step" if isinstance(self.target, Step) else "fixture"

    def __str__(self) -> str:
        inside = ""
        if isinstance(self.target, Step) and self.target.is_template:
            inside = f" (in pipeline {self.scope.pipeline!r})"
        return f"{self.noun} {self.target.name!r}{inside}"


class Resolution(NamedTuple):
    """What one parameter gets: a finished `binding`, a `provider`, or what is wrong.

    `is_unknown`: nothing provides the name, or where a fixture is meant, what `instead` says.
    `unread`: a file that could not be imported may.
    """

    binding: Binding | None = None
    provider: Provider | None = None
    scope: Scope | None = None
    level: int = 0
    problem: Problem | None = None
    is_setting: bool = False
    is_unknown: bool = False
    instead: str = ""
    unread: tuple[str, ...] = ()


class Resolver:
    """Resolves parameters against the scopes of a collection and the values of its settings."""

    def __init__(
        self, collection: Collection, scopes: Scopes, values: Values, hooks: CollectingHooks | None = None
    ) -> None:
        self.hooks = hooks or CollectingHooks()
        self.collection = collection
        self.scopes = scopes
        self.values = values
        self._named: dict[str, str] = {}
        for pipeline, aliases in scopes.aliases.items():
            file = next(f.file for f in collection.step_files() if f.pipeline == pipeline)
            self._named.update(dict.fromkeys(aliases, file))

    def resolve(self, parameter: Parameter, asker: Asker) -> Resolution:
        """Return what `parameter` of `asker` gets."""
        if parameter.explicit:
            return self._resolve_explicit(parameter, asker)
        if not parameter.is_output:
            found = self._find_provider(parameter, asker)
            if found.unread:
                return Resolution(unread=tuple(f.file for f in found.unread))
            if found.providers:
                return self._take(found, parameter, asker)
        return self._resolve_value(parameter, asker)

    def resolve_fixture(self, name: str, asker: Asker) -> Resolution:
        """Return the fixture that `asker` gets under `name`; `is_unknown` where it is not exactly one."""
        start = asker.level + 1 if name == asker.target.name else 0
        found = asker.scope.find(name, self.scopes.unread, start=start)
        parameter = Parameter(name, asks_for=name)
        if len(found.providers) == 1 and found.providers[0].fixture is not None:
            return self._take(found, parameter, asker)
        if found.unread:
            return Resolution(unread=tuple(f.file for f in found.unread))
        if name in BUILTIN_FIXTURES and not found.providers:
            return Resolution(Binding(name, "builtin", fixture=name))
        return Resolution(is_unknown=True, instead=" and ".join(map(str, found.providers)))

    def _find_provider(self, parameter: Parameter, asker: Asker) -> Found:
        name = parameter.asks_for
        is_own = name == asker.target.name
        if parameter.has_default:
            skip = asker.level if is_own else -1
            return asker.scope.find_written_in(name, asker.target.file, skip=skip, asker=asker.target)
        start = asker.level + 1 if is_own else 0
        return asker.scope.find(name, self.scopes.unread, start=start, asker=asker.target)

    def _take(self, found: Found, parameter: Parameter, asker: Asker) -> Resolution:
        if len(found.providers) > 1:
            return Resolution(problem=_ambiguous(parameter, asker, found.providers))
        provider = found.providers[0]
        if provider.step is not None and isinstance(asker.target, Fixture):
            return Resolution(problem=_step_for_fixture(parameter, asker, provider))
        scope = asker.scope
        if provider.file != scope.file.file and not self.collection.files[provider.file].is_zenconf:
            return Resolution(provider=provider, scope=self.scopes.of(provider.file))
        return Resolution(provider=provider, scope=scope, level=found.level)

    def _resolve_explicit(self, parameter: Parameter, asker: Asker) -> Resolution:
        place, separator, name = parameter.asks_for.rpartition("::")
        scope = asker.scope
        if separator:
            file = place if place in self.collection.files else self._named.get(place)
            if file is None:
                return Resolution(problem=self._unknown_place(parameter, asker, place))
            if not self.collection.files[file].is_zenconf:
                scope = self.scopes.of(file)
            find = partial(self._find_in, scope, file)
        else:
            start = asker.level + 1 if name == asker.target.name else 0
            find = partial(scope.find, unread_names=self.scopes.unread, start=start)
        found = find(name)
        if not found.providers and not found.unread and "." in name:  # STEP.OUTPUT, as elsewhere
            step, _, output = name.rpartition(".")
            found = find(output)
            found = found._replace(
                providers=tuple(p for p in found.providers if p.output and p.step and p.step.name == step)
            )
        if found.unread:
            return Resolution(unread=tuple(f.file for f in found.unread))
        if not found.providers:
            return Resolution(problem=self._unknown_source(parameter, asker, name, scope))
        return self._take(found, parameter, attrs.evolve(asker, scope=scope))

    def _resolve_value(self, parameter: Parameter, asker: Asker) -> Resolution:
        pipelines: Iterable[str] = asker.scope.aliases
        value = self.values.find(parameter.name, asker.target.name, pipelines)
        if value is None and not parameter.is_output:
            name, scope = asker.target.name, asker.scope
            value = self.hooks.value_of(parameter.name, name, scope.pipeline, scope.file.file)
        if value is not None:
            bound = self.values.bind(parameter, value, self.type_of(asker.target, parameter))
            if isinstance(bound, str):
                problem = _unconvertible(parameter, asker, value.origin, bound)
                return Resolution(problem=problem, is_setting=True)
            return Resolution(bound)
        if parameter.has_default:
            return Resolution(
                Binding(
                    parameter.name,
                    "value",
                    value=parameter.default,
                    origin="default",
                    is_output=parameter.is_output,
                )
            )
        if parameter.is_output:
            return Resolution(Binding(parameter.name, "value", is_output=True))
        if parameter.asks_for in BUILTIN_FIXTURES:
            return Resolution(Binding(parameter.name, "builtin", fixture=parameter.asks_for))
        return Resolution(is_unknown=True)

    def type_of(self, target: Step | Fixture, parameter: Parameter) -> Any:
        """Return the type of a parameter, with what only type checkers import as `Late` names."""
        if parameter.type is not None or not parameter.annotation:
            return parameter.type
        return self.collection.files[target.file].late.get((target.name, parameter.name))

    def _find_in(self, scope: Scope, file: str, name: str) -> Found:
        """Return what `file` itself provides under `name`."""
        if self.collection.files[file].is_zenconf:
            return scope.find_written_in(name, file)
        found = scope.find(name, self.scopes.unread)
        return found if found.level == 0 or found.unread else Found()

    def _unknown_place(self, parameter: Parameter, asker: Asker, place: str) -> Problem:
        known = [*self.collection.files, *self._named]
        return _problem(
            asker,
            f'asks for From("{parameter.asks_for}"), but there is no file or pipeline {place!r}',
            exists=did_you_mean(place, known),
        )

    def _unknown_source(self, parameter: Parameter, asker: Asker, name: str, scope: Scope) -> Problem:
        own = {n for n, p in scope.layers[0].names.items() if any(i.step is not None for i in p)}
        known = own if "::" in parameter.asks_for else scope.names()
        return _problem(
            asker,
            f'asks for From("{parameter.asks_for}"), which no step provides',
            exists=did_you_mean(name, known),
        )


def _problem(asker: Asker, what: str, *, exists: str = "", hint: str = "") -> Problem:
    return Problem(f"{asker} {what}", asker.target.file, asker.target.line, exists, hint)


def _ambiguous(parameter: Parameter, asker: Asker, providers: tuple[Provider, ...]) -> Problem:
    first = providers[0]
    name = parameter.asks_for
    owner = first.step or first.fixture
    example = f"{first.file}::{owner.name if owner is not None else name}"
    return _problem(
        asker,
        f"asks for {name!r}, which {len(providers)} things provide at the same distance",
        exists=" and ".join(str(provider) for provider in providers),
        hint=f'rename one, or say which: {parameter.name}: Annotated[..., From("{example}")]',
    )


def _step_for_fixture(parameter: Parameter, asker: Asker, provider: Provider) -> Problem:
    return _problem(
        asker,
        f"asks for {parameter.asks_for!r}, which is {provider}; "
        "a fixture may ask for fixtures and parameters only",
        hint="ask for the step where the fixture is used",
    )


def _unconvertible(parameter: Parameter, asker: Asker, origin: str, why: str) -> Problem:
    file, line = place_of(origin)
    return Problem(
        f"parameter {parameter.name!r} of {asker}: {why}",
        file,
        line,
        exists=f"declared at {asker.target.where}",
    )
