"""What steps take of this machine: checked before a run, and reserved while they run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import attrs

from zenconv.errors import Problem
from zenconv.frozen import Frozen
from zenconv.records.marks import Resources
from zenconv.records.step import Node, Pipeline
from zenconv.settings.machine import GPUS_VARIABLE, Machine

_PLAIN = Resources()

_HINT = "ask for less, or run it where there is more"
_GPU_HINT = (
    "`zenconv.mark.gpu` takes one where there is one, and does without where there is none; "
    f"{GPUS_VARIABLE} says how many there are"
)

Fit = Literal["now", "later", "first"]
"""Whether a step fits beside those that run: ``first`` once it is free; others may pass it or not."""


def asks_for_device(pipeline: Pipeline, node: Node) -> bool:
    """Return whether a step, or a fixture of it, asks for the built-in fixture ``device``."""
    bindings = [*node.bindings, *(b for f in pipeline.fixtures_of(node) for b in f.bindings)]
    return any(b.source == "builtin" and b.fixture == "device" for b in bindings)


def find_infeasible(nodes: Iterable[Node], machine: Machine) -> list[Problem]:
    """Return what steps need that this machine does not have, so that they could only wait for ever."""
    return [problem for node in nodes for problem in _lacks(node, machine)]


def _lacks(node: Node, machine: Machine) -> Iterator[Problem]:
    needs = node.marks.resources or _PLAIN
    file, _, line = needs.where.rpartition(":")
    place = (file, int(line)) if line.isdigit() else ("", 0)
    who = f"{node.short_id} needs"
    if needs.cpu > machine.cores:
        yield Problem(f"{who} {needs.cpu:g} cores, this machine has {machine.cores}", *place, hint=_HINT)
    if machine.memory and needs.memory > machine.memory:
        has = f"this machine has {_show_bytes(machine.memory)}"
        yield Problem(f"{who} {_show_bytes(needs.memory)} of memory, {has}", *place, hint=_HINT)
    if needs.gpu > machine.gpus:
        asked = f"{needs.gpu} GPU{'s' if needs.gpu > 1 else ''}"
        yield Problem(f"{who} {asked}, this machine has {machine.gpus}", *place, hint=_GPU_HINT)


def _show_bytes(size: int) -> str:
    for unit, power in (("TB", 12), ("GB", 9), ("MB", 6)):
        if size >= 10**power:
            return f"{size / 10**power:.3g} {unit}"
    return f"{size} B"


def find_without_gpu(nodes: Iterable[Node], machine: Machine) -> list[Node]:
    """Return the steps that would take a GPU, where there is none."""
    return [] if machine.gpus else [node for node in nodes if (node.marks.resources or _PLAIN).wants_gpu]


@attrs.frozen(eq=False, repr=False)
class _Taken(Frozen):
    cpu: float
    memory: int
    gpus: tuple[int, ...]


@attrs.define(eq=False, repr=False)
class Reservations:
    """What the steps that run now have taken, of `slots` for tasks (0: of any number) and of a machine."""

    pipeline: Pipeline
    machine: Machine
    slots: int
    _taken: dict[str, _Taken] = attrs.field(factory=dict)

    def fit(self, node: Node) -> Fit:
        """Return whether `node` may start beside what runs.

        Cores and memory are kept free for the first that needs them, or small steps would keep a
        large one waiting for ever; whoever waits for a GPU holds nobody up.
        """
        if not self._taken:
            return "now"
        cpu, memory, gpus = self._needs(node)
        if len(self._free_gpus()) < gpus:
            return "later"
        taken = self._taken.values()
        has_cpu = not self.slots or cpu + sum(t.cpu for t in taken) <= self.slots
        total = self.machine.memory
        has_memory = not (memory and total) or memory + sum(t.memory for t in taken) <= total
        return "now" if has_cpu and has_memory else "first"

    def take(self, node: Node) -> tuple[int, ...]:
        """Reserve what `node` needs; return the numbers of its GPUs."""
        cpu, memory, gpus = self._needs(node)
        given = tuple(self._free_gpus()[:gpus])
        self._taken[node.id] = _Taken(cpu, memory, given)
        return given

    def give_back(self, node: str) -> None:
        """Release what a step had, if it had anything."""
        self._taken.pop(node, None)

    def _needs(self, node: Node) -> tuple[float, int, int]:
        asked = node.marks.resources or _PLAIN
        cpu = 0.0 if node.step.is_async and not asked.cpu else max(1.0, asked.cpu)
        wants = asked.wants_gpu or asks_for_device(self.pipeline, node)
        gpus = min(asked.gpu or int(wants), self.machine.gpus)
        return min(cpu, float(self.slots or cpu)), asked.memory, gpus

    def _free_gpus(self) -> list[int]:
        used = {gpu for taken in self._taken.values() for gpu in taken.gpus}
        return [gpu for gpu in range(self.machine.gpus) if gpu not in used]


def open_reservations(pipeline: Pipeline, nodes: Iterable[Node], slots: int) -> Reservations | None:
    """Return what reserves for those `nodes` of `pipeline` that will run; None if none asks for anything."""
    for node in nodes:
        if node.marks.resources is not None or asks_for_device(pipeline, node):
            return Reservations(pipeline, Machine.find(), slots)
    return None
