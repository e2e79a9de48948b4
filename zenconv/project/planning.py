"""Plan: what would run and why; from the collection index where it holds, else by importing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from zenconv.engine.decide import Decider, NodeResult, make_plan, plan_reuse
from zenconv.engine.fan_out import FanOut
from zenconv.engine.files import FileDigests
from zenconv.engine.keys import KeyMaker
from zenconv.engine.known_code import ImportedCode
from zenconv.engine.output_choices import OutputChoices
from zenconv.engine.plan_records import plan_rows
from zenconv.engine.written import is_written
from zenconv.errors import UsageError
from zenconv.fingerprint.sources import ProjectSources
from zenconv.frozen import Frozen
from zenconv.hooks.manager import Plugins
from zenconv.materializers import Materializers
from zenconv.project.collection_index import DAMAGES, CollectionIndex, find_index
from zenconv.project.forcing import list_downstream, put_first
from zenconv.project.indexed import IndexedCode, IndexedProject, NotInIndex
from zenconv.project.key_hooks import KeyHooks
from zenconv.project.output_settings import check_outputs
from zenconv.project.past import Past
from zenconv.project.project import Project
from zenconv.project.replaced import OVERRIDDEN, Replaced
from zenconv.project.select import Narrowing, Selected, as_steps
from zenconv.project.witnesses import Surroundings, scan_packages
from zenconv.records.layout import StateFolder
from zenconv.records.plan import Plan
from zenconv.records.step import Node, Pipeline
from zenconv.settings.settings import seed_of
from zenconv.stack.assemble import Stack, assemble

if TYPE_CHECKING:
    from zenconv.engine.environments import Environments
    from zenconv.engine.portion import Portion
    from zenconv.project.replacing import Replacement
    from zenconv.settings import Settings

T = TypeVar("T")
Tell = Callable[[str], None]


@attrs.frozen(eq=False, repr=False)
class Selection(Frozen):
    """Which steps are wanted, and which of them in any case: what the flags of a run say.

    `keyword` and `marks` are expressions. `last_failed` are only those that failed last; with
    `failed_first` these come first. `force`, `only` and `begin` name steps that run although
    nothing changed: `only` nothing but these are asked for, `begin` with all that is downstream.
    `sample` says on how much data, as in `RunStarted`. `verify`, of the reused ones, says which to
    execute again for comparison. `replacements` take the place of results.
    """

    targets: tuple[str, ...] = ()
    keyword: str = ""
    last_failed: bool = False
    force: tuple[str, ...] = ()
    marks: str = ""
    failed_first: bool = False
    only: tuple[str, ...] = ()
    begin: tuple[str, ...] = ()
    sample: str = ""
    verify: Portion | None = None
    replacements: tuple[Replacement, ...] = ()

    @property
    def forces(self) -> bool:
        """Whether something runs although nothing changed."""
        return bool(self.force or self.only or self.begin or self.verify)


class Planner:
    """A project, from its index or imported, with everything that is needed to decide about its steps."""

    def __init__(
        self,
        project: Project | IndexedProject,
        selection: Selection,
        plugins: Plugins,
        stack: Stack,
        past: Past,
    ) -> None:
        settings = project.settings
        self.project = project
        self._plugins = plugins
        self.stack = stack
        self.past = past
        past.sample = selection.sample
        self.materializers = Materializers(plugins.materializers())
        selected = self._select(selection)
        self.replaced = self._replace(selected, selection)
        self.pipeline, self.selected = self.replaced.pipeline, self.replaced.selected
        fan_out = None
        if any(node.step.shape == "each" for node in self.pipeline):
            # It will grow, and the project's own must not.
            self.pipeline = attrs.evolve(self.pipeline, nodes=dict(self.pipeline.nodes))
            fan_out = FanOut(self.pipeline, selected.tests, self.selected)
        self.hooks = KeyHooks(plugins, settings, self.materializers.content_of)
        if settings.outputs:
            self._check_outputs()
        self.code, known = self._open_code()
        keys = KeyMaker(
            settings.root,
            self.pipeline,
            self.code,
            FileDigests(settings.state / "files.json"),
            seed=seed_of(settings),
            materializer_of=OutputChoices(settings.outputs).materializer_of,
            version_of=self.hooks.version_of,
            added_to=self.hooks.parts_of,
            known=known,
            environments=_open_environments(settings, self.pipeline),
        )
        self.decider = Decider(
            self.pipeline,
            keys,
            stack.action_cache,
            stack.artifact_store,
            stack.trust,
            frozenset(self.materializers.ids()),
            past.parts,
            selection.verify,
            fan_out,
        )
        if isinstance(project, Project):
            with project.watcher:
                self.code.fingerprinter.snapshot()

    @classmethod
    def open(
        cls,
        settings: Settings,
        selection: Selection,
        plugins: Plugins,
        tell: Tell,
        run: str = "",
    ) -> Planner:
        """Collect the project by importing it, and prepare to decide, for the run id `run` or for none.

        `CollectionError` and its kin say what is wrong.
        """
        stack, past = open_stack(settings, plugins, run)
        return cls._import(Project(settings, tell, plugins), selection, plugins, stack, past)

    @classmethod
    def _import(
        cls, project: Project, selection: Selection, plugins: Plugins, stack: Stack, past: Past
    ) -> Planner:
        project.sources.parses_early = True
        # Imported first: hooks of a ``zenconf.py`` are registered with it.
        _ = project.collection
        return cls(project, selection, plugins, stack, past)

    def _select(self, selection: Selection) -> Selected:
        failed = self.past.failed_nodes() if selection.last_failed or selection.failed_first else []
        only = failed if selection.last_failed else ()
        narrowing = Narrowing(selection.keyword, selection.marks, only)
        selected = self.project.checked(_find_targets(self.project, selection), narrowing)
        return attrs.evolve(selected, pipeline=_arrange(selected.pipeline, selection, failed))

    def _replace(self, selected: Selected, selection: Selection) -> Replaced:
        if not selection.replacements:
            return Replaced(selected.pipeline, selected.ids)
        if isinstance(self.project, IndexedProject):
            raise NotInIndex("annotations, which say what a file is read as")
        from zenconv.project.replacing import Replacer

        stack = self.stack
        replacer = Replacer(
            self.project.match,
            stack.artifact_store,
            stack.trust,
            self.materializers,
            OutputChoices(self.project.settings.outputs).materializer_of,
            is_plan=not self.past.is_in_run,
        )
        return replacer.replace(selected.pipeline, selected.ids, selection.replacements)

    def _open_code(self) -> tuple[Any, Mapping[str, tuple[str, str]]]:
        """Return what knows the code of steps, and the local keys that an index knows."""
        project, content_of = self.project, self.hooks.content_of
        if isinstance(project, IndexedProject):
            return IndexedCode(project.index, project.settings.root, content_of), project.known
        from zenconv.fingerprint import Fingerprinter

        return ImportedCode(Fingerprinter(project.sources, content_of=content_of)), {}

    def _check_outputs(self) -> None:
        """Raise `SettingsError` where the table ``outputs`` speaks of what there is not."""
        project = self.project
        if isinstance(project, IndexedProject):
            pipeline, is_whole = project.whole, True
        else:
            pipeline = project.graph.pipeline
            is_whole = not (project.graph.mistakes or project.collection.problems)
        check_outputs(project.settings, pipeline, self.materializers.ids(), is_whole=is_whole)

    @property
    def is_indexed(self) -> bool:
        """Whether the index answered, and nothing was imported."""
        return isinstance(self.project, IndexedProject)

    def local_hooks(self) -> list[str]:
        """Return the ``zenconf.py`` files that have hooks; a project that has any is not indexed."""
        return self.project.hooks.local if isinstance(self.project, Project) else []

    def warnings(self) -> list[str]:
        """Return what is odd about the project or its records but stops nothing."""
        return [*map(str, self.project.warnings), *self.past.notices]

    def plan(self, selection: Selection, done: Mapping[str, NodeResult] | None = None) -> Plan:
        """Return the plan for what is selected."""
        forced = self._find_forced(selection) - self.replaced.results.keys()
        known = {**(done or {}), **self.replaced.results}
        if not isinstance(self.project, Project):
            return make_plan(self.pipeline, self.decider, done=known, force=forced, asked=self.selected)
        with self.project.watcher:
            plan = make_plan(self.pipeline, self.decider, done=known, force=forced, asked=self.selected)
        scan_packages(self.project.before)
        self.project.forget_syntax()
        reasons = {id: f"{OVERRIDDEN} {origin}" for id, origin in self.replaced.origins.items()}
        told = {id: attrs.evolve(plan.decisions[id], reason=reason) for id, reason in reasons.items()}
        return attrs.evolve(plan, decisions={**plan.decisions, **told}) if told else plan

    def describe(self, plan: Plan) -> list[dict[str, Any]]:
        """Return the nodes of a plan as data; a template with the branches it had in the newest run."""
        nodes = []
        for row in plan_rows(plan):
            node = plan.pipeline.nodes[row["id"]]
            guessed = self.past.guess_branches(node) if row["action"] == "expand" else []
            nodes.append({**row, "guessed": guessed} if guessed else row)
        return nodes

    def _find_forced(self, selection: Selection) -> frozenset[str]:
        forced = self.project.match(self.pipeline, (*selection.force, *selection.only))
        for name in selection.begin:
            found = list_downstream(self.pipeline, self.project.match(self.pipeline, (name,)))
            if not found:
                raise UsageError(
                    f"--from {name}: nothing of what is selected is that step, or waits for it",
                    hint="leave out the targets: then everything that waits for it is selected",
                )
            forced |= found
        return forced

    def plan_reuse(self, selection: Selection, done: Mapping[str, NodeResult]) -> Plan | None:
        """Return the plan if nothing has to run, else None; reasons are not looked for.

        Files that steps wrote and that are no longer there count as something to run: where to
        put them is for the project's code to say, not for data.
        """
        plan = (
            None
            if selection.forces
            else plan_reuse(self.pipeline, self.decider, done=done, asked=self.selected)
        )
        if plan is None or not all(self._is_written(node, plan) for node in plan.pipeline):
            return None
        return plan

    def _is_written(self, node: Node, plan: Plan) -> bool:
        entry = plan.decisions[node.id].entry
        if entry is None:
            return not any(binding.is_output for binding in node.bindings)
        return is_written(node, entry.outputs, self.project.settings.root, self.materializers)

    @cached_property
    def not_indexed(self) -> list[str]:
        """Why the collection is not indexed; empty where it is, or can be."""
        return self.project.find_reasons() if isinstance(self.project, Project) else []

    def save_index(self, results: Iterable[NodeResult] = ()) -> None:
        """Write the collection index, unless the project came from it or cannot be indexed.

        `results` are those of the run: the classes that their stored values mention count too.
        """
        if isinstance(self.project, Project):
            from zenconv.project.indexing import save_index

            keys = self.decider.keys
            for result in results:
                for artifact in result.outputs.values():
                    for reference in artifact.refers:
                        keys.reference(reference)
            versions = self.project.hooks.versions()
            save_index(self.project, keys, name_plugins(self._plugins, versions))


def _find_targets(project: Project | IndexedProject, selection: Selection) -> tuple[str, ...]:
    if selection.only or selection.targets or not selection.begin:
        return as_steps(project.whole, selection.only) or selection.targets
    starts = project.match(project.whole, selection.begin)
    return tuple(sorted(list_downstream(project.whole, starts)))


def _arrange(pipeline: Pipeline, selection: Selection, failed: Sequence[str]) -> Pipeline:
    """Return `pipeline` in the order, and on as much data, as is wanted."""
    if selection.failed_first:
        pipeline = put_first(pipeline, failed)
    if selection.sample:
        from zenconv.project.sampling import sample_pipeline

        pipeline = sample_pipeline(pipeline, selection.sample)
    return pipeline


def _open_environments(settings: Settings, pipeline: Pipeline) -> Environments | None:
    if all(node.marks.requirements is None for node in pipeline):
        return None
    from zenconv.engine.environments import Environments

    return Environments(settings.root, settings.state / "environments")


def consult(
    settings: Settings,
    selection: Selection,
    plugins: Plugins,
    tell: Tell,
    question: Callable[[Planner], T | None],
    *,
    run: str = "",
) -> T:
    """Return what `question` says, put to the collection index first, and else to the imported project.

    None from the index means that the project has to be imported. The index is not written here.
    """
    stack, past = open_stack(settings, plugins, run)
    stack.check_offered()
    project, indexed = find_project(settings, tell, plugins)
    if indexed is not None:
        try:
            answer = question(Planner(indexed, selection, plugins, stack, past))
            if answer is not None:
                return answer
        except NotInIndex:
            pass
        except DAMAGES:  # what the index holds damaged, the project itself will say
            if os.environ.get("ZENCONV_DEBUG"):
                raise
    answer = question(Planner._import(project, selection, plugins, stack, past))
    assert answer is not None
    return answer


def open_stack(settings: Settings, plugins: Plugins, run: str) -> tuple[Stack, Past]:
    """Return the stack in use and what it remembers, which also gathers what components warn of."""
    notices: list[str] = []
    stack = assemble(settings, plugins, on_warning=notices.append)
    if run:
        stack.protect(StateFolder(settings.state).run(run).lock, f"run {run}")
    past = Past(settings, stack, run)
    past.notices = notices
    return stack, past


def name_plugins(plugins: Plugins, versions: Mapping[str, str]) -> list[str]:
    """Return what the plugins of this process are, those of a ``zenconf.py`` aside, in short texts.

    `versions` are what the answers of those depend on that take part in collecting.
    """
    rows = [row for row in plugins.rows() if row.origin != row.name]
    return [
        *(f"{row.name} {row.version} {row.module}" for row in rows),
        *(f"{name}: {version}" for name, version in sorted(versions.items())),
    ]


def find_project(
    settings: Settings, tell: Tell, plugins: Plugins, *, texts: bool = False
) -> tuple[Project, IndexedProject | None]:
    """Return the project, not yet imported, and as its index knows it, if the index holds.

    With other plugins it does not: they may have a say in what steps there are, and in what values
    count for. With `texts`, the indexed project has descriptions and annotations.
    """
    before = Surroundings(settings, ProjectSources(settings.root))
    index = find_index(settings, before) if not settings.replacements else None
    indexed = None if index is None else _read(settings, index, texts=texts)
    project = Project(settings, tell, plugins, before=before)
    names = name_plugins(plugins, project.hooks.versions())
    if indexed is not None and indexed.plugins != names:
        indexed = None
    project.index = index if indexed is not None else None
    return project, indexed


def _read(settings: Settings, index: CollectionIndex, *, texts: bool) -> IndexedProject | None:
    try:
        return IndexedProject(settings, index, texts=texts)
    except DAMAGES:
        return None


def consult_project(
    settings: Settings, tell: Tell, plugins: Plugins, question: Callable[[Project | IndexedProject], T]
) -> T:
    """Return what `question` says of the project as its index knows it, else imported and then indexed."""
    project, indexed = find_project(settings, tell, plugins, texts=True)
    if indexed is not None:
        try:
            return question(indexed)
        except DAMAGES:
            if os.environ.get("ZENCONV_DEBUG"):
                raise
    answer = question(project)
    from zenconv.project.indexing import save_index

    save_index(project, plugins=name_plugins(plugins, project.hooks.versions()))
    return answer
