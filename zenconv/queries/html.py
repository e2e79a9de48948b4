"""Tables for notebooks: plain HTML, everything escaped, no scripts and no foreign requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """Return a table; every cell is text and stays text, whatever it holds."""
    head = "".join(f"<th>{escape(str(name))}</th>" for name in headers)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    note = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{note}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
