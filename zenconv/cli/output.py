"""What every command prints with: JSON, tables, colours, sizes, durations; always safe to show.

Results go to stdout, everything else to stderr. Text that came from data passes through
`escape`, so that no file name or message can move the cursor, recolour or reorder a terminal.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

import click

SCHEMA = 1
"""Version of the JSON that commands print; it counts up when a field changes its meaning."""

_UNSAFE = "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
_UNSAFE_IN_LINES = _UNSAFE.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f")


def escape(text: str, *, keep_lines: bool = False) -> str:
    r"""Return `text` with control and invisible characters spelt out (``\x1b``).

    With `keep_lines`, line feeds and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return re.sub(_UNSAFE_IN_LINES if keep_lines else _UNSAFE, _spell_out, text)


def _spell_out(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape", "surrogatepass").decode("ascii")


def print_line(text: str = "") -> None:
    """Print one line of a result."""
    click.echo(text, color=True)


def print_note(text: str) -> None:
    """Print one line that is not a result, on stderr."""
    click.echo(text, err=True, color=True)


def print_warning(text: str) -> None:
    """Print a warning on stderr."""
    print_note(f"{style('warning:', 'yellow', stream=sys.stderr)} {escape(text, keep_lines=True)}")


def print_json(data: Mapping[str, Any]) -> None:
    """Print `data` as one JSON object with ``"schema"`` first; numbers JSON lacks become null."""
    import json

    document = {"schema": SCHEMA, **data}
    try:
        text = json.dumps(document, indent=2, default=_plain, allow_nan=False)
    except ValueError:
        text = json.dumps(_without_nan(document), indent=2, default=_plain)
    click.echo(text)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    if isinstance(value, Iterable) and not isinstance(value, bytes | os.PathLike):
        return list(value)
    return os.fsdecode(value) if isinstance(value, os.PathLike) else str(value)


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Mapping):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return value


def has_colors(stream: IO[str] | None = None) -> bool:
    """Return whether `stream` (stdout) shows colours: a terminal, and ``NO_COLOR`` is not set."""
    stream = sys.stdout if stream is None else stream
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or is_terminal(stream)


def is_terminal(stream: IO[str] | None = None) -> bool:
    """Return whether `stream` (stdout) is a terminal."""
    stream = sys.stdout if stream is None else stream
    try:
        return stream.isatty()
    except ValueError:
        return False


def has_screen(stream: IO[str] | None = None) -> bool:
    """Return whether a person looks at `stream` (stdout): lines may be cut, and written over.

    A terminal in which ``CI`` is set, or that can do nothing but print, is a log.
    """
    is_log = os.environ.get("CI", "").lower() not in ("", "0", "false") or os.environ.get("TERM") == "dumb"
    return is_terminal(stream) and not is_log


def style(text: str, *styles: str, stream: IO[str] | None = None) -> str:
    """Return `text` in a colour, ``bold`` or ``dim``, where `stream` shows colours."""
    return paint(text, *styles) if text and has_colors(stream) else text


def paint(text: str, *styles: str) -> str:
    """Return `text` in a colour, ``bold`` or ``dim``, for a stream that shows colours."""
    flags = {name: True for name in styles if name in ("bold", "dim", "underline")}
    color = next((name for name in styles if name not in flags), None)
    return click.style(text, fg=color, **flags)


def style_error(text: str) -> str:
    """Return `text` as the head of an error message on stderr."""
    return style(text, "red", "bold", stream=sys.stderr)


def print_table(
    rows: Iterable[Sequence[object]],
    headers: Sequence[str],
    *,
    right: Iterable[str] = (),
) -> None:
    """Print aligned columns under `headers`; those named in `right` are aligned to the right.

    Cells are escaped. On a terminal the widest columns are shortened until a line fits.
    """
    table = [[escape(str(cell)) for cell in row] for row in rows]
    widths = _fit([_width_of_column(column) for column in zip(headers, *table, strict=True)])
    right_columns = {index for index, name in enumerate(headers) if name in set(right)}
    print_line(style(_line([h.upper() for h in headers], widths, right_columns), "dim"))
    for cells in table:
        print_line(_line(cells, widths, right_columns))


def _width_of_column(cells: Iterable[str]) -> int:
    return max(display_width(cell) for cell in cells)


def _fit(widths: list[int]) -> list[int]:
    if not has_screen():
        return widths
    import shutil

    excess = sum(widths) + 2 * (len(widths) - 1) - shutil.get_terminal_size().columns
    while excess > 0 and max(widths) > 12:
        widest = widths.index(max(widths))
        widths[widest] -= 1
        excess -= 1
    return widths


def _line(cells: Sequence[str], widths: Sequence[int], right: set[int]) -> str:
    shown = [shorten(cell, width) for cell, width in zip(cells, widths, strict=True)]
    padded = [
        (" " * (width - display_width(cell)) + cell)
        if index in right
        else cell + " " * (width - display_width(cell))
        for index, (cell, width) in enumerate(zip(shown, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()


def display_width(text: str) -> int:
    """Return how many terminal cells `text` takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    import unicodedata

    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) != 0 for c in text)


def shorten(text: str, width: int) -> str:
    """Return `text` cut to `width` terminal cells, its end replaced by an ellipsis."""
    if display_width(text) <= width:
        return text
    kept = text[: max(width - 1, 0)]
    while kept and display_width(kept) > width - 1:
        kept = kept[:-1]
    return kept + "…"


def format_size(size: float) -> str:
    """Return a number of bytes as people read it: ``812 B``, ``1.2 kB``, ``3.4 GB`` (decimal)."""
    if abs(size) < 1000:
        return f"{size:.0f} B"
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1000
        if abs(size) < 999.95:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} PB"


def format_duration(seconds: float) -> str:
    """Return a duration as people read it: ``3 ms``, ``1.24 s``, ``12.4 s``, ``2 min 05 s``."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min"
    return f"{hours // 24} d {hours % 24:02d} h"


def plural(count: int, noun: str, many: str = "") -> str:
    """Return ``1 step``, ``2 steps``; `many` for irregular nouns."""
    return f"{count} {noun}" if count == 1 else f"{count} {many or noun + 's'}"
