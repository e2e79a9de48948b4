from __future__ import annotations

from zenconv.authoring import SCOPES
from zenconv.project.builtins import BUILTIN_FIXTURES


def test_the_builtin_fixtures_are_those_the_engine_makes_and_each_is_described() -> None:
    names = {"run", "now", "secrets", "tmp_path", "checkpoint", "device", "log", "seed", "request"}
    assert set(BUILTIN_FIXTURES) == names
    for name, fixture in BUILTIN_FIXTURES.items():
        assert fixture.name == name
        assert fixture.scope in SCOPES
        assert fixture.doc
