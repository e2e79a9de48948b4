"""Every hook there is, by the phase in which it is called.

A plugin implements any of them, with as many of the arguments as it wants, by name. What a
docstring says about *when*, *how often* and *in which process* is a promise. The processes:
the *supervisor* is the command itself and imports no project code; the *runner* collects and
executes; a *reading command* (``runs``, ``show``, ``get``, ...) does neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zenconv.hooks.markers import ComponentSpec, MaterializerSpec, hookspec

if TYPE_CHECKING:
    from zenconv.records.events import RunFinished, RunStarted, StepFinished
    from zenconv.records.plan import Plan


# What a plugin offers


@hookspec
def zenconv_components() -> Sequence[ComponentSpec]:
    """Offer components, by id and ``"module:Class"``.

    When: the first time a stack is assembled or plugins are listed. How often: once per
    process. Where: supervisor, runner, reading commands. Returns the components; two plugins
    may not claim one id of one kind.
    """
    return ()


@hookspec
def zenconv_materializers() -> Sequence[MaterializerSpec]:
    """Offer materializers, by dotted type names and ``"module:Class"``.

    When: the first time a value is saved or loaded, or plugins are listed. How often: once per
    process. Where: runner, reading commands. Returns the materializers; those of plugins are
    tried before the built-in ones. Two plugins may not claim one id.
    """
    return ()


# The cache key


@hookspec(firstresult=True)
def zenconv_input_version(value: str) -> str | None:
    """Return a token for what a URL or table name refers to; it changes when the content does.

    When: a step's key is made and one of its parameters is text with ``://`` in it. How often:
    once per run and value. Where: the runner. The first token that is not None joins the key;
    if every plugin returns None, the text alone counts and the run warns.
    """
    return None


# A run


@hookspec
def zenconv_run_start(event: RunStarted) -> None:
    """Observe that a run begins.

    When: after the first event is logged, before the project is collected. How often: once per
    run, again if a runner died and a new one takes over. Where: the runner. Returns nothing;
    an exception is shown as a warning and changes nothing.
    """


@hookspec
def zenconv_plan_ready(plan: Plan) -> None:
    """Observe what a run intends, node by node.

    When: after planning, before the first step. How often: once per runner; not for ``--plan``.
    Where: the runner. Returns nothing; an exception is shown as a warning and changes nothing.
    """


@hookspec
def zenconv_step_finish(event: StepFinished) -> None:
    """Observe that a step succeeded, failed, was skipped or interrupted; not called on reuse.

    When: after the step's outputs are stored and the event is logged. How often: once per
    executed step. Where: the runner. Returns nothing; an exception is shown as a warning and
    changes nothing.
    """


@hookspec
def zenconv_run_finish(event: RunFinished) -> None:
    """Observe that a run has ended.

    When: after the last step, whatever the outcome; not if the runner is killed. How often:
    once per run. Where: the runner. Returns nothing; an exception is shown as a warning and
    changes nothing.
    """


OBSERVERS = frozenset(
    {
        "zenconv_run_start",
        "zenconv_plan_ready",
        "zenconv_step_finish",
        "zenconv_run_finish",
    }
)
"""Hooks that only watch: each implementation is called by itself, and may fail by itself."""
