"""Which values are live: tied to this process, so never stored but made again where needed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

LIVE_TYPES: dict[str, frozenset[str]] = {
    # Loaders, and what libraries make of data for their training: cheap to make, held by no file.
    "torch": frozenset({"DataLoader"}),
    "datasets": frozenset({"IterableDataset", "IterableDatasetDict"}),
    "tensorflow": frozenset({"DatasetV2"}),
    "xgboost": frozenset({"DMatrix"}),
    "lightgbm": frozenset({"Dataset"}),
    "catboost": frozenset({"Pool"}),
    # Connections, and relations that are computed through one.
    "sqlite3": frozenset({"Connection"}),
    "sqlalchemy": frozenset({"Engine", "Connection", "Session", "AsyncEngine", "AsyncConnection"}),
    "duckdb": frozenset({"DuckDBPyConnection", "DuckDBPyRelation"}),
    "psycopg": frozenset({"Connection", "AsyncConnection"}),
    "psycopg2": frozenset({"connection"}),
    "pymongo": frozenset({"MongoClient"}),
    "redis": frozenset({"Redis"}),
    "botocore": frozenset({"BaseClient"}),
    "boto3": frozenset({"ServiceResource"}),
    "pyspark": frozenset({"SparkSession", "DataFrame"}),
    "socket": frozenset({"socket"}),
    # Readers of open files.
    "pyarrow": frozenset({"RecordBatchReader", "ParquetFile", "Dataset", "Scanner"}),
    "numpy": frozenset({"NpzFile"}),
    "h5py": frozenset({"HLObject"}),
    "pandas": frozenset({"HDFStore", "ExcelFile"}),
    "zipfile": frozenset({"ZipFile"}),
    "tarfile": frozenset({"TarFile"}),
    "tempfile": frozenset({"_TemporaryFileWrapper"}),
    "mmap": frozenset({"mmap"}),
}
"""By package, the classes whose values are live beyond iterators and open files.

In which of its modules a library defines a class changes from release to release.
"""

_IN_MEMORY = (io.BytesIO, io.StringIO)


def is_live(value: Any) -> bool:
    """Return whether `value` is an iterator, an open file, a connection or a data loader."""
    if isinstance(value, Iterator | io.IOBase):
        return not isinstance(value, _IN_MEMORY)
    return any(
        cls.__qualname__ in LIVE_TYPES.get(cls.__module__.partition(".")[0].lstrip("_"), ())
        for cls in type(value).__mro__
    )
