"""What a value that carries its own code is known by, and who may run that code."""

from __future__ import annotations

import json
import sys
import types

import pytest

from zenconv.errors import ArtifactError
from zenconv.materializers.by_value import note_modules


def make(text: str, name: str, **more: object) -> object:
    """Return what `text`, as if read from a file, defines as `name`."""
    namespace: dict[str, object] = {"__name__": "written_for_a_test", **more}
    exec(compile(text, f"/some/place/{len(text)}.py", "exec"), namespace)
    return namespace[name]


def test_equal_functions_have_equal_content_wherever_they_are_written(shelf) -> None:
    text = (
        "def outer():\n    def inner(v, k=2):\n        return [v * x for x in range(k)]\n    return inner\n"
    )
    here = shelf.save(make(text, "outer")())
    there = shelf.save(make("# moved down\n\n\n" + text, "outer")())
    other = shelf.save(make(text.replace("v * x", "v + x"), "outer")())
    default = shelf.save(make(text.replace("k=2", "k=3"), "outer")())
    assert here.content == there.content
    assert len({here.content, other.content, default.content}) == 3


def test_what_a_function_reaches_in_a_module_is_noted(monkeypatch) -> None:
    near = types.ModuleType("near_for_a_test")
    deep = types.ModuleType("near_for_a_test.deep")
    near.h, near.unused, near.deep, deep.g = len, len, deep, len
    function = make(
        "def f(v):\n    return near.h(v), (lambda: near.deep.g(v)), json.dumps(v)\n",
        "f",
        near=near,
        json=json,
    )
    found: set[tuple[str, str]] = set()
    note_modules(function, found)
    assert found == {("near_for_a_test", "h"), ("near_for_a_test.deep", "g")}


def test_code_of_another_python_is_refused(shelf, monkeypatch) -> None:
    artifact = shelf.save(make("def outer():\n    return lambda v: v + 1\n", "outer")())
    tag = sys.implementation.cache_tag
    assert f"python-bytecode:{tag}" in artifact.refers
    assert shelf.load(artifact)(1) == 2
    monkeypatch.setattr(sys.implementation, "cache_tag", "cpython-99")
    with pytest.raises(
        ArtifactError, match=f"compiled by {tag}, which cpython-99 cannot run(?s:.*)run the step"
    ):
        shelf.load(artifact)
