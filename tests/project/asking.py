"""Short questions to a project, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from zenconv.errors import ZenconvError
from zenconv.project.project import Project
from zenconv.project.select import Narrowing, Selected
from zenconv.records.step import Binding, Step


def steps_of(project: Project, file: str = "steps_a.py") -> dict[str, Step]:
    """Return the collected steps of one file by name."""
    collected = project.collection.files[file]
    assert not collected.problems, collected.problems
    return {step.name: step for step in collected.steps}


def bindings_of(project: Project, id: str) -> dict[str, Binding]:
    """Return the bindings of a node by parameter; the project must be sound."""
    pipeline = project.checked().pipeline
    return {binding.parameter: binding for binding in pipeline.nodes[id].bindings}


def value_of(project: Project, id: str, parameter: str) -> tuple[Any, str]:
    """Return value and origin of a parameter."""
    binding = bindings_of(project, id)[parameter]
    assert binding.source == "value"
    return binding.value, binding.origin


def select(project: Project, *targets: str, cwd: Path | None = None, **narrowing: Any) -> Selected:
    """Return what `targets` select from the folder `cwd`, by default the current one."""
    if cwd is not None:
        project.settings = attrs.evolve(project.settings, cwd=cwd)
    return project.checked(targets, Narrowing(**narrowing))


def error_of(project: Project, *targets: str, **options: Any) -> ZenconvError:
    """Return the error that selecting `targets` raises; see `select`."""
    with pytest.raises(ZenconvError) as caught:
        select(project, *targets, **options)
    return caught.value
