"""Short questions to a project, for tests."""

from __future__ import annotations

from typing import Any

import pytest

from zenconv.errors import ZenconvError
from zenconv.project.project import Project
from zenconv.records.step import Binding, Step


def steps_of(project: Project, file: str = "steps_a.py") -> dict[str, Step]:
    """Return the collected steps of one file by name."""
    collected = project.collection.files[file]
    assert not collected.problems, collected.problems
    return {step.name: step for step in collected.steps}


def bindings_of(project: Project, id: str) -> dict[str, Binding]:
    """Return the bindings of a node by parameter; the project must be sound."""
    pipeline, _ = project.pipeline()
    return {binding.parameter: binding for binding in pipeline.nodes[id].bindings}


def value_of(project: Project, id: str, parameter: str) -> tuple[Any, str]:
    """Return value and origin of a parameter."""
    binding = bindings_of(project, id)[parameter]
    assert binding.source == "value"
    return binding.value, binding.origin


def error_of(project: Project, *targets: str, **options: Any) -> ZenconvError:
    """Return the error that selecting `targets` raises."""
    with pytest.raises(ZenconvError) as caught:
        project.pipeline(targets, **options)
    return caught.value
