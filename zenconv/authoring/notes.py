"""The words a step file may use: `step`, `helper`, `From`, `Output`.

None is needed to begin. They only leave a note on the function (`NOTE`), so a decorated
function is still the plain function and can be called like any other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar, overload

import attrs

from zenconv.authoring.fan_out import Axis
from zenconv.authoring.marks import Mark
from zenconv.errors import UsageError
from zenconv.frozen import Frozen

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_NOTHING: Mapping[str, Any] = {}

NOTE = "__zenconv__"
"""The attribute under which a decorated function carries its note."""


@attrs.frozen(eq=False, repr=False)
class StepNote(Frozen):
    """What ``@zenconv.step(...)`` and marks say about a function; the defaults say nothing.

    `marks` are as written, nearest to the function first. What ``nocache`` and ``refresh`` say is in
    `cache` and `refresh` once the function is collected.
    """

    is_step: bool = False
    is_helper: bool = False
    name: str = ""
    outputs: tuple[str, ...] = ()
    version: str = ""
    also: tuple[Callable[..., Any], ...] = ()
    env: tuple[str, ...] = ()
    cache: bool = True
    refresh: float | None = None
    marks: tuple[Mark, ...] = ()
    params: Mapping[str, Any] = attrs.field(factory=dict)
    inputs: Mapping[str, str] = attrs.field(factory=dict)
    named: tuple[StepOptions, ...] = ()
    axes: tuple[Axis, ...] = ()
    when: Mapping[str, Any] = attrs.field(factory=dict)
    variants: tuple[Callable[..., Any], ...] = ()


StepOptions = Mapping[str, Any]
"""The options of one ``@zenconv.step(...)``, as fields of a `StepNote`."""


@attrs.frozen
class From:
    """``Annotated[T, From("other")]``: take the step, output or node id `name` for this parameter."""

    name: str


class _OutputMark:
    """Marks a parameter as a place to write."""

    def __repr__(self) -> str:
        return "Output"


OUTPUT = _OutputMark()
Output = Annotated[T, OUTPUT]
"""``path: Output[Path]``: a place to write; what is there after the call is stored."""


def annotate(function: F, **changes: Any) -> F:
    """Add to the note of a step. `UsageError` for a fixture."""
    note = getattr(function, NOTE, StepNote())
    if not isinstance(note, StepNote):
        raise UsageError(
            f"{getattr(function, '__name__', function)!r} is a fixture; a step's options do not apply to it"
        )
    setattr(function, NOTE, attrs.evolve(note, **changes))
    return function


def add_mark(function: F, mark: Mark) -> F:
    """Add a mark to the note of a function; the one nearest to it comes first."""
    known = getattr(getattr(function, NOTE, None), "marks", ())
    return annotate(function, marks=(*known, mark))


@overload
def step(function: F) -> F: ...
@overload
def step(
    *,
    name: str = ...,
    outputs: tuple[str, ...] | list[str] = ...,
    version: str | int = ...,
    also: tuple[Callable[..., Any], ...] | list[Callable[..., Any]] = ...,
    env: tuple[str, ...] | list[str] = ...,
    cache: bool = ...,
    params: Mapping[str, Any] = ...,
    inputs: Mapping[str, str] = ...,
) -> Callable[[F], F]: ...
def step(
    function: F | None = None,
    *,
    name: str = "",
    outputs: tuple[str, ...] | list[str] = (),
    version: str | int = "",
    also: tuple[Callable[..., Any], ...] | list[Callable[..., Any]] = (),
    env: tuple[str, ...] | list[str] = (),
    cache: bool = True,
    params: Mapping[str, Any] = _NOTHING,
    inputs: Mapping[str, str] = _NOTHING,
) -> F | Callable[[F], F]:
    """Add options to a step; a public function of a step file is a step without it.

    Parameters
    ----------
    name
        The step's name, where it should differ from the function's.
    outputs
        Names of the several outputs: of the items of a tuple, or of the keys of a dictionary in a step
        that is annotated ``-> dict``.
    version
        A salt: changing it makes the step run again.
    also
        Functions or classes whose code counts although the step does not visibly reach them.
    env
        Environment variables whose values count.
    cache
        False: run once in every run, never reuse.
    params
        Values for parameters, in place of their defaults.
    inputs
        For parameters, the names of the steps to take, in place of their own names.

    Given several times with different names, the function is several steps.
    """

    def decorate(function: F) -> F:
        note = getattr(function, NOTE, None)
        options = {
            "is_step": True,
            "name": name,
            "outputs": tuple(outputs),
            "version": str(version),
            "also": tuple(also),
            "env": tuple(env),
            "cache": cache and getattr(note, "cache", True),
            "params": dict(params),
            "inputs": dict(inputs),
        }
        if isinstance(note, StepNote) and note.is_step and note.name and name:
            first = {key: getattr(note, key) for key in options}
            return annotate(function, named=(*(note.named or (first,)), options))
        return annotate(function, **options)

    return decorate(function) if function is not None else decorate


def helper(function: F) -> F:
    """Say that this public function of a step file is no step."""
    return annotate(function, is_helper=True)


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_duration(text: str | float) -> float:
    """Return seconds from ``"90s"``, ``"15m"``, ``"6h"``, ``"1d"``, ``"2w"`` or a number of seconds."""
    if isinstance(text, int | float) and not isinstance(text, bool) and 0 <= text < math.inf:
        return float(text)
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*", str(text))
    if match is None:
        raise UsageError(f"{text!r} is no duration", hint="write 90s, 15m, 6h, 1d or 2w")
    return float(match[1]) * _UNITS[match[2]]
