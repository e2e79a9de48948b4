"""``zenconv run --fixtures``: what steps may ask for, with descriptions and places."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from zenconv.project.builtins import BUILTIN_FIXTURES
from zenconv.project.project import Project
from zenconv.records.step import Fixture


def list_fixtures(project: Project, targets: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the fixtures that the steps of `targets` see, file by file, the built-in ones last.

    Each: ``name``, ``scope``, ``autouse``, ``file`` and ``line`` (``""`` and 0 of a built-in one),
    ``parameters``, ``doc`` (``""`` without one). A project with mistakes raises `CollectionError`.
    """
    selected = project.checked(targets)
    seen = {id.partition("::")[0] for id in selected.ids}
    seen |= {file for own in seen for file in project.graph.needs.get(own, ())}
    fixtures = [
        _describe(fixture)
        for file in project.collection.files.values()
        if not targets or file.file in seen
        for fixture in sorted(file.fixtures, key=lambda fixture: fixture.line)
    ]
    return [*fixtures, *_list_builtins()]


def _describe(fixture: Fixture) -> dict[str, Any]:
    return {
        "name": fixture.name,
        "scope": fixture.note.scope,
        "autouse": fixture.note.autouse,
        "file": fixture.file,
        "line": fixture.line,
        "parameters": [parameter.name for parameter in fixture.parameters],
        "doc": inspect.getdoc(inspect.unwrap(fixture.function)) or "",
    }


def _list_builtins() -> Iterator[dict[str, Any]]:
    for fixture in BUILTIN_FIXTURES.values():
        yield {
            "name": fixture.name,
            "scope": fixture.scope,
            "autouse": False,
            "file": "",
            "line": 0,
            "parameters": [],
            "doc": fixture.doc,
        }
