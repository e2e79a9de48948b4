"""Orchestrators that are wrong in one way each, as a plugin: what the suite has to notice.

Loaded by ``-p broken_orchestrators``, with this folder on the import path.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from zenconv.components.in_process import InProcessOrchestrator, _Inline
from zenconv.components.processes import ProcessesOrchestrator, _Pool
from zenconv.hooks import ComponentSpec
from zenconv.interfaces.orchestrating import Execution, Task, TaskResult, WorkerMessage
from zenconv.records.events import Event
from zenconv.records.plan import Plan

CLAIMS = {
    "liar": ("parallel",),
    "boastful": ("teleport",),
    "sequential": ("async",),
    "mute": ("live-output",),
}


def zenconv_components() -> Iterator[ComponentSpec]:
    for id, name in BROKEN.items():
        yield ComponentSpec("orchestrator", id, f"{__name__}:{name}", CLAIMS.get(id, ()))


class Inline(InProcessOrchestrator):
    """Steps in the runner, by the pool that a subclass names."""

    pool: type[_Inline] = _Inline

    def execute(self, plan: Plan, execution: Execution) -> Iterator[Event]:
        return execution.drive(self.pool(execution))


class Apart(ProcessesOrchestrator):
    """Steps in processes, by the pool that a subclass names."""

    pool: type[_Pool] = _Pool

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path, state: Path) -> Apart:
        return cls(2)

    def execute(self, plan: Plan, execution: Execution) -> Iterator[Event]:
        return execution.drive(self.pool(lambda: execution.open_workers(2), 2))


class ForgivingPool(_Inline):
    def results(self, timeout: float) -> Sequence[TaskResult]:
        found = super().results(timeout)
        return [attrs.evolve(r, status="succeeded") if r.status == "failed" else r for r in found]


class Forgiving(Inline):
    """Takes a failure for a success."""

    pool = ForgivingPool


class TwicePool(_Inline):
    def results(self, timeout: float) -> Sequence[TaskResult]:
        if self._waiting is not None:
            self._execution.perform(self._waiting)
        return super().results(timeout)


class Twice(Inline):
    """Executes everything twice, to be sure."""

    pool = TwicePool


class ForgetfulPool(_Pool):
    def _bury(self, seat: Any, message: WorkerMessage) -> None:
        del self._seats[seat.number]


class Forgetful(Apart):
    """Never tells of a step whose worker has died."""

    pool = ForgetfulPool


class DeafPool(_Pool):
    def interrupt(self, number: int) -> None:
        pass

    def close(self) -> None:
        pass


class Deaf(Apart):
    """Hears no signal, and leaves its workers behind."""

    pool = DeafPool


class PatientPool(_Pool):
    def submit(self, task: Task) -> None:
        super().submit(attrs.evolve(task, limit=None))


class Patient(Apart):
    """Lets every step take as long as it likes."""

    pool = PatientPool


class AstrayPool(_Inline):
    def submit(self, task: Task) -> None:
        os.chdir("/")
        super().submit(task)


class Astray(Inline):
    """Executes steps in another folder."""

    pool = AstrayPool


class MixedUpPool(_Inline):
    last: Any = None

    def results(self, timeout: float) -> Sequence[TaskResult]:
        found = super().results(timeout)
        mixed = [attrs.evolve(result, output=self.last) for result in found]
        self.last = found[-1].output if found else self.last
        return mixed


class MixedUp(Inline):
    """Gives each step what the one before has printed."""

    pool = MixedUpPool


class TiredPool(_Inline):
    count = 0

    def results(self, timeout: float) -> Sequence[TaskResult]:
        self.count += 1
        if self._waiting is not None and self.count > 500:
            task, self._waiting = self._waiting, None
            return [TaskResult(task.node, "failed", error={"type": "Tired", "message": "", "frames": []})]
        return super().results(timeout)


class Tired(Inline):
    """Does no more than five hundred steps."""

    pool = TiredPool


class Careless(Inline):
    """Takes any option."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path, state: Path) -> Careless:
        return cls()


class LosingPool(_Inline):
    def results(self, timeout: float) -> Sequence[TaskResult]:
        found = super().results(timeout)
        return [attrs.evolve(result, retry=False) for result in found]


class Losing(Inline):
    """Forgets that a step asks for another attempt."""

    pool = LosingPool


class NamelessPool(_Pool):
    ending: Any = ""

    def results(self, timeout: float) -> Sequence[TaskResult]:
        return [
            attrs.evolve(r, ending=self.ending and r.ending and self.ending) for r in super().results(timeout)
        ]


class Nameless(Apart):
    """Takes the end of a process for an ordinary failure."""

    pool = NamelessPool


class HurriedPool(NamelessPool):
    ending = "crash"


class Hurried(Apart):
    """Takes a step past its time for one that has crashed."""

    pool = HurriedPool


class ExcusingPool(_Pool):
    def results(self, timeout: float) -> Sequence[TaskResult]:
        found = super().results(timeout)
        return [attrs.evolve(r, status="interrupted") if r.ending else r for r in found]


class Excusing(Apart):
    """Takes a killed process for one that was asked to end."""

    pool = ExcusingPool


class TersePool(_Inline):
    def results(self, timeout: float) -> Sequence[TaskResult]:
        found = super().results(timeout)
        return [attrs.evolve(r, output=None) if r.output and r.output.size > 9999 else r for r in found]


class Terse(Inline):
    """Keeps no more than a little of what a step prints."""

    pool = TersePool


class SecretivePool(_Inline):
    def results(self, timeout: float) -> Sequence[TaskResult]:
        place = self._execution.__class__.__name__  # a file that only this stack has
        read = {place: ("steps_a.py:1", [0, 0, 0])}
        return [attrs.evolve(result, discovered=read) for result in super().results(timeout)]


class Secretive(Inline):
    """Says that steps have read what no other stack can have."""

    pool = SecretivePool


class Batching(Inline):
    """Tells what has happened when all of it has."""

    def execute(self, plan: Plan, execution: Execution) -> Iterator[Event]:
        yield from list(super().execute(plan, execution))


class NarrowPool(_Inline):
    def results(self, timeout: float) -> Sequence[TaskResult]:
        found = super().results(timeout)
        return [attrs.evolve(r, status="failed") if self.is_big(r) else r for r in found]

    def is_big(self, result: TaskResult) -> bool:
        return any(artifact.size > 1 << 20 for artifact in result.outputs.values())


class Narrow(Inline):
    """Does not let big values through."""

    pool = NarrowPool


class PlannedPool(_Inline):
    def submit(self, task: Task) -> None:
        assert not task.template, "this step is not in the plan"
        super().submit(task)


class Planned(Inline):
    """Executes what the plan knew at the beginning."""

    pool = PlannedPool


class ShufflingPool(_Inline):
    def submit(self, task: Task) -> None:
        super().submit(attrs.evolve(task, inputs={n: self.turn(given) for n, given in task.inputs.items()}))

    def turn(self, given: Any) -> Any:
        branches = given.branches and dict(reversed(given.branches.items()))
        return attrs.evolve(given, branches=branches)


class Shuffling(Inline):
    """Collects branches in an order of its own."""

    pool = ShufflingPool


class DeadPool(_Inline):
    def submit(self, task: Task) -> None:
        inputs = {name: attrs.evolve(given, live=None) for name, given in task.inputs.items()}
        super().submit(attrs.evolve(task, inputs=inputs))


class Dead(Inline):
    """Does not make live values again."""

    pool = DeadPool


class ReloadingPool(_Inline):
    def submit(self, task: Task) -> None:
        for module in list(sys.modules.values()):
            if (getattr(module, "__file__", None) or "").startswith(f"{os.getcwd()}/written"):
                source = Path(str(module.__file__)).read_text()
                exec(compile(source, str(module.__file__), "exec"), vars(module))
        super().submit(task)


class Reloading(Inline):
    """Executes the code as it is by now."""

    pool = ReloadingPool


class SequentialPool(_Inline):
    def submit(self, task: Task) -> None:
        super().submit(attrs.evolve(task, is_async=False))


class Sequential(Inline):
    """Waits for one async step before it begins the next."""

    pool = SequentialPool


class MutePool(_Inline):
    def results(self, timeout: float) -> Sequence[TaskResult]:
        sys.stdout.flush()
        kept, nowhere = [os.dup(1), os.dup(2)], os.open(os.devnull, os.O_WRONLY)
        for number in (1, 2):
            os.dup2(nowhere, number)
        try:
            return super().results(timeout)
        finally:
            sys.stdout.flush()
            for number, old in zip((1, 2), kept, strict=True):
                os.dup2(old, number)


class Mute(Inline):
    """Shows nothing of what is printed."""

    pool = MutePool


class ConfusingPool(_Inline):
    last: Any = None

    def results(self, timeout: float) -> Sequence[TaskResult]:
        found = super().results(timeout)
        mixed = [attrs.evolve(r, outputs=self.last or r.outputs) for r in found]
        self.last = found[0].outputs if found else self.last
        return mixed


class Confusing(Inline):
    """Gives each step the result of the one before."""

    pool = ConfusingPool


class OrphaningPool(_Inline):
    def results(self, timeout: float) -> Sequence[TaskResult]:
        if self._waiting is not None and os.fork() == 0:
            os.setsid()
            super().results(timeout)
            os._exit(0)
        while True:
            time.sleep(1)


class Orphaning(Inline):
    """Lets steps live on when the run has ended."""

    pool = OrphaningPool


class Sound(Inline):
    """Is right."""


BROKEN = {
    "sound": "Sound",
    "forgiving": "Forgiving",
    "twice": "Twice",
    "forgetful": "Forgetful",
    "deaf": "Deaf",
    "patient": "Patient",
    "astray": "Astray",
    "mixed-up": "MixedUp",
    "tired": "Tired",
    "careless": "Careless",
    "losing": "Losing",
    "nameless": "Nameless",
    "hurried": "Hurried",
    "excusing": "Excusing",
    "terse": "Terse",
    "secretive": "Secretive",
    "batching": "Batching",
    "narrow": "Narrow",
    "planned": "Planned",
    "shuffling": "Shuffling",
    "dead": "Dead",
    "reloading": "Reloading",
    "sequential": "Sequential",
    "mute": "Mute",
    "confusing": "Confusing",
    "orphaning": "Orphaning",
    "doubtful": "Secretive",
    "suspicious": "Secretive",
    "untidy": "Deaf",
    "liar": "Sound",
    "boastful": "Sound",
}
