"""Every hook there is, by the phase in which it is called.

A plugin implements any of them, with as many of the arguments as it wants, by name. What a
docstring says about *when*, *how often* and in *which process* is a promise. The processes:
the *supervisor* is the command itself and imports no project code; the *runner* collects and
executes; a *worker* executes steps for it (with ``-n 0``, the runner does); a *reading command*
(``runs``, ``show``, ``get``, ...) does none of it.

Hooks that only watch (`OBSERVERS`) may fail: that is a warning, and the next plugin has its turn.
The failure of any other hook ends what it was called for, with an error that names the plugin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zenconv.hooks.markers import (
    CommandSpec,
    ComponentSpec,
    MaterializerSpec,
    OptionSpec,
    ParameterValue,
    hookspec,
)

if TYPE_CHECKING:
    from zenconv.authoring import Marker
    from zenconv.records.artifact import Artifact
    from zenconv.records.events import (
        RunFinished,
        RunStarted,
        StepFinished,
        StepRetried,
        StepsReused,
        StepStarted,
    )
    from zenconv.records.plan import Plan
    from zenconv.records.step import Node


# What a plugin offers


@hookspec
def zenconv_components() -> Sequence[ComponentSpec]:
    """Offer components, by id and ``"module:Class"``.

    When: the first time a stack is assembled or plugins are listed. How often: once per
    process. Where: supervisor, runner, workers, reading commands. Returns the components; two
    plugins may not claim one id of one kind.
    """
    return ()


@hookspec
def zenconv_materializers() -> Sequence[MaterializerSpec]:
    """Offer materializers, by dotted type names and ``"module:Class"``.

    When: the first time a value is saved or loaded, or plugins are listed. How often: once per
    process. Where: runner, workers, reading commands. Returns the materializers; those of plugins
    are tried before the built-in ones. Two plugins may not claim one id.
    """
    return ()


@hookspec
def zenconv_options() -> Sequence[OptionSpec]:
    """Offer flags of ``zenconv run``, which may stand in ``[tool.zenconv.options]`` as well.

    When: a flag is met that is not built in, the help of ``run`` is shown, or the plugins are
    configured. How often: once per process. Where: supervisor, runner, workers, reading commands.
    Returns the flags; two plugins may not claim one name, and no built-in flag can be taken over.
    """
    return ()


@hookspec
def zenconv_commands() -> Sequence[CommandSpec]:
    """Offer commands: ``zenconv NAME``, by ``"module:command"``.

    When: a command is called that is not built in, plugins are listed, or ``zenconv --help`` is
    shown for the first time after an installation (then the lines come from a cache). How often:
    once per process. Where: the process of the command. Returns the commands; two plugins may not
    claim one name, and no built-in command can be taken over.
    """
    return ()


@hookspec
def zenconv_configure(options: Mapping[str, Any], root: Path, state: Path) -> Any:
    """Take note of the options, and begin to watch where there is a reason to.

    `options` are the values of all flags that plugins offer, by `OptionSpec.key`; `root` is the
    project's folder and `state` the one in it that zenconv writes to. When: the plugins have been
    loaded for a project. How often: once per process. Where: runner, workers, reading commands:
    expect no run. Returns an object whose ``zenconv_*`` methods are hook implementations
    too, for as long as the process lives (never `zenconv_configure` or what a plugin offers); or None.
    """
    return None


# Collecting the project


@hookspec(firstresult=True)
def zenconv_collect_step(name: str, function: Callable[..., Any], file: str) -> bool | None:
    """Say that a function is no step.

    `function` is what the file holds under `name` after the import. When: its file is collected.
    How often: once per top-level public function, and process that collects. Where: the runner,
    workers, and commands that look at the project. The first answer that is not None counts: False
    makes it a helper; with True, or no answer, it is a step. Returns None to leave it to others.
    """
    return None


@hookspec
def zenconv_mark_step(name: str, function: Callable[..., Any], file: str) -> Marker | Sequence[Marker] | None:
    """Put marks on a step, which change how it is executed: ``[zenconv.mark.retry(3)]``.

    When: its file is collected. How often: once per step, and process that collects. Where: the
    runner, workers, and commands that look at the project. Returns marks; those that the file itself
    puts on the step are stronger.
    """
    return None


@hookspec(firstresult=True)
def zenconv_resolve_parameter(name: str, owner: str, pipeline: str) -> ParameterValue | None:
    """Return the value of a parameter that no step, no fixture, no flag and no setting provides.

    `owner` is the step or fixture that takes it. When: parameters are bound. How often: once per
    parameter and pipeline. Where: the runner, workers, and commands that look at the project. The
    first value that is not None counts, before the parameter's own default; it joins the key.
    """
    return None


@hookspec
def zenconv_collection_version() -> str | None:
    """Return what the answers of the three hooks above depend on, besides their arguments.

    When: before the project is collected. How often: once per command. Where: the runner, and
    commands that look at the project. Returns a text that differs when they may. While it is the
    same, what was collected is used again without asking; a plugin that takes part in collecting and
    returns None makes every command import the project.
    """
    return None


# The cache key


@hookspec(firstresult=True)
def zenconv_hash_value(value: Any) -> Any:
    """Return what counts in place of a value that nobody can look into; canonical parts of it, say.

    When: a parameter, or a global that a step's code reaches, is of a type without a canonical form
    and without a materializer. How often: once per value and process that plans. Where: the runner.
    The first result that is not None joins the key, with the value's class and the plugin's name. Of
    installed plugins only those are asked that the settings name: keys are the same for everybody.
    """
    return None


@hookspec
def zenconv_key_parts(node: Node) -> Mapping[str, str] | None:
    """Add parts to the key of a step: text by name, such as ``{"machine": "arm64"}``.

    When: a step's key is made. How often: at least once per step and process that plans. Where: the
    runner. Returns the parts; each joins the key, and `zenconv explain` names it, with the plugin.
    Of installed plugins only those are asked that the settings name: keys are the same for everybody.
    """
    return None


@hookspec(firstresult=True)
def zenconv_input_version(value: str) -> str | None:
    """Return a token for what a URL or table name refers to; it changes when the content does.

    When: a step's key is made and one of its parameters is text with ``://`` in it. How often:
    once per run and value. Where: the runner. The first token that is not None joins the key;
    if every plugin returns None, the text alone counts.
    """
    return None


# A run


@hookspec
def zenconv_report_header(event: RunStarted) -> str | Sequence[str] | None:
    """Add lines to what is told first.

    When: before the project is collected. How often: once per run. Where: the runner. Returns a
    line, or several; of a ``zenconf.py`` nothing is known yet, so its implementation is not called.
    """
    return None


@hookspec
def zenconv_run_start(event: RunStarted) -> None:
    """Observe that a run begins.

    When: after the first event is logged, before the project is collected; in a ``zenconf.py``,
    after it is. How often: once per run, again if a runner died and a new one takes over. Where: the
    runner. Returns nothing; an exception is shown as a warning and changes nothing.
    """


@hookspec
def zenconv_plan_ready(plan: Plan) -> None:
    """Observe what a run intends, node by node.

    When: after planning, before the first step. How often: once per runner; not for ``--plan``.
    Where: the runner. Returns nothing; an exception is shown as a warning and changes nothing.
    """


@hookspec
def zenconv_run_finish(event: RunFinished) -> None:
    """Observe that a run has ended.

    When: after the last step and all teardowns, whatever the outcome; also where the project has
    mistakes. How often: once per run; not if the last runner is killed. Where: the runner. Returns
    nothing; an exception is shown as a warning and changes nothing.
    """


@hookspec
def zenconv_terminal_summary(event: RunFinished) -> str | Sequence[str] | None:
    """Add lines to what is told last, before the line with the counts.

    When: after `zenconv_run_finish`. How often: once per run; not if the last runner is killed.
    Where: the runner. Returns a line, or several.
    """
    return None


# A step


@hookspec
def zenconv_step_start(event: StepStarted) -> None:
    """Observe that a step begins; `event.node` is its id.

    When: after the decision to execute it is logged. How often: once per attempt; not on reuse.
    Where: the runner. Returns nothing; an exception is shown as a warning and changes nothing.
    """


@hookspec
def zenconv_step_execute(node: Node, arguments: Mapping[str, Any], run: str) -> Any:
    """Stand around the call of a step's function: a wrapper, in which ``yield`` is the call.

    `arguments` are what the function gets, `run` is the run's id. When: the inputs are loaded and
    the fixtures set up. How often: once per attempt, and again where a live value is made anew for
    a consumer. Where: in the process that executes it, a worker or the runner. Returns what the
    step shall return: ``return (yield)`` changes nothing. An exception, the step's own or another,
    is the step's failure. The items of a step that yields are made later, outside of this call.
    """
    return None


@hookspec
def zenconv_artifact_saved(node: Node, output: str, artifact: Artifact) -> None:
    """Observe that an output was stored; `output` is its name, ``""`` for the only one.

    When: all outputs of the step are stored, before its end is logged. How often: once per output
    of an executed step, and item of a fan-out. Where: in the process that executed it. Returns
    nothing; an exception is shown as a warning of the step and changes nothing.
    """


@hookspec
def zenconv_step_retry(event: StepRetried) -> None:
    """Observe that an attempt failed after which there is another.

    When: after the attempt is logged. How often: once per failed attempt but the last. Where: the
    runner. Returns nothing; an exception is shown as a warning and changes nothing.
    """


@hookspec
def zenconv_step_finish(event: StepFinished) -> None:
    """Observe that a step succeeded, failed, was skipped or interrupted; not called on reuse.

    When: after the step's outputs are stored and the event is logged. How often: once per
    executed or skipped step. Where: the runner; of a step that took its runner down with it, the
    next one. Returns nothing; an exception is shown as a warning and changes nothing.
    """


@hookspec
def zenconv_steps_reused(event: StepsReused) -> None:
    """Observe that stored results were taken over: `event.steps`, each with ``node`` and ``outputs``.

    When: the decision is logged. How often: once per reused step, of which one call may tell of
    many. Where: the runner. Returns nothing; an exception is shown as a warning and changes nothing.
    """


# Showing results


@hookspec(firstresult=True)
def zenconv_render(artifact: Artifact, load: Callable[[], Any]) -> str | None:
    """Return a stored value as text for people; `load` returns the value.

    When: `zenconv get` shows a result that is safe to load and not huge. How often: once per output
    shown. Where: the reading command. The first text that is not None is shown; without one, what is
    recorded about the value is. By `artifact.type` an implementation sees whether to load it.
    """
    return None


OFFERS = frozenset({"zenconv_components", "zenconv_materializers", "zenconv_options", "zenconv_commands"})
"""Hooks that return what a plugin has to offer; their implementations may be generators."""

WRAPPERS = frozenset({"zenconv_step_execute"})
"""Hooks that stand around something, so that every implementation is a wrapper."""

OBSERVERS = frozenset(
    {
        "zenconv_run_start",
        "zenconv_plan_ready",
        "zenconv_step_start",
        "zenconv_artifact_saved",
        "zenconv_step_retry",
        "zenconv_step_finish",
        "zenconv_steps_reused",
        "zenconv_run_finish",
    }
)
"""Hooks that only watch: each implementation is called by itself, and may fail by itself."""
