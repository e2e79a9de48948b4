from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zenconv.cli.drawing import ASCII, draw_dot, draw_mermaid, draw_text, short_names


def row(name: str, *inputs: str, outputs: tuple[str, ...] = (), pipeline: str = "p"):
    given_by = [{"parameter": i, "node": f"f.py::{i}", "output": ""} for i in inputs]
    return {
        "node": f"f.py::{name}",
        "pipeline": pipeline,
        "step": name,
        "outputs": outputs,
        "inputs": given_by,
    }


DIAMOND = [row("raw"), row("left", "raw"), row("right", "raw"), row("join", "left", "right")]


def test_every_step_is_joined_to_what_it_waits_for() -> None:
    drawn = [lines.rstrip() for lines, _, _ in draw_text(DIAMOND, ASCII)]
    assert drawn == [
        "*",
        "+-*",
        "'-|-*",
        "  '-'-*",
    ]


def test_names_and_inputs_stand_beside_the_lines() -> None:
    texts = [(name, remark) for _, name, remark in draw_text(DIAMOND)]
    assert texts[-1] == ("join", "<- left, right")


def test_a_graph_too_wide_to_follow_is_listed_without_lines() -> None:
    rows = [row(f"s{i}") for i in range(60)] + [row("join", *(f"s{i}" for i in range(60)))]
    assert {lines for lines, _, _ in draw_text(rows, ASCII)} == {"*"}


def test_steps_of_one_name_are_told_apart_by_their_pipelines() -> None:
    rows = [row("raw"), {**row("raw", pipeline="q"), "node": "g.py::raw"}, row("own")]
    assert list(short_names(rows).values()) == ["p::raw", "q::raw", "own"]


def test_hostile_names_are_quoted_for_other_programs() -> None:
    rows = [row('a"]<b>', pipeline='x"\ny')]
    assert 'label="x\\" y"' in "\n".join(draw_dot(rows))
    text = "\n".join(draw_mermaid(rows))
    assert "&quot;]&lt;b>" in text
    assert '"x&quot; y"' in text


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=10))
def test_any_graph_is_drawn_with_one_line_a_node(edges) -> None:
    rows = [row(f"s{i}", *(f"s{j}" for j in sorted(set(above)) if j < i)) for i, above in enumerate(edges)]
    drawn = list(draw_text(rows, ASCII))
    assert len(drawn) == len(rows)
    assert all(lines.count("*") == 1 for lines, _, _ in drawn)
