"""The words a step file may use; none is needed to begin."""

from zenconv.authoring.fan_out import Axis, AxisItem, Collect, Each, Over, clean_ids, param, parse_tolerance
from zenconv.authoring.fixtures import SCOPES, FixtureNote, Scope, check_scope, fixture
from zenconv.authoring.marks import MODULE_MARKS, Mark, Marker, ShownArgument, mark, show_argument
from zenconv.authoring.notes import (
    NOTE,
    OUTPUT,
    From,
    Output,
    StepNote,
    helper,
    parse_duration,
    step,
)
from zenconv.authoring.parametrize import parametrize
from zenconv.authoring.when import when

__all__ = [
    "MODULE_MARKS",
    "NOTE",
    "OUTPUT",
    "SCOPES",
    "Axis",
    "AxisItem",
    "Collect",
    "Each",
    "FixtureNote",
    "From",
    "Mark",
    "Marker",
    "Output",
    "Over",
    "Scope",
    "ShownArgument",
    "StepNote",
    "check_scope",
    "clean_ids",
    "fixture",
    "helper",
    "mark",
    "param",
    "parametrize",
    "parse_duration",
    "parse_tolerance",
    "show_argument",
    "step",
    "when",
]
