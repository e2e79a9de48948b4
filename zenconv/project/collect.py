"""Collect: import the project's files and take down their steps, fixtures and mistakes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Collection as Names
from functools import partial
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import attrs

from zenconv.authoring import NOTE, FixtureNote, StepNote
from zenconv.errors import Problem
from zenconv.fingerprint.sources import ProjectSources
from zenconv.project.annotations import Annotations
from zenconv.project.collected import CollectedFile, Collection
from zenconv.project.collecting_hooks import HOOK_PREFIX, CollectingHooks, is_hook
from zenconv.project.definitions import Definition, find_definitions
from zenconv.project.discover import ZENCONF, ProjectFiles, discover, module_name, pipeline_name
from zenconv.project.fixture_notes import (
    ScopeConfig,
    choose_scope,
    describe_foreign_fixture,
    find_fixtures_of_class,
    is_foreign_fixture,
)
from zenconv.project.importing import Importer
from zenconv.project.marks import Declared, MarkReader
from zenconv.project.options import apply_options
from zenconv.project.outputs import read_outputs
from zenconv.project.signatures import read_signature
from zenconv.project.variants import choose_variant
from zenconv.records.step import Fixture, Step

if TYPE_CHECKING:
    from zenconv.settings.settings import Settings


def collect(
    settings: Settings,
    sources: ProjectSources,
    hooks: CollectingHooks | None = None,
    *,
    only: Names[str] | None = None,
    on_progress: Callable[[str], object] | None = None,
    files: ProjectFiles | None = None,
) -> Collection:
    """Import the step files and ``zenconf.py`` files of a project and read what they define.

    Parameters
    ----------
    hooks
        What plugins have to say.
    only
        Paths below the root: leave the other files alone.
    on_progress
        Told which file is imported next, should the process not survive it.
    files
        What `discover` has found already.

    Mistakes are not raised: they stand with their file, so that those which a selection does not
    need cannot stop it. What modules print while imported goes to stderr.
    """
    if files is None:
        files = discover(settings.root, settings.step_files, settings.norecurse)
    wanted = _in_order(files)
    hooks = hooks or CollectingHooks()
    importer = Importer(sources)
    annotations = Annotations(sources)
    declared = Declared.from_settings(settings)
    collected: dict[str, CollectedFile] = {}
    stdout, sys.stdout = sys.stdout, sys.stderr
    try:
        for file in wanted:
            if only is None or file in only:
                if on_progress is not None:
                    on_progress(f"importing {file}")
                collected[file] = _collect_file(file, importer, annotations, declared, settings, hooks)
    finally:
        sys.stdout = stdout
    warnings = [*files.warnings, *_shadowing(sources)]
    warnings += [warning for file in collected.values() for warning in file.warnings]
    return Collection(sources, collected, files.problems, tuple(warnings))


def _in_order(files: ProjectFiles) -> list[str]:
    """Put each ``zenconf.py`` before the step files it serves, which stay in order of discovery."""
    return sorted(files.zenconf_files, key=lambda file: file.count("/")) + list(files.step_files)


def _collect_file(
    file: str,
    importer: Importer,
    annotations: Annotations,
    declared: Declared,
    settings: Settings,
    hooks: CollectingHooks,
) -> CollectedFile:
    name = module_name(file)
    pipeline = "" if file.rpartition("/")[2] == ZENCONF else pipeline_name(file)
    module, problems = importer.load(file)
    if module is None:
        return CollectedFile(file, name, pipeline, problems=tuple(problems))
    if not pipeline:
        hooks.register(module, file)
    sources = importer.sources
    return _Reader(file, name, pipeline, module, sources, annotations, declared, settings, hooks).read()


class _Reader:
    """Reads one imported module."""

    def __init__(
        self,
        file: str,
        name: str,
        pipeline: str,
        module: ModuleType,
        sources: ProjectSources,
        annotations: Annotations,
        declared: Declared,
        settings: Settings,
        hooks: CollectingHooks,
    ) -> None:
        self.settings = settings
        self.hooks = hooks
        self.config = ScopeConfig(settings)
        self.file = file
        self.name = name
        self.pipeline = pipeline
        self.namespace = vars(module)
        self.sources = sources
        self.path = str(sources.root / file)
        self.annotations = annotations
        self.steps: dict[str, Step] = {}
        self.fixtures: dict[str, Fixture] = {}
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.late: dict[tuple[str, str], Any] = {}
        self.marks = MarkReader(file, self.namespace, declared, sources.relative)

    def read(self) -> CollectedFile:
        source = self.sources.get(self.name)
        if source is None:
            definitions: list[Definition] = []
        else:
            self.path = str(source.path)
            definitions, self.problems = find_definitions(source, self.namespace, self.file)
        for definition in definitions:
            self._add(definition)
        self._add_others({definition.name for definition in definitions})
        return CollectedFile(
            self.file,
            self.name,
            self.pipeline,
            tuple(self.steps.values()),
            tuple(self.fixtures.values()),
            (*self.problems, *self.marks.problems),
            (*self.warnings, *self.marks.warnings),
            self.late,
            frozenset(self.config.asked),
        )

    def _add(self, definition: Definition) -> None:
        value = definition.object
        note = _note_of(value)
        if isinstance(note, FixtureNote):
            self._add_fixture(definition, note)
        elif is_foreign_fixture(value):
            self.problems.append(describe_foreign_fixture(definition.name, self.file, definition.line))
        elif not callable(value):
            self.warnings.append(_not_callable(definition, self.file))
        elif self.pipeline and is_hook(definition.name, value):
            what = f"{definition.name!r} is a hook, and those of a step file are not called"
            hint = "move it into a zenconf.py, or a plugin"
            self.problems.append(Problem(what, self.file, definition.line, hint=hint))
        elif not self._is_exempt(definition, note):
            self._add_steps(definition, note if isinstance(note, StepNote) else _PLAIN)

    def _is_exempt(self, definition: Definition, note: Any) -> bool:
        """Return whether a function is a helper, replaced by a class, a hook, or a step to no plugin."""
        if (isinstance(note, StepNote) and note.is_helper) or isinstance(definition.object, type):
            return True
        if not self.pipeline and definition.name.startswith(HOOK_PREFIX):
            return True
        return not self.hooks.is_step(definition.name, definition.object, self.file)

    def _add_steps(self, definition: Definition, note: StepNote) -> None:
        """Add the step that a function is, or the several that it was given names for."""
        if note.when:
            definition, note, problem = choose_variant(
                definition, note, self.pipeline, self.settings, self.file
            )
            if problem is not None:
                self.problems.append(problem)
        if not note.named:
            self._add_step(definition, note)
        for options in note.named:
            self._add_step(definition, attrs.evolve(note, named=(), **options))

    def _add_step(self, definition: Definition, note: StepNote) -> None:
        name = note.name or definition.name
        if not self._is_free(name, definition):
            return
        signature = read_signature(definition.object, self.path, definition.line, self.annotations)
        outputs = read_outputs(signature.returns, signature.returns_text, note.outputs, self.annotations)
        note, marks = self.marks.read(note, self.hooks.marks_of(name, definition.object, self.file))
        if outputs.mistake:
            what = f"step {name!r}: {outputs.mistake}"
            self.problems.append(Problem(what, self.file, definition.line))
        if note.axes:
            note = attrs.evolve(note, axes=tuple([self.marks.read_axis(axis) for axis in note.axes]))
        parameters = signature.parameters
        if note.axes or note.params or note.inputs:
            parameters, mistakes = apply_options(name, note, parameters)
            self.problems += [
                Problem(what, self.file, definition.line, exists, hint) for what, exists, hint in mistakes
            ]
        self._keep_late(name, signature.late)
        self._keep_late(name, {f"return.{n}": kind for n, kind in outputs.late.items()})
        self.steps[name] = Step(
            name,
            self.name,
            self.file,
            definition.line,
            parameters,
            outputs.outputs,
            outputs.shape,
            note,
            not self.pipeline,
            signature.is_async,
            signature.is_generator,
            _doc_of(definition.object, signature.original),
            None if "return" in signature.late else signature.returns,
            definition.object,
            marks,
        )

    def _add_fixture(self, definition: Definition, note: FixtureNote) -> None:
        name = note.name or definition.name
        if not self._is_free(name, definition):
            return
        value = definition.object
        note, problem = choose_scope(note, name, self.config, self.file, definition.line)
        if problem is not None:
            self.problems.append(problem)
        if note.axis is not None:
            note = attrs.evolve(note, axis=self.marks.read_axis(note.axis, name))
        signature = read_signature(value, self.path, definition.line, self.annotations)
        self._keep_late(name, signature.late)
        self.fixtures[name] = Fixture(
            name,
            self.name,
            self.file,
            definition.line,
            signature.parameters,
            note,
            signature.is_generator,
            signature.is_awaited,
            value,
        )

    def _add_others(self, done: set[str]) -> None:
        """Take fixtures that an import or an underscore name brought in, as pytest does.

        And private functions of this module to which ``@zenconv.step(name=...)`` gave a name.
        """
        for name, value in self.namespace.items():
            if type(value) is type and value.__module__ == self.name:
                self.warnings += find_fixtures_of_class(value, self.file)
            if name in done or type(value) not in (FunctionType, partial) or not value.__dict__:
                continue
            note = value.__dict__.get(NOTE)
            code = getattr(value, "__code__", None)
            is_own = code is not None and code.co_filename == self.path
            line = code.co_firstlineno if code is not None and is_own else 1
            if isinstance(note, FixtureNote):
                self._add_fixture(Definition(name, line, value), note)
            elif isinstance(note, StepNote) and is_own and note.name and value.__name__ not in done:
                done.add(value.__name__)
                self._add_steps(Definition(value.__name__, line, value), note)

    def _is_free(self, name: str, definition: Definition) -> bool:
        other = self.steps.get(name) or self.fixtures.get(name)
        if not name.isidentifier():
            what = f"{name!r} is no name for a step or fixture: no parameter could ask for it"
            self.problems.append(Problem(what, self.file, definition.line, hint="letters, digits and _ only"))
            return False
        if other is not None:
            what = f"two steps or fixtures are called {name!r}"
            self.problems.append(
                Problem(what, self.file, definition.line, exists=f"the other is at {other.where}")
            )
        return other is None

    def _keep_late(self, name: str, late: Mapping[str, Any]) -> None:
        for parameter, kind in late.items():
            self.late[name, parameter] = kind


_PLAIN = StepNote()


def _note_of(value: Any) -> Any:
    if type(value) is FunctionType:
        return value.__dict__.get(NOTE) if value.__dict__ else None
    attributes = getattr(value, "__dict__", None)
    return attributes.get(NOTE) if isinstance(attributes, dict) else None


def _doc_of(value: Any, original: Any) -> str:
    doc = getattr(original, "__doc__", None) or getattr(value, "__doc__", None)
    return doc.strip() if isinstance(doc, str) else ""


def _not_callable(definition: Definition, file: str) -> Problem:
    kind = type(definition.object).__qualname__
    return Problem(
        f"{definition.name!r} is no step: after the import it is a {kind}, not a function",
        file,
        definition.line,
        hint="a decorator or a later assignment replaced it",
    )


def _shadowing(sources: ProjectSources) -> Iterable[Problem]:
    """Yield the modules at the root that hide the standard library or an installed package."""
    for name, file in _modules_at_root(str(sources.root)):
        if name == "zenconv":
            what = "hides zenconv itself from `import zenconv`"
        elif name in sys.stdlib_module_names:
            what = f"hides the module {name!r} of the standard library"
        elif (installed := _installed_place(name, sources)) is not None:
            what = f"hides the installed package {name!r} ({installed})"
        else:
            continue
        yield Problem(f"this file {what}", file, hint="rename it")


def _modules_at_root(root: str) -> list[tuple[str, str]]:
    found = []
    with os.scandir(root) as scan:
        for entry in scan:
            if entry.name.endswith(".py"):
                found.append((entry.name[:-3], entry.name))
            elif entry.name.isidentifier() and os.path.isfile(os.path.join(entry.path, "__init__.py")):
                found.append((entry.name, f"{entry.name}/__init__.py"))
    return sorted(found)


def _installed_place(name: str, sources: ProjectSources) -> str | None:
    for entry in sys.path:
        if not entry.endswith(("site-packages", "dist-packages")):
            continue
        for candidate in (os.path.join(entry, name, "__init__.py"), os.path.join(entry, f"{name}.py")):
            if os.path.exists(candidate) and not sources.places.is_project_file(candidate):
                return candidate
    return None
