"""The branches of a run-time fan-out do not depend on the order in which items become known."""

from __future__ import annotations

import cProfile
import random

from hypothesis import given
from hypothesis import strategies as st

from zenconv.engine.fan_out import FanOut
from zenconv.records.step import Binding, Branch, Node, OpenAxis, Pipeline, Step


def make_pipeline() -> Pipeline:
    """``a`` gives items; ``b`` gives items for each; ``c`` takes both; ``d`` and ``e`` collect."""
    steps = {name: Step(name, "m", "f", 1, shape="each" if name in "ab" else "value") for name in "abcde"}
    a, b = OpenAxis("a", "f::a"), OpenAxis("b", "f::b")
    nodes = [
        Node("f::a", steps["a"], "f"),
        Node("f::b", steps["b"], "f", (Binding("a", "item", "f::a"),), open=(a,)),
        Node(
            "f::c",
            steps["c"],
            "f",
            (Binding("a", "item", "f::a"), Binding("b", "item", "f::b")),
            open=(a, b),
        ),
        Node(
            "f::d",
            steps["d"],
            "f",
            (
                Binding("a", "item", "f::a"),
                Binding("c", "collect", branches=(Branch("", "f::c"),), over=("b",)),
            ),
            open=(a,),
        ),
        Node(
            "f::e",
            steps["e"],
            "f",
            (
                Binding("d", "collect", branches=(Branch("", "f::d"),), over=("a",)),
                Binding("b", "collect", branches=(Branch("", "f::b"),), over=("a", "b")),
            ),
        ),
    ]
    return Pipeline({node.id: node for node in nodes})


items = st.lists(st.sampled_from("pqrstu"), unique=True, max_size=4)


@given(outer=items, inner=st.dictionaries(st.sampled_from("pqrstu"), items), seed=st.integers(0, 999))
def test_branches_are_the_same_in_whatever_order_items_become_known(outer, inner, seed):
    pipeline = make_pipeline()
    fan_out = FanOut(pipeline)
    known = {f"f::b[a={x}]": inner.get(x, []) for x in outer}
    fan_out.take("f::a", outer)
    told = list(known)
    random.Random(seed).shuffle(told)
    for id in told:
        fan_out.take(id, known[id])
    assert not fan_out.open_ids
    pairs = [(x, y) for x in outer for y in inner.get(x, [])]
    assert {id for id in pipeline.nodes if "::c" in id} == {f"f::c[a={x},b={y}]" for x, y in pairs}
    assert {id for id in pipeline.nodes if "::d" in id} == {f"f::d[a={x}]" for x in outer}
    by_parameter = {binding.parameter: binding for binding in pipeline.nodes["f::e"].bindings}
    assert [(b.id, b.node) for b in by_parameter["d"].branches] == [(f"a={x}", f"f::d[a={x}]") for x in outer]
    assert [(b.id, b.node, b.output) for b in by_parameter["b"].branches] == [
        (f"a={x},b={y}", f"f::b[a={x}]", y) for x, y in pairs
    ]
    for x in outer:
        collected = {b.parameter: b for b in pipeline.nodes[f"f::d[a={x}]"].bindings}["c"]
        assert [b.id for b in collected.branches] == [f"b={y}" for y in inner.get(x, [])]


@given(
    outer=st.lists(st.sampled_from("pqrstu"), unique=True, min_size=1, max_size=4), seed=st.integers(0, 99)
)
def test_what_cannot_come_into_being_is_one_node_that_waits_for_what_failed(outer, seed):
    pipeline = make_pipeline()
    fan_out = FanOut(pipeline)
    fan_out.take("f::a", outer)
    broken = random.Random(seed).choice(outer)
    for x in outer:
        fan_out.take(f"f::b[a={x}]", None if x == broken else ["y"])
    assert not fan_out.open_ids
    assert pipeline.nodes[f"f::c[a={broken}]"].upstream == (f"f::b[a={broken}]",)
    assert pipeline.nodes[f"f::d[a={broken}]"].upstream == ("f::a", f"f::c[a={broken}]")


def test_without_any_items_one_node_stands_for_all():
    pipeline = make_pipeline()
    FanOut(pipeline).take("f::a", None)
    assert [(node.id, node.upstream) for node in pipeline if "::a" not in node.id] == [
        ("f::b", ("f::a",)),
        ("f::c", ("f::a",)),
        ("f::d", ("f::a",)),
        ("f::e", ("f::d", "f::a")),
    ]


def count_calls(outer: int) -> int:
    """Return how many functions are called to grow `outer` branches, of which each grows four more."""
    fan_out = FanOut(make_pipeline())
    fan_out.take("f::a", [f"i{number}" for number in range(outer)])
    with cProfile.Profile() as profile:
        for number in range(outer):
            fan_out.take(f"f::b[a=i{number}]", ["x"])
    assert not fan_out.open_ids
    return sum(entry.callcount for entry in profile.getstats())


def test_the_work_grows_as_the_branches_do():
    assert count_calls(400) < 2.2 * count_calls(200)
