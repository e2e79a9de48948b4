"""Rows that are put into JSON one by one."""

from __future__ import annotations

import json

import pytest

from zenconv.project.json_rows import NamedRows, Rows, encode_members

ROWS = [[], [[1, None, "é\ud800\n"]], [{"a": [True]}, "x", 2.5]]


@pytest.mark.parametrize("rows", ROWS)
def test_rows_are_the_list_that_they_were(rows: list[object]) -> None:
    assert json.loads(Rows(rows).finish()) == rows


@pytest.mark.parametrize("count", range(3))
def test_named_rows_are_an_object_in_their_order(count: int) -> None:
    named = NamedRows()
    for number in range(count):
        named.add(f'name "{number}"', [number])
    found = json.loads(named.finish())
    assert list(found.items()) == [(f'name "{number}"', [number]) for number in range(count)]


def test_members_of_every_kind_become_one_line_and_give_their_memory_back() -> None:
    named = NamedRows()
    named.add("x", None)
    members = {"rows": Rows([1, 2]), "named": named, "plain": {"a": "b\nc"}, "empty": Rows()}
    whole = encode_members(members)
    assert b"\n" not in whole
    assert json.loads(whole) == {"rows": [1, 2], "named": {"x": None}, "plain": {"a": "b\nc"}, "empty": []}
    assert members == {}


def test_no_members_are_an_empty_object() -> None:
    assert encode_members({}) == b"{}"
