"""How failures are shown: the styles of ``--tb``, and the line of the summary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zenconv.cli.tracebacks import STYLES, summary_line, traceback_lines

SOURCE = '''def outer(x):
    """Say what."""
    if x:
        return _inner(
            x,
            2,
        )


def _inner(a, b):
    return a / (b - 2)
'''

ERROR = {
    "type": "ZeroDivisionError",
    "message": "division by zero",
    "frames": [
        {"file": "steps_a.py", "line": 4, "function": "outer", "text": "return _inner("},
        {"file": "steps_a.py", "line": 11, "function": "_inner", "text": "return a / (b - 2)"},
    ],
    "hint": "divide by something else",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "steps_a.py").write_text(SOURCE)
    return tmp_path


def show(error: dict[str, Any], style: str, root: Path, **options: Any) -> list[str]:
    return traceback_lines(error, style, root=root, **options)


def test_short_has_a_line_of_source_for_each_frame(root: Path) -> None:
    assert show(ERROR, "short", root) == [
        "steps_a.py:4 in outer",
        "    return _inner(",
        "steps_a.py:11 in _inner",
        "    return a / (b - 2)",
        "ZeroDivisionError: division by zero",
        "hint: divide by something else",
    ]
    assert show(ERROR, "auto", root) == show(ERROR, "short", root)


def test_long_has_each_function_down_to_the_statement_that_failed(root: Path) -> None:
    lines = show(ERROR, "long", root, inputs={"x": {"node": "steps_a.py::y", "type": "int"}})
    assert lines == [
        "x = int  <- steps_a.py::y",
        "",
        "    def outer(x):",
        '        """Say what."""',
        "        if x:",
        ">           return _inner(",
        "                x,",
        "                2,",
        "            )",
        "",
        "steps_a.py:4: in outer",
        "_ " * 20,
        "    def _inner(a, b):",
        ">       return a / (b - 2)",
        "E   ZeroDivisionError: division by zero",
        "",
        "steps_a.py:11: ZeroDivisionError",
        "hint: divide by something else",
    ]


def test_long_shows_what_was_recorded_where_the_file_has_changed_since(root: Path) -> None:
    (root / "steps_a.py").write_text("\n\n" + SOURCE)
    assert ">   return a / (b - 2)" in show(ERROR, "long", root)
    (root / "steps_a.py").unlink()
    assert ">   return a / (b - 2)" in show(ERROR, "long", root)


def test_long_leaves_out_the_middle_of_a_long_function(root: Path) -> None:
    body = "".join(f"    x = {n}\n" for n in range(100))
    (root / "steps_b.py").write_text(f"def b(x):\n{body}    return x / 0\n")
    frame = {"file": "steps_b.py", "line": 102, "function": "b", "text": "return x / 0"}
    lines = show({**ERROR, "frames": [frame]}, "long", root)
    assert lines[:3] == ["    def b(x):", "    ...", "        x = 70"]
    assert len(lines) < 40


def test_line_is_one_line(root: Path) -> None:
    assert show(ERROR, "line", root) == ["steps_a.py:11: ZeroDivisionError: division by zero"]


def test_no_is_nothing(root: Path) -> None:
    assert show(ERROR, "no", root) == []


def test_native_looks_as_python_does(root: Path) -> None:
    lines = show(ERROR, "native", root)
    assert lines[:3] == [
        "Traceback (most recent call last):",
        f'  File "{root}/steps_a.py", line 4, in outer',
        "    return _inner(",
    ]
    assert lines[-2] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("style", [style for style in STYLES if style not in ("line", "no")])
def test_causes_come_first(root: Path, style: str) -> None:
    cause = {"type": "KeyError", "message": "'k'", "frames": ERROR["frames"][:1]}
    lines = show({**ERROR, "causes": [cause]}, style, root)
    kinds = [i for i, line in enumerate(lines) if "KeyError" in line or "led to" in line]
    assert kinds[0] < kinds[-1] < max(i for i, line in enumerate(lines) if "ZeroDivisionError" in line)


@pytest.mark.parametrize("style", STYLES)
def test_a_failure_without_frames_and_message_and_with_odd_text_is_shown(root: Path, style: str) -> None:
    shown = show({"type": "Crash", "message": "a\x1b[2Jb\nsecond", "frames": []}, style, root)
    assert "\x1b" not in "".join(shown)
    assert bool(shown) == (style != "no")
    assert show({"type": "Crash", "message": "", "frames": []}, style, root) == (
        [] if style == "no" else show({"type": "Crash", "message": "", "frames": []}, style, root)
    )


def test_the_summary_line_has_the_first_line_of_the_message() -> None:
    assert (
        summary_line("steps_a.py::a", ERROR) == "FAILED steps_a.py::a - ZeroDivisionError: division by zero"
    )
    error = {"type": "ValueError", "message": "first\nsecond\x1b"}
    assert summary_line("a", error) == "FAILED a - ValueError: first"
    assert summary_line("a", {"type": "KeyError", "message": ""}) == "FAILED a - KeyError"
    assert summary_line("a", None) == "FAILED a"
