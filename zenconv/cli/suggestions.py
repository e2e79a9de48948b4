"""What a shell may offer for a parameter of a command: names of steps, runs, stacks and settings.

Which suggestions a parameter gets follows from its name, or else from what its help calls the value
(``STEP``, ``RUN``, ``FILE``). Nothing of a project is imported for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from zenconv.project.known_names import KnownParameter, KnownStep
    from zenconv.settings.settings import Settings

_MOST_RUNS = 30

OPEN = "open"
"""The type of an item after which no blank belongs: more is to be typed."""

Items = Iterable["CompletionItem[str]"]


class Question:
    """A word to be completed: what is typed of it, and the options and words before it."""

    def __init__(self, context: click.Context, parameter: click.Parameter, typed: str) -> None:
        self.typed = typed
        self.command = context.command.name or ""
        self.given: dict[str, Any] = context.params
        before = self.given.get(parameter.name or "")
        self.before: tuple[str, ...] = tuple(map(str, before)) if isinstance(before, tuple | list) else ()

    @cached_property
    def settings(self) -> Settings:
        """The settings of the project at hand; where they have mistakes, the defaults."""
        from zenconv.errors import SettingsError
        from zenconv.settings.load import STATE, load_settings
        from zenconv.settings.root import find_root
        from zenconv.settings.settings import Settings

        start = self.given.get("root") or Path.cwd()
        try:
            return load_settings(start, config_file=self.given.get("config_file"))
        except SettingsError:
            root = find_root(start)
            return Settings(root, root / STATE)

    @cached_property
    def steps(self) -> list[KnownStep]:
        """The steps of the project."""
        from zenconv.project.known_names import find_names

        return find_names(self.settings)


class Suggested(click.types.StringParamType):
    """The type of a parameter while its value is being completed."""

    def __init__(self, suggest: Callable[[Question], Items]) -> None:
        self.suggest = suggest

    def shell_complete(
        self, context: click.Context, parameter: click.Parameter, typed: str
    ) -> list[CompletionItem[str]]:
        found: dict[str, CompletionItem[str]] = {}
        for item in self.suggest(Question(context, parameter, typed)):
            if item.value.startswith(typed) or item.type in ("file", "dir"):
                found.setdefault(item.value, item)
        return list(found.values())


def suggest_values(command: click.Command) -> None:
    """Let the parameters of `command` offer values, those that have a suggestion."""
    for parameter in command.params:
        suggest = find_suggestion(parameter)
        if suggest is not None:
            parameter.type = Suggested(suggest)


def find_suggestion(parameter: click.Parameter) -> Callable[[Question], Items] | None:
    """Return what offers values for a parameter, or None."""
    if isinstance(parameter.type, click.Choice | click.Path):  # they know themselves
        return None
    if isinstance(parameter, click.Option) and (parameter.is_flag or parameter.count):
        return None
    return _BY_NAME.get(parameter.name or "") or _BY_METAVAR.get(parameter.metavar or "")


# ---------------------------------------------------------------- steps


def suggest_steps(question: Question) -> Iterator[CompletionItem[str]]:
    """Offer steps: by their own name where it is the only one, else behind the pipeline's."""
    typed = question.typed
    counts: dict[str, int] = {}
    for step in question.steps:
        counts[step.name] = counts.get(step.name, 0) + 1
    for step in question.steps:
        if ".py::" in typed:
            yield CompletionItem(f"{step.file}::{step.name}", help=step.description)
        elif "::" in typed or counts[step.name] > 1:
            yield CompletionItem(f"{step.pipeline}::{step.name}", help=step.description)
        else:
            yield CompletionItem(step.name, help=step.description)
        if typed:
            yield from _outputs(step, typed)


def _outputs(step: KnownStep, typed: str) -> Iterator[CompletionItem[str]]:
    name = typed.rpartition(".")[0] or step.name
    if name in (step.name, f"{step.pipeline}::{step.name}", f"{step.file}::{step.name}"):
        for output in step.outputs:
            yield CompletionItem(f"{name}.{output}", help=f"output of {step.name}")


def suggest_targets(question: Question) -> Iterator[CompletionItem[str]]:
    """Offer what can be run: pipelines, steps, and files where the beginning of one is typed."""
    if question.command == "graph" and not question.before:
        yield from suggest_runs(question) if question.typed[:1].isdigit() else ()
    if "::" not in question.typed:
        yield from suggest_pipelines(question)
    yield from suggest_steps(question)
    if question.typed and "::" not in question.typed:
        for file in dict.fromkeys(step.file for step in question.steps):
            yield CompletionItem(file, help="step file")
            yield CompletionItem(f"{file}::", type=OPEN)


def suggest_pipelines(question: Question) -> Iterator[CompletionItem[str]]:
    """Offer pipelines."""
    counts: dict[str, int] = {}
    for step in question.steps:
        counts[step.pipeline] = counts.get(step.pipeline, 0) + 1
    for pipeline, count in counts.items():
        yield CompletionItem(pipeline, help=f"pipeline, {count} steps")


def suggest_keywords(question: Question) -> Iterator[CompletionItem[str]]:
    """Offer the next word of a ``-k`` expression."""
    head = _begun_words(question.typed)
    for step in question.steps:
        yield CompletionItem(head + step.name, help=step.description)
    for step in question.steps:
        yield CompletionItem(head + step.pipeline.rpartition("/")[2], help="pipeline")


def suggest_marks(question: Question) -> Iterator[CompletionItem[str]]:
    """Offer the next word of a ``-m`` expression: the project's own marks."""
    head = _begun_words(question.typed)
    for declared in question.settings.markers:
        name = re.match(r"\w*", declared)
        yield CompletionItem(head + (name[0] if name else ""), help=declared.partition(":")[2].strip())


def _begun_words(typed: str) -> str:
    begun = re.match(r"(.*[\s(])?", typed, re.DOTALL)
    return begun[0] if begun else ""


# ---------------------------------------------------------------- runs


def suggest_runs(question: Question) -> Iterator[CompletionItem[str]]:
    """Offer recorded runs, the newest first."""
    from zenconv.records.layout import StateFolder, run_number

    yield CompletionItem("latest", help="the newest successful run")
    yield CompletionItem("last", help="the newest run")
    runs = sorted(StateFolder(question.settings.state).run_ids(), key=run_number, reverse=True)
    for run in [run for run in runs if run.startswith(question.typed)][:_MOST_RUNS]:
        yield CompletionItem(run)


def suggest_runs_and_steps(question: Question) -> Iterator[CompletionItem[str]]:
    """Offer ``[RUN] STEP``: behind a run the steps that it has."""
    if question.before:
        yield from _steps_of_run(question, question.before[0])
        return
    run, separator, typed = question.typed.partition("::")
    if question.command == "shell" and separator and run not in {step.pipeline for step in question.steps}:
        yield from _steps_behind_run(question, run, typed)
    yield from suggest_steps(question)
    yield from suggest_runs(question)


def _steps_behind_run(question: Question, run: str, typed: str) -> Iterator[CompletionItem[str]]:
    """Offer ``RUN::STEP``, which `shell` takes as well."""
    from zenconv.errors import ZenconvError

    whole, question.typed = question.typed, typed
    try:
        for item in _steps_of_run(question, run):
            yield CompletionItem(f"{run}::{item.value}", help=item.help)
    except ZenconvError:
        return  # what stands before the colons is no run
    finally:
        question.typed = whole


def _steps_of_run(question: Question, run: str) -> Iterator[CompletionItem[str]]:
    from zenconv.cli.options import CommonOptions
    from zenconv.cli.reading import open_history

    common = CommonOptions(question.settings.root, config_file=question.given.get("config_file"))
    history = open_history(common)
    steps = history.store.steps(history.find_run(run).id)
    names = [step.node.partition("::")[2] for step in steps]
    for step, name in zip(steps, names, strict=True):
        if "::" in question.typed and ".py::" in question.typed:
            yield CompletionItem(step.node, help=step.status)
        elif "::" in question.typed or names.count(name) > 1:
            yield CompletionItem(f"{step.pipeline}::{name}", help=step.status)
        else:
            yield CompletionItem(name, help=step.status)


# ---------------------------------------------------------------- settings


def suggest_stacks(question: Question) -> Iterator[CompletionItem[str]]:
    """Offer the stacks of the settings."""
    for stack in question.settings.stacks.values():
        yield CompletionItem(stack.name, help=stack.where or "built in")


def suggest_arguments(question: Question) -> Iterator[CompletionItem[str]]:
    """Offer what `stack` takes, ``[NAME | trust NAME]``, or `cache`, ``[push|pull [STACK] [TARGET]...]``."""
    if question.command == "cache":
        yield from _suggest_copies(question)
        return
    if not question.before:
        yield CompletionItem("trust", help="make a signing key")
    if question.before in ((), ("trust",)):
        yield from suggest_stacks(question)


def _suggest_copies(question: Question) -> Iterator[CompletionItem[str]]:
    if not question.before:
        yield CompletionItem("push", help="copy results to another store")
        yield CompletionItem("pull", help="copy results from another store")
    elif len(question.before) == 1:
        yield from suggest_stacks(question)
        yield from suggest_folders(question)
    else:
        yield from suggest_targets(question)


def suggest_assignments(question: Question) -> Iterator[CompletionItem[str]]:
    """Offer ``NAME=`` for every parameter, and values where they are few or files."""
    name, equals, _ = question.typed.partition("=")
    if not equals:
        yield from _parameter_names(question)
        return
    for key, parameter in _parameters(question):
        if key != name:
            continue
        if parameter.is_path:
            yield CompletionItem(f"{name}=", type="file")
            return
        values = ["true", "false"] if parameter.value in ("true", "false") else [parameter.value]
        yield from (CompletionItem(f"{name}={value}") for value in values if value)


def _parameter_names(question: Question) -> Iterator[CompletionItem[str]]:
    for key, parameter in _parameters(question):
        if "." not in key or question.typed:
            yield CompletionItem(f"{key}=", type=OPEN, help=parameter.value)
    for key, value in question.settings.params.items():
        if not value.is_table and ("." not in key or question.typed):
            yield CompletionItem(f"{key}=", type=OPEN, help=str(value.value))


def _parameters(question: Question) -> Iterator[tuple[str, KnownParameter]]:
    """Yield every parameter under the name alone, then behind its step's, then behind its pipeline's."""
    steps = question.steps
    yield from ((p.name, p) for step in steps for p in step.parameters)
    yield from ((f"{step.name}.{p.name}", p) for step in steps for p in step.parameters)
    yield from ((f"{step.pipeline}.{p.name}", p) for step in steps for p in step.parameters)


# ---------------------------------------------------------------- the rest


def suggest_plugins(question: Question) -> Iterator[CompletionItem[str]]:
    """Offer installed plugins; behind ``no:``, too."""
    from zenconv.hooks.installed import list_installed

    head = "no:" if question.typed.startswith("no:") else ""
    for plugin in list_installed():
        yield CompletionItem(head + plugin.name, help=f"{plugin.distribution} {plugin.version}")
    if not head:
        yield CompletionItem("no:", type=OPEN, help="do not load")


def suggest_templates(question: Question) -> Iterator[CompletionItem[str]]:
    """Offer the templates of ``init``."""
    from zenconv.starting.templates import TEMPLATES

    for template in TEMPLATES:
        yield CompletionItem(template.name, help=template.description)


def suggest_plugin_words(question: Question) -> Iterator[CompletionItem[str]]:
    """Offer what ``plugin`` can do; what the new plugin is called is for a person to say."""
    if not question.before:
        yield CompletionItem("new", help="begin a plugin")


def suggest_plugin_kinds(question: Question) -> Iterator[CompletionItem[str]]:
    """Offer the kinds of plugins to begin with."""
    from zenconv.starting.plugin_packages import KINDS

    for kind in KINDS:
        yield CompletionItem(kind.name, help=kind.description)


def suggest_workers(question: Question) -> Iterator[CompletionItem[str]]:
    """Offer numbers of worker processes."""
    yield CompletionItem("auto", help="one per core")
    yield CompletionItem("0", help="none")


def suggest_files(question: Question) -> Iterator[CompletionItem[str]]:
    """Leave it to the shell, which knows the files."""
    yield CompletionItem("", type="file")


def suggest_folders(question: Question) -> Iterator[CompletionItem[str]]:
    """Leave it to the shell, which knows the folders."""
    yield CompletionItem("", type="dir")


def suggest_replacements(question: Question) -> Iterator[CompletionItem[str]]:
    """Offer steps, to be followed by what takes the place of their result."""
    for item in suggest_steps(question):
        yield CompletionItem(f"{item.value}=", help=item.help, type=OPEN)


def suggest_settings(question: Question) -> Iterator[CompletionItem[str]]:
    """Offer the names of settings, to be followed by values."""
    from zenconv.settings.load import KEYS

    for key in KEYS:
        yield CompletionItem(f"{key}=", type=OPEN)


_BY_NAME: dict[str, Callable[[Question], Items]] = {
    "arguments": suggest_arguments,
    "folder": suggest_folders,
    "keyword": suggest_keywords,
    "kind": suggest_plugin_kinds,
    "marks": suggest_marks,
    "notebook": suggest_files,
    "pipeline": suggest_pipelines,
    "plugin_requests": suggest_plugins,
    "plugin_words": suggest_plugin_words,
    "replace": suggest_replacements,
    "run": suggest_runs,
    "runs": suggest_runs,
    "settings_options": suggest_settings,
    "sets": suggest_assignments,
    "stack_name": suggest_stacks,
    "targets": suggest_targets,
    "template_name": suggest_templates,
    "words": suggest_runs_and_steps,
    "workers": suggest_workers,
}

_BY_METAVAR: dict[str, Callable[[Question], Items]] = {
    "DIR": suggest_folders,
    "FILE": suggest_files,
    "FOLDER": suggest_folders,
    "PIPELINE": suggest_pipelines,
    "RUN": suggest_runs,
    "STACK": suggest_stacks,
    "STEP": suggest_steps,
    "TARGET": suggest_targets,
}
