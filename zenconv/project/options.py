"""What the options of a step say about its parameters: `params`, `inputs` and axes."""

from __future__ import annotations

from typing import NamedTuple

import attrs

from zenconv.authoring import StepNote
from zenconv.errors import did_you_mean
from zenconv.records.step import Parameter


class Mistake(NamedTuple):
    """What is wrong with an option, what exists instead, and the edit."""

    what: str
    exists: str = ""
    hint: str = ""


def apply_options(
    name: str, note: StepNote, parameters: tuple[Parameter, ...]
) -> tuple[tuple[Parameter, ...], list[Mistake]]:
    """Return the parameters of the step `name` as its options make them, and what is wrong with those."""
    known = [parameter.name for parameter in parameters]
    given = [(argument, "has the option params for") for argument in note.params]
    given += [(argument, "has the option inputs for") for argument in note.inputs]
    mistakes = [
        Mistake(
            f"step {name!r} {verb} {argument!r}, which is no parameter of it", did_you_mean(argument, known)
        )
        for argument, verb in given
        if argument not in known
    ]
    axes = [argument for axis in note.axes for argument in axis.arguments]  # may name fixtures as well
    names = [*axes, *(argument for argument, _ in given)]
    twice = sorted({argument for argument in names if names.count(argument) > 1})
    mistakes += [Mistake(f"step {name!r} is told twice what its parameter {again!r} gets") for again in twice]
    return tuple([_apply(note, parameter) for parameter in parameters]), mistakes


def _apply(note: StepNote, parameter: Parameter) -> Parameter:
    if parameter.name in note.params:
        return attrs.evolve(parameter, has_default=True, default=note.params[parameter.name])
    if parameter.name in note.inputs:
        return attrs.evolve(parameter, asks_for=note.inputs[parameter.name], explicit=True)
    return parameter
