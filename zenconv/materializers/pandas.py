"""pandas frames, series, indexes and arrays: a description in JSON beside raw columns.

Columns of one NumPy type lie together in one ``.npy`` file, which is mapped when it is read:
a frame of numbers is written and read without a copy, and needs no library but pandas. The
files depend on the value alone, not on how pandas had grouped its columns in memory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers.encoding import dumps
from zenconv.materializers.pandas_columns import ColumnReader, ColumnWriter, frequency_of

_SEPARATE_COLUMNS = 256
"""A frame of more columns is consolidated when read: pandas is slow with many loose ones."""


class Frames:
    """Stores exact instances of pandas' own classes; subclasses are left to others."""

    id = "pandas"
    version = 1
    types = ("pandas.DataFrame", "pandas.Series", "pandas.Index", "pandas.Categorical")

    def accepts(self, value: Any) -> bool:
        """Return whether it is of a class of pandas itself; `save` may still decline."""
        return type(value).__module__.partition(".")[0] == "pandas"

    def save(self, value: Any, sink: Sink) -> None:
        """Write the description and the columns."""
        writer = ColumnWriter()
        if type(value) is pd.DataFrame:
            description = _describe_frame(writer, value)
        elif type(value) is pd.Series:
            description = _describe_series(writer, value)
        elif isinstance(value, pd.Index):
            description = {"kind": "index", "index": writer.describe_index(value)}
        else:
            description = {"kind": "array", "array": writer.describe(value), **frequency_of(value)}
        text = dumps(description)
        writer.write(sink)
        sink.write(text)

    def load(self, source: Source) -> Any:
        """Return a new object; numbers are mapped privately."""
        description = json.loads(source.read())
        reader = ColumnReader(source)
        kind = description["kind"]
        if kind == "frame":
            return _read_frame(reader, description)
        if kind == "series":
            return _read_series(reader, description)
        if kind == "index":
            return reader.read_index(description["index"])
        return _read_array(reader, description)

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return shape, and the number of columns or the type."""
        if type(value) is pd.DataFrame:
            return {"shape": list(value.shape), "columns": value.shape[1]}
        return {"len": len(value), "dtype": str(getattr(value, "dtype", type(value).__name__))}


def _describe_frame(writer: ColumnWriter, frame: Any) -> dict[str, Any]:
    columns = [writer.describe(frame.iloc[:, i].array) for i in range(frame.shape[1])]
    return {
        "kind": "frame",
        "columns": columns,
        "labels": writer.describe_index(frame.columns),
        "index": writer.describe_index(frame.index),
        **_extras(writer, frame),
    }


def _describe_series(writer: ColumnWriter, series: Any) -> dict[str, Any]:
    return {
        "kind": "series",
        "array": writer.describe(series.array),
        "index": writer.describe_index(series.index),
        "name": writer.label(series.name),
        **_extras(writer, series),
    }


def _extras(writer: ColumnWriter, value: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if value.attrs:
        found["attrs"] = writer.label(value.attrs)
    if not value.flags.allows_duplicate_labels:
        found["unique"] = True
    return found


def _read_frame(reader: ColumnReader, description: dict[str, Any]) -> Any:
    columns = description["columns"]
    index = reader.read_index(description["index"])
    whole = _single_block(columns)
    if whole is not None:
        # Behind the columns, an index of their type and length may stand in the same file.
        frame = pd.DataFrame(reader.block(whole)[: len(columns)].T, index=index, copy=False)
    else:
        loose = {number: _column(reader.read(column), index) for number, column in enumerate(columns)}
        frame = pd.DataFrame(loose, index=index, copy=len(columns) > _SEPARATE_COLUMNS)
    frame.columns = reader.read_index(description["labels"])
    return _with_extras(reader, frame, description)


def _single_block(columns: list[Any]) -> int | None:
    """Return the number of the file that begins with exactly these columns, in this order."""
    if not columns or any("row" not in column for column in columns):
        return None
    number = columns[0]["row"][0]
    whole = all(column["row"] == [number, row] for row, column in enumerate(columns))
    return number if whole else None


def _column(values: Any, index: Any) -> Any:
    if isinstance(values, np.ndarray) and values.dtype == object:
        return pd.Series(values, index=index, dtype=object, copy=False)
    return pd.Series(values, index=index, copy=False)


def _read_series(reader: ColumnReader, description: dict[str, Any]) -> Any:
    series = _column(reader.read(description["array"]), reader.read_index(description["index"]))
    series.name = reader.label(description["name"])
    return _with_extras(reader, series, description)


def _read_array(reader: ColumnReader, description: dict[str, Any]) -> Any:
    values = reader.read(description["array"])
    if not isinstance(values, np.ndarray):
        return values
    if values.dtype.kind in "mM":
        index = pd.Index(values, copy=False)
        if description.get("freq") is not None:
            index.freq = description["freq"]
        return index.array
    return pd.arrays.NumpyExtensionArray(values)


def _with_extras(reader: ColumnReader, value: Any, description: dict[str, Any]) -> Any:
    if "attrs" in description:
        value.attrs = reader.label(description["attrs"])
    if description.get("unique"):
        value.flags.allows_duplicate_labels = False
    return value
