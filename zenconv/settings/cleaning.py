"""Reading the table ``clean``: which runs cleaning leaves."""

from __future__ import annotations

from typing import Any

from zenconv.authoring import parse_duration
from zenconv.errors import UsageError
from zenconv.settings.reading import Reader
from zenconv.settings.settings import CleanSettings


def read_clean(reader: Reader, value: Any) -> CleanSettings:
    """Return what the table says; mistakes are left with the reader."""
    table = reader.read_table(("clean",), value)
    reader.check_keys(("clean",), table, ("older_than", "keep_last"))
    older_than = table.get("older_than")
    try:
        seconds = None if older_than is None else parse_duration(older_than)
    except UsageError as error:
        reader.report(("clean", "older_than"), error.what, hint=error.hint)
        seconds = None
    keep_last = reader.read_int(("clean", "keep_last"), table.get("keep_last"), least=0)
    return CleanSettings(seconds, keep_last)
