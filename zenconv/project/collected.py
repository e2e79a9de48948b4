"""What collecting a project has found, file by file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from zenconv.errors import Problem
from zenconv.fingerprint.sources import ProjectSources
from zenconv.frozen import Frozen
from zenconv.records.step import Fixture, Step


@attrs.frozen(eq=False, repr=False)
class CollectedFile(Frozen):
    """What one step file or ``zenconf.py`` holds.

    Parameters
    ----------
    file, module
        The path below the root, and the import name.
    pipeline
        The name of the pipeline; ``""`` for a ``zenconf.py``.
    problems
        Why it cannot be used, in part or at all.
    late
        Types with names that only type checkers import, by (step or fixture, parameter). Outputs
        stand under ``"return"`` and ``"return.<output>"``.
    asked
        Parameters of the settings that its code has looked up while it was collected.
    """

    file: str
    module: str
    pipeline: str
    steps: tuple[Step, ...] = ()
    fixtures: tuple[Fixture, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    late: Mapping[tuple[str, str], Any] = attrs.field(factory=dict, repr=False)
    asked: frozenset[str] = frozenset()

    @property
    def folder(self) -> str:
        """The folder below the root; ``""`` is the root."""
        return self.file.rpartition("/")[0]

    @property
    def is_zenconf(self) -> bool:
        """Whether its steps are templates."""
        return not self.pipeline


@attrs.frozen(eq=False, repr=False)
class Collection(Frozen):
    """Everything the project offers, by file, in the order of discovery."""

    sources: ProjectSources
    files: Mapping[str, CollectedFile]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def step_files(self) -> list[CollectedFile]:
        """Return the files that are pipelines."""
        return [file for file in self.files.values() if not file.is_zenconf]


@attrs.frozen(eq=False, repr=False)
class Override(Frozen):
    """Something that is seen in `pipelines` in the place of another of its `name`.

    `kind` is ``step``, ``output`` or ``fixture``. `where` is ``file:line``, and so is `overridden`, or
    ``built in``. `wraps`: it asks for what it overrides.
    """

    name: str
    kind: str
    where: str
    overridden: str
    wraps: bool
    pipelines: tuple[str, ...]
