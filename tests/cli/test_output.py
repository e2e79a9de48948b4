from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenconv.cli.output import (
    display_width,
    escape,
    format_duration,
    format_size,
    has_colors,
    plural,
    print_json,
    print_table,
    print_warning,
    shorten,
    style,
)


@given(st.text())
def test_escaped_text_is_printable_and_escaping_again_changes_nothing(text: str) -> None:
    safe = escape(text)
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or 0x202A <= ord(c) <= 0x202E for c in safe)
    assert escape(safe) == safe


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain", "plain"),
        ("Zoë 雪", "Zoë 雪"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\u202egnp", "\\u202egnp"),
        ("\x9b2J", "\\x9b2J"),
        ("\udce9", "\\udce9"),
    ],
)
def test_control_characters_are_spelt_out(text: str, safe: str) -> None:
    assert escape(text) == safe


def test_lines_can_be_kept() -> None:
    assert escape("a\n\tb\r\x1b", keep_lines=True) == "a\n\tb\\r\\x1b"


def test_json_has_its_schema_first_and_is_valid_json(capsys: Any) -> None:
    print_json({"x": float("nan"), "y": [float("inf"), 1.5], "path": Path("a/b"), "s": {2, 1}, "t": (1,)})
    text = capsys.readouterr().out
    assert text.startswith('{\n  "schema": 1,\n')
    assert json.loads(text, parse_constant=pytest.fail) == {
        "schema": 1,
        "x": None,
        "y": [None, 1.5],
        "path": "a/b",
        "s": [1, 2],
        "t": [1],
    }


def test_columns_are_aligned_and_numbers_to_the_right(capsys: Any) -> None:
    print_table([("a", 5), ("雪雪", 1000)], ["name", "size"], right=["size"])
    assert capsys.readouterr().out == "NAME  SIZE\na        5\n雪雪  1000\n"


def test_a_table_without_rows_shows_its_headers(capsys: Any) -> None:
    print_table([], ["name"])
    assert capsys.readouterr().out == "NAME\n"


def test_a_cell_cannot_break_its_row(capsys: Any) -> None:
    print_table([("a\nb\x1b[2J",)], ["name"])
    assert capsys.readouterr().out == "NAME\na\\nb\\x1b[2J\n"


def test_colours_need_a_terminal_and_can_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    terminal: Any = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert has_colors(terminal)
    assert style("x", "red", "bold", stream=terminal) == "\x1b[31m\x1b[1mx\x1b[0m"
    assert style("x", "red") == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert not has_colors(terminal)
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not has_colors(terminal)


def test_a_warning_goes_to_stderr(capsys: Any) -> None:
    print_warning("odd \x1b")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "warning: odd \\x1b\n")


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_960, "1.0 MB"), (3.4e9, "3.4 GB"), (2e15, "2.0 PB")],
)
def test_sizes_read_as_people_say_them(size: float, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0034, "3 ms"),
        (1.239, "1.24 s"),
        (12.44, "12.4 s"),
        (59.97, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3725, "1 h 02 min"),
        (200_000, "2 d 07 h"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_plurals() -> None:
    assert (plural(1, "step"), plural(0, "step"), plural(2, "entry", "entries")) == (
        "1 step",
        "0 steps",
        "2 entries",
    )


@given(st.text("ab雪é\u0301", max_size=20), st.integers(1, 20))
def test_shortened_text_fits(text: str, width: int) -> None:
    assert display_width(shorten(text, width)) <= width
