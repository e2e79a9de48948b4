"""The words a step file may use; none is needed to begin."""

from zenconv.authoring.marks import MODULE_MARKS, Mark, Marker, ShownArgument, mark, show_argument
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
    parse_duration,
    step,
)

__all__ = [
    "MODULE_MARKS",
    "NOTE",
    "OUTPUT",
    "SCOPES",
    "FixtureNote",
    "From",
    "Mark",
    "Marker",
    "Output",
    "Scope",
    "ShownArgument",
    "StepNote",
    "fixture",
    "helper",
    "mark",
    "parse_duration",
    "show_argument",
    "step",
]
