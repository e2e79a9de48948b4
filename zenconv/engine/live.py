"""Which values are live: tied to this process, so never stored but made again where needed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

LIVE_TYPES = frozenset(
    {
        # Loaders, and what libraries make of data for their training: cheap to make, held by no file.
        "torch.utils.data.dataloader.DataLoader",
        "datasets.iterable_dataset.IterableDataset",
        "datasets.dataset_dict.IterableDatasetDict",
        "tensorflow.python.data.ops.dataset_ops.DatasetV2",
        "xgboost.core.DMatrix",
        "lightgbm.basic.Dataset",
        "catboost.core.Pool",
        # Connections, and relations that are computed through one.
        "sqlite3.Connection",
        "sqlalchemy.engine.base.Engine",
        "sqlalchemy.engine.base.Connection",
        "sqlalchemy.orm.session.Session",
        "sqlalchemy.ext.asyncio.engine.AsyncEngine",
        "sqlalchemy.ext.asyncio.engine.AsyncConnection",
        "duckdb.DuckDBPyConnection",
        "_duckdb.DuckDBPyConnection",
        "duckdb.DuckDBPyRelation",
        "_duckdb.DuckDBPyRelation",
        "psycopg.Connection",
        "psycopg2.extensions.connection",
        "pymongo.mongo_client.MongoClient",
        "pymongo.synchronous.mongo_client.MongoClient",
        "redis.client.Redis",
        "botocore.client.BaseClient",
        "boto3.resources.base.ServiceResource",
        "pyspark.sql.session.SparkSession",
        "pyspark.sql.dataframe.DataFrame",
        "socket.socket",
        # Readers of open files.
        "pyarrow.lib.RecordBatchReader",
        "pyarrow.parquet.core.ParquetFile",
        "pyarrow._dataset.Dataset",
        "pyarrow._dataset.Scanner",
        "numpy.lib.npyio.NpzFile",
        "numpy.lib._npyio_impl.NpzFile",
        "h5py._hl.base.HLObject",
        "pandas.HDFStore",
        "pandas.io.pytables.HDFStore",
        "pandas.ExcelFile",
        "pandas.io.excel._base.ExcelFile",
        "zipfile.ZipFile",
        "tarfile.TarFile",
    }
)
"""Classes, matched along the MRO, whose values are live beyond iterators and open files."""


def is_live(value: Any) -> bool:
    """Return whether `value` is an iterator, an open file, a connection or a data loader."""
    if isinstance(value, Iterator | io.IOBase):
        return True
    return any(f"{cls.__module__}.{cls.__qualname__}" in LIVE_TYPES for cls in type(value).__mro__)
