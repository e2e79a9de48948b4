"""What executes a project's steps, made in the same way in the runner and in its workers."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from zenconv.engine.builtin_fixtures import BuiltinFixtures, RunInfo
from zenconv.engine.capture import Capture
from zenconv.engine.checkpoints import Checkpoints
from zenconv.engine.failures import ProjectFiles
from zenconv.engine.interruption import Interruption
from zenconv.engine.output_choices import OutputChoices
from zenconv.engine.perform import Performer
from zenconv.engine.resources import Resources
from zenconv.engine.secrets import Secrets
from zenconv.materializers import Materializers
from zenconv.project.indexed import IndexedProject
from zenconv.project.project import Project
from zenconv.records.events import RunStarted
from zenconv.records.layout import RunFolder, StateFolder
from zenconv.records.step import Pipeline
from zenconv.settings import Settings
from zenconv.settings.settings import seed_of
from zenconv.stack.assemble import Stack


def make_performer(
    settings: Settings,
    folder: RunFolder,
    started: RunStarted,
    project: Project | IndexedProject,
    stack: Stack,
    materializers: Materializers,
    pipeline: Pipeline,
    capture: Capture,
    secrets: Secrets,
    interruption: Interruption,
    scratch: str = "inputs",
) -> Performer:
    """Return what executes the steps of `pipeline` in this process.

    `scratch` is the name of the folder, below that of the run, which no other process uses.
    """
    private: Path = folder.path / scratch
    info = RunInfo(folder.id, folder.number, settings.stack.name, datetime.fromisoformat(started.at))
    checkpoints = Checkpoints(StateFolder(settings.state).checkpoints)
    builtins = BuiltinFixtures(info, seed_of(settings), secrets, checkpoints)
    return Performer(
        pipeline,
        stack.artifact_store,
        materializers,
        stack.trust,
        Resources(pipeline, builtins, secrets, settings.root, private),
        capture,
        secrets,
        interruption,
        ProjectFiles(settings.root, project.is_project_file),
        settings.root,
        private,
        materializer_of=OutputChoices(settings.outputs).materializer_of,
    )
