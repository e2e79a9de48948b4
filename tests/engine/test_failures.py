"""What is said of an exception in a step."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from zenconv.cli.tracebacks import error_lines
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


def test_a_function_that_calls_itself_is_shown_three_times(tmp_path: Path) -> None:
    file = tmp_path / "steps_a.py"
    text = "def f(n):\n    return f(n - 1) if n else 1 / 0\ndef step():\n    f(100)\n"
    file.write_text(text)
    namespace: dict[str, Any] = {}
    exec(compile(text, str(file), "exec"), namespace)
    with pytest.raises(ZeroDivisionError) as caught:
        namespace["step"]()
    frames = describe_failure(caught.value, ProjectFiles(tmp_path))["frames"]
    assert [(frame["line"], frame.get("repeats")) for frame in frames] == [
        (4, None),
        (2, None),
        (2, None),
        (2, 98),
    ]
    assert error_lines({"type": "E", "message": "m", "frames": frames})[-3:] == [
        "    return f(n - 1) if n else 1 / 0",
        "    [the same 98 more times]",
        "E: m",
    ]
