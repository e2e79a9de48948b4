"""A recorded step made ready to be looked at: its inputs loaded, its fixtures set up, callable.

The inputs are those of the run; the function is that of the project as it is now. What differs
between the two is said.
"""

from __future__ import annotations

import asyncio
import inspect
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import attrs

from zenconv.cli.recorded_values import recover_value
from zenconv.engine.builtin_fixtures import BuiltinFixtures, RunInfo
from zenconv.engine.calling import call_step
from zenconv.engine.checkpoints import Checkpoints
from zenconv.engine.decide import NodeResult, grow_known
from zenconv.engine.explain import compare_parts, reason_for, without_inputs
from zenconv.engine.failures import ProjectFiles, describe_failure
from zenconv.engine.keys import short_text
from zenconv.engine.lifetimes import FixtureError, drive
from zenconv.engine.outputs import join_outputs, split_outputs
from zenconv.engine.resources import Resources
from zenconv.engine.secrets import Secrets
from zenconv.errors import UsageError, ZenconvError
from zenconv.frozen import Frozen
from zenconv.interfaces.orchestrating import Task, TaskInput
from zenconv.project.planning import Planner, Selection
from zenconv.queries.describing import list_settings
from zenconv.queries.loading import load_output, load_outputs
from zenconv.records.artifact import ActionKey
from zenconv.records.run import HAS_RESULT, RunRecord, StepRunRecord
from zenconv.records.step import Binding, Node
from zenconv.settings.settings import seed_of

if TYPE_CHECKING:
    from zenconv.queries.history import Found, History


class RecordedResults(Mapping[str, NodeResult]):
    """The results that the steps of one run had, by node id, looked up when asked for."""

    def __init__(self, history: History, run: RunRecord) -> None:
        self._history = history
        self._run = run
        self._records: dict[str, StepRunRecord | None] = {}

    def record(self, node: str) -> StepRunRecord | None:
        """Return what is recorded of a node in the run; None if it had no part in it."""
        if node not in self._records:
            found = self._history.store.steps(self._run.id, node=node)
            self._records[node] = found[0] if found else None
        return self._records[node]

    def __getitem__(self, node: str) -> NodeResult:
        record = self.record(node)
        if record is None or record.status not in HAS_RESULT or not record.key:
            raise KeyError(node)
        return NodeResult(ActionKey.parse(record.key), record.outputs, record.live)

    def __iter__(self) -> Iterator[str]:
        return (step.node for step in self._history.store.steps(self._run.id, statuses=HAS_RESULT))

    def __len__(self) -> int:
        return len(self._history.store.steps(self._run.id, statuses=HAS_RESULT))

    def why_missing(self, node: str) -> str:
        """Return why a node has no result, in words."""
        record = self.record(node)
        if record is None:
            return f"{node} was not part of run {self._run.id}"
        return f"{node} is {record.status} in run {self._run.id}"


@attrs.frozen(eq=False, repr=False)
class Missing(Frozen):
    """An argument that is not there, and why; `error` is plain data about a fixture's failure."""

    parameter: str
    why: str
    error: Mapping[str, Any] | None = None


class StepSession:
    """One step of one run.

    Entered, its `inputs` are there: every argument by parameter name. Left, its fixtures are torn
    down, and `failures` holds what failed on the way. `missing` are the arguments that could not be had,
    `notes` what differs from the run.
    """

    def __init__(
        self, history: History, found: Found, planner: Planner, node: Node, results: RecordedResults
    ) -> None:
        self.record = found.step
        self.run = found.run
        self.node = node
        self.secrets = Secrets()
        self.inputs: dict[str, Any] = {}
        self.missing: list[Missing] = []
        self.failures: list[BaseException] = []
        self.notes: list[str] = []
        self.files = ProjectFiles(planner.project.settings.root, planner.project.is_project_file)
        self._history = history
        self._planner = planner
        self._results = results
        self._elsewhere: dict[str, tuple[StepRunRecord, str | None]] = {}
        self._kept: dict[str, str] = {}
        self._bindings = {binding.parameter: binding for binding in self._choose_bindings()}
        self._loaded: dict[str, Any] = {}
        self._scratch = Path(tempfile.mkdtemp(prefix="zenconv-shell-"))
        settings = planner.project.settings
        info = RunInfo(found.run.id, found.run.number, found.run.stack, _started(found.run))
        checkpoints = Checkpoints(self._scratch / "checkpoints")
        builtins = BuiltinFixtures(info, seed_of(settings), self.secrets, checkpoints)
        self._resources = Resources(planner.pipeline, builtins, self.secrets, settings.root, self._scratch)
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> Self:
        try:
            self._note_changes()
            self._fill()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.failures += drive(self._resources.end_step(self.node.id), self._wait_for)
        self.failures += self._resources.end_run()
        self._resources.close_step(self.node.id, succeeded=False)
        if self._loop is not None:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def call(self, **changes: Any) -> Any:
        """Execute the step on its inputs and return what it returns; `changes` replace some of them.

        Inputs are loaded anew, as a run hands each step objects of its own, unless `inputs` holds
        something else by now. The result of an async step is awaited.
        """
        __tracebackhide__ = True
        arguments = {**self._arguments(changes), **changes}
        return self._wait_for(call_step(self.node, arguments))

    def _arguments(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        for parameter in self.node.step.parameters:
            name = parameter.name
            if name in changes:
                continue
            if name in self.inputs and self.inputs[name] is not self._loaded.get(name, self):
                arguments[name] = self.inputs[name]
            elif name in self._loaded:
                arguments[name] = self._obtain(self._bindings[name])
            elif name in self._bindings or not parameter.has_default:
                raise self._lacking(name)
        return arguments

    def _lacking(self, name: str) -> UsageError:
        why = next((gone.why for gone in self.missing if gone.parameter == name), "it is not known")
        return UsageError(
            f"{self.node.step.name} cannot be called: {name!r} is missing: {why}", hint=f"call({name}=...)"
        )

    def _fill(self) -> None:
        try:
            self._make_arguments(attrs.evolve(self.node, bindings=()), {}, self._task)
        except FixtureError as error:
            self._miss("", error)
        for name, binding in self._bindings.items():
            try:
                self._loaded[name] = self.inputs[name] = self._obtain(binding)
            except KeyError as gone:
                self.missing.append(Missing(name, self._results.why_missing(str(gone.args[0]))))
            except ZenconvError as error:
                self._miss(name, error)

    def _miss(self, parameter: str, error: ZenconvError) -> None:
        described = None
        if isinstance(error, FixtureError) and error.__cause__ is not None:
            described = self.secrets.redact(describe_failure(error.__cause__, self.files))
        self.missing.append(Missing(parameter, self.secrets.redact(str(error)), described))

    def _obtain(self, binding: Binding) -> Any:
        """Return what one parameter gets, made or loaded anew; a fixture that lives stays."""
        node = attrs.evolve(self.node, bindings=(binding,), autouse=())
        if binding.parameter in self._elsewhere:
            return load_outputs(self._history, *self._elsewhere[binding.parameter])
        given = self._planner.decider.inputs(node, self._results)
        loaded = {name: self._load(value) for name, value in given.items()}
        return self._make_arguments(node, loaded, self._task)[binding.parameter]

    def _make_arguments(self, node: Node, given: Mapping[str, Any], task: Task) -> dict[str, Any]:
        return drive(self._resources.arguments(node, given, task, self.node.id), self._wait_for)

    @property
    def _task(self) -> Task:
        return Task(self.node.id, self.record.key, {})

    def _load(self, given: TaskInput) -> Any:
        if given.branches is not None:
            from zenconv.authoring import Collect

            return Collect({id: self._load(branch) for id, branch in given.branches.items()}, given.failed)
        step = self._planner.pipeline.nodes[given.node].step
        if given.live is not None:
            outputs = self._make_again(given.live)
            return outputs[given.output] if given.output is not None else join_outputs(step, outputs)
        record = self._results.record(given.node)
        assert record is not None  # its result is where `given` comes from
        if given.output is not None:
            return load_output(self._history, record, given.output)
        return join_outputs(step, {name: load_output(self._history, record, name) for name in given.outputs})

    def _make_again(self, live: Task) -> dict[str, Any]:
        """Return the outputs of a step whose value is live."""
        node = self._planner.pipeline.nodes[live.node]
        inputs = {name: self._load(given) for name, given in live.inputs.items()}
        arguments = self._make_arguments(node, inputs, live)
        return split_outputs(node.step, self._wait_for(call_step(node, arguments)))

    def _wait_for(self, returned: Any) -> Any:
        """Return what an async step or fixture comes to, in the one event loop of the session."""
        if not inspect.isawaitable(returned):
            return returned

        async def wait(awaitable: Awaitable[Any]) -> Any:
            return await awaitable

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(wait(returned))

    def _choose_bindings(self) -> Iterator[Binding]:
        """Yield what each parameter gets: as recorded, as far as the record says, else as now."""
        recorded = {str(row.get("parameter")): row for row in self.record.bindings}
        parameters = {parameter.name: parameter for parameter in self.node.step.parameters}
        settings = list_settings(self.run.arguments)
        root = self._planner.project.settings.root
        for binding in self.node.bindings:
            row = recorded.get(binding.parameter)
            if binding.is_output:
                yield attrs.evolve(binding, value=None)  # a place of the session's own
            elif row is None or binding.source != row.get("source"):
                yield binding
            elif binding.source == "node":
                yield self._choose_node(binding, row)
            elif binding.source == "value" and not binding.secret:
                parameter = parameters.get(binding.parameter)
                text = str(row.get("value", ""))
                value, is_found = recover_value(text, binding, parameter, settings, root)
                if not is_found:
                    self.notes.append(
                        f"{binding.parameter} was {text} in the run; here it is what is set now"
                    )
                elif value is not binding.value:
                    self._kept[binding.parameter] = f"{text} (now {short_text(binding.value)})"
                yield attrs.evolve(binding, value=value)
            else:
                yield binding

    def _choose_node(self, binding: Binding, row: Mapping[str, Any]) -> Binding:
        node = str(row.get("node"))
        if node in self._planner.pipeline.nodes:
            return attrs.evolve(binding, node=node, output=row.get("output", binding.output))
        record = self._results.record(node)
        if record is not None and record.status in HAS_RESULT:
            # Only that run had such a node: an output that was overridden, or a sample.
            self._elsewhere[binding.parameter] = record, row.get("output")
        return binding

    def _note_changes(self) -> None:
        decider = self._planner.decider
        before = self._history.store.key_parts([self.record.key]).get(self.record.key)
        if before is not None:
            try:
                after = decider.parts(self.node, decider.inputs(self.node, self._results))
            except KeyError:
                after = decider.parts(self.node, {})
                before = without_inputs(before, after)
            aside = {("parameter", name) for name in self._kept} | {("file", name) for name in self._kept}
            aside |= {("input", name) for name in self._elsewhere}
            changes = [
                change
                for change in compare_parts(before, after)
                if (change.kind, change.name.split()[0]) not in aside
            ]
            if changes:
                self.notes.append(f"changed since run {self.run.id}: {reason_for(changes)}")
        if self._kept:
            kept = ", ".join(f"{name} is {text}" for name, text in self._kept.items())
            self.notes.append(f"as in run {self.run.id}: {kept}")
        self.notes += self._stale_inputs()

    def _stale_inputs(self) -> Iterator[str]:
        """Yield, for each input that a run now would make anew or has made anew since, a line."""
        decisions = self._planner.plan(Selection((self.node.id,))).decisions
        asked = [binding for binding in self.node.bindings if binding.parameter not in self._elsewhere]
        for above in dict.fromkeys(id for binding in asked for id in binding.above()):
            recorded, decision = self._results.get(above), decisions.get(above)
            if recorded is None or decision is None:
                continue
            if decision.entry is None:
                yield f"a run now would not take {above} from run {self.run.id}: {decision.reason}"
            elif _contents(decision.entry.outputs) != _contents(recorded.outputs):
                yield f"{above} has another result since run {self.run.id}"


def open_session(history: History, found: Found, load_planner: Callable[[str, str], Planner]) -> StepSession:
    """Return the session of a step; `load_planner` imports the project for a stack and a node id.

    Raises
    ------
    UsageError
        The project has no such step any more. `CollectionError` and its kin, as for a run.
    """
    node_id = found.step.node
    try:
        planner = load_planner(found.run.stack, node_id)
    except UsageError as error:
        if not error.what.startswith(repr(node_id)):
            raise
        raise UsageError(
            f"{node_id} of run {found.run.id} is no step of the project any more",
            hint=f"its results can be read without its code: zenconv get {found.run.number} {node_id}",
        ) from error
    results = RecordedResults(history, found.run)
    while grow_known(planner.pipeline, planner.decider, results):
        pass  # the branches that run had, each of which may have items of its own
    node = planner.pipeline.nodes.get(node_id)
    if node is None:
        raise UsageError(
            f"{node_id} of run {found.run.id} cannot be told from the records of that run",
            hint="name one of its branches, or a step that it waits for",
        )
    return StepSession(history, found, planner, node, results)


def _started(run: RunRecord) -> datetime:
    try:
        return datetime.fromisoformat(run.started)
    except ValueError:
        return datetime.now(UTC)


def _contents(outputs: Mapping[str, Any]) -> dict[str, str]:
    return {name: artifact.content for name, artifact in outputs.items()}
