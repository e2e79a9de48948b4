"""A worker's side of a run: collect the project as the runner did, from the same bytes."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from zenconv.engine.perform import Performer
from zenconv.engine.secrets import Secrets
from zenconv.engine.step_hooks import StepHooks
from zenconv.engine.worker import WorkerStart, run_worker
from zenconv.hooks.manager import Plugins
from zenconv.materializers import Materializers
from zenconv.project.performing import make_performer
from zenconv.project.project import Project, open_project
from zenconv.project.sampling import sample_pipeline
from zenconv.records.events import RunStarted
from zenconv.records.layout import RunFolder
from zenconv.records.step import Node
from zenconv.settings import Settings
from zenconv.settings.cores import count_cores
from zenconv.stack.assemble import assemble


def describe_beginning(
    project: Project, nodes: Iterable[Node], workers: int, *, live: bool
) -> dict[str, Any]:
    """Return the first message to each of `workers` workers: plain JSON data.

    It holds the project's code as the runner has read and fingerprinted it: an edit made since
    then must not be executed under the old key. `nodes` are what will be asked for.
    """
    sources = {
        str(source.path): source.data.decode("latin-1")
        for source in project.sources.modules()
        if not source.is_binary
    }
    files = sorted({node.step.file for node in nodes})
    return {"sources": sources, "files": files, "threads": max(1, count_cores() // workers), "live": live}


@attrs.define(eq=False, repr=False)
class WorkerBody:
    """What a worker does; made before the runner collects, called in the forked worker."""

    settings: Settings
    load_plugins: Callable[[], Plugins]
    folder: RunFolder
    started: RunStarted

    def __call__(self, connection: socket.socket, spool: int, number: int) -> None:
        """Work until the runner has no more tasks; does not return."""
        run_worker(connection, spool, number, self.open_performer)

    def open_performer(self, start: WorkerStart) -> Performer:
        """Collect the project; return what executes its steps. `ZenconvError` as in the runner."""
        settings, link = self.settings, start.link
        os.chdir(settings.root)
        plugins = self.load_plugins()
        stack = assemble(settings, plugins)
        stack.protect(self.folder.lock, f"run {self.folder.id}")
        project = open_project(settings, lambda text: link.send({"doing": text}), plugins)
        sources = start.beginning["sources"]
        project.sources.given = {path: text.encode("latin-1") for path, text in sources.items()}
        is_elsewhere = "body" in start.beginning
        if not is_elsewhere:
            project.graph.check(start.beginning["files"])
        pipeline = project.graph.pipeline
        if self.started.sample:
            pipeline = sample_pipeline(pipeline, self.started.sample)
        performer = make_performer(
            settings,
            self.folder,
            self.started,
            project,
            stack,
            Materializers(plugins.materializers()),
            pipeline,
            start.capture,
            Secrets(lambda name: link.send({"secret": name})),
            start.interruption,
            f"inputs-{start.number}",
        )
        performer.endings.tell = lambda names: link.send({"ending": names})
        performer.hooks = StepHooks(plugins, self.folder.id)
        if is_elsewhere:
            # Files of steps that run in other environments need not be importable in this one.
            performer.check = lambda node: project.graph.check([node.partition("::")[0]])
        return performer
