"""The words a step file may use; none is needed to begin."""

from zenconv.authoring.notes import (
    NOTE,
    OUTPUT,
    SCOPES,
    FixtureNote,
    From,
    Output,
    Scope,
    StepNote,
    fixture,
    helper,
    mark,
    parse_duration,
    step,
)

__all__ = [
    "NOTE",
    "OUTPUT",
    "SCOPES",
    "FixtureNote",
    "From",
    "Output",
    "Scope",
    "StepNote",
    "fixture",
    "helper",
    "mark",
    "parse_duration",
    "step",
]
