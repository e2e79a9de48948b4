"""Live resources of steps: the project's fixtures with their scopes, and the built-in ones."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Mapping
from datetime import datetime
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import attrs

from zenconv import hashing
from zenconv.engine.secrets import Secrets
from zenconv.engine.written import make_place
from zenconv.errors import UsageError, ZenconvError
from zenconv.frozen import Frozen
from zenconv.records.step import Binding, FixtureNode, Node, Pipeline
from zenconv.settings.convert import convert
from zenconv.settings.text import Text


@attrs.frozen(eq=False, repr=False)
class RunInfo(Frozen):
    """What a step that asks for ``run`` gets: `id`, `number`, `stack`, `started` (UTC)."""

    id: str
    number: int
    stack: str
    started: datetime


@attrs.define(auto_exc=True, slots=False)
class FixtureError(ZenconvError):
    """A fixture's set-up or teardown failed; the exception is its cause."""

    exit_code = 1


@attrs.define(eq=False, repr=False)
class Request:
    """What a step or fixture that asks for ``request`` gets: who asks, and a place for finalizers."""

    node: str
    pipeline: str
    step: str
    _finalizers: list[Callable[[], object]]

    def addfinalizer(self, finalizer: Callable[[], object]) -> None:
        """Call `finalizer` when the scope ends, last added first."""
        self._finalizers.append(finalizer)


@attrs.define(eq=False, repr=False)
class _Live:
    """A fixture that is set up: where it belongs, its value, and what ends it."""

    identity: tuple[str, ...]
    scope: str
    owner: str
    name: str
    where: str = ""
    value: Any = None
    failure: BaseException | None = None
    finalizers: list[Callable[[], object]] = attrs.field(factory=list)

    def blame(self, error: BaseException) -> BaseException:
        """Return `error`, raised in a teardown, with a note that says whose it was."""
        if self.where:
            error.add_note(f"in the teardown of fixture {self.name!r} ({self.where})")
        return error

    def give(self) -> Any:
        """Return the value. `FixtureError` from what went wrong when it was made."""
        if self.failure is not None:
            raise FixtureError(f"fixture {self.name!r} ({self.where}) failed") from self.failure
        return self.value


class Resources:
    """Makes fixtures when a step first needs them, and ends them last in, first out."""

    def __init__(
        self, pipeline: Pipeline, run: RunInfo, seed: int, secrets: Secrets, root: Path, spare: Path
    ) -> None:
        self._root = root
        self._spare = spare
        self._pipeline = pipeline
        self._run = run
        self._seed = seed
        self._secrets = secrets
        self._live: list[_Live] = []

    def arguments(self, node: Node, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return every argument of `node`: `given` for its inputs, the rest made or looked up here."""
        for identity in node.autouse:
            self._fixture(self._pipeline.fixtures[identity], node)
        step_scope = _Live(("step", node.id), "step", node.id, node.step.name)
        self._live.append(step_scope)
        arguments: dict[str, Any] = {}
        for binding in node.bindings:
            if binding.source in ("node", "collect"):
                arguments[binding.parameter] = given[binding.parameter]
            else:
                arguments[binding.parameter] = self._argument(binding, node, step_scope.finalizers)
        return arguments

    def end_step(self, node: Node) -> list[BaseException]:
        """Tear down what was made for one step; return what failed on the way."""
        return self._end(lambda live: live.scope == "step" and live.owner == node.id)

    def end_pipeline(self, pipeline: str) -> list[BaseException]:
        """Tear down what was made for one pipeline; return what failed on the way."""
        return self._end(lambda live: live.scope == "pipeline" and live.owner == pipeline)

    def end_run(self) -> list[BaseException]:
        """Tear down everything; return what failed on the way."""
        return self._end(lambda live: True)

    def _end(self, belongs: Callable[[_Live], bool]) -> list[BaseException]:
        ending = [live for live in reversed(self._live) if belongs(live)]
        self._live = [live for live in self._live if not belongs(live)]
        failures: list[BaseException] = []
        for live in ending:
            while live.finalizers:
                finalizer = live.finalizers.pop()
                try:
                    finalizer()
                except BaseException as error:  # noqa: BLE001 - the other teardowns have their turn
                    failures.append(live.blame(error))
        return failures

    def _argument(self, binding: Binding, node: Node, finalizers: list[Callable[[], object]]) -> Any:
        if binding.source == "value":
            if binding.is_output:
                return make_place(binding, self._root, self._spare)
            if binding.secret:
                return self._reveal(binding, node)
            # Defaults and values of an axis are one object for the whole process; a step may change it.
            return _own_copy(binding.value)
        if binding.source == "builtin":
            return self._builtin(binding.fixture, node, finalizers)
        return self._fixture(self._pipeline.fixtures[binding.fixture], node)

    def _reveal(self, binding: Binding, node: Node) -> Any:
        resolved = self._secrets.resolve(binding.value)
        for parameter in node.step.parameters:
            if parameter.name == binding.parameter and parameter.type is not None:
                return convert(Text(resolved), parameter.type, base=self._root)
        return resolved

    def _fixture(self, wanted: FixtureNode, node: Node) -> Any:
        identity, owner = self._identify(wanted, node)
        for live in self._live:
            if live.identity == identity:
                return live.give()
        made = _Live(identity, wanted.fixture.note.scope, owner, wanted.fixture.name, wanted.fixture.where)
        arguments: dict[str, Any] = {}
        for binding in wanted.bindings:
            arguments[binding.parameter] = self._argument(binding, node, made.finalizers)
        # Registered after those it asks for, so that it ends before them.
        self._live.append(made)
        try:
            made.value = _set_up(wanted, arguments, made.finalizers)
        except BaseException as error:
            # It stays, as what it is: a fixture that failed fails everyone who asks for it.
            made.failure = error
            if isinstance(error, KeyboardInterrupt):
                raise
        return made.give()

    def _identify(self, wanted: FixtureNode, node: Node) -> tuple[tuple[str, ...], str]:
        scope = wanted.fixture.note.scope
        if scope == "step":
            return (scope, node.id, wanted.id), node.id
        if scope == "pipeline":
            return (scope, node.pipeline, wanted.id), node.pipeline
        return (scope, wanted.fixture.module, wanted.fixture.name, _binding_text(wanted)), ""

    def _builtin(self, name: str, node: Node, finalizers: list[Callable[[], object]]) -> Any:
        if name == "run":
            return self._run
        if name == "now":
            return self._run.started
        if name == "secrets":
            return self._secrets
        if name == "tmp_path":
            import shutil
            import tempfile

            folder = Path(tempfile.mkdtemp(prefix="zenconv-"))
            finalizers.append(lambda: shutil.rmtree(folder, ignore_errors=True))
            return folder
        if name == "log":
            return _logger(node.step.name)
        if name == "seed":
            return seed_generators(self._seed, node.step.name)
        if name == "request":
            return Request(node.id, node.pipeline, node.step.name, finalizers)
        raise UsageError(f"unknown built-in fixture {name!r}")


def _set_up(wanted: FixtureNode, arguments: dict[str, Any], finalizers: list[Callable[[], object]]) -> Any:
    made = wanted.fixture.function(**arguments)
    if not wanted.fixture.is_generator:
        return made
    generator: Generator[Any, None, None] = made
    try:
        value = next(generator)
    except StopIteration:
        raise UsageError(
            f"fixture {wanted.fixture.name!r} ended without a yield", hint="yield its value exactly once"
        ) from None
    finalizers.append(lambda: _finish(generator, wanted))
    return value


def _finish(generator: Generator[Any, None, None], wanted: FixtureNode) -> None:
    try:
        next(generator)
    except StopIteration:
        return
    generator.close()
    raise UsageError(f"fixture {wanted.fixture.name!r} ({wanted.fixture.where}) yields more than once")


def _binding_text(wanted: FixtureNode) -> str:
    return repr([(b.parameter, b.source, repr(b.value), b.fixture) for b in wanted.bindings])


_SHARED = (str, bytes, int, float, complex, bool, type(None), type, FunctionType, ModuleType)


def _own_copy(value: Any) -> Any:
    if isinstance(value, _SHARED):
        return value
    import copy

    try:
        return copy.deepcopy(value)
    except Exception:  # noqa: BLE001 - what cannot be copied (a lock, a client) is shared on purpose
        return value


def _logger(step: str) -> Any:
    import logging

    class CurrentStderr(logging.Handler):
        """Writes to whatever ``sys.stderr`` is at that moment: it changes while steps run."""

        def emit(self, record: logging.LogRecord) -> None:
            sys.stderr.write(self.format(record) + "\n")

    logger = logging.getLogger(f"zenconv.step.{step}")
    if not logger.handlers:
        handler = CurrentStderr()
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
    return logger


def seed_generators(seed: int, step: str) -> int:
    """Seed the global generators of Python, numpy and torch from `seed` and a step's name.

    Libraries that are not imported are left alone. Returns `seed`.
    """
    import random

    mixed = int(hashing.digest_texts("seed", [str(seed), step])[3:11], 16)
    random.seed(mixed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(mixed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(mixed)
    return seed
