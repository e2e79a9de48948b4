"""The fixtures every step may ask for. They are resolved last, so a project's own names win.

Of scope ``run`` are also those that each who asks gets anew: for them nothing is too wide.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from zenconv.authoring import Scope
from zenconv.frozen import Frozen


@attrs.frozen(eq=False, repr=False)
class BuiltinFixture(Frozen):
    """A fixture that the engine makes; it may be asked for by fixtures of `scope` and narrower."""

    name: str
    scope: Scope
    doc: str


BUILTIN_FIXTURES: Mapping[str, BuiltinFixture] = {
    fixture.name: fixture
    for fixture in (
        BuiltinFixture("run", "run", "the run: its id, start and settings; the step runs in every run"),
        BuiltinFixture("now", "run", "the start of the run, UTC; the step runs in every run"),
        BuiltinFixture("secrets", "run", "values of named secrets; only the names count in the key"),
        BuiltinFixture("tmp_path", "step", "an empty folder, gone after the step"),
        BuiltinFixture("checkpoint", "step", "a folder kept until the step succeeds, for the same key only"),
        BuiltinFixture("device", "step", "where to compute: cuda:0, mps, cpu; a GPU is the step's alone"),
        BuiltinFixture("log", "run", "a logger whose lines are kept with the step"),
        BuiltinFixture("seed", "run", "an int, in the key; the global generators are seeded from it"),
        BuiltinFixture("request", "run", "who asks: the node, its fixtures by name, a place for finalizers"),
    )
}
