"""The values of parameters: from the command line, the environment, the configuration, converted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs

from zenconv.errors import Problem, ZenconvError, did_you_mean
from zenconv.project.annotations import realize
from zenconv.project.builtins import BUILTIN_FIXTURES
from zenconv.records.step import Binding, Parameter
from zenconv.settings.convert import convert
from zenconv.settings.params import list_unused, look_up
from zenconv.settings.settings import FLAG_LAYER, Value

if TYPE_CHECKING:
    from zenconv.settings.settings import Settings

_MOST_TAKERS = 8
_PLACE = re.compile(r"(.+\.toml):(\d+)")
OVERRIDE_HINT = "a step's output is replaced with --override {name}=PATH, a parameter with --set"


@attrs.define(eq=False, repr=False)
class Values:
    """Looks parameters up in the settings and remembers which keys were taken.

    `takers` are the steps and fixtures that look a name up, by that name.
    """

    settings: Settings
    addresses: frozenset[str]
    used: set[str] = attrs.field(factory=set)
    takers: dict[str, set[str]] = attrs.field(factory=dict)
    _last_parts: set[str] = attrs.field(factory=set)

    def __attrs_post_init__(self) -> None:
        self._last_parts = {key.rpartition(".")[2] for key in self.settings.params}

    def find(self, name: str, owner: str, pipelines: Iterable[str]) -> Value | None:
        """Return the value that is set for parameter `name` of step or fixture `owner`."""
        self.takers.setdefault(name, set()).add(owner)
        if name not in self._last_parts and name.upper() not in self._last_parts:
            return None
        found = look_up(self.settings.params, name, step=owner, pipelines=pipelines)
        if found is None or (found[1].is_table and found[0] in self.addresses):
            return None
        self.used.add(found[0])
        self._use_weaker(name, owner, pipelines)
        return found[1]

    def _use_weaker(self, name: str, owner: str, pipelines: Iterable[str]) -> None:
        """Count the keys that a stronger one hides as taken: a default for all is no mistake."""
        for key in (
            name,
            f"{owner}.{name}",
            *(k for p in pipelines for k in (f"{p}.{name}", f"{p}.{owner}.{name}")),
        ):
            if key in self.settings.params:
                self.used.add(key)

    def bind(self, parameter: Parameter, value: Value, kind: Any) -> Binding | str:
        """Return the binding of a parameter to a value, converted; or why it cannot be converted."""
        converted: Any = value.value
        if not value.secret:
            target = realize(kind)
            try:
                base = self.settings.cwd if value.origin == "--set" else self.settings.root
                converted = convert(value.value, Any if target is None else target, base=base)
            except ZenconvError as error:
                return error.what
        return Binding(
            parameter.name,
            "value",
            value=converted,
            origin=value.origin,
            secret=value.secret,
            is_output=parameter.is_output,
        )

    def find_unused(self, providers: dict[str, str], likely: set[str]) -> tuple[list[Problem], list[Problem]]:
        """Return mistakes of the command line and warnings about the configuration: keys nobody takes.

        Parameters
        ----------
        providers
            Names that steps provide, with the places.
        likely
            Names that files which could not be imported may take; they are given the benefit.
        """
        problems, warnings = [], []
        for key in list_unused(self.settings.params, self.used):
            value = self.settings.params[key]
            name = key.rpartition(".")[2]
            if name in likely:
                continue
            if value.layer == FLAG_LAYER:
                problems.append(self._unused_flag(key, name, value, providers))
            else:
                warnings.append(self._unused_key(key, name, value, providers))
        return problems, warnings

    def _unused_flag(self, key: str, name: str, value: Value, providers: dict[str, str]) -> Problem:
        if name in providers:
            what = f"{value.origin} {key}: {name!r} is no parameter; {providers[name]} provides it"
            return Problem(what, hint=OVERRIDE_HINT.format(name=name))
        return Problem(f"{value.origin} {key}: {self._say_unknown(key, name)}", exists=self._near(name))

    def _unused_key(self, key: str, name: str, value: Value, providers: dict[str, str]) -> Problem:
        why = f"{providers[name]} provides it" if name in providers else self._say_unknown(key, name)
        file, line = place_of(value.origin)
        return Problem(f"params.{key} is not used: {why}", file, line, exists=self._near(name))

    def _say_unknown(self, key: str, name: str) -> str:
        owner = key.rpartition(".")[0]
        return f"{f'nothing called {owner!r}' if owner else 'no step'} has a parameter {name!r}"

    def _near(self, name: str) -> str:
        if name in self.takers:
            return f"{name!r} is a parameter of {', '.join(sorted(self.takers[name])[:_MOST_TAKERS])}"
        return did_you_mean(name, self.takers.keys() - BUILTIN_FIXTURES.keys())


def place_of(origin: str) -> tuple[str, int]:
    """Return file and line of an origin; line 0 where it is no place in a file."""
    match = _PLACE.fullmatch(origin)
    return (match[1], int(match[2])) if match else (origin, 0)
