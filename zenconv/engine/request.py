"""What ``request`` is: who asks, fixtures by name, and a place for finalizers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs

from zenconv.authoring import Mark, Scope
from zenconv.errors import UsageError, did_you_mean
from zenconv.frozen import Frozen

_INSTEAD = {
    "config": "settings do not count in the key: ask for the parameter by its name",
    "module": "what it holds would not count in the key: ask for a fixture or parameter that the module has",
    "path": "paths do not count in the key",
    "fspath": "paths do not count in the key",
    "cls": "steps are functions, not methods",
    "instance": "steps are functions, not methods",
    "session": "ask for `run`",
    "applymarker": "marks are read when the project is collected; write the mark on the step",
}
"""What pytest's `request` has and this one has not, with the reason."""


@attrs.frozen(eq=False, repr=False)
class RequestNode(Frozen):
    """Who a fixture is made for: a step, or of a wider scope its pipeline or the run.

    `id` and `name` are those of the node; of a pipeline both are its name; of the run `id` is empty.
    `marks` are the step's own.
    """

    id: str
    name: str
    pipeline: str
    marks: tuple[Mark, ...] = ()

    @property
    def nodeid(self) -> str:
        """The id."""
        return self.id

    @property
    def keywords(self) -> tuple[str, ...]:
        """The names by which the step can be told: its own, and those of its marks."""
        return tuple(dict.fromkeys((self.name, *(mark.name for mark in self.marks))))

    def iter_markers(self, name: str | None = None) -> Iterator[Mark]:
        """Yield the step's own marks, or those called `name`, the nearest to the function first.

        What zenconv itself does with a mark, such as ``timeout``, is not for fixtures to see.
        """
        for mark in self.marks:
            if name is None or mark.name == name:
                yield mark

    def get_closest_marker(self, name: str, default: Mark | None = None) -> Mark | None:
        """Return the mark `name` that is nearest to the function, else `default`."""
        return next(self.iter_markers(name), default)

    def __str__(self) -> str:
        return self.id or self.name


class Request:
    """What a step or fixture gets that asks for ``request``.

    Parameters
    ----------
    node
        Who it is made for.
    scope
        How long the fixture lives: ``"step"``, ``"pipeline"`` or ``"run"``.
    fixturename
        The name of the fixture that asks; None in a step.
    param
        What the fixture gets, of its `params` or of a parametrized step; where there are none, asking for
        it is an AttributeError.
    fixturenames
        The names of all fixtures of the step, the nearest first; only of the scope ``"step"``.
    """

    def __init__(
        self,
        node: RequestNode,
        scope: Scope,
        fixturename: str | None,
        fixturenames: tuple[str, ...],
        function: Callable[..., Any] | None,
        find: Callable[[str], Any],
        add_finalizer: Callable[[Callable[[], object]], None],
        params: tuple[Any, ...] = (),
    ) -> None:
        self.node = node
        self.scope = scope
        self.fixturename = fixturename
        self.fixturenames = list(fixturenames)
        self.function = function
        self._find = find
        self._add_finalizer = add_finalizer
        if params:
            self.param = params[0]

    def addfinalizer(self, finalizer: Callable[[], object]) -> None:
        """Call `finalizer` when what asks ends, last added first."""
        self._add_finalizer(finalizer)

    def getfixturevalue(self, argname: str) -> Any:
        """Return the value of the fixture `argname`, set up now if it is not yet.

        Raises
        ------
        UsageError
            There is no such fixture, it is narrower, or nothing told beforehand that it may be asked
            for, so that the key could not count it.
        """
        return self._find(argname)

    @property
    def keywords(self) -> tuple[str, ...]:
        """The keywords of the node."""
        return self.node.keywords

    def __getattr__(self, name: str) -> Any:
        if name == "param":
            raise AttributeError("request.param: this fixture has no params")
        if name in _INSTEAD:
            raise AttributeError(f"request.{name} is not there: {_INSTEAD[name]}")
        raise AttributeError(f"request has no attribute {name!r}")

    def __repr__(self) -> str:
        asker = f"fixture {self.fixturename!r} for " if self.fixturename else ""
        return f"<request of {asker}{self.node}>"


def refuse_unknown(name: str, asker: str, known: list[str]) -> UsageError:
    """Return the error for a fixture that cannot be had by name."""
    return UsageError(
        f"{asker} cannot have {name!r} by name: "
        "nothing said so when the project was collected, so the key would not count it",
        hint=f"{did_you_mean(name, known) or 'ask for it by a parameter'}; "
        f'or write the name in quotes there: request.getfixturevalue("{name}")',
    )
