"""Orchestrators that are wrong in one way each, as a plugin: what the suite has to notice.

Loaded by ``-p broken_orchestrators``, with this folder on the import path.
"""

from __future__ import annotations

import os
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


def zenconv_components() -> Iterator[ComponentSpec]:
    for id, name in BROKEN.items():
        able = {"liar": ("parallel",), "boastful": ("teleport",)}.get(id, ())
        yield ComponentSpec("orchestrator", id, f"{__name__}:{name}", able)


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
    "liar": "Sound",
    "boastful": "Sound",
}
