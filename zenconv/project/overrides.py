"""Who overrides whom: a template, a step or a fixture of one name, nearer to a pipeline than another."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from zenconv.project.builtins import BUILTIN_FIXTURES
from zenconv.project.collected import Override
from zenconv.project.scopes import Layer, Provider, Scope, Scopes
from zenconv.records.step import Step

BUILT_IN = "built in"


def find_overrides(scopes: Scopes) -> tuple[Override, ...]:
    """Return every override in the project, in the order of pipelines, the nearest first."""
    found: dict[tuple[str, str, str], Override] = {}
    for file in scopes.collection.step_files():
        scope = scopes.of(file.file)
        for override in _overrides_of(scope):
            key = (override.name, override.where, override.overridden)
            known = found.get(key)
            names = (*known.pipelines, scope.pipeline) if known is not None else (scope.pipeline,)
            found[key] = attrs.evolve(override, pipelines=names)
    return tuple(found.values())


def _overrides_of(scope: Scope) -> Iterator[Override]:
    # What sibling files hold is asked for, but takes nobody's place.
    layers = [layer for layer in scope.layers if not layer.is_siblings]
    for number, layer in enumerate(layers):
        for name, providers in layer.names.items():
            outer = _find_farther(name, layers[number + 1 :])
            if outer is not None:
                yield _describe(name, providers[0], outer)
            elif name in BUILTIN_FIXTURES:
                yield _describe(name, providers[0], None)


def _find_farther(name: str, layers: list[Layer]) -> Provider | None:
    return next((layer.names[name][0] for layer in layers if name in layer.names), None)


def _describe(name: str, provider: Provider, outer: Provider | None) -> Override:
    target = provider.step or provider.fixture
    assert target is not None
    other = (outer.step or outer.fixture) if outer is not None else None
    kind = "output" if provider.output is not None else "step" if isinstance(target, Step) else "fixture"
    wraps = any(p.asks_for == name and not p.has_default for p in target.parameters)
    overridden = other.where if other is not None else BUILT_IN
    return Override(name, kind, target.where, overridden, wraps, ())
