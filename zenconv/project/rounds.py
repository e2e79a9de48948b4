"""One of many runs of the same project in a row: whether anything has changed since the one before.

Between rounds goes what `RoundState` holds. The runner compares its plan with it, and where
running would come to the same, the round is dropped: it leaves no record.
"""

from __future__ import annotations

import importlib
import mmap
import os
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from zenconv import hashing
from zenconv.engine.import_recorder import ImportRecorder
from zenconv.engine.preload import Imports, Preloaded
from zenconv.engine.runner import Channel
from zenconv.engine.supervisor import GRACE_SECONDS
from zenconv.errors import ZenconvError
from zenconv.fingerprint.places import STANDARD_LIBRARY
from zenconv.frozen import Frozen
from zenconv.project.planning import Planner
from zenconv.project.project import Project
from zenconv.records.events import (
    Answer,
    Event,
    ProjectFailed,
    RunFinished,
    StepFinished,
    StepsReused,
    StepStarted,
)
from zenconv.records.plan import Plan

if TYPE_CHECKING:
    from zenconv.engine.execution import RunExecution


_SHORT_SECONDS = 0.0005
_FORCED = "forced"
"""The reason of a step that runs because the command says so, in each round alike."""


@attrs.frozen(eq=False, repr=False)
class RoundState(Frozen):
    """How a round ended.

    Parameters
    ----------
    plan
        A digest of every node with the part of its key that needs no inputs.
    pending
        Nodes that have no result: they failed, were skipped or interrupted.
    opened
        Paths that steps read without having asked for them, also those that failed.
    error
        Why there was no plan, or ``""``.
    """

    plan: str = ""
    pending: Collection[str] = ()
    opened: Collection[str] = ()
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            "plan": self.plan,
            "pending": list(self.pending),
            "opened": list(self.opened),
            "error": self.error,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RoundState:
        """Rebuild from `to_json` data."""
        return cls(data["plan"], frozenset(data["pending"]), frozenset(data["opened"]), data["error"])


class RoundDropped(ZenconvError):
    """The round is not a run: nothing changed, or this process is not fit for it."""


class Freshness:
    """Whether libraries imported ahead are as they are on disk: found out beside the runner, which waits.

    It is found out in the supervisor, once, while the runner imports the project.
    """

    _FRESH, _STALE = 1, 2

    def __init__(self, preloaded: Preloaded) -> None:
        self._preloaded = preloaded
        self._shared = mmap.mmap(-1, 1)

    def find_out(self) -> str:
        """Return which file has changed, or ``""``; whoever waits goes on."""
        stale = self._preloaded.find_stale()
        self._shared[0] = self._STALE if stale else self._FRESH
        return stale

    def wait(self) -> bool:
        """Return whether they are, once that is known."""
        while not self._shared[0]:
            time.sleep(_SHORT_SECONDS)
        return self._shared[0] == self._FRESH


@attrs.define(eq=False, repr=False)
class Round:
    """What the runner does besides running.

    Parameters
    ----------
    root
        The project's root.
    since
        How the round before ended; None: run whatever happened.
    changed
        The paths that changed since then.
    preloaded, freshness
        Libraries imported ahead in this process, and whether they are still right.
    """

    root: Path
    since: RoundState | None = None
    changed: Collection[str] = ()
    preloaded: Preloaded | None = None
    freshness: Freshness | None = None
    _recorder: ImportRecorder | None = None

    def begin(self, channel: Channel) -> None:
        """Be told that the project will be imported now, if at all."""
        importlib.invalidate_caches()  # what was listed when libraries were imported may have changed

        def on_write(text: str) -> None:
            channel.send(Answer({"doubt": text}))
            time.sleep(GRACE_SECONDS)  # until the round is ended, and this step interrupted

        self._recorder = ImportRecorder(self.root, self.preloaded, on_write if self.preloaded else None)

    def check_failure(self, channel: Channel) -> None:
        """Be told that importing failed. `RoundDropped`: perhaps only because of what was there before."""
        self._doubt(channel, None)

    def take_plan(self, planner: Planner, plan: Plan, channel: Channel) -> None:
        """Look at the plan. `RoundDropped`: nothing has changed, or libraries have to be imported anew."""
        assert self._recorder is not None
        if isinstance(planner.project, Project):
            self._doubt(channel, planner.project)
            self._recorder.end_import()
        state = digest_plan(plan)
        channel.send(Answer({"plan": state, "elsewhere": _find_elsewhere(planner)}))
        if self.since is not None and self._is_idle(state, planner, plan):
            channel.send(Answer({"idle": True}))
            raise RoundDropped("nothing changed")

    def see(self, event: Event, execution: RunExecution, channel: Channel) -> None:
        """Be told an event of the run."""
        if isinstance(event, StepStarted) and event.node in execution.records.keys:
            channel.send(Answer({"started": [event.node, execution.records.keys[event.node]]}))

    def finish(self, planner: Planner, execution: RunExecution, channel: Channel) -> None:
        """Be told that everything was executed."""
        assert self._recorder is not None
        root = str(self.root)
        opened = sorted({os.path.join(root, name) for names in execution.read.values() for name in names})
        answer: dict[str, Any] = {"opened": opened}
        if isinstance(planner.project, Project):
            if self.preloaded is not None:
                imports = self._recorder.added(self.preloaded.imports, planner.project.sources)
            else:
                imports = self._recorder.imports(planner.project.sources)
            answer["imports"] = imports.to_json()
        channel.send(Answer(answer))

    def _doubt(self, channel: Channel, project: Project | None) -> None:
        assert self._recorder is not None
        if self.freshness is not None and not self.freshness.wait():
            raise RoundDropped("an installed library changed")
        doubt = self._recorder.find_doubt(project.sources if project is not None else None)
        if doubt:
            channel.send(Answer({"doubt": doubt}))
            raise RoundDropped(doubt)

    def _is_idle(self, state: str, planner: Planner, plan: Plan) -> bool:
        since = self.since
        assert since is not None
        if since.error or since.plan != state or is_among(self.changed, since.opened):
            return False
        keys = planner.decider.keys
        decided = [plan.decisions[node.id] for node in plan.pipeline if node.id not in since.pending]
        running = [d.node for d in decided if d.action == "run" and d.reason != _FORCED]
        return all(keys.local(plan.pipeline.nodes[id]).impure for id in running)


def is_among(changed: Iterable[str], opened: Collection[str]) -> bool:
    """Return whether one of the paths `changed` was opened, or lies in a folder that was listed."""
    folders = {path.rstrip("/") for path in opened if path.endswith("/")}
    return any(not path or path in opened or os.path.dirname(path) in folders for path in changed)


def digest_plan(plan: Plan) -> str:
    """Return a digest of what the nodes are, apart from what their inputs hold."""
    texts = (text for id, decision in plan.decisions.items() for text in (id, decision.local))
    return hashing.digest_texts("zenconv.round", texts)


def _find_elsewhere(planner: Planner) -> dict[str, list[str]]:
    """Return what counts and is not found by watching the root: files, folders, and folders of code."""
    project = planner.project
    files: set[str] = set()
    folders: set[str] = set()
    code: set[str] = set()
    if isinstance(project, Project):
        places = project.sources.places
        files |= {str(source.path) for source in project.sources.modules()}
        for entry in filter(os.path.isdir, project.before.paths):
            if places.is_project_folder(entry):
                code.add(entry)
            elif "-packages" in entry or not (entry + os.sep).startswith(STANDARD_LIBRARY + os.sep):
                folders.add(entry)
    keys = planner.decider.keys
    for node in planner.pipeline:
        for path in keys.local(node).files:
            if path.is_dir():
                folders |= {folder for folder, _, _ in os.walk(path)}
            files.add(str(path))
    if project.settings.file is not None:
        files.add(str(project.settings.file))
    return {"files": sorted(files), "folders": sorted(folders), "code": sorted(code)}


class RoundListener:
    """Gathers, in the supervisor, what becomes of a round; events of a dropped one go no further.

    Parameters
    ----------
    listener
        Is told every event of a round that is not dropped.
    since
        How the round before ended.
    tell
        Gets what the process that watches has to know at once.
    freshness
        Found out when the runner has begun.
    """

    def __init__(
        self, listener: Any, since: RoundState | None, tell: Any, freshness: Freshness | None = None
    ) -> None:
        self._freshness = freshness
        self._listener = listener
        self._since = since
        self._tell = tell
        self._statuses: dict[str, str] = {}
        self._answers: dict[str, Any] = {}
        self._error = ""
        self.is_dropped = False

    def __call__(self, event: Event) -> None:
        """Take one event."""
        freshness, self._freshness = self._freshness, None
        if freshness is not None and (stale := freshness.find_out()):
            self.is_dropped = True
            self._tell({"stale": stale})
        if isinstance(event, Answer):
            self._take(event.data)
        elif isinstance(event, StepFinished):
            self._statuses[event.node] = event.status
            self._tell({"ended": event.node})
        elif isinstance(event, StepsReused):
            self._statuses.update((step["node"], "reused") for step in event.steps)
        elif isinstance(event, ProjectFailed):
            self._error = event.message
            self.is_dropped |= self._since is not None and self._since.error == event.message
        if not self.is_dropped:
            self._listener(event)

    def _take(self, answer: Mapping[str, Any]) -> None:
        if "started" in answer:
            self._tell(answer)
            return
        self._answers.update(answer)
        if "idle" in answer or "doubt" in answer:
            self.is_dropped = True
        if "doubt" in answer or "elsewhere" in answer:
            self._tell(answer)

    def result(self, finished: RunFinished | None) -> dict[str, Any]:
        """Return what the process that watches keeps of this round: plain JSON data."""
        if self._answers.get("idle"):
            return {"idle": True}
        kept: dict[str, Any] = {"imports": self._answers.get("imports")}
        if finished is not None and finished.status in ("succeeded", "failed", "error"):
            pending = [n for n, status in self._statuses.items() if status not in ("succeeded", "reused")]
            opened: Sequence[str] = self._answers.get("opened", ())
            state = RoundState(self._answers.get("plan", ""), pending, opened, self._error)
            kept["state"] = state.to_json()
        return kept


def collect_imports(project: Project, recorder: ImportRecorder) -> Imports:
    """Import `project` and return what came of installed libraries; its mistakes do not matter."""
    project.collection  # noqa: B018 - this is what imports it
    recorder.end_import()
    return recorder.imports(project.sources)
