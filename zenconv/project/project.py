"""A project, opened: the one entry through which commands and the engine see steps and graphs."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from zenconv.errors import Problem
from zenconv.fingerprint.sources import ProjectSources
from zenconv.project.collecting_hooks import CollectingHooks
from zenconv.project.observing import Watcher
from zenconv.project.select import WHOLE, Narrowing, Selected, as_steps, select
from zenconv.project.witnesses import Surroundings
from zenconv.records.step import Pipeline

if TYPE_CHECKING:
    from zenconv.hooks.manager import Plugins
    from zenconv.project.build import Graph
    from zenconv.project.collected import Collection, Override
    from zenconv.project.collection_index import CollectionIndex
    from zenconv.settings.settings import Settings


T = TypeVar("T")


class Project:
    """Settings, the files they lead to, and the graph of all pipelines; each made when first asked for."""

    def __init__(
        self,
        settings: Settings,
        on_progress: Callable[[str], object] | None = None,
        plugins: Plugins | None = None,
        *,
        before: Surroundings | None = None,
    ) -> None:
        self.settings = settings
        self.sources = before.sources if before is not None else ProjectSources(settings.root)
        self.watcher = Watcher(self.sources)
        self.index: CollectionIndex | None = None
        self.reasons: list[str] | None = None
        self.hooks = CollectingHooks(plugins)
        self._tell = on_progress or (lambda _text: None)
        self._before = before
        self._doubts: tuple[list[str], list[str]] | None = None

    @cached_property
    def before(self) -> Surroundings:
        """What lay around the project's files before they were imported."""
        return self._before or Surroundings(self.settings, self.sources)

    @cached_property
    def collection(self) -> Collection:
        """What the files define. Importing them is the first thing that runs the project's code."""
        from zenconv.project.collect import collect  # of no use where the collection index answers

        files = self.before.files
        with self.watcher:
            found = _without_collector(
                lambda: collect(self.settings, self.sources, self.hooks, on_progress=self._tell, files=files)
            )
        if not self.settings.replacements:
            return found
        from zenconv.project.replacing_steps import replace_steps

        return replace_steps(found, self.settings.replacements)

    @cached_property
    def graph(self) -> Graph:
        """Every pipeline, with the mistakes that were found; nothing is raised."""
        from zenconv.project.build import build

        collection = self.collection
        return _without_collector(lambda: build(collection, self.settings, self.hooks))

    @property
    def whole(self) -> Pipeline:
        """The graph of all pipelines."""
        return self.graph.pipeline

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is odd but stops nothing."""
        return (*self.collection.warnings, *self.graph.warnings)

    @cached_property
    def overrides(self) -> tuple[Override, ...]:
        """Which steps and fixtures take the place of others."""
        from zenconv.project.overrides import find_overrides

        scopes = self.graph.scopes
        return find_overrides(scopes) if scopes is not None else ()

    def find_reasons(self) -> list[str]:
        """Return why what was collected may not be used again by a command that imports nothing."""
        if self.reasons is None:
            if self.graph.mistakes or self.collection.problems:
                self.reasons = ["the project has mistakes"]
            elif self.settings.replacements:
                self.reasons = ["other functions are in the place of steps"]
            else:
                from zenconv.project.marks import find_conditions

                hooks = self.hooks.find_reasons()
                skips = find_conditions(self.graph.pipeline)
                self.reasons = [
                    *self.watcher.reasons,
                    *hooks,
                    *self._find_doubts(),
                    *skips,
                ]
        return self.reasons

    def _find_doubts(self) -> list[str]:
        """Return what importing the modules may do differently another time."""
        modules = [source.module for source in self.sources.modules()]
        if self._doubts is None or self._doubts[0] != modules:
            from zenconv.project.import_time import find_doubts

            self._doubts = modules, find_doubts(self.sources, self.hooks.packages())
        return self._doubts[1]

    def forget_syntax(self) -> None:
        """Give back the memory of the syntax trees, once all is read that is asked of most projects."""
        self._find_doubts()
        self.sources.forget_syntax()

    def checked(self, targets: Sequence[str] = (), narrowing: Narrowing = WHOLE) -> Selected:
        """Return what is asked for with everything it needs; see `select`.

        Raises
        ------
        CollectionError
            The files that the selection needs have mistakes; all of them are in it.
        SettingsError
            Parameters have; all of them are in it.
        UsageError
            A target is unknown or ambiguous. `NothingSelected`: no step is left.
        """
        selected = self.select(targets, narrowing)
        self.graph.check(selected.files)
        return selected

    def select(self, targets: Sequence[str] = (), narrowing: Narrowing = WHOLE) -> Selected:
        """Return what is asked for without minding mistakes."""
        if not targets and not self.whole.nodes:
            self.graph.check(self.collection.files)
        return select(self.whole, targets, narrowing, cwd=self.settings.cwd, collection=self.collection)

    def match(self, pipeline: Pipeline, targets: Iterable[str]) -> frozenset[str]:
        """Return the ids of nodes of `pipeline` that `targets` name, steps first (`UsageError`: unknown)."""
        names = as_steps(self.whole, targets)
        selected = self.select(names).ids if names else frozenset()
        return frozenset(id for id in selected if id in pipeline.nodes)

    def is_project_file(self, path: str) -> bool:
        """Return whether `path` is code of the project: the user's frames of a traceback."""
        return self.sources.places.is_project_file(path)


def open_project(
    settings: Settings,
    on_progress: Callable[[str], object] | None = None,
    plugins: Plugins | None = None,
) -> Project:
    """Return the project that `settings` describe; nothing is imported yet.

    Parameters
    ----------
    on_progress
        Told in a word what is being done.
    plugins
        Those that have a say in what steps there are; without them, nobody has.
    """
    return Project(settings, on_progress, plugins)


def _without_collector(work: Callable[[], T]) -> T:
    """Do `work` with the cyclic garbage collector off: it makes many records and no garbage."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return work()
    finally:
        if was_enabled:
            gc.enable()
