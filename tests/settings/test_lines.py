from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from zenconv.settings.lines import find_key_lines


def test_every_way_to_write_a_key_has_its_line() -> None:
    rows = [
        "# [not.a.table]",
        'plain = "# no comment [x] = 1"',
        "[a.b]",
        "c.d = 1",
        '"quoted.key" = 2',
        "'literal key' = 3",
        "many = [",
        "  1, # one, with ] and }",
        '  { x = "}", y = [2, 3] },',
        "]",
        'text = """',
        "fake = 1",
        '[fake.table] \\""" """',
        "lines = '''",
        "other = 2'''",
        "[[list]]",
        "k = 1",
        "[list.sub]",
        "z = 1",
        "[[list]]",
        "k = 2",
    ]
    lines = find_key_lines("\n".join(rows))
    assert lines["plain",] == 2
    assert lines["a", "b"] == 3
    assert lines["a", "b", "c"] == lines["a", "b", "c", "d"] == 4
    assert lines["a", "b", "quoted.key"] == 5
    assert lines["a", "b", "literal key"] == 6
    assert lines["a", "b", "many", 0] == 8
    assert lines["a", "b", "many", 1, "y", 1] == 9
    assert lines["a", "b", "text"] == 11
    assert lines["a", "b", "lines"] == 14
    assert lines["list", 0, "k"] == 17
    assert lines["list", 0, "sub", "z"] == 19
    assert lines["list", 1, "k"] == 21
    assert not any("fake" in path or "other" in path for path in lines)


def test_a_string_that_ends_in_quotes_ends_where_toml_says() -> None:
    assert find_key_lines('a = """x"""""\nb = 1\n')["b",] == 2


scalars = st.one_of(
    st.integers(),
    st.booleans(),
    st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), max_size=20),
)
keys = st.text("abc .#[]='\"é", min_size=1, max_size=6)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)


def inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@given(st.dictionaries(keys, st.dictionaries(keys, values, max_size=3), max_size=4))
def test_the_line_found_for_a_key_is_the_line_it_was_written_on(document: dict[str, Any]) -> None:
    written: dict[tuple[str, ...], int] = {}
    rows: list[str] = []
    for table, content in document.items():
        rows.append(f"[{json.dumps(table, ensure_ascii=False)}] # {table}")
        written[table,] = len(rows)
        for key, value in content.items():
            rows.append(f"{json.dumps(key, ensure_ascii=False)} = {inline(value)} # [x]")
            written[table, key] = len(rows)
    found = find_key_lines("\n".join(rows))
    assert {path: found[path] for path in written} == written
