"""Watch over a run: start the runner, pass on signals, outlive its crashes, close the record.

The supervisor never imports any of the user's code, so nothing a step does can take the record
of the run with it. A step that was announced and not finished when its runner ended has failed;
a new runner is started for what is left.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import attrs

from zenconv import clock
from zenconv.engine.capture import Spool
from zenconv.engine.endings import crash_error, describe_end, kill_group
from zenconv.engine.failures import ProjectFiles
from zenconv.engine.outcome import judge_run
from zenconv.engine.retries import describe_attempt
from zenconv.engine.runner import Body, Runner, fork_runner
from zenconv.engine.terminal import (
    is_terminal_lent,
    read_terminal_mode,
    restore_terminal_mode,
    take_terminal,
)
from zenconv.engine.time_limits import TimeWatch
from zenconv.engine.wakeups import Wakeups, drain
from zenconv.records.artifact import Artifact
from zenconv.records.events import (
    OVER,
    Event,
    Notice,
    PlanReady,
    Progress,
    ProjectFailed,
    RunFinished,
    RunnerDied,
    RunnerFinished,
    StepFinished,
    StepRetried,
    StepsExpanded,
    StepsReused,
    StepStarted,
    StepVerified,
    VerificationStarted,
    decode,
)
from zenconv.records.layout import RunFolder
from zenconv.records.log import EventLog
from zenconv.records.marks import TimeLimit

GRACE_SECONDS = 10.0
_MOST_UNEXPLAINED = 2
_READ_SIZE = 1 << 18
_GATHERING_SECONDS = 0.002
"""Between two looks at the events, so that many short steps do not wake this process twice each."""
_CHILDREN_SECONDS = 2.0
_REPEAT_SECONDS = 0.5
"""A prompt that is about to wait for input notices a signal only when the next one comes."""


Listener = Callable[[Event], object]


@attrs.define(eq=False, repr=False)
class _State:
    """What is known of the run so far: of nodes that run, how they started; failed attempts by node.

    `verifying` tells of each node whether workers execute it again; `verified` counts outcomes.
    """

    status: dict[str, str] = attrs.field(factory=dict)
    running: dict[str, StepStarted] = attrs.field(factory=dict)
    attempts: dict[str, list[dict[str, Any]]] = attrs.field(factory=dict)
    doing: str = ""
    planned: bool = False
    finished: bool = False
    interrupted: bool = False
    failure: ProjectFailed | None = None
    unexplained: int = 0
    has_error: bool = False
    ending: str = ""
    checks: set[str] = attrs.field(factory=set)
    verified: dict[str, int] = attrs.field(factory=dict)
    verifying: dict[str, bool] = attrs.field(factory=dict)
    secrets: list[str] = attrs.field(factory=list)

    def take(self, event: Event) -> None:
        if isinstance(event, StepStarted):
            self.running[event.node] = event
        elif isinstance(event, StepRetried):
            self.running.pop(event.node, None)
            self.attempts.setdefault(event.node, []).append(describe_attempt(event))
        elif isinstance(event, StepFinished):
            self.status[event.node] = event.status
            self.running.pop(event.node, None)
        elif isinstance(event, StepsReused):
            self.status.update((step["node"], "reused") for step in event.steps)
        elif isinstance(event, VerificationStarted | StepVerified):
            self._take_verification(event)
        elif isinstance(event, PlanReady | StepsExpanded):
            self.planned = True
            self.checks.update(node["id"] for node in event.nodes if node.get("check"))
        elif isinstance(event, ProjectFailed):
            self.failure = event
        elif isinstance(event, RunnerFinished):
            self.finished = True
            self.interrupted = event.interrupted
        elif isinstance(event, Notice):
            self.has_error |= event.level == "error"
        elif isinstance(event, Progress):
            self.doing = event.text or self.doing
            self.ending = event.ending or self.ending
            if event.secret:
                self.secrets.append(event.secret)

    def _take_verification(self, event: VerificationStarted | StepVerified) -> None:
        if isinstance(event, VerificationStarted):
            self.verifying[event.node] = event.apart
        else:
            self.verifying.pop(event.node, None)
            self.verified[event.outcome] = self.verified.get(event.outcome, 0) + 1


class Supervisor:
    """Runs `body` in runners until the run is over.

    Parameters
    ----------
    folder
        The folder of the run, whose lock the caller holds and whose log has its first event.
    body
        What a runner does.
    listener
        Is told every event, in order.
    output
        Returns the captured text of a step whose runner died, stored: an artifact or None.
    spool
        Where that text gathers.
    watch
        Ends steps in the runner that take too long.
    files
        Tells which frames of a stack are the user's.
    """

    def __init__(
        self,
        folder: RunFolder,
        body: Body,
        listener: Listener,
        output: Callable[[list[str]], Artifact | None],
        spool: Spool,
        watch: TimeWatch,
        files: ProjectFiles,
    ) -> None:
        self._folder = folder
        self._body = body
        self._listener = listener
        self._output = output
        self._spool = spool
        self._watch = watch
        self._files = files
        self._pid = 0
        self._since: dict[str, float] = {}
        self._state = _State()
        self._started = clock.monotonic()
        self._signals: list[int] = []
        self._deadline = 0.0
        self._repeat_at = 0.0

    def run(self) -> RunFinished:
        """Run to the end and return the last event, which is in the log then."""
        with Wakeups(self._note_signal) as wakeup:
            while True:
                status = self._run_once(wakeup)
                if self._state.finished or self._signals or not self._explain(status):
                    break
                self._state.finished = False
        return self._finish()

    def _note_signal(self, number: int, _frame: FrameType | None) -> None:
        # The shell and the system both tell of the terminal's end: that is no second Ctrl-C.
        if number != signal.SIGHUP or number not in self._signals:
            self._signals.append(number)

    def _run_once(self, wakeup: int) -> int:
        state = self._state
        state.finished = False
        mode = read_terminal_mode()
        runner = fork_runner(self._body, lambda: EventLog(self._folder.log))
        self._pid = runner.pid
        status = None
        forwarded = 0
        buffer = bytearray()
        open_pipes = [wakeup, runner.events]
        while status is None:
            select.select(open_pipes, [], [], self._watch.patience(self._patience()))
            drain(wakeup)
            if not self._read(runner, buffer):
                open_pipes = [wakeup]  # a step may have closed it; only the process's end counts
            forwarded = self._forward(runner, forwarded)
            self._watch.act()
            if not state.finished:
                time.sleep(_GATHERING_SECONDS)
            ended, value = os.waitpid(runner.pid, os.WNOHANG | os.WUNTRACED)
            if ended and os.WIFSTOPPED(value):
                _stop_together(runner, value)
            elif ended:
                status = value
        self._read(runner, buffer)
        if self._signals or not state.finished:
            kill_group(runner.pid)
            await_children(runner.events)
        runner.close()
        if is_terminal_lent(runner.pid):
            take_terminal()
            restore_terminal_mode(mode)
        return status

    def _patience(self) -> float | None:
        # A runner that has finished, or was told to, gets a while to end by itself.
        if not self._deadline:
            return None
        left = max(0.05, self._deadline - time.monotonic())
        return min(left, _REPEAT_SECONDS) if self._signals else left

    def _read(self, runner: Runner, buffer: bytearray) -> bool:
        """Take all frames that have arrived; return whether more may come."""
        os.set_blocking(runner.events, False)
        is_open = True
        while is_open:
            try:
                data = os.read(runner.events, _READ_SIZE)
            except BlockingIOError:
                break
            is_open = bool(data)
            buffer += data
        # Lines are looked for once per chunk: a frame may be many megabytes long.
        end = buffer.rfind(b"\n") + 1
        if end:
            for line in bytes(buffer[:end]).splitlines(keepends=True):
                self._take(line)
            del buffer[:end]
        return is_open

    def _take(self, line: bytes) -> None:
        try:
            event = decode(line)
        except (ValueError, TypeError):
            return  # not ours: a step wrote into a descriptor that is not its own
        if event is not None:
            self._state.take(event)
            self._time(event)
            if isinstance(event, RunnerFinished):
                self._deadline = time.monotonic() + GRACE_SECONDS
            self._listener(event)

    def _time(self, event: Event) -> None:
        """Watch the time of a step in the runner; workers are watched by the runner."""
        if isinstance(event, StepStarted | VerificationStarted):
            self._since[event.node] = clock.monotonic()
            limit = TimeLimit.from_json(event.limit)
            if limit is not None and not event.apart:
                self._watch.begin(event.node, limit, self._pid, self._spool, is_async=event.waits)
        elif isinstance(event, Progress) and event.is_unlimited:
            self._watch.end_all()
        elif isinstance(event, StepFinished | StepRetried | StepVerified):
            self._watch.end(event.node)
            self._since.pop(event.node, None)

    def _forward(self, runner: Runner, forwarded: int) -> int:
        for number in self._signals[forwarded:]:
            if forwarded:
                kill_group(runner.pid)
            else:
                runner.call_off.tell(number)
                # While the runner has the terminal, Ctrl-C is for it to understand; this is for the run.
                is_gone = number == signal.SIGHUP
                _kill(runner.pid, signal.SIGTERM if is_gone or is_terminal_lent(runner.pid) else number)
                self._deadline = time.monotonic() + GRACE_SECONDS
                self._repeat_at = time.monotonic() + _REPEAT_SECONDS
            forwarded += 1
        if forwarded and time.monotonic() >= self._repeat_at:
            self._repeat_at = time.monotonic() + _REPEAT_SECONDS
            if not self._state.finished and is_terminal_lent(runner.pid):
                _kill(runner.pid, signal.SIGTERM)
        if self._deadline and time.monotonic() >= self._deadline:
            kill_group(runner.pid)
        return forwarded

    def _explain(self, status: int) -> bool:
        """Record why a runner died; return whether to start another one."""
        from zenconv.engine.stacks import take_crash

        state = self._state
        self._deadline = 0.0
        cause = describe_end(status)
        started = {node: event for node, event in state.running.items() if not event.apart}
        nodes = list(started)
        verified = [node for node, apart in state.verifying.items() if not apart]
        stopped = self._watch.take_stopped(self._pid)
        late = {node: error for node, error in stopped.items() if node in started}
        # What ran in workers is not to blame; they have ended with their runner, and run again.
        state.running.clear()
        state.verifying.clear()
        for node in [*late] or nodes or verified or [""]:
            self._record(RunnerDied(cause, node, at=clock.utc_now()))
        if not state.planned:
            doing = f" while {state.doing}" if state.doing else ""
            self._record(ProjectFailed(f"the process ended{doing}: {cause}", 2, at=clock.utc_now()))
            return False
        if not nodes and not verified and state.ending not in ("", OVER):
            text = f"the process ended while it tore down {state.ending}: {cause}"
            self._record(Notice(text, "error", at=clock.utc_now()))
            state.ending = ""
            return True
        if not nodes and not verified:
            state.unexplained += 1
            return state.unexplained < _MOST_UNEXPLAINED
        crash = crash_error(cause, take_crash(self._spool, self._files))
        if len(verified) == 1:
            error = stopped.get(verified[0]) or crash
            self._record(StepVerified(verified[0], "failed", error=error, at=clock.utc_now()))
        for node, error in late.items():
            self._record_end(started[node], "timeout", error)
        if len(nodes) == 1 and not late:  # of several, the next runner finds out which it was, one by one
            self._record_end(started[nodes[0]], "crash", crash)
        return True

    def _record_end(self, started: StepStarted, ending: str, error: dict[str, Any]) -> None:
        """Record that a step did not end by itself: as an attempt, if there is to be another."""
        if ending not in started.again:
            self._record_unfinished([started], "failed", error)
            return
        seconds = self._seconds(started.node)
        output = self._output(self._state.secrets)
        retried = StepRetried(
            started.node,
            started.earlier + 1,
            started.again["of"],
            error=error,
            output=output.to_json() if output else None,
            seconds=seconds,
            wait=started.again[ending],
            at=clock.utc_now(),
        )
        self._record(retried)

    def _record_unfinished(
        self, steps: Sequence[StepStarted], status: str, error: dict[str, Any] | None = None
    ) -> None:
        from zenconv.engine.unfinished import find_unfinished

        output = self._output(self._state.secrets)
        found = find_unfinished(self._folder.log, {started.node for started in steps})
        for started in steps:
            node, known = started.node, found.get(started.node)
            if error is not None and not error["frames"] and known is not None:
                error = {**error, "frames": [dict(known.frame)]}
            event = StepFinished(
                node,
                status,
                reason=started.reason or (known.reason if known else ""),
                key=started.key,
                output=output.to_json() if output else None,
                error=error,
                inputs=dict(known.inputs) if known else {},
                seconds=self._seconds(node),
                attempts=self._state.attempts.get(node, ()),
                at=clock.utc_now(),
            )
            self._record(event)

    def _seconds(self, node: str) -> float:
        return round(clock.monotonic() - self._since.get(node, clock.monotonic()), 6)

    def _record(self, event: Event) -> None:
        with EventLog(self._folder.log) as log:
            log.append(event)
        self._state.take(event)
        self._listener(event)

    def _finish(self) -> RunFinished:
        state = self._state
        if state.running:
            self._record_unfinished(list(state.running.values()), "interrupted")
        counts: dict[str, int] = {}
        for status in state.status.values():
            counts[status] = counts.get(status, 0) + 1
        status, exit_code = self._outcome()
        if status == "error" and state.failure is None:
            self._record(Notice("the runner ended between steps, twice", at=clock.utc_now()))
        seconds = round(clock.monotonic() - self._started, 6)
        finished = RunFinished(status, exit_code, seconds, counts, state.verified, at=clock.utc_now())
        self._record(finished)
        return finished

    def _outcome(self) -> tuple[str, int]:
        state = self._state
        return judge_run(
            # A step that was interrupted although nobody interrupted the run is no success.
            [node for node, status in state.status.items() if status in ("failed", "interrupted")],
            state.checks,
            signal_number=self._signals[0] if self._signals else 0,
            is_interrupted=state.interrupted,
            failure=state.failure.exit_code if state.failure is not None else 0,
            is_whole=state.finished,
            has_error=state.has_error,
            has_difference=bool(state.verified.keys() - {"equal"}),
        )


def _stop_together(runner: Runner, status: int) -> None:
    """Stop with a runner that Ctrl-Z stopped, as the shell expects; go on with it afterwards."""
    if os.WSTOPSIG(status) not in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
        return
    if is_terminal_lent(runner.pid):
        take_terminal()
    os.kill(0, signal.SIGTSTP)
    if is_terminal_lent():
        take_terminal(runner.pid)
    os.killpg(runner.pid, signal.SIGCONT)


def await_children(descriptor: int) -> None:
    """Wait a moment until no process holds the other end of a pipe any more."""
    deadline = time.monotonic() + _CHILDREN_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        if select.select([descriptor], [], [], left)[0] and not os.read(descriptor, _READ_SIZE):
            return


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
