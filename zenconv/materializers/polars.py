"""Polars frames, series and lazy frames, as uncompressed Arrow IPC files.

A lazy frame is stored as the rows it stands for, and comes back lazy over them: collecting it
gives the frame that collecting the original would have given. Its plan is not stored: a plan can
hold pickled functions, and the names of files whose content nobody has recorded.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from zenconv import hashing
from zenconv.errors import SaveError
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers.saving import Declined
from zenconv.materializers.values import load_description, save_encoded

_IN_MEMORY = 1 << 26
"""Lazy frames of at most this many bytes are read at once; bigger ones stay in their file."""

_ROWS = "rows"
_WIDE = (pl.Int128, pl.UInt128, pl.Decimal)


class PolarsFrames:
    """Stores a DataFrame, a Series or a LazyFrame; equal rows of equal types have one content."""

    id = "polars"
    version = 1
    types = (
        "polars.dataframe.frame.DataFrame",
        "polars.series.series.Series",
        "polars.lazyframe.frame.LazyFrame",
    )

    def accepts(self, value: Any) -> bool:
        """Return whether it is of a class of Polars itself; `save` may still decline."""
        return type(value) in (pl.DataFrame, pl.Series, pl.LazyFrame)

    def save(self, value: Any, sink: Sink) -> None:
        """Write the rows; `Declined` for columns of Python objects."""
        if type(value) is pl.LazyFrame:
            _save_lazily(value, sink)
            return
        frame = value.to_frame() if type(value) is pl.Series else value
        _check_schema(frame.schema)
        kind = "series" if type(value) is pl.Series else "frame"
        save_encoded({"kind": kind}, sink)
        with sink.open(_ROWS) as stream:
            forwarding: Any = _Forwarding(stream)
            frame.write_ipc(forwarding, compression="uncompressed")
        columns = (frame.to_series(position) for position in range(frame.width))
        sink.set_content(_content(kind, frame.height, columns))

    def load(self, source: Source) -> Any:
        """Return a frame or series of its own, or a lazy frame that reads when it is collected."""
        kind = load_description(source)["kind"]
        small = source.size(_ROWS) <= _IN_MEMORY  # type: ignore[attr-defined]
        if kind == "lazy" and not small:
            return pl.scan_ipc(source.path(_ROWS))
        frame = pl.read_ipc(source.read(_ROWS) if small else source.path(_ROWS))
        if kind == "series":
            return frame.to_series(0)
        return frame.lazy() if kind == "lazy" else frame

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return the shape, or the names of the columns where rows would have to be computed."""
        if type(value) is pl.LazyFrame:
            names = value.collect_schema().names()
            return {"columns": len(names), "names": names[:20]}
        if type(value) is pl.Series:
            return {"len": len(value), "dtype": str(value.dtype)}
        return {"shape": list(value.shape), "columns": value.width}


def _save_lazily(value: pl.LazyFrame, sink: Sink) -> None:
    schema = value.collect_schema()
    try:
        _check_schema(schema)
    except Declined as error:
        raise SaveError(
            f"cannot store a polars LazyFrame: {error.what}",
            hint="return a frame without columns of Python objects, or collect it and return plain data",
        ) from error
    save_encoded({"kind": "lazy"}, sink)
    with tempfile.TemporaryDirectory(prefix="zenconv-") as folder:
        path = Path(folder) / "rows.arrow"
        value.sink_ipc(path, compression="uncompressed", maintain_order=True)
        sink.add_file(path, _ROWS)
        rows = pl.scan_ipc(path)
        height = rows.select(pl.len()).collect().item()
        # One column at a time: the whole may be larger than memory.
        columns = (rows.select(pl.nth(n)).collect().to_series(0) for n in range(len(schema)))
        sink.set_content(_content("lazy", height, columns))


def _check_schema(schema: Mapping[str, Any]) -> None:
    for name, dtype in schema.items():
        _check_type(name, dtype)
    stream = io.BytesIO()
    empty = pl.DataFrame(schema=schema)
    empty.write_ipc(stream, compression="uncompressed")
    if pl.read_ipc(stream.getvalue()).schema != empty.schema:
        raise Declined("its column types do not survive a file")


def _check_type(name: str, dtype: Any) -> None:
    if isinstance(dtype, pl.Struct):
        for field in dtype.fields:
            _check_type(name, field.dtype)
    elif isinstance(dtype, pl.List):
        _check_type(name, dtype.inner)
    elif isinstance(dtype, pl.Array):
        if dtype.size == 0:
            raise Declined(f"the column {name!r} holds arrays without elements")
        _check_type(name, dtype.inner)
    elif not (dtype.is_temporal() or dtype.is_numeric() or isinstance(dtype, _SIMPLE)):
        raise Declined(f"the column {name!r} is of type {dtype}")


_SIMPLE = (pl.Boolean, pl.String, pl.Binary, pl.Categorical, pl.Enum, pl.Null)


def _content(kind: str, height: int, columns: Any) -> str:
    """Return a digest of the values alone: neither chunks nor what lies below missing values count."""
    texts = [kind, str(height)]
    for column in columns:
        hasher = hashing.Hasher("zenconv.polars.1")
        _add(hasher, column.alias("values"))  # names such as "^a$" would be taken for patterns
        texts += [column.name, repr(column.dtype), hasher.digest()]
    return hashing.digest_texts("zenconv.polars.1", texts)


def _add(hasher: hashing.Hasher, column: pl.Series) -> None:
    hasher.update(f"{len(column)},{column.null_count()};".encode())
    if column.null_count():
        hasher.update(np.packbits(column.is_null().to_numpy()).tobytes())
        column = column.drop_nulls()
    dtype = column.dtype
    if isinstance(dtype, pl.Struct):
        for field in dtype.fields:
            _add(hasher, column.struct.field(field.name))
    elif isinstance(dtype, (pl.List, pl.Array)):
        _add_lists(hasher, column)
    elif isinstance(dtype, pl.String):
        _add_numbers(hasher, column.str.len_bytes())
        hasher.update("".join(column).encode())
    elif isinstance(dtype, pl.Binary):
        _add_numbers(hasher, column.bin.size())
        hasher.update(b"".join(column))
    elif isinstance(dtype, (pl.Categorical, *_WIDE)):
        # The codes of categories depend on what else the process has met.
        _add(hasher, column.cast(pl.String))
    elif not isinstance(dtype, pl.Null):
        _add_numbers(hasher, column.to_physical())


def _add_lists(hasher: hashing.Hasher, column: pl.Series) -> None:
    lists = column.arr.to_list() if isinstance(column.dtype, pl.Array) else column
    lengths = lists.list.len()
    _add_numbers(hasher, lengths)
    _add(hasher, lists.filter(lengths > 0).explode())


def _add_numbers(hasher: hashing.Hasher, column: pl.Series) -> None:
    hasher.update(np.ascontiguousarray(column.to_numpy()).view(np.uint8).data)


class _Forwarding(io.RawIOBase):
    """The file that Polars writes to: it asks for more of a file than a sink's stream has."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return int(self._stream.write(bytes(data)))
