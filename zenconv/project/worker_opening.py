"""Open the workers of a run: forked ones beside the runner, others in environments of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from zenconv.engine.failures import ProjectFiles
from zenconv.engine.interruption import Interruption
from zenconv.engine.local_work import WorkersOpener
from zenconv.engine.secrets import Secrets
from zenconv.engine.time_limits import TimeWatch
from zenconv.frozen import Frozen
from zenconv.hooks.manager import Plugins
from zenconv.interfaces.orchestrating import Workers
from zenconv.project.planning import Planner
from zenconv.project.project import Project
from zenconv.records.events import RunStarted
from zenconv.records.layout import RunFolder
from zenconv.settings import Settings

if TYPE_CHECKING:
    from zenconv.engine.fork_server import ForkServer
    from zenconv.engine.spawner import Spawner


@attrs.frozen(eq=False, repr=False)
class WorkerOpener(Frozen):
    """What every worker of one run has in common."""

    settings: Settings
    load_plugins: Callable[[], Plugins]
    folder: RunFolder
    started: RunStarted
    secrets: Secrets
    interruption: Interruption
    live: bool

    def forked_by(self, server: ForkServer, planner: Planner) -> WorkersOpener:
        """Return what opens workers that `server` forks."""
        return partial(self._open_forked, server, planner)

    def _open_forked(self, server: ForkServer, planner: Planner, most: int) -> Workers:
        from zenconv.project.working import describe_beginning

        if not isinstance(planner.project, Project):
            return self._watch(server, {}, planner)  # nothing has to run, so none is started
        beginning = describe_beginning(planner.project, planner.pipeline, most, live=self.live)
        return self._watch(server, beginning, planner)

    def open_elsewhere(self, planner: Planner) -> Workers:
        """Prepare for workers with the interpreters of other environments."""
        from zenconv.engine.spawner import Spawner
        from zenconv.project.spawned import encode_body
        from zenconv.project.working import WorkerBody, describe_beginning

        assert isinstance(planner.project, Project)
        nodes = [node for node in planner.pipeline if node.marks.requirements is not None]
        body = WorkerBody(self.settings, self.load_plugins, self.folder, self.started)
        beginning = describe_beginning(planner.project, nodes, 1, live=self.live)
        return self._watch(Spawner(live=self.live), {**beginning, "body": encode_body(body)}, planner)

    def _watch(self, source: ForkServer | Spawner, beginning: Mapping[str, Any], planner: Planner) -> Workers:
        from zenconv.engine.workers import ProcessWorkers

        files = ProjectFiles(self.settings.root)
        watch = TimeWatch(source.signal, source.stop, files)
        store = planner.stack.artifact_store
        return ProcessWorkers(
            source, beginning, self.folder.path, store, self.secrets, watch, files, self.interruption
        )
