"""Arrow tables, arrays, schemas and types, as an Arrow IPC stream: mapped, not copied, when read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from zenconv import hashing
from zenconv.errors import ArtifactError, CorruptArtifact
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers.arrow_content import digest_of_chunks
from zenconv.materializers.saving import Declined
from zenconv.materializers.values import load_description, save_encoded

_MAP_LIMIT = 1 << 16
_ROWS, _SCHEMA = "rows", "schema"
_EXTENSION = b"ARROW:extension:name"


class ArrowValues:
    """Stores Arrow data with its chunks and metadata; the content ignores how rows are chunked.

    Extension types come back where they are registered in the reading process, as in the
    writing one; unions, and values of other devices, are left to others.
    """

    id = "pyarrow"
    version = 1
    types = (
        "pyarrow.lib.Table",
        "pyarrow.lib.RecordBatch",
        "pyarrow.lib.Array",
        "pyarrow.lib.ChunkedArray",
        "pyarrow.lib.Scalar",
        "pyarrow.lib.Schema",
        "pyarrow.lib.Field",
        "pyarrow.lib.DataType",
    )

    def accepts(self, value: Any) -> bool:
        """Return whether it is Arrow's own, of types that a schema describes exactly."""
        try:
            schema = _schema_of(value)
            again = pa.ipc.read_schema(schema.serialize())
        except (pa.ArrowException, Declined):
            return False
        return bool(again.equals(schema, check_metadata=True)) and not _strangers(again)

    def save(self, value: Any, sink: Sink) -> None:
        """Write the schema, or the rows with their schema."""
        kind = _kind_of(value)
        schema = _schema_of(value)
        description = {"kind": kind}
        if kind in ("schema", "field", "type"):
            save_encoded(description, sink)
            sink.write(schema.serialize().to_pybytes(), _SCHEMA)
            return
        try:
            sink.set_content(_content(kind, schema, value))
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
            raise Declined(f"Arrow cannot take its values apart: {error}") from error
        save_encoded(description, sink)
        with sink.open(_ROWS) as stream, pa.ipc.new_stream(stream, schema) as writer:
            for batch in _batches(value, schema):
                writer.write_batch(batch)

    def load(self, source: Source) -> Any:
        """Return the value; its memory is shared with the store and cannot be changed."""
        kind = load_description(source)["kind"]
        if kind in ("schema", "field", "type"):
            schema = _checked(pa.ipc.read_schema(pa.py_buffer(source.read(_SCHEMA))))
            if kind == "schema":
                return schema
            return schema.field(0) if kind == "field" else schema.field(0).type
        table = _read_table(source)
        if kind == "table":
            return table
        if kind == "batch":
            return _one_batch(table)
        column = table.column(0)
        if kind == "chunks":
            return column
        array = _one_chunk(column)
        return array[0] if kind == "scalar" else array

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return shape, or length and type."""
        kind = _kind_of(value)
        if kind in ("table", "batch"):
            return {"shape": list(value.shape), "columns": value.num_columns}
        if kind == "schema":
            return {"columns": len(value)}
        if kind in ("array", "chunks"):
            return {"len": len(value), "dtype": str(value.type)}
        return {"dtype": str(value if kind == "type" else value.type)}


def _kind_of(value: Any) -> str:
    kinds = {
        "table": pa.Table,
        "batch": pa.RecordBatch,
        "array": pa.Array,
        "chunks": pa.ChunkedArray,
        "scalar": pa.Scalar,
        "schema": pa.Schema,
        "field": pa.Field,
        "type": pa.DataType,
    }
    return next(kind for kind, cls in kinds.items() if isinstance(value, cls))


def _schema_of(value: Any) -> Any:
    kind = _kind_of(value)
    if kind == "schema":
        return value
    if kind in ("table", "batch"):
        return value.schema
    if kind == "field":
        return pa.schema([value])
    return pa.schema([pa.field("value", value if kind == "type" else value.type)])


def _batches(value: Any, schema: Any) -> list[Any]:
    kind = _kind_of(value)
    if kind == "table":
        found: list[Any] = value.to_batches()
        return found
    if kind == "batch":
        return [value]
    chunks = [_array_of(value)] if kind in ("array", "scalar") else value.chunks
    return [pa.record_batch([chunk], schema=schema) for chunk in chunks]


def _array_of(value: Any) -> Any:
    return pa.array([value], type=value.type) if isinstance(value, pa.Scalar) else value


def _content(kind: str, schema: Any, value: Any) -> str:
    if kind in ("table", "batch"):
        columns = [getattr(column, "chunks", [column]) for column in value.columns]
        rows = value.num_rows
    else:
        columns = [value.chunks if kind == "chunks" else [_array_of(value)]]
        rows = sum(len(chunk) for chunk in columns[0])
    digests = [digest_of_chunks(field.type, chunks) for field, chunks in zip(schema, columns, strict=True)]
    described = hashing.digest_bytes(schema.serialize().to_pybytes())
    return hashing.digest_texts("zenconv.arrow.1", [kind, str(rows), described, *digests])


def _read_table(source: Source) -> Any:
    if source.size(_ROWS) < _MAP_LIMIT:  # type: ignore[attr-defined]
        stream: Any = pa.py_buffer(source.read(_ROWS))
    else:
        stream = pa.memory_map(str(source.path(_ROWS)))
    with pa.ipc.open_stream(stream) as reader:
        _checked(reader.schema)
        return reader.read_all()


def _one_chunk(column: Any) -> Any:
    if column.num_chunks != 1:
        raise CorruptArtifact("the stored Arrow array has more than one chunk")
    return column.chunk(0)


def _one_batch(table: Any) -> Any:
    batches = table.to_batches()
    if len(batches) > 1:
        raise CorruptArtifact("the stored Arrow batch consists of several")
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def _checked(schema: Any) -> Any:
    strangers = _strangers(schema)
    if strangers:
        raise ArtifactError(
            f"it holds values of the Arrow extension type {strangers[0]!r}, which is not registered here",
            hint="import the module that registers it before loading",
        )
    return schema


def _strangers(schema: Any) -> list[str]:
    """Return the names of extension types that Arrow could not make, and left as metadata."""
    found: list[str] = []
    pending = list(schema)
    while pending:
        field = pending.pop()
        if field.metadata and _EXTENSION in field.metadata:
            found.append(field.metadata[_EXTENSION].decode("utf-8", "replace"))
        if pa.types.is_nested(field.type):
            pending += [field.type.field(number) for number in range(field.type.num_fields)]
    return found
