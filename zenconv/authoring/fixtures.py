"""`fixture`: a decorator that makes a function a live resource, made for steps and never stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar, overload

import attrs

from zenconv.authoring.fan_out import Axis, Ids, make_axis
from zenconv.errors import UsageError, did_you_mean
from zenconv.frozen import Frozen

F = TypeVar("F", bound=Callable[..., Any])

Scope = Literal["step", "pipeline", "run"]
SCOPES: tuple[Scope, ...] = ("step", "pipeline", "run")
"""From the narrowest to the widest."""

ScopeChooser = Callable[..., Any]
"""Called once at collection with ``fixture_name`` and ``config``; returns a scope."""

_SCOPES_OF_PYTEST = {"function": "step", "module": "pipeline", "package": "pipeline", "session": "run"}


@attrs.frozen(eq=False, repr=False)
class FixtureNote(Frozen):
    """What ``@zenconv.fixture(...)`` says about a function.

    `axis` are its params. `choose_scope`, where the scope was given as a callable, is asked for it when
    the function is collected.
    """

    scope: Scope = "step"
    name: str = ""
    autouse: bool = False
    version: str = ""
    key: bool = True
    axis: Axis | None = None
    choose_scope: ScopeChooser | None = None


@overload
def fixture(function: F) -> F: ...
@overload
def fixture(
    *,
    scope: Scope | ScopeChooser = ...,
    name: str = ...,
    autouse: bool = ...,
    version: str | int = ...,
    key: bool = ...,
    params: Iterable[Any] | None = ...,
    ids: Ids = ...,
) -> Callable[[F], F]: ...
def fixture(
    function: F | None = None,
    *,
    scope: Scope | ScopeChooser = "step",
    name: str = "",
    autouse: bool = False,
    version: str | int = "",
    key: bool = True,
    params: Iterable[Any] | None = None,
    ids: Ids = None,
) -> F | Callable[[F], F]:
    """Declare a fixture: a live resource, made for steps and never stored.

    Parameters
    ----------
    scope
        How long one lives: ``"step"``, ``"pipeline"`` or ``"run"`` (per worker process); or a function
        that is called once, as ``scope(fixture_name=..., config=...)``, and returns one of these;
        ``config.get("name", default)`` looks up a parameter, ``config.stack`` is the stack's name.
    name
        The name that parameters ask for, where it should differ from the function's.
    autouse
        Set it up for every step that can see it, asked for or not.
    version
        A salt: changing it makes every step that uses the fixture run again.
    key
        False: neither the fixture nor what it asks for counts; no change of it makes a step run again.
    params
        Every step that uses the fixture runs once for each of these; ``request.param`` is the one. An
        axis of the fixture's name, as `parametrize` makes one; `param` gives one an id or marks.
    ids
        What stands in the ids of the nodes: a list, or a function from a param to a text or None.

    Raises
    ------
    UsageError
        There is no such scope, what is decorated is no plain function, or there are no params.
    """
    listed = None if params is None else list(params)
    if not callable(scope):
        check_scope(scope)

    def decorate(function: F) -> F:
        from zenconv.authoring.notes import NOTE

        _check_function(function, getattr(function, NOTE, None))
        chooser = scope if callable(scope) else None
        fixed: Scope = "step" if callable(scope) else scope
        given = getattr(function, "__name__", "")
        own = name or (given if given.isidentifier() else "params")  # collected, it has its own name
        axis = None if listed is None else make_axis((own,), listed, ids=ids, what="params of fixture")
        note = FixtureNote(fixed, name, autouse, str(version), key, axis, chooser)
        setattr(function, NOTE, note)
        return function

    return decorate(function) if function is not None else decorate


def check_scope(scope: Any) -> None:
    """Raise `UsageError` unless `scope` is one."""
    if scope in SCOPES:
        return
    meant = _SCOPES_OF_PYTEST.get(scope) if isinstance(scope, str) else None
    hint = f'pytest\'s "{scope}" is "{meant}" here' if meant else did_you_mean(str(scope), SCOPES)
    raise UsageError(f"unknown fixture scope {scope!r}", hint=hint)


def _check_function(function: Any, note: Any) -> None:
    name = getattr(function, "__name__", repr(function))
    if isinstance(function, type):
        raise UsageError(
            f"{name!r} is a class; a fixture is a function",
            hint=f"write a function that returns or yields {name}()",
        )
    if isinstance(function, staticmethod | classmethod) or not callable(function):
        raise UsageError(f"{name!r} cannot be a fixture: it is no plain function")
    if isinstance(note, FixtureNote):
        raise UsageError(
            f"{name!r} is a fixture already", hint="take one of the two @zenconv.fixture decorators off"
        )
    if note is not None:
        raise UsageError(
            f"{name!r} carries marks or options of a step, which a fixture cannot have",
            hint="put them on the steps that use it; for another fixture, give it a parameter of that name",
        )
