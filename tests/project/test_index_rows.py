"""What goes into the index comes out as it was, or is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenconv.engine.keys import KnownValue
from zenconv.project.describe import describe_graph, describe_steps
from zenconv.project.index_rows import NotIndexable, RowWriter, decode_value, encode_value, read_rows
from zenconv.project.json_rows import encode_members

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False)
    | st.text()
    | st.builds(Path, st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=9)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=4) | st.integers(-9, 9), inner, max_size=4)
    ),
    max_leaves=12,
)


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and repr(one) == repr(other)


@given(VALUES)
def test_values_come_back_with_their_types(value: Any) -> None:
    assert same(decode_value(json.loads(json.dumps(encode_value(value)))), value)


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", 2**70, type("Text", (str,), {})("a"), [object()]])
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(NotIndexable):
        encode_value(value)


@pytest.mark.parametrize("data", [{"a": 1}, ["module", "os"], ["path", 3], ["dict", 1], ["known"]])
def test_data_that_was_never_written_is_refused(data: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        decode_value(data)


PROJECT = {
    "zenconf.py": """
        import zenconv

        @zenconv.fixture(scope="run")
        def place(base: str = "here"):
            yield base

        def shared(raw):
            "A template."
            return raw
        """,
    "steps_a.py": """
        from typing import Annotated
        from pathlib import Path
        import zenconv

        def raw(csv: Path = Path("x.csv"), place=None) -> list[int]:
            return [1]

        @zenconv.step(name="halves", env=["HOME"], version=2)
        def split(shared, place, limit: float = float("inf"), kind=complex(1)) -> tuple[
            Annotated[int, "low"], Annotated[int, "high"]
        ]:
            "Two halves."
            return 1, 2

        def total(low, high, target: zenconv.Output[Path] = Path("out.txt"), seed=0) -> int:
            return low + high
        """,
}


def test_a_pipeline_is_described_as_before(project: Any, tmp_path: Path) -> None:
    opened = project(PROJECT)
    before = opened.checked()
    writer = RowWriter(before.pipeline, lambda node: ("ab", ""), lambda value: "b3:00")
    plan, texts = map(json.loads, map(encode_members, writer.rows()))
    pipeline, known = read_rows(plan, texts)
    after = type(before)(pipeline, before.ids, before.files)
    assert describe_steps(after, tmp_path) == describe_steps(before, tmp_path)
    assert describe_graph(pipeline) == describe_graph(before.pipeline)
    assert known == dict.fromkeys(before.pipeline.nodes, ("ab", ""))
    assert [node.upstream for node in pipeline] == [node.upstream for node in before.pipeline]
    for one, other in zip(pipeline, before.pipeline, strict=True):
        assert (one.step.note.env, one.step.note.version) == (other.step.note.env, other.step.note.version)
        assert one.autouse == other.autouse


def test_a_value_of_another_kind_stays_behind_as_its_digest(project: Any) -> None:
    opened = project({"steps_a.py": "def a(z=1j): return z\n"})
    plan, _ = RowWriter(opened.checked().pipeline, lambda node: (None, ""), lambda value: "b3:77").rows()
    pipeline, known = read_rows(json.loads(encode_members(plan)))
    (binding,) = pipeline.nodes["steps_a.py::a"].bindings
    assert binding.value == KnownValue("b3:77", "1j")
    assert repr(binding.value) == "1j"
    assert known == {}


def test_a_list_of_paths_and_others_is_not_indexable(project: Any) -> None:
    opened = project({"steps_a.py": "from pathlib import Path\ndef a(z=[Path('x'), 1j]): return z\n"})
    with pytest.raises(NotIndexable, match="'z'"):
        RowWriter(opened.checked().pipeline, lambda node: (None, ""), lambda value: "b3:77").rows()
