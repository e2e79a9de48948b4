from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zenconv.project.order import order_graph


@st.composite
def graphs(draw):
    """Any directed graph, by node the list of those it waits for."""
    count = draw(st.integers(0, 12))
    names = draw(st.permutations([f"n{i}" for i in range(count)]))
    return {name: draw(st.lists(st.sampled_from(names), max_size=3)) for name in names} if names else {}


@st.composite
def acyclic_graphs(draw):
    """Graphs in which every node waits only for nodes of a hidden order before it."""
    count = draw(st.integers(0, 15))
    hidden = [f"n{i}" for i in range(count)]
    edges = {
        name: draw(st.lists(st.sampled_from(hidden[:i]), max_size=3)) if i else []
        for i, name in enumerate(hidden)
    }
    return {name: edges[name] for name in draw(st.permutations(hidden))}


@given(acyclic_graphs())
def test_every_node_follows_what_it_waits_for(upstream) -> None:
    order, cycles = order_graph(upstream)
    assert sorted(order) == sorted(upstream)
    assert not cycles
    place = {id: number for number, id in enumerate(order)}
    assert all(place[above] < place[id] for id, ids in upstream.items() for above in ids)


@given(acyclic_graphs())
def test_ties_are_in_the_order_given(upstream) -> None:
    order, _ = order_graph(upstream)
    rank = {id: number for number, id in enumerate(upstream)}
    done: set[str] = set()
    for id in order:
        ready = [n for n, above in upstream.items() if n not in done and set(above) <= done]
        assert id == min(ready, key=rank.__getitem__)
        done.add(id)


@given(graphs())
def test_every_cycle_is_one_and_without_cycles_all_are_ordered(upstream) -> None:
    order, cycles = order_graph(upstream)
    assert (len(order) == len(upstream)) == (not cycles)
    for cycle in cycles:
        assert len(set(cycle)) == len(cycle)
        for id, waits_for in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
            assert waits_for in upstream[id]


@given(graphs())
def test_the_answer_is_always_the_same(upstream) -> None:
    assert order_graph(upstream) == order_graph(dict(upstream))


def test_a_chain_of_any_length_is_ordered_without_recursion() -> None:
    upstream = {str(i): [str(i - 1)] if i else [] for i in reversed(range(50_000))}
    assert order_graph(upstream)[0] == [str(i) for i in range(50_000)]


def test_separate_cycles_are_each_reported_once() -> None:
    _, cycles = order_graph({"a": ["b"], "b": ["a"], "c": ["c"], "d": ["a", "c"]})
    assert cycles == [["a", "b"], ["c"]]
