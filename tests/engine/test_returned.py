"""What a step returned, against what people expect of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from zenconv.engine.returned import describe_copy
from zenconv.records.artifact import Artifact, StoredFile
from zenconv.records.step import Node, Step


def node() -> Node:
    return Node("steps_a.py::data", Step("data", "steps_a", "steps_a.py", 3), "a")


def stored(size: int) -> Artifact:
    return Artifact("d", "paths/1", "pathlib.PosixPath", (StoredFile("", "d", size),))


def test_much_that_was_copied_from_elsewhere_is_told_with_the_edit(tmp_path: Path) -> None:
    told = describe_copy(node(), Path("/data/images"), stored(3_200_000_000), tmp_path)
    assert told == (
        "steps_a.py:3: 'data' returns '/data/images', all of which was copied into the store (3.2 GB): "
        "to use it where it is, take it as a parameter, `path: Path`"
    )


@pytest.mark.parametrize(
    "value", ["project/data", "/tmp/made", Path("project/data"), Path("/tmp/made"), [Path("/data")]]
)
def test_what_is_the_projects_or_temporary_or_no_path_is_not_told(value: object) -> None:
    assert describe_copy(node(), value, stored(10**12), Path("project").absolute()) == ""


def test_little_is_not_told(tmp_path: Path) -> None:
    assert describe_copy(node(), Path("/data/images"), stored(1_000_000), tmp_path) == ""
