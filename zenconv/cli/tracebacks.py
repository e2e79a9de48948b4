"""How a failed step is shown: ``--tb=short|long|line|native|no``, as in pytest; `short` by default."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zenconv.cli.output import escape, has_colors, style

STYLES = ("auto", "long", "short", "line", "native", "no")
_MOST_BEFORE = 30
"""So many lines of a function are shown before the one that failed."""


def traceback_lines(
    error: Mapping[str, Any], tb: str, *, root: Path, inputs: Mapping[str, Any] | None = None
) -> list[str]:
    """Return the lines that show a failure in the style `tb`: the user's frames, type, message, hint.

    Parameters
    ----------
    root
        What the files of the frames are relative to.
    inputs
        Facts about what the step got, by parameter; the style ``long`` shows them.
    """
    if tb == "no":
        return []
    if tb == "line":
        return [_one_line(error)]
    if tb in ("auto", "short"):
        return error_lines(error)
    show = _native if tb == "native" else _long
    lines = [f"{escape(name)} = {_show_facts(facts)}" for name, facts in (inputs or {}).items()]
    lines = [*lines, ""] if lines and tb == "long" else []
    for cause in reversed(error.get("causes", ())):
        lines += [*show(cause, root), "", "the above led to:", ""]
    lines += show(error, root)
    if error.get("hint"):
        lines.append(f"hint: {escape(error['hint'])}")
    for other in error.get("also", ()):
        lines += ["and after that:", *traceback_lines(other, tb, root=root)]
    return lines


def summary_line(node: str, error: Mapping[str, Any] | None) -> str:
    """Return one line that names a failed step and says why: ``FAILED id - Error: message``."""
    word = style("FAILED", "red", stream=sys.stdout)
    if error is None:
        return f"{word} {escape(node)}"
    first = str(error.get("message", "")).split("\n")[0]
    return f"{word} {escape(node)} - {escape(_type_and(error, first))}"


def error_lines(error: Mapping[str, Any]) -> list[str]:
    """Return the lines of the style ``short``: a line of source for each frame."""
    lines: list[str] = []
    for cause in reversed(error.get("causes", ())):
        lines += [*_frame_lines(cause["frames"]), *message_lines(cause), "the above led to:"]
    lines += [*_frame_lines(error.get("frames", ())), *message_lines(error)]
    if error.get("hint"):
        lines.append(f"hint: {escape(error['hint'])}")
    for other in error.get("also", ()):
        lines += ["and after that:", *error_lines(other)]
    return lines


def _one_line(error: Mapping[str, Any]) -> str:
    frames = error.get("frames")
    place = f"{frames[-1]['file']}:{frames[-1]['line']}: " if frames else ""
    return escape(place + _type_and(error, str(error["message"]).split("\n")[0]))


def _type_and(error: Mapping[str, Any], message: str) -> str:
    return f"{error['type']}: {message}" if message else str(error["type"])


def _show_facts(facts: Any) -> str:
    from zenconv.queries.describing import summarize_facts

    if not isinstance(facts, Mapping):
        return ""
    source = f"  <- {facts['node']}" if facts.get("node") else ""
    return escape(summarize_facts({k: v for k, v in facts.items() if k != "node"}) + source)


def _frame_lines(frames: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for frame in frames:
        lines.append(f"{escape(frame['file'])}:{frame['line']} in {escape(frame['function'])}")
        lines += [f"    {text}" for text in frame_texts(frame)]
    return lines


def frame_texts(frame: Mapping[str, Any]) -> list[str]:
    """Return what is shown below the place of a frame: its line of source, and how often it came again."""
    texts = [escape(str(frame["text"]))] if frame.get("text") else []
    return [*texts, f"[the same {frame['repeats']} more times]"] if frame.get("repeats") else texts


def message_lines(error: Mapping[str, Any]) -> list[str]:
    """Return the type and message of a failure, or of one of its causes."""
    first, *rest = escape(error["message"], keep_lines=True).split("\n") or [""]
    head = f"{escape(error['type'])}: {first}" if first else escape(error["type"])
    return [_red(head), *rest]


def _red(text: str) -> str:
    return style(text, "red", stream=sys.stderr) if has_colors(sys.stderr) else text


def _native(error: Mapping[str, Any], root: Path) -> list[str]:
    lines = ["Traceback (most recent call last):"]
    for frame in error.get("frames", ()):
        file = os.path.join(root, frame["file"])
        lines.append(f'  File "{escape(file)}", line {frame["line"]}, in {escape(frame["function"])}')
        lines += [f"    {text}" for text in frame_texts(frame)]
    return [*lines, *message_lines(error)]


def _long(error: Mapping[str, Any], root: Path) -> list[str]:
    lines: list[str] = []
    frames = error.get("frames", ())
    for number, frame in enumerate(frames):
        is_last = number == len(frames) - 1
        lines += _source_lines(frame, root)
        if is_last:
            lines += [_red("E   " + line) for line in _plain_message(error)]
        place = f"{escape(frame['file'])}:{frame['line']}"
        lines += ["", f"{place}: {escape(error['type']) if is_last else 'in ' + escape(frame['function'])}"]
        if not is_last:
            lines.append("_ " * 20)
    return lines or [_red("E   " + line) for line in _plain_message(error)]


def _plain_message(error: Mapping[str, Any]) -> Iterable[str]:
    return escape(_type_and(error, str(error["message"])), keep_lines=True).split("\n")


def _source_lines(frame: Mapping[str, Any], root: Path) -> list[str]:
    """Return the function up to the line that failed, as far as the file still has that line."""
    line = int(frame["line"])
    try:
        source = Path(root, frame["file"]).read_text("utf-8")
        first, last = _find_extent(ast.parse(source), line)
    except (OSError, ValueError, SyntaxError, RecursionError):
        source, first, last = "", 0, 0
    lines = source.splitlines()
    if not 0 < line <= len(lines) or frame.get("text") not in (lines[line - 1].strip()[:500], None):
        return [f">   {escape(frame['text'])}"] if frame.get("text") else []
    start = max(first, line - _MOST_BEFORE)
    head = [f"    {lines[first - 1]}", "    ..."] if start > first else []
    marked = (f"{'>' if number == line else ' '}   {lines[number - 1]}" for number in range(start, last + 1))
    return [escape(text.rstrip()) for text in (*head, *marked)]


def _find_extent(tree: ast.AST, line: int) -> tuple[int, int]:
    """Return the first line of the innermost function around `line`, and the last of its statement."""
    first, last = line, line
    for node in ast.walk(tree):
        end = getattr(node, "end_lineno", None)
        if end is None or not node.lineno <= line <= end:  # type: ignore[attr-defined]
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first, last = node.lineno, line
        elif isinstance(node, ast.stmt) and not getattr(node, "body", None):
            last = max(last, end)
    return first, last
