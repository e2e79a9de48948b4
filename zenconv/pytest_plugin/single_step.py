"""Call one step of a project in this process, with its parameters and fixtures as a run has them."""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from zenconv.engine.builtin_fixtures import BuiltinFixtures, RunInfo
from zenconv.engine.calling import call_step
from zenconv.engine.checkpoints import Checkpoints
from zenconv.engine.lifetimes import FixtureError, drive
from zenconv.engine.resources import Resources
from zenconv.engine.secrets import Secrets
from zenconv.errors import UsageError, did_you_mean
from zenconv.interfaces.orchestrating import Task
from zenconv.project.project import Project
from zenconv.project.select import as_steps
from zenconv.pytest_plugin.isolation import isolate_settings
from zenconv.records.step import Node, Pipeline
from zenconv.settings.settings import seed_of

_GIVEN_BY_STEPS = ("node", "item", "collect")


class StepCaller:
    """Calls steps of the project at `root`; what they write goes to the folder `private`."""

    def __init__(self, root: Path, private: Path) -> None:
        self._root = root
        self._private = private

    def call(self, step: str, params: Mapping[str, Any], arguments: Mapping[str, Any]) -> Any:
        """Return what `step` returns, called with `arguments` and whatever else a run would give it."""
        __tracebackhide__ = True
        settings = attrs.evolve(isolate_settings(self._root, self._private, params, {}), cwd=self._root)
        with _inside(self._root):
            project = Project(settings)
            try:
                node = self._find(project, step, arguments)
                _check(node, arguments)
                return self._call(project, project.whole, node, arguments)
            finally:
                project.sources.uninstall()

    def _find(self, project: Project, step: str, arguments: Mapping[str, Any]) -> Node:
        """Return the step's node. Mistakes elsewhere in the project are none of its business."""
        selected = project.select(as_steps(project.whole, [step]))
        nodes = [project.whole.nodes[id] for id in project.whole.nodes if id in selected.ids]
        if not nodes:
            project.graph.check(selected.files)
        node = _only(nodes, step)
        given = {*arguments, *(binding.parameter for binding in node.bindings)}
        if any(p.name not in given and not p.has_default for p in node.step.parameters):
            project.graph.check(selected.files)
        return node

    def _call(self, project: Project, pipeline: Pipeline, node: Node, arguments: Mapping[str, Any]) -> Any:
        __tracebackhide__ = True
        settings, secrets = project.settings, Secrets()
        info = RunInfo("test", 0, settings.stack.name, datetime.now(UTC))
        checkpoints = Checkpoints(self._private / "checkpoints")
        builtins = BuiltinFixtures(info, seed_of(settings), secrets, checkpoints)
        resources = Resources(pipeline, builtins, secrets, settings.root, self._private / "places")
        rest = attrs.evolve(node, bindings=tuple(b for b in node.bindings if b.parameter not in arguments))
        failures: list[BaseException] = []
        with _waiting() as wait:
            try:
                task = Task(node.id, "", {})
                made = drive(resources.arguments(rest, {}, task, node.id), wait)
                return wait(call_step(node, {**made, **arguments}))
            except FixtureError as error:
                raise error.__cause__ or error from None
            finally:
                failures += drive(resources.end_step(node.id), wait)
                failures += resources.end_run()
                resources.close_step(node.id, succeeded=True)
                if failures and sys.exc_info()[1] is None:
                    raise failures[0]


def _only(nodes: list[Node], step: str) -> Node:
    """Return the one step meant; of branches any, for what sets them apart is given as arguments."""
    if len({node.template for node in nodes}) > 1:
        names = ", ".join(node.id for node in nodes[:8])
        raise UsageError(f"{step!r} means several steps: {names}", hint="name one")
    return nodes[0]


def _check(node: Node, arguments: Mapping[str, Any]) -> None:
    known = [parameter.name for parameter in node.step.parameters]
    for name in arguments:
        if name not in known:
            raise UsageError(
                f"step {node.step.name!r} ({node.step.where}) has no parameter {name!r}",
                hint=did_you_mean(name, known),
            )
    missing = [
        binding
        for binding in node.bindings
        if binding.source in _GIVEN_BY_STEPS and binding.parameter not in arguments
    ]
    if missing:
        names = ", ".join(repr(binding.parameter) for binding in missing)
        given = ", ".join(f"{binding.parameter}=..." for binding in missing)
        raise UsageError(
            f"step {node.step.name!r} ({node.step.where}) also needs {names}, which other steps compute",
            hint=f"run_step({node.step.name!r}, {given}), or run({node.step.name!r}) with what it needs",
        )


@contextmanager
def _inside(root: Path) -> Iterator[None]:
    """Be in the project's folder, with its modules first, as a run is."""
    folder, path = os.getcwd(), list(sys.path)
    os.chdir(root)
    try:
        yield
    finally:
        os.chdir(folder)
        sys.path[:] = path


@contextmanager
def _waiting() -> Iterator[Any]:
    """Give what waits for an async step or fixture, in one event loop."""
    loops: list[asyncio.AbstractEventLoop] = []

    def wait(value: Any) -> Any:
        if not inspect.isawaitable(value):
            return value

        async def get(awaitable: Awaitable[Any]) -> Any:
            return await awaitable

        if not loops:
            loops.append(asyncio.new_event_loop())
        return loops[0].run_until_complete(get(value))

    try:
        yield wait
    finally:
        for loop in loops:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()
