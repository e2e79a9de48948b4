"""What is said of an exception in a step."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from zenconv.engine.failures import ProjectFiles, describe_failure


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("yaml.nodes", "pip install pyyaml"),
        ("no_such_library", "pip install no_such_library"),
        ("cleanin", "did you mean 'cleaning'?"),
        ("toolz", "did you mean 'tools'?"),
        ("json.nothing", None),
    ],
)
def test_an_import_that_fails_as_a_step_runs_brings_the_command_or_the_name(
    tmp_path: Path, name: str, hint: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "yaml", raising=False)
    (tmp_path / "cleaning.py").touch()
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "__init__.py").touch()
    error = ModuleNotFoundError(f"No module named {name!r}", name=name)
    assert describe_failure(error, ProjectFiles(tmp_path)).get("hint") == hint
