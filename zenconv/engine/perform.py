"""Execute one task in this process: load, set up, call, capture, store."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import partial
from itertools import chain
from pathlib import Path
from types import GeneratorType
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from zenconv import clock
from zenconv.engine.calling import call_step
from zenconv.engine.capture import Capture, Spool
from zenconv.engine.comparing import Comparison, stir_generators
from zenconv.engine.failures import (
    ProjectFiles,
    definition_frame,
    describe_failure,
    has_frames,
    plain_failure,
)
from zenconv.engine.forks import ForkWatch, describe_fork
from zenconv.engine.interruption import Interruption
from zenconv.engine.lifetimes import FixtureError, SettingUp, finish_awaiting
from zenconv.engine.limited import Limited
from zenconv.engine.live import is_live
from zenconv.engine.outputs import OutputsError, check_verdict, join_outputs, list_items, split_outputs
from zenconv.engine.printed import store_text
from zenconv.engine.quarantine import note_damage
from zenconv.engine.resources import Resources
from zenconv.engine.retries import is_retried
from zenconv.engine.returned import (
    as_generator,
    describe_contradiction,
    describe_copy,
    is_stream,
    may_be_none,
    summarize_inputs,
)
from zenconv.engine.scope_endings import ScopeEndings
from zenconv.engine.secrets import Secrets
from zenconv.engine.stray_signals import StraySignals
from zenconv.engine.watching import Observation, Observer
from zenconv.engine.written import places, restore_written, save_written, write_elsewhere
from zenconv.errors import ArtifactError, CorruptArtifact, SaveError, ZenconvError
from zenconv.interfaces.orchestrating import Task, TaskInput, TaskResult
from zenconv.interfaces.storing import ArtifactStore
from zenconv.materializers import Materializers
from zenconv.records.artifact import Artifact
from zenconv.records.step import Node, Pipeline
from zenconv.trust import Trust

if TYPE_CHECKING:
    from zenconv.engine.debugging import Debugger
    from zenconv.engine.step_hooks import StepHooks

T = TypeVar("T")


class _Damaged(Exception):
    """The bytes of inputs are missing or wrong: of which nodes, with which digests."""

    def __init__(self, inputs: list[tuple[str, str]], cause: str = "") -> None:
        super().__init__(inputs)
        self.inputs = inputs
        self.cause = cause


@attrs.define(eq=False, repr=False)
class Performer:
    """Executes tasks of one pipeline; everything it needs is opened once per process.

    `debugger` is there where a person may debug steps, `hooks` where plugins may have a say. `check`
    raises what stands against executing a node in this process; nothing does without it.
    """

    pipeline: Pipeline
    store: ArtifactStore
    materializers: Materializers
    trust: Trust
    resources: Resources
    capture: Capture
    secrets: Secrets
    interruption: Interruption
    files: ProjectFiles
    root: Path
    scratch: Path
    debugger: Debugger | None = None
    check: Callable[[str], object] | None = None
    materializer_of: Callable[[Node, str], tuple[str, str]] = lambda _node, _output: ("", "")
    hooks: StepHooks | None = None
    _forks: ForkWatch = attrs.field(factory=ForkWatch)
    _strays: StraySignals = attrs.field(init=False)
    _observer: Observer = attrs.field(init=False)
    _found: dict[str, list[tuple[str, str]]] = attrs.field(init=False, factory=dict)
    endings: ScopeEndings = attrs.field(init=False)
    _begun: int = 0
    _under_way: int = 0

    def __attrs_post_init__(self) -> None:
        self.endings = ScopeEndings(self.resources, self.capture, self.secrets, self.files, self._forks)
        self._observer = Observer(self.root, self.files)
        self._strays = StraySignals(self.interruption)

    def perform(self, task: Task) -> TaskResult:
        """Execute `task`, which is not async. Every way a step can end comes back as a result."""
        with warnings.catch_warnings():
            try:
                self.execute(task, self.capture.spool).send(None)
            except StopIteration as end:
                result: TaskResult = end.value
                return result
        raise AssertionError(f"{task.node} waits for something, but its task is not async")

    async def execute(self, task: Task, spool: Spool) -> TaskResult:
        """Execute `task`, whose printed text gathers in `spool`; only an async task ever waits."""
        node = self._node(task.node, task.template)
        private = self.scratch / str(self._begun) if task.is_async else self.scratch
        self._begun += 1
        if task.gpus:
            self.resources.gpus[task.node] = task.gpus
        started, cpu = clock.monotonic(), clock.cpu_seconds()
        talked = 0.0
        self._strays.begin(task.node)
        self._under_way += task.is_async
        try:
            with Limited(task.limit, self.interruption, is_async=task.is_async) as limited:
                result = await self._attempt(task, node, private, limited)
                if limited.has_timed_out and result.status in ("succeeded", "failed"):
                    result = await limited.end(node, result, self.resources, self._under_way)
        finally:
            self._under_way -= task.is_async
            self._strays.end(task.node)
            if self.debugger is not None:
                talked = self.debugger.end_step(node)
            if private.exists():
                import shutil

                shutil.rmtree(private, ignore_errors=True)
        return attrs.evolve(
            result,
            output=self._take_output(spool),
            inputs=summarize_inputs(task),
            seconds=clock.monotonic() - started - talked,
            cpu=clock.cpu_seconds() - cpu,
        )

    def _node(self, id: str, template: str) -> Node:
        """Return a node; a branch that came into being in another process is made like its template."""
        node = self.pipeline.nodes.get(id)
        if node is not None and not (template and node.is_open):
            return node
        return attrs.evolve(self.pipeline.nodes[template], id=id, open=(), grown=template)

    async def _attempt(self, task: Task, node: Node, private: Path, limited: Limited) -> TaskResult:
        seen: Observation | None = None
        if task.expected is not None:
            node = write_elsewhere(node, private / "verified")
            stir_generators()
        try:
            given = await self._load_inputs(task, private)
            fixtures = self.pipeline.fixtures_of(node, counted=True)
            functions = [fixture.fixture.function for fixture in fixtures]
            seen = self._observer.begin(node, is_async=task.is_async, fixtures=functions)
            making = self.resources.arguments(node, given, task, task.node, seen)
            del given
            returned, arguments = await self._call(node, making, seen, limited)
            self._put_back(seen)
            if self.debugger is not None:
                self.debugger.see(node, **{**arguments, "returned": returned})
            written = {b.parameter: arguments[b.parameter] for b in places(node)}
            del arguments
            if node.step.is_check:
                check_verdict(node.step, returned)
            outputs = split_outputs(node.step, returned)
            del returned
            if task.expected is not None:
                result = self._compare(task, node, outputs, written, seen, private)
            else:
                result = self._keep(task, node, outputs, written, seen)
            if self._forks.returned_twice():
                result = describe_fork(node)
            elif self.hooks is not None and (told := self.hooks.tell_saved(node, result.outputs)):
                result = attrs.evolve(result, warnings=[*result.warnings, *told])
        except _Damaged as damaged:
            if self.debugger is not None:
                self.debugger.note_load_error(node.id, damaged.__cause__)
            error = plain_failure("ArtifactError", damaged.cause) if damaged.cause else None
            result = TaskResult(task.node, "damaged", damaged=damaged.inputs, error=error)
        except BaseException as error:  # noqa: BLE001 - however a step ends, that is its result
            result = self._failed(node, error)
            self._put_back(seen)
            if seen is not None:  # whoever mends one of these files wants the step to run again
                result = attrs.evolve(result, discovered=seen.discovered())
        if found := self._found.pop(task.node, None):
            result = TaskResult(task.node, "damaged", damaged=found)
        result = await self._tear_down(task, node, result)
        self.resources.close_step(task.node, succeeded=result.status == "succeeded")
        return result

    def _put_back(self, seen: Observation | None) -> None:
        """Have the process as it was before the step was called: before what it returned is stored too."""
        if seen is not None:
            seen.put_back()
        self.capture.repair()

    async def _call(
        self,
        node: Node,
        making: SettingUp[dict[str, Any]],
        seen: Observation | None = None,
        limited: Limited | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Make the arguments of a step and call it; return what it returned, and the arguments."""
        watch = seen if seen is not None else nullcontext()

        async def wait(coroutine: Awaitable[Any]) -> Any:
            with watch:
                return await self._wait_for(coroutine)

        work = self._begin(node, making, seen, limited)
        returned, arguments = await self._drive(work, (watch, self._forks, self.interruption), wait)
        return (await wait(returned) if node.step.is_async else returned), arguments

    def _begin(
        self,
        node: Node,
        making: SettingUp[dict[str, Any]],
        seen: Observation | None,
        limited: Limited | None,
    ) -> SettingUp[tuple[Any, dict[str, Any]]]:
        made = self.resources.made
        arguments = yield from making
        if limited is not None:
            limited.begin_call(is_fresh=self.resources.made > made)
        if seen is not None:
            seen.watch_effects(arguments, self.scratch)
        return (call_step if self.hooks is None else self.hooks.call)(node, arguments), arguments

    async def _tear_down(self, task: Task, node: Node, result: TaskResult) -> TaskResult:
        """End what was set up for a task; return `result`, or the failure that this was."""
        if not self.resources.has_any(task.node):
            return result
        failures = await self._drive(self.resources.end_step(task.node), (self._forks,), finish_awaiting)
        if failures and result.status in ("succeeded", "damaged"):
            first, *failures = failures
            result = self._failed(node, first, hint="raised while a fixture was torn down")
        if not failures:
            return result
        also = self.secrets.redact([describe_failure(error, self.files) for error in failures])
        if result.status == "failed":
            return attrs.evolve(result, error={**(result.error or {}), "also": also})
        lines = [" ".join(f"{error['type']}: {error['message']}".split()) for error in also]
        return attrs.evolve(result, warnings=[*result.warnings, *lines])

    async def _drive(
        self,
        work: SettingUp[T],
        guards: Iterable[AbstractContextManager[Any]],
        wait: Callable[[Awaitable[Any]], Awaitable[Any]],
    ) -> T:
        """Do `work` inside `guards`, and outside of them wait for what it has to wait for."""
        made: Any = None
        failure: BaseException | None = None
        while True:
            with ExitStack() as stack:
                for guard in guards:
                    stack.enter_context(guard)
                try:
                    pending = work.throw(failure) if failure is not None else work.send(made)
                except StopIteration as end:
                    result: T = end.value
                    return result
            made, failure = None, None
            try:
                made = await wait(pending)
            except BaseException as error:  # noqa: BLE001 - raised where the fixture is set up or ended
                failure = error

    async def _wait_for(self, coroutine: Awaitable[Any]) -> Any:
        try:
            return await coroutine
        finally:
            self._forks.end_child()

    def _keep(
        self,
        task: Task,
        node: Node,
        outputs: dict[str, Any],
        written: Mapping[str, Any],
        seen: Observation,
    ) -> TaskResult:
        if node.step.shape == "each":
            stored = self._keep_items(task, node, outputs.pop(""), seen)
            self._put_back(seen)
            stored.update(save_written(node, written, self.materializers, self.store))
            told = self.secrets.redact(seen.warnings([]))
            return TaskResult(
                task.node, "succeeded", outputs=stored, warnings=told, discovered=seen.discovered()
            )
        if task.is_wanted and outputs.get("", self) is None and not may_be_none(node):
            raise OutputsError(
                "returned None, but other steps ask for it",
                hint="did you forget `return`? If None is meant, annotate it: `-> None`",
            )
        is_lazy = is_stream(node)
        if is_lazy:
            outputs = {name: as_generator(value, seen.pass_on) for name, value in outputs.items()}
        elif any(is_live(value) for value in outputs.values()):
            told = self.secrets.redact(seen.warnings(outputs.values()))
            return TaskResult(task.node, "succeeded", live=True, warnings=told, discovered=seen.discovered())
        notes = [
            text for name, value in outputs.items() if (text := describe_contradiction(node, name, value))
        ]
        if not is_lazy:
            notes += self.secrets.redact(seen.warnings(outputs.values()))
        stored, save = {}, partial(self.materializers.save, store=self.store)
        for name in list(outputs):
            where = f"{node.id} output {name!r}" if name else node.id
            chosen = self.materializer_of(node, name)
            if is_lazy:  # the step's code runs only now, item by item
                with seen, self._forks, self.interruption:
                    artifact = save(outputs.pop(name), where=where, chosen=chosen)
            else:
                value = outputs.pop(name)
                path = value if isinstance(value, Path) else None
                with seen.storing():
                    artifact = save(value, where=where, chosen=chosen)
                del value
                notes += filter(None, [describe_copy(node, path, artifact, self.root)])
            stored[name] = self.trust.sign(artifact, task.key, name)
        stored.update(save_written(node, written, self.materializers, self.store))
        if is_lazy:
            self._put_back(seen)
            notes += self.secrets.redact(seen.warnings([]))
        return TaskResult(
            task.node, "succeeded", outputs=stored, warnings=notes, discovered=seen.discovered()
        )

    def _keep_items(self, task: Task, node: Node, returned: Any, seen: Observation) -> dict[str, Artifact]:
        """Store the items of a step that returns `Each`, one at a time."""
        stored: dict[str, Artifact] = {}
        items = list_items(returned)
        chosen = self.materializer_of(node, "")
        while True:
            with seen, self._forks, self.interruption:  # a generator goes on here
                id, item = next(items, (None, None))
                seen.note_returned(item)
            if id is None:
                return stored
            if is_live(item):
                raise OutputsError(
                    f"returned an item {id!r} that cannot be stored: it is a {type(item).__qualname__}",
                    hint="return what it is made from, and make it in the steps that take an item",
                )
            where = f"{node.id} item {id!r}"
            with seen.storing():
                artifact = self.materializers.save(item, self.store, where=where, chosen=chosen)
            stored[id] = self.trust.sign(artifact, task.key, id)

    def _compare(
        self,
        task: Task,
        node: Node,
        outputs: dict[str, Any],
        written: Mapping[str, Any],
        seen: Observation,
        private: Path,
    ) -> TaskResult:
        """Compare with what is stored; store nothing."""
        chosen = partial(self.materializer_of, node)
        comparison = Comparison(task, node, self.store, self.materializers, chosen, self.trust, private)
        verdict = comparison.compare(outputs, written, (seen, self._forks, self.interruption))
        told = seen.warnings([] if is_stream(node) else outputs.values())
        redact = self.secrets.redact
        return TaskResult(task.node, "succeeded", verdict=redact(verdict), warnings=redact(told))

    def restore(self, node: Node, outputs: Mapping[str, Artifact]) -> None:
        """Put back what a reused step had written, where it is missing or differs."""
        if places(node):
            restore_written(node, outputs, self.root, self.scratch, self.materializers, self.store)

    def _failed(self, node: Node, error: BaseException, hint: str = "") -> TaskResult:
        if self._strays.is_interrupted(node.id, error):
            return _interrupted(node)
        if isinstance(error, FixtureError):
            inner = error.__cause__ or error
            told = [inner.hint] if isinstance(inner, ZenconvError) and inner.hint else []
            hint = hint or "; ".join([*told, error.what])
            error = inner
        elif isinstance(error, SaveError) and is_stream(node) and has_frames(error.__cause__, self.files):
            error = error.__cause__ or error  # a generator's own code, run while it was stored
        retry = is_retried(node.marks.retry, error)
        described = describe_failure(error, self.files, hint=hint)
        if isinstance(error, SystemExit):
            described["message"] = f"the step called sys.exit({error.code!r})"
        elif stray := self._strays.describe(node.id, error):
            described |= {"type": "Interrupted", "message": stray}
        if not described["frames"]:
            if not isinstance(error, ZenconvError | SystemExit | KeyboardInterrupt):
                described.setdefault(
                    "hint", "raised outside the step's code, around its inputs or its result"
                )
            described["frames"] = [definition_frame(node.step)]
        described = self.secrets.redact(described)
        if self.debugger is not None:
            self.debugger.examine(node, error, described)
            if self._strays.is_interrupted(node.id, error):  # Ctrl-C, and then `q`
                return _interrupted(node)
        return TaskResult(node.id, "failed", error=described, retry=retry)

    async def _load_inputs(self, task: Task, private: Path, owner: str = "") -> dict[str, Any]:
        return await self._load_all(task.inputs, private, owner or task.node)

    async def _load_all(self, given: Mapping[str, TaskInput], private: Path, owner: str) -> dict[str, Any]:
        """Load inputs; where some are damaged, look for all that are: they are computed again together."""
        loaded: dict[str, Any] = {}
        found: list[_Damaged] = []
        for name, one in given.items():
            try:
                loaded[name] = await self._load(one, private, owner)
            except _Damaged as damaged:
                found.append(damaged)
                loaded.clear()
        _raise_together(found)
        return loaded

    async def _load(self, given: TaskInput, private: Path, owner: str) -> Any:
        if given.branches is not None:
            from zenconv.authoring import Collect

            return Collect(await self._load_all(given.branches, private, owner), given.failed)
        if given.live is not None:
            return await self._make_live(given, given.live, private, owner)
        if given.output is not None:
            return self._load_artifact(given, given.output, private, owner)
        step = self._node(given.node, given.template).step
        outputs: dict[str, Any] = {}
        found: list[_Damaged] = []
        for name in given.outputs:
            try:
                outputs[name] = self._load_artifact(given, name, private, owner)
            except _Damaged as damaged:
                found.append(damaged)
        _raise_together(found)
        return join_outputs(step, outputs)

    def _load_artifact(self, given: TaskInput, name: str, private: Path, owner: str) -> Any:
        artifact = given.outputs[name]
        try:
            self.trust.check(artifact, given.key, name)
            value = self.materializers.load(artifact, self.store, allowed=True, private=private)
            if isinstance(value, GeneratorType):  # it is read while the step works
                return note_damage(value, given.node, self._found.setdefault(owner, []))
            return value
        except CorruptArtifact as error:
            raise _Damaged([(given.node, error.digest)]) from error
        except ArtifactError as error:
            # Sound bytes that say something impossible: whoever wrote them, they are as good as none.
            raise _Damaged([(given.node, "")], error.what) from error

    async def _make_live(self, given: TaskInput, live: Task, private: Path, owner: str) -> Any:
        node = self._node(live.node, live.template)
        inputs = await self._load_inputs(live, private, owner)
        making = self.resources.arguments(node, inputs, live, owner)
        del inputs
        returned, _ = await self._call(node, making)
        outputs = split_outputs(node.step, returned)
        return outputs[given.output] if given.output is not None else join_outputs(node.step, outputs)

    def _take_output(self, spool: Spool) -> Artifact | None:
        self.capture.flush()
        common = self.capture.spool
        # What C code and child processes print beside async steps goes to the step that ends first.
        size = spool.size() + (common.size() if spool is not common else 0)
        if not size:
            return None
        blocks = spool.blocks() if spool is common else chain(spool.blocks(), common.blocks())
        try:
            return store_text(self.secrets.redacted_blocks(blocks), size, self.store)
        finally:
            spool.clear()
            common.clear()


def _interrupted(node: Node) -> TaskResult:
    return TaskResult(node.id, "interrupted", error=plain_failure("Interrupted", "stopped by a signal"))


def _raise_together(found: Sequence[_Damaged]) -> None:
    if len(found) == 1:
        raise found[0]
    if found:
        raise _Damaged([one for damaged in found for one in damaged.inputs]) from found[0].__cause__
