"""Which values are live."""

from __future__ import annotations

import io
import mmap
import sqlite3
import tempfile
from typing import Any

import pytest

from zenconv.engine.live import is_live


def a_relation() -> Any:
    return pytest.importorskip("duckdb").sql("select 1")


def a_named_temporary_file() -> Any:
    return tempfile.NamedTemporaryFile()


LIVE = {
    "a file": lambda: io.FileIO(__file__),
    "an iterator": lambda: iter([1]),
    "a generator": lambda: (n for n in [1]),
    "a temporary file": a_named_temporary_file,
    "a connection": lambda: sqlite3.connect(":memory:"),
    "a map of a file": lambda: mmap.mmap(-1, 10),
    "a relation of a database": a_relation,
}


@pytest.mark.parametrize("kind", LIVE)
def test_it_is_live(kind: str) -> None:
    value = LIVE[kind]()
    assert is_live(value)
    getattr(value, "close", lambda: None)()


class Dataset:
    """Has the name of a class of a library."""


@pytest.mark.parametrize("value", [io.BytesIO(b"x"), io.StringIO("x"), [iter([1])], "text", 1, Dataset()])
def test_it_is_not_live(value: Any) -> None:
    assert not is_live(value)
