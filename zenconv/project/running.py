"""`zenconv run`, from settings to the last event: the supervisor's side and the runner's."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from zenconv import clock
from zenconv.engine.breakpoints import Breakpoints
from zenconv.engine.capture import Capture, Spool
from zenconv.engine.decide import NodeResult
from zenconv.engine.descendants import kill_tree
from zenconv.engine.durability import Durability
from zenconv.engine.environment import GitQuery, describe_environment
from zenconv.engine.execution import RunExecution
from zenconv.engine.failures import ProjectFiles
from zenconv.engine.interruption import Interruption
from zenconv.engine.local_work import WorkersOpener
from zenconv.engine.plan_records import plan_events
from zenconv.engine.printed import store_text
from zenconv.engine.retries import Retries
from zenconv.engine.runner import Channel
from zenconv.engine.secrets import Secrets
from zenconv.engine.supervisor import Supervisor
from zenconv.engine.terminal import borrow_terminal, is_terminal_lent
from zenconv.engine.time_limits import TimeWatch
from zenconv.errors import ZenconvError
from zenconv.frozen import Frozen
from zenconv.hooks.manager import Plugins
from zenconv.project.planning import Planner, Selection, consult
from zenconv.project.replaced import Replaced
from zenconv.project.resource_check import check_resources
from zenconv.project.run_header import describe_start
from zenconv.project.telling import Teller
from zenconv.project.worker_opening import WorkerOpener
from zenconv.records.artifact import ActionKey, Artifact
from zenconv.records.events import (
    Event,
    Notice,
    PlanReady,
    Progress,
    RunFinished,
    RunnerDied,
    RunStarted,
    StepFinished,
    StepRetried,
    StepsReused,
)
from zenconv.records.layout import RunFolder, StateFolder
from zenconv.records.log import EventLog, read_events
from zenconv.records.marks import TimeLimit
from zenconv.records.plan import Plan
from zenconv.settings import Settings
from zenconv.settings.settings import seed_of
from zenconv.stack.assemble import assemble
from zenconv.stack.sharing import end_use
from zenconv.stack.workers import has_workers

if TYPE_CHECKING:
    from zenconv.engine.debugging import Debugger, DebuggerRequest
    from zenconv.engine.fork_server import ForkServer
    from zenconv.engine.perform import Performer
    from zenconv.project.rounds import Round


@attrs.frozen(eq=False, repr=False)
class RunOptions(Frozen):
    """How a run behaves: `arguments` are recorded, the rest are the flags of ``zenconv run``.

    `debugging`, with `live_output`, lets a person debug steps in the runner.
    `round` is there where one run follows another, as edits come.
    """

    selection: Selection = attrs.field(factory=Selection)
    arguments: tuple[str, ...] = ()
    most_failures: int = 0
    live_output: bool = False
    debugging: DebuggerRequest | None = None
    round: Round | None = None


_MISTYPED = (4, 5)

PluginLoader = Callable[[], Plugins]


def run_project(
    settings: Settings,
    options: RunOptions,
    load_plugins: PluginLoader,
    listener: Callable[[Event], object],
    is_dropped: Callable[[], bool] = lambda: False,
) -> tuple[str, RunFinished]:
    """Run the selected steps of a project, recorded and supervised; return the run's id and end.

    `is_dropped` is asked at the end: a run that is leaves no record, and no gap in the numbers. Nor
    does one that was mistyped. The id of such a run is empty.

    Raises
    ------
    StoreError
        The state folder cannot be written.
    """
    git = GitQuery(settings.root)
    state = StateFolder(settings.state)
    state.create()
    folder = state.next_run()
    lock = folder.hold()
    try:
        started = _run_started(settings, options, folder, git)
        with EventLog(folder.log) as log:
            log.append(started)
        spool = Spool(folder.path)
        options = _with_seed(options, folder.number)
        runner = _RunnerBody(settings, options, load_plugins, folder, started, spool)

        def output(secrets: Sequence[str]) -> Artifact | None:
            return _crash_output(spool, secrets, settings, load_plugins, folder)

        files = ProjectFiles(settings.root)
        watch = TimeWatch(os.kill, kill_tree, files)
        finished = Supervisor(folder, runner, listener, output, spool, watch, files).run()
        spool.close()
        if is_dropped() or (finished.status == "error" and finished.exit_code in _MISTYPED):
            state.take_back(folder)
            return "", finished
        return folder.id, finished
    finally:
        lock.close()


def limit_of(settings: Settings) -> TimeLimit | None:
    """Return the time limit of steps that have none of their own."""
    if not settings.timeout:
        return None
    return TimeLimit(settings.timeout, where=settings.origins.get("timeout", ""))


def _with_seed(options: RunOptions, number: int) -> RunOptions:
    portion = options.selection.verify
    if portion is None:
        return options
    selection = attrs.evolve(options.selection, verify=portion.seeded(number))
    return attrs.evolve(options, selection=selection)


def _run_started(settings: Settings, options: RunOptions, folder: RunFolder, git: GitQuery) -> RunStarted:
    from zenconv.fingerprint import Distributions

    return RunStarted(
        folder.id,
        folder.number,
        list(options.arguments),
        str(settings.root),
        settings.stack.name,
        describe_environment(Distributions().installed(), git.answer(), seed_of(settings)),
        options.selection.sample,
        at=clock.utc_now(),
    )


def _crash_output(
    spool: Spool, names: Sequence[str], settings: Settings, load_plugins: PluginLoader, folder: RunFolder
) -> Artifact | None:
    if not spool.size():
        return None
    secrets = Secrets()
    for name in names:
        secrets.get(name)
    try:
        stack = assemble(settings, load_plugins())
        stack.protect(folder.lock, f"run {folder.id}")
        return store_text(secrets.redacted_blocks(spool.blocks()), spool.size(), stack.artifact_store)
    except ZenconvError:
        return None
    finally:
        spool.clear()


@attrs.define(eq=False, repr=False)
class _RunnerBody:
    """What a runner does: collect, plan, execute, tear down. Called in the forked process."""

    settings: Settings
    options: RunOptions
    load_plugins: PluginLoader
    folder: RunFolder
    started: RunStarted
    spool: Spool
    begun: float = attrs.field(factory=clock.monotonic)

    def __call__(self, channel: Channel) -> bool:
        """Do it; return whether a signal ended it early."""
        server = self._fork_server(channel)
        interruption = Interruption()
        interruption.called_off = channel.call_off.hear
        interruption.install()
        gc.disable()  # until the user's steps run: planning makes many records and no garbage
        self.spool.clear()
        if self.options.live_output:
            borrow_terminal()
            interruption.leader = os.getppid() if is_terminal_lent() else 0
        capture = Capture(self.spool, live=self.options.live_output)
        capture.start()
        breakpoints = self._open_breakpoints(channel, interruption, capture)
        # A relative path in a step or at import means the same wherever the command was called.
        os.chdir(self.settings.root)
        plugins = self.load_plugins()
        channel.send(describe_start(self.started, self.settings, plugins))
        teller = Teller(plugins, channel, self.begun)
        teller.start(self.started)
        if self.options.round is not None:
            self.options.round.begin(channel)
        try:
            return self._work(plugins, teller, channel, server, capture, interruption, breakpoints)
        except ZenconvError as error:
            teller.finish_failed(error.exit_code)
            raise

    def _work(
        self,
        plugins: Plugins,
        teller: Teller,
        channel: Channel,
        server: ForkServer | None,
        capture: Capture,
        interruption: Interruption,
        breakpoints: Breakpoints,
    ) -> bool:
        """Plan and execute; return whether a signal ended it early."""
        past = read_progress(self.folder)
        planner, plan = self._plan(plugins, channel, past.done)
        for text in (*self.settings.warnings, *planner.warnings()):
            channel.send(Notice(text, at=clock.utc_now()))
        for problem in planner.decider.keys.warnings():
            channel.send(Notice(str(problem), at=clock.utc_now()))
        for notice in check_resources(self.settings, plugins, plan):
            channel.send(notice)
        for planned in plan_events(plan):
            channel.send(planned)
        self._tell_portion(plan, channel, past)
        teller.start_locally(self.started, planner.local_hooks())
        teller.tell_plan(plan)
        for event in past.untold:
            teller.take(event)
        past = past.with_replaced(planner.replaced, channel, teller)
        gc.freeze()
        gc.enable()
        secrets = Secrets(lambda name: channel.send(Progress(secret=name)))

        make = partial(
            self._make_performer, planner, plan, plugins, channel, capture, secrets, interruption, breakpoints
        )
        opener = WorkerOpener(
            self.settings, self.load_plugins, self.folder, self.started, secrets, interruption, capture.live
        )
        forked = opener.forked_by(server, planner) if server is not None else None
        statuses = self._execute(planner, plan, teller, channel, make, interruption, opener, forked, past)
        if breakpoints.has_quit:
            channel.send(Notice("the debugger was quit: nothing more was run", "note", at=clock.utc_now()))
        planner.decider.keys.files.save()
        for text in end_use(self.settings, planner.stack, self.folder, self.started.environment["host"]):
            channel.send(Notice(text, at=clock.utc_now()))
        planner.stack.action_cache.close()
        checks = {node.id for node in plan.pipeline if node.step.is_check}
        teller.finish(statuses, checks, signal_number=interruption.signal)
        return bool(interruption.signal)

    def _make_performer(
        self,
        planner: Planner,
        plan: Plan,
        plugins: Plugins,
        channel: Channel,
        capture: Capture,
        secrets: Secrets,
        interruption: Interruption,
        breakpoints: Breakpoints,
    ) -> Performer:
        """Return what executes steps in this process; called when the first is executed."""
        from zenconv.engine.step_hooks import StepHooks
        from zenconv.project.performing import make_performer

        performer = make_performer(
            self.settings,
            self.folder,
            self.started,
            planner.project,
            planner.stack,
            planner.materializers,
            plan.pipeline,
            capture,
            secrets,
            interruption,
        )
        performer.endings.tell = lambda names: channel.send(Progress(ending=names))
        performer.hooks = StepHooks(plugins, self.folder.id)
        breakpoints.join(performer)
        return performer

    def _tell_portion(self, plan: Plan, channel: Channel, past: EarlierRunners) -> None:
        portion = self.options.selection.verify
        if portion is not None and not past.ended:
            from zenconv.project.verifying import describe_portion

            channel.send(Notice(describe_portion(plan, portion), "note", at=clock.utc_now()))

    def _find_unverified(self, past: EarlierRunners) -> tuple[tuple[str, ...], frozenset[str]]:
        if not past.ended or self.options.selection.verify is None:
            return (), frozenset()
        from zenconv.project.verifying import find_unverified

        return find_unverified(self.folder)

    def _plan(
        self, plugins: Plugins, channel: Channel, done: Mapping[str, NodeResult]
    ) -> tuple[Planner, Plan]:
        """Return the plan: from the collection index if nothing has to run, else by importing."""
        selection = self.options.selection

        def question(planner: Planner) -> tuple[Planner, Plan] | None:
            if not planner.is_indexed:
                return planner, planner.plan(selection, done)
            plan = planner.plan_reuse(selection, done)
            return None if plan is None else (planner, plan)

        def tell(text: str) -> None:
            channel.send(Progress(text))

        try:
            planner, plan = consult(self.settings, selection, plugins, tell, question, run=self.folder.id)
        except ZenconvError:
            if self.options.round is not None:
                self.options.round.check_failure(channel)
            raise
        if self.options.round is not None:
            self.options.round.take_plan(planner, plan, channel)
        return planner, plan

    def _open_breakpoints(
        self, channel: Channel, interruption: Interruption, capture: Capture
    ) -> Breakpoints:
        """Answer ``breakpoint()`` where there is somebody to talk to; with ``--pdb``, failures too."""

        def take_time() -> None:
            interruption.limit(0)
            channel.send(Progress(is_unlimited=True))

        def open_debugger() -> Debugger:
            from zenconv.engine.debugging import Debugger, DebuggerRequest

            request = self.options.debugging or DebuggerRequest()
            debugger = Debugger(request, interruption, capture, ProjectFiles(self.settings.root))
            debugger.install()
            debugger.on_talk = take_time
            return debugger

        breakpoints = Breakpoints(open_debugger)
        if self.options.debugging is not None:
            breakpoints.open()
        elif capture.can_lend:
            breakpoints.install()
        return breakpoints

    def _fork_server(self, channel: Channel) -> ForkServer | None:
        """Make what forks workers while this process is still clean, if the stack has any."""
        if not has_workers(self.settings):
            return None
        from zenconv.engine.fork_server import ForkServer
        from zenconv.project.working import WorkerBody

        body = WorkerBody(self.settings, self.load_plugins, self.folder, self.started)
        return ForkServer(body, lambda is_server: channel.drop(keep_open=is_server))

    def _execute(
        self,
        planner: Planner,
        plan: Plan,
        teller: Teller,
        channel: Channel,
        make: Callable[[], Performer],
        interruption: Interruption,
        opener: WorkerOpener,
        forked: WorkersOpener | None,
        past: EarlierRunners,
    ) -> Mapping[str, str]:
        """Execute the plan; return what became of each node."""
        self.spool.clear()
        stack = planner.stack
        durability = Durability([stack.artifact_store.sync, channel.sync, stack.action_cache.sync])
        unverified, died = self._find_unverified(past)
        execution = RunExecution(
            plan,
            planner.decider,
            make,
            interruption,
            writer=f"run {self.folder.id} on {self.started.environment['host']}",
            most_failures=self.options.most_failures,
            ended=past.ended,
            suspects=past.suspects | died,
            to_verify=unverified,
            fixed=planner.replaced.results.keys(),
            results=dict(past.done),
            retries=Retries(past.attempts),
            default_limit=limit_of(self.settings),
            durability=durability,
            workers=forked,
            environment_workers=partial(opener.open_elsewhere, planner),
        )
        for event in planner.stack.orchestrator.execute(plan, execution):
            channel.send(event)
            teller.take(event)
            if self.options.round is not None:
                self.options.round.see(event, execution, channel)
        planner.save_index(execution.results.values())
        if self.options.round is not None:
            self.options.round.finish(planner, execution, channel)
        for problem in durability.finish():
            channel.send(Notice(problem, at=clock.utc_now()))
        if execution.made_performer is not None:
            for notice in execution.made_performer.endings.end_run():
                channel.send(attrs.evolve(notice, at=clock.utc_now()))
        return execution.status


@attrs.frozen(eq=False, repr=False)
class EarlierRunners(Frozen):
    """What earlier runners of a run achieved, by node: statuses, results, attempts that failed.

    `suspects` are the nodes during which one of them died, together with others, so that none is
    to blame yet. `untold` are the ends of steps, or attempts, that the last runner took down with it.
    """

    ended: Mapping[str, str]
    done: Mapping[str, NodeResult]
    suspects: frozenset[str]
    attempts: dict[str, list[StepRetried]]
    untold: list[Event]

    def with_replaced(self, replaced: Replaced, channel: Channel, teller: Teller) -> EarlierRunners:
        """Return this with the overridden nodes as done; the first runner records them."""
        rows = [row for row in replaced.rows() if row["node"] not in self.ended]
        if not rows:
            return self
        event = StepsReused(rows, at=clock.utc_now())
        channel.send(event)
        teller.take(event)
        ended = {**self.ended, **dict.fromkeys(replaced.results, "reused")}
        return attrs.evolve(self, ended=ended, done={**self.done, **replaced.results})


def read_progress(folder: RunFolder) -> EarlierRunners:
    """Return what is in the log of a run so far."""
    ended: dict[str, str] = {}
    suspects: set[str] = set()
    done: dict[str, NodeResult] = {}
    attempts: dict[str, list[StepRetried]] = {}
    untold: list[Event] | None = None
    for event, _ in read_events(folder.log):
        if isinstance(event, PlanReady):
            untold = None
        elif untold is not None and isinstance(event, StepFinished | StepRetried):
            untold.append(event)
        if isinstance(event, StepFinished):
            ended[event.node] = event.status
            if event.status == "succeeded":
                done[event.node] = _result(event.key, event.outputs, event.live)
        elif isinstance(event, StepRetried):
            attempts.setdefault(event.node, []).append(event)
        elif isinstance(event, RunnerDied):
            untold = untold or []
            suspects.update({event.node} - {""})
        elif isinstance(event, StepsReused):
            for step in event.steps:
                ended[step["node"]] = "reused"
                done[step["node"]] = _result(step["key"], step["outputs"], step.get("live", False))
    return EarlierRunners(ended, done, frozenset(suspects - ended.keys()), attempts, untold or [])


def _result(key: str, outputs: Mapping[str, Any], live: bool) -> NodeResult:
    artifacts = {name: Artifact.from_json(data) for name, data in outputs.items()}
    return NodeResult(ActionKey.parse(key), artifacts, live)
