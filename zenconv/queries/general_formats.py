"""What any value is written as, by the file's extension, where its library has no way of its own."""

from __future__ import annotations

import csv
import json
import pickle
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

from zenconv.errors import UsageError
from zenconv.queries.own_formats import Write
from zenconv.queries.plain_data import to_json
from zenconv.queries.tables import as_frame, has_plain_index, is_array, is_frame

PICKLES = (".pkl", ".pickle", ".joblib")


def find_writer(value: Any, extension: str) -> Write | None:
    """Return what writes `value` to a stream of bytes as `extension` says; None where nothing does.

    What it raises for a value that does not fit is a `UsageError`. A stream of items is taken up.
    """
    write = WRITERS.get(extension)
    if write is None or not isinstance(value, Iterator) or extension == ".jsonl":
        return write
    taken = write
    return lambda items, stream: taken(list(items), stream)


def _write_json(value: Any, stream: IO[bytes]) -> None:
    stream.write(json.dumps(to_json(value), indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    stream.write(b"\n")


def _write_json_lines(value: Any, stream: IO[bytes]) -> None:
    rows = to_json(value) if is_frame(value) else value
    if isinstance(rows, str | bytes | Mapping) or not hasattr(rows, "__iter__"):
        raise UsageError(f"a {type(value).__name__} is no sequence of rows", hint="write it as .json")
    for row in rows:
        stream.write(json.dumps(to_json(row), ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")


def write_csv(value: Any, stream: IO[bytes], delimiter: str = ",") -> None:
    """Write a table, an array of up to two dimensions, or rows, as text with delimiters."""
    if is_array(value):
        if value.ndim > 2:
            raise UsageError(f"an array of {value.ndim} dimensions is no table", hint="write it as .npy")
        rows = value.reshape(-1, 1) if value.ndim < 2 else value
        _write_rows(rows.tolist(), stream, delimiter)
    elif is_frame(value):
        frame = as_frame(value)
        frame.to_csv(stream, index=not has_plain_index(frame), sep=delimiter)
    elif isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
        names = list(dict.fromkeys(name for row in value for name in row))
        _write_rows([names, *([row.get(name) for name in names] for row in value)], stream, delimiter)
    elif isinstance(value, Mapping):
        _write_rows(value.items(), stream, delimiter)
    elif isinstance(value, list | tuple):
        _write_rows([row if isinstance(row, list | tuple) else [row] for row in value], stream, delimiter)
    else:
        raise UsageError(f"a {type(value).__name__} is no table", hint="write it as .json or .txt")


def _write_rows(rows: Any, stream: IO[bytes], delimiter: str) -> None:
    import io

    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    csv.writer(text, delimiter=delimiter).writerows(rows)
    text.detach()


def _write_tsv(value: Any, stream: IO[bytes]) -> None:
    write_csv(value, stream, "\t")


def _write_parquet(value: Any, stream: IO[bytes]) -> None:
    if not is_frame(value):
        raise UsageError(f"a {type(value).__name__} is no table", hint="write it as .json")
    as_frame(value).rename(columns=str).to_parquet(stream)


def _write_feather(value: Any, stream: IO[bytes]) -> None:
    if not is_frame(value):
        raise UsageError(f"a {type(value).__name__} is no table", hint="write it as .json")
    frame = as_frame(value).rename(columns=str)
    (frame if has_plain_index(frame) else frame.reset_index()).to_feather(stream)


def _write_npy(value: Any, stream: IO[bytes]) -> None:
    import numpy

    numpy.save(stream, _as_array(value), allow_pickle=False)


def _write_npz(value: Any, stream: IO[bytes]) -> None:
    import numpy

    arrays = value if isinstance(value, Mapping) else {"arr_0": value}
    numpy.savez(stream, **{str(name): _as_array(item) for name, item in arrays.items()})


def _as_array(value: Any) -> Any:
    import numpy

    array = numpy.asarray(value)
    if array.dtype.hasobject or not (is_array(value) or array.dtype.kind in "biufcmM"):
        raise UsageError(f"a {type(value).__name__} is no array of numbers", hint="write it as .csv or .json")
    return array


def _write_text(value: Any, stream: IO[bytes]) -> None:
    from zenconv.queries.exporting import to_text

    text = value if isinstance(value, str) else f"{to_text(value)}\n"
    stream.write(text.encode("utf-8", "surrogatepass"))


def _write_pickle(value: Any, stream: IO[bytes]) -> None:
    try:
        pickle.dump(value, stream, 5)
    except Exception as error:
        raise UsageError(
            f"a {type(value).__name__} cannot be pickled: {error}", hint="choose another extension"
        ) from error


def _write_torch(value: Any, stream: IO[bytes]) -> None:
    import torch

    torch.save(value, stream)


def _write_safetensors(value: Any, stream: IO[bytes]) -> None:
    from safetensors.torch import save

    tensors = value.state_dict() if hasattr(value, "state_dict") else value
    if hasattr(tensors, "untyped_storage"):
        tensors = {"tensor": tensors}
    try:
        stream.write(save({name: tensor.contiguous() for name, tensor in tensors.items()}))
    except (AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise UsageError(
            f"a {type(value).__name__} cannot be written as .safetensors: {error}", hint="write it as .pt"
        ) from error


WRITERS: dict[str, Callable[[Any, IO[bytes]], None]] = {
    ".arrow": _write_feather,
    ".csv": write_csv,
    ".feather": _write_feather,
    ".joblib": _write_pickle,
    ".json": _write_json,
    ".jsonl": _write_json_lines,
    ".npy": _write_npy,
    ".npz": _write_npz,
    ".parquet": _write_parquet,
    ".pickle": _write_pickle,
    ".pkl": _write_pickle,
    ".pt": _write_torch,
    ".pth": _write_torch,
    ".safetensors": _write_safetensors,
    ".tsv": _write_tsv,
    ".txt": _write_text,
}
"""By extension, how a value becomes a file."""

USUAL = (".csv", ".json", ".npy", ".parquet", ".pkl", ".txt")
"""Those of them that are worth naming to whoever looks for one."""
