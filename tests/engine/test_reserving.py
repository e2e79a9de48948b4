"""What steps take of a machine: which may run at the same time, and which never can."""

from __future__ import annotations

import pytest

from zenconv.engine.reserving import Reservations, find_infeasible, find_without_gpu
from zenconv.records.marks import Markings, Resources
from zenconv.records.step import Binding, Node, Pipeline, Step
from zenconv.settings.machine import Machine, count_gpus, count_memory, name_device

MACHINE = Machine(cores=4, memory=8 * 10**9, gpus=2)


def node(name: str, resources: Resources | None = None, *, asks: str = "", is_async: bool = False) -> Node:
    marks = Markings(resources=resources)
    step = Step(name, "m", "steps_a.py", 1, marks=marks, is_async=is_async)
    bindings = (Binding(asks, "builtin", fixture=asks),) if asks else ()
    return Node(f"steps_a.py::{name}", step, "a", bindings)


def reservations(*nodes: Node, slots: int = 4, machine: Machine = MACHINE) -> Reservations:
    return Reservations(Pipeline({n.id: n for n in nodes}), machine, slots)


def test_a_step_takes_a_slot_and_one_that_asks_for_more_takes_more() -> None:
    big, small, third = node("big", Resources(cpu=3)), node("small"), node("third")
    taken = reservations(big, small, third)
    taken.take(big)
    assert taken.fit(small) == "now"
    taken.take(small)
    assert taken.fit(third) == "first"
    taken.give_back(big.id)
    assert taken.fit(third) == "now"


def test_a_step_that_asks_for_more_than_there_are_slots_runs_alone() -> None:
    big, small = node("big", Resources(cpu=4)), node("small")
    taken = reservations(big, small, slots=2)
    assert taken.fit(big) == "now"
    taken.take(small)
    assert taken.fit(big) == "first"


def test_where_the_pool_counts_its_slots_itself_cores_are_not_counted() -> None:
    steps = [node(f"n{n}", Resources(cpu=3)) for n in range(5)]
    taken = reservations(*steps, slots=0)
    for step in steps:
        assert taken.fit(step) == "now"
        taken.take(step)


def test_steps_that_only_wait_take_no_slot() -> None:
    waiting = [node(f"w{n}", is_async=True) for n in range(9)]
    taken = reservations(*waiting, slots=1)
    for one in waiting:
        assert taken.fit(one) == "now"
        taken.take(one)


def test_memory_is_shared_out_where_it_is_asked_for() -> None:
    first, second, plain = (
        node("first", Resources(memory=5 * 10**9)),
        node("second", Resources(memory=4 * 10**9)),
        node("plain"),
    )
    taken = reservations(first, second, plain)
    taken.take(first)
    assert taken.fit(second) == "first"
    assert taken.fit(plain) == "now"


def test_each_gpu_is_one_steps_at_a_time_and_nobody_else_waits_for_it() -> None:
    users = [node(f"g{n}", Resources(wants_gpu=True)) for n in range(3)]
    taken = reservations(*users)
    assert [taken.take(user) for user in users[:2]] == [(0,), (1,)]
    assert taken.fit(users[2]) == "later"
    taken.give_back(users[0].id)
    assert taken.take(users[2]) == (0,)


def test_who_asks_for_the_device_takes_a_gpu_too() -> None:
    asking = node("asking", asks="device")
    assert reservations(asking).take(asking) == (0,)
    assert reservations(asking, machine=Machine(4, 0, 0)).take(asking) == ()


def test_several_gpus_may_be_asked_for() -> None:
    both, one = node("both", Resources(gpu=2)), node("one", Resources(gpu=1))
    taken = reservations(both, one)
    assert taken.take(both) == (0, 1)
    assert taken.fit(one) == "later"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Resources(cpu=5), "a::x needs 5 cores, this machine has 4"),
        (Resources(memory=2 * 10**12), "a::x needs 2 TB of memory, this machine has 8 GB"),
        (Resources(gpu=1, where="steps_a.py:3"), "steps_a.py:3: a::x needs 1 GPU, this machine has 0"),
        (Resources(gpu=3), "a::x needs 3 GPUs, this machine has 0"),
    ],
)
def test_what_a_machine_cannot_give_is_told(asked, said) -> None:
    (problem,) = find_infeasible([node("x", asked)], Machine(4, 8 * 10**9, 0))
    assert str(problem).startswith(said)


def test_what_a_machine_can_give_is_no_problem() -> None:
    asked = [Resources(cpu=4, memory=8 * 10**9, gpu=2), Resources(wants_gpu=True), None]
    nodes = [node(f"n{i}", resources) for i, resources in enumerate(asked)]
    assert find_infeasible(nodes, MACHINE) == []
    assert find_infeasible(nodes[1:], Machine(1, 0, 0)) == []
    assert find_without_gpu(nodes, MACHINE) == []
    assert find_without_gpu(nodes, Machine(4, 0, 0)) == [nodes[1]]


def test_the_number_of_gpus_can_be_told() -> None:
    assert count_gpus({"ZENCONV_GPUS": "3", "CUDA_VISIBLE_DEVICES": ""}) == 3
    assert count_gpus({"CUDA_VISIBLE_DEVICES": ""}) == 0
    assert count_gpus({"CUDA_VISIBLE_DEVICES": "-1"}) == 0
    assert count_gpus({"ZENCONV_GPUS": "many", "CUDA_VISIBLE_DEVICES": ""}) == 0


def test_this_machine_has_memory_and_a_device() -> None:
    assert count_memory() > 10**8
    assert name_device(1) == "cuda:1"
    assert name_device(None) in ("cpu", "mps")
