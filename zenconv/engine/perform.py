"""Execute one task in this process: load, set up, call, capture, store."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Generator, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from zenconv import clock, hashing
from zenconv.engine.calling import call_step
from zenconv.engine.capture import Capture, Spool
from zenconv.engine.failures import ProjectFiles, describe_failure, has_frames, plain_failure
from zenconv.engine.forks import ForkWatch
from zenconv.engine.interruption import Interruption
from zenconv.engine.live import is_live
from zenconv.engine.outputs import OutputsError, join_outputs, split_outputs
from zenconv.engine.resources import FixtureError, Resources
from zenconv.engine.retries import is_retried
from zenconv.engine.secrets import Secrets
from zenconv.engine.watching import Observation, Observer
from zenconv.engine.written import places, restore_written, save_written
from zenconv.errors import ArtifactError, CorruptArtifact, SaveError, ZenconvError
from zenconv.interfaces.orchestrating import Task, TaskInput, TaskResult
from zenconv.interfaces.storing import ArtifactStore
from zenconv.materializers import Materializers
from zenconv.records.artifact import INLINE_LIMIT, Artifact, StoredFile
from zenconv.records.step import Node, Pipeline
from zenconv.trust import Trust

if TYPE_CHECKING:
    from zenconv.engine.debugging import Debugger


class _Damaged(Exception):
    """An input's bytes are missing or wrong."""

    def __init__(self, node: str, digest: str, cause: str = "") -> None:
        super().__init__(node)
        self.node = node
        self.digest = digest
        self.cause = cause


@attrs.define(eq=False, repr=False)
class Performer:
    """Executes tasks of one pipeline; everything it needs is opened once per process.

    `debugger` is there where a person may debug steps.
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
    _forks: ForkWatch = attrs.field(factory=ForkWatch)
    _observer: Observer = attrs.field(init=False)
    _begun: int = 0

    def __attrs_post_init__(self) -> None:
        self._observer = Observer(self.root, self.files)

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
        node = self.pipeline.nodes[task.node]
        private = self.scratch / str(self._begun) if task.is_async else self.scratch
        self._begun += 1
        started, cpu = clock.monotonic(), clock.cpu_seconds()
        talked = 0.0
        try:
            result = await self._attempt(task, node, private)
        finally:
            if self.debugger is not None:
                talked = self.debugger.end_step(node)
            if private.exists():
                import shutil

                shutil.rmtree(private, ignore_errors=True)
        return attrs.evolve(
            result,
            output=self._take_output(spool),
            inputs=_summaries(task),
            seconds=clock.monotonic() - started - talked,
            cpu=clock.cpu_seconds() - cpu,
        )

    async def _attempt(self, task: Task, node: Node, private: Path) -> TaskResult:
        failures: list[BaseException] = []
        try:
            given = await self._load_inputs(task, private)
            seen = self._observer.begin(node, is_async=task.is_async)
            with seen, self._forks, self.interruption:
                arguments = self.resources.arguments(node, given)
                del given
                seen.watch_effects(arguments, self.scratch)
                returned = call_step(node, arguments)
            if node.step.is_async:
                with seen:
                    returned = await self._wait_for(returned)
            if self.debugger is not None:
                self.debugger.see(node, **{**arguments, "returned": returned})
            written = {b.parameter: arguments[b.parameter] for b in places(node)}
            del arguments
            result = self._keep(task, node, split_outputs(node.step, returned), written, seen)
        except _Damaged as damaged:
            if self.debugger is not None:
                self.debugger.note_load_error(node.id, damaged.__cause__)
            error = plain_failure("ArtifactError", damaged.cause) if damaged.cause else None
            result = TaskResult(task.node, "damaged", damaged=[(damaged.node, damaged.digest)], error=error)
        except BaseException as error:  # noqa: BLE001 - however a step ends, that is its result
            result = self._failed(node, error)
        finally:
            failures = self.resources.end_step(node)
        if result.status == "succeeded" and self._forks.returned_twice():
            return _fail(
                node,
                "Forked",
                "a process that the step forked came back from it as well",
                hint="end the child with os._exit(), or use subprocess or multiprocessing",
            )
        if failures and result.status == "succeeded":
            return self._failed(node, failures[0], hint="raised while a fixture was torn down")
        return result

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
        if task.is_wanted and outputs.get("", self) is None and not _may_be_none(node):
            raise OutputsError(
                "returned None, but other steps ask for it",
                hint="did you forget `return`? If None is meant, annotate it: `-> None`",
            )
        is_stream = node.step.is_generator or _yields(node.step.returns)
        if is_stream:
            outputs = {name: _as_generator(value) for name, value in outputs.items()}
        elif any(is_live(value) for value in outputs.values()):
            told = self.secrets.redact(seen.warnings(outputs.values()))
            return TaskResult(task.node, "succeeded", live=True, warnings=told, discovered=seen.discovered())
        notes = [text for name, value in outputs.items() if (text := _contradiction(node, name, value))]
        if not is_stream:
            notes += self.secrets.redact(seen.warnings(outputs.values()))
        stored: dict[str, Artifact] = {}
        for name in list(outputs):
            where = f"{node.id} output {name!r}" if name else node.id
            if is_stream:  # the step's code runs only now, item by item
                with seen, self._forks, self.interruption:
                    artifact = self.materializers.save(outputs.pop(name), self.store, where=where)
            else:
                artifact = self.materializers.save(outputs.pop(name), self.store, where=where)
            stored[name] = self.trust.sign(artifact, task.key, name)
        stored.update(save_written(node, written, self.materializers, self.store))
        if is_stream:
            notes += self.secrets.redact(seen.warnings([]))
        return TaskResult(
            task.node, "succeeded", outputs=stored, warnings=notes, discovered=seen.discovered()
        )

    def restore(self, node: Node, outputs: Mapping[str, Artifact]) -> None:
        """Put back what a reused step had written, where it is missing or differs."""
        if places(node):
            restore_written(node, outputs, self.root, self.scratch, self.materializers, self.store)

    def _failed(self, node: Node, error: BaseException, hint: str = "") -> TaskResult:
        if self.interruption.signal and _is_interruption(error):
            return _interrupted(node)
        if isinstance(error, FixtureError):
            hint = hint or error.what
            error = error.__cause__ or error
        elif isinstance(error, SaveError) and has_frames(error.__cause__, self.files):
            error = error.__cause__ or error  # a generator's own code, run while it was stored
        retry = is_retried(node.marks.retry, error)
        described = describe_failure(error, self.files, hint=hint)
        if isinstance(error, SystemExit):
            described["message"] = f"the step called sys.exit({error.code!r})"
        if not described["frames"]:
            if not isinstance(error, ZenconvError | SystemExit | KeyboardInterrupt):
                described.setdefault(
                    "hint", "raised outside the step's code, around its inputs or its result"
                )
            step = node.step
            described["frames"] = [
                {"file": step.file, "line": step.line, "function": step.name, "text": f"def {step.name}(…)"}
            ]
        described = self.secrets.redact(described)
        if self.debugger is not None:
            self.debugger.examine(node, error, described)
            if self.interruption.signal and _is_interruption(error):  # Ctrl-C, and then `q`
                return _interrupted(node)
        return TaskResult(node.id, "failed", error=described, retry=retry)

    async def _load_inputs(self, task: Task, private: Path) -> dict[str, Any]:
        return {parameter: await self._load(given, private) for parameter, given in task.inputs.items()}

    async def _load(self, given: TaskInput, private: Path) -> Any:
        if given.branches is not None:
            from zenconv.authoring import Collect

            found = {id: await self._load(branch, private) for id, branch in given.branches.items()}
            return Collect(found, given.failed)
        if given.live is not None:
            return await self._make_live(given, given.live, private)
        if given.output is not None:
            return self._load_artifact(given, given.output, private)
        step = self.pipeline.nodes[given.node].step
        return join_outputs(step, {name: self._load_artifact(given, name, private) for name in given.outputs})

    def _load_artifact(self, given: TaskInput, name: str, private: Path) -> Any:
        artifact = given.outputs[name]
        try:
            self.trust.check(artifact, given.key, name)
            return self.materializers.load(artifact, self.store, allowed=True, private=private)
        except CorruptArtifact as error:
            raise _Damaged(given.node, error.digest) from error
        except ArtifactError as error:
            # Sound bytes that say something impossible: whoever wrote them, they are as good as none.
            raise _Damaged(given.node, "", error.what) from error

    async def _make_live(self, given: TaskInput, live: Task, private: Path) -> Any:
        node = self.pipeline.nodes[given.node]
        arguments = self.resources.arguments(node, await self._load_inputs(live, private))
        returned = call_step(node, arguments)
        if node.step.is_async:
            returned = await self._wait_for(returned)
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


def store_text(blocks: Iterable[bytes], size: int, store: ArtifactStore) -> Artifact:
    """Store captured text and return its artifact; short text stays in the record."""
    if size <= INLINE_LIMIT:
        data = b"".join(blocks)
        file = StoredFile("", hashing.digest_bytes(data), len(data), data)
    else:
        with store.writer() as writer:
            for block in blocks:
                writer.write(block)
            digest, size = writer.commit()
        file = StoredFile("", digest, size)
    return Artifact(file.digest, "text/1", "builtins.str", (file,), summary={"bytes": file.size})


def _is_interruption(error: BaseException) -> bool:
    return isinstance(error, KeyboardInterrupt) or type(error).__name__ == "CancelledError"


def _yields(annotation: Any) -> bool:
    """Return whether an annotation promises items one by one: ``Iterator[T]``, ``Generator``."""
    return getattr(annotation, "__origin__", annotation) in (Iterator, Generator)


def _as_generator(value: Any) -> Any:
    return (item for item in value) if isinstance(value, Iterator) else value


def _may_be_none(node: Node) -> bool:
    annotation = node.step.returns
    if annotation is None:
        return "None" in node.step.outputs[0].annotation
    return type(None) in getattr(annotation, "__args__", ()) or annotation is type(None)


def _contradiction(node: Node, name: str, value: Any) -> str:
    expected = next((output.type for output in node.step.outputs if output.name == name), None)
    if not isinstance(expected, type) or getattr(expected, "_is_protocol", False):
        return ""
    if isinstance(value, expected) or (expected in (float, complex) and isinstance(value, int | float)):
        return ""
    return (
        f"{node.step.where}: {node.step.name} says it returns {expected.__qualname__}"
        f", but returned {type(value).__qualname__}"
    )


def _summaries(task: Task) -> dict[str, Any]:
    summaries: dict[str, Any] = {}
    for parameter, given in task.inputs.items():
        if given.branches is not None:
            summaries[parameter] = {"node": "", "type": f"{len(given.branches)} branches"}
        elif given.live is not None:
            summaries[parameter] = {"node": given.node, "type": "live value"}
        elif given.output is not None:
            artifact = given.outputs[given.output]
            summaries[parameter] = {"node": given.node, "type": artifact.type, **artifact.summary}
        else:
            summaries[parameter] = {"node": given.node, "type": f"{len(given.outputs)} outputs"}
    return summaries


def _interrupted(node: Node) -> TaskResult:
    return TaskResult(node.id, "interrupted", error=plain_failure("Interrupted", "stopped by a signal"))


def _fail(node: Node, kind: str, message: str, *, hint: str = "") -> TaskResult:
    return TaskResult(node.id, "failed", error=plain_failure(kind, message, hint=hint))
