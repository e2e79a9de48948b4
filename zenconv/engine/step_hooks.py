"""What plugins do around a step, in the process that executes it."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from types import MappingProxyType
from typing import Any

from zenconv.engine.calling import call_step
from zenconv.engine.watching import unwatched
from zenconv.hooks.calling import Wrapping
from zenconv.hooks.manager import Plugins
from zenconv.records.artifact import Artifact
from zenconv.records.step import Node


class StepHooks:
    """Calls steps with whatever plugins stand around them; `run` is the run's id."""

    def __init__(self, plugins: Plugins, run: str) -> None:
        self._plugins = plugins
        self._run = run

    def call(self, node: Node, arguments: Mapping[str, Any]) -> Any:
        """Return what the step returns, of an async one a coroutine."""
        __tracebackhide__ = True
        around = self._plugins.calls("zenconv_step_execute", node.id.partition("::")[0])
        if not around:
            return call_step(node, arguments)
        with unwatched():
            wrapping = around.wrap(node=node, arguments=MappingProxyType(arguments), run=self._run)
        if node.step.is_async:
            return _await_wrapped(wrapping, call_step(node, arguments))
        try:
            result = call_step(node, arguments)
        except BaseException as error:  # noqa: BLE001 - raised again, unless a wrapper catches it
            with unwatched():
                return wrapping.fail(error)
        with unwatched():
            return wrapping.finish(result)

    def tell_saved(self, node: Node, outputs: Mapping[str, Artifact]) -> list[str]:
        """Tell of the outputs that a step has stored; return warnings of plugins that failed."""
        told = self._plugins.calls("zenconv_artifact_saved", node.id.partition("::")[0])
        if not told:
            return []
        return [
            warning
            for output, artifact in outputs.items()
            for warning in told.watch(node=node, output=output, artifact=artifact)
        ]


async def _await_wrapped(wrapping: Wrapping, coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        result = await coroutine
    except BaseException as error:  # noqa: BLE001 - raised again, unless a wrapper catches it
        with unwatched():
            return wrapping.fail(error)
    with unwatched():
        return wrapping.finish(result)
