"""`parametrize`: a decorator that adds an axis to a step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from zenconv.authoring.fan_out import Ids, make_axis
from zenconv.authoring.notes import NOTE, StepNote, annotate
from zenconv.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])


def parametrize(
    argnames: str | Sequence[str],
    argvalues: Iterable[Any],
    *,
    ids: Ids = None,
    axis: str = "",
    indirect: bool | Sequence[str] = False,
) -> Callable[[F], F]:
    """Run a step, and everything that waits for it, once for each value.

    Parameters
    ----------
    argnames
        A parameter of the step, or several: ``"C"``, ``"C, kernel"``, ``("C", "kernel")``. Or a fixture
        that the step uses, which the value takes the place of.
    argvalues
        The values, or tuples of values; `param` gives one an id or marks.
    ids
        What stands in the ids of the nodes: a list, or a function from a value to a text or None.
        By default they are written from the values, as pytest does.
    axis
        The name of the axis; by default the names of the parameters, joined by ``-``. Steps whose
        axes have one name and the same ids are aligned: branch goes with branch.
    indirect
        True, or those of the names that are fixtures: the value is the fixture's ``request.param``.

    Raises
    ------
    UsageError
        There are no values, a name is no identifier, or the numbers of values and ids differ.
    """
    made = make_axis(argnames, argvalues, ids=ids, axis=axis, indirect=indirect)

    def decorate(function: F) -> F:
        note = getattr(function, NOTE, None)
        axes = note.axes if isinstance(note, StepNote) else ()
        for other in axes:
            if other.name == made.name:
                raise UsageError(
                    f"parametrize: the step has an axis {made.name!r} already",
                    hint='give one another name: parametrize(..., axis="...")',
                )
            twice = sorted(set(other.arguments) & set(made.arguments))
            if twice:
                raise UsageError(f"parametrize: parameter {twice[0]!r} is given by two axes")
        return annotate(function, axes=(*axes, made))

    return decorate
