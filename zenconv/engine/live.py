"""Which values are live: tied to this process, so never stored but made again where needed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

LIVE_TYPES = frozenset(
    {
        "torch.utils.data.dataloader.DataLoader",
        "sqlite3.Connection",
        "sqlalchemy.engine.base.Engine",
        "sqlalchemy.engine.base.Connection",
        "sqlalchemy.orm.session.Session",
        "duckdb.DuckDBPyConnection",
        "_duckdb.DuckDBPyConnection",
        "psycopg.Connection",
        "psycopg2.extensions.connection",
        "pyarrow.lib.RecordBatchReader",
        "socket.socket",
    }
)
"""Classes, matched along the MRO, whose values are live beyond iterators and open files."""


def is_live(value: Any) -> bool:
    """Return whether `value` is an iterator, an open file, a connection or a data loader."""
    if isinstance(value, Iterator | io.IOBase):
        return True
    return any(f"{cls.__module__}.{cls.__qualname__}" in LIVE_TYPES for cls in type(value).__mro__)
