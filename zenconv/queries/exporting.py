"""Recorded values as files for other programs: the format follows the file's extension.

A frame needs pandas to become a table; text and JSON need no library and nothing of the project.
What has no conversion is written as it is stored, byte for byte, without being loaded; text and
bytes are written as they are.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from zenconv.errors import StoreError, UsageError
from zenconv.queries.history import Found, History
from zenconv.queries.loading import load_outputs, read_stored
from zenconv.queries.outputs import choose_outputs, show_name
from zenconv.queries.own_formats import EXTENSIONS, Write, extensions_of, find_own_writer
from zenconv.queries.tables import as_frame, has_plain_index, is_array, is_frame, to_records
from zenconv.records.artifact import Artifact

_ROWS = 10
_TEXTS = ("str", "bytes", "bytearray")
_PICKLES = (".pkl", ".pickle")


def export(history: History, found: Found, target: Path) -> int:
    """Write the output that was `found` to `target`, all or nothing; return its size in bytes.

    Raises
    ------
    UsageError
        The value does not fit the extension, or `target` is a folder.
    StoreError
        The file cannot be written.
    """
    if target.is_dir():
        raise UsageError(
            f"{str(target)!r} is a folder", hint="name a file: it is never written over a folder"
        )
    name, artifact = choose_one(found)
    extension = target.suffix.lower()
    if artifact.materializer.startswith("paths/"):
        return _copy_path(load_outputs(history, found.step, name), target)
    preview = next((file for file in artifact.files if file.name == f"preview{extension}"), None)
    if preview is not None:
        return _write_blocks(read_stored(history, found.step, name, preview), target)
    write: Write | None = _WRITERS.get(extension)
    if artifact.type in _TEXTS and extension not in _PICKLES:
        write = write or _write_text
    if write is None and extension not in EXTENSIONS:
        return _write_raw(history, found, name, target)
    value = load_outputs(history, found.step, name)
    write = find_own_writer(value, extension) or write
    if write is None:
        return _write_raw(history, found, name, target)
    with _atomic(target) as stream:
        write(value, stream)
    return target.stat().st_size


def choose_one(found: Found) -> tuple[str, Artifact]:
    """Return the name and record of the one output that is meant. `UsageError` unless there is one."""
    chosen = choose_outputs(found.step, found.output)
    if not chosen:
        raise UsageError(f"{found.step.node} returned no items in run {found.run.id}")
    if len(chosen) > 1:
        names = ", ".join(f"{found.step.step}.{show_name(name)}" for name in chosen)
        raise UsageError(f"{found.step.node} has several outputs", hint=f"name one: {names}")
    return next(iter(chosen.items()))


def write_to(stream: IO[bytes], history: History, found: Found) -> None:
    """Write the output to a stream: JSON or text of plain values, CSV of tables, else the stored bytes."""
    name, artifact = choose_one(found)
    if artifact.materializer.startswith("paths/"):
        _write_file(load_outputs(history, found.step, name), stream)
        return
    if artifact.needs_trust or not artifact.materializer.startswith(("json/", "pandas/", "numpy/")):
        for block in _raw_blocks(history, found, name):
            stream.write(block)
        return
    value = load_outputs(history, found.step, name)
    if is_frame(value) or is_array(value):
        _write_csv(value, stream)
    elif isinstance(value, bytes | bytearray):
        stream.write(value)
    else:
        stream.write(to_text(value).encode("utf-8", "surrogatepass") + b"\n")


def _write_file(source: Path, stream: IO[bytes]) -> None:
    if source.is_dir():
        raise UsageError(f"{source.name!r} is a folder", hint="name where it goes: -o FOLDER")
    with source.open("rb") as content:
        shutil.copyfileobj(content, stream)


def to_text(value: Any) -> str:
    """Return what `value` looks like to people: text as it is, containers as JSON, tables by their head."""
    if isinstance(value, str):
        return value
    if is_frame(value):
        text = str(value.to_string(max_rows=_ROWS))
        return f"{text}\n\n[{len(value)} rows]" if len(value) > _ROWS else text
    if is_array(value):
        return f"{value}\n\n[{' x '.join(map(str, value.shape))} {value.dtype}]"
    try:
        return json.dumps(to_json(value), indent=2, ensure_ascii=False)
    except (UsageError, RecursionError):
        return repr(value)


def to_json(value: Any) -> Any:
    """Return `value` as plain JSON data; numbers that JSON lacks become null. `UsageError` without a form."""
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return float(value) if value - value == 0 else None
    if isinstance(value, Mapping):
        return {_json_key(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(item) for item in value]
    if is_frame(value):
        return to_records(value, to_json)
    if hasattr(value, "tolist") and type(value).__module__.partition(".")[0] == "numpy":
        return to_json(value.tolist())
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise UsageError(
        f"a {type(value).__name__} has no JSON form", hint="leave the extension out: its stored bytes"
    )


def _json_key(key: Any) -> str:
    return key if isinstance(key, str) else str(to_json(key)) if not isinstance(key, tuple) else repr(key)


def _write_json(value: Any, stream: IO[bytes]) -> None:
    stream.write(json.dumps(to_json(value), indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    stream.write(b"\n")


def _write_csv(value: Any, stream: IO[bytes]) -> None:
    if is_array(value):
        if value.ndim > 2:
            raise UsageError(f"an array of {value.ndim} dimensions is no table", hint="write it as .npy")
        rows = value.reshape(-1, 1) if value.ndim < 2 else value
        _write_rows(rows.tolist(), stream)
    elif is_frame(value):
        frame = as_frame(value)
        frame.to_csv(stream, index=not has_plain_index(frame))
    elif isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
        names = list(dict.fromkeys(name for row in value for name in row))
        _write_rows([names, *([row.get(name) for name in names] for row in value)], stream)
    elif isinstance(value, Mapping):
        _write_rows(value.items(), stream)
    elif isinstance(value, list | tuple):
        _write_rows([row if isinstance(row, list | tuple) else [row] for row in value], stream)
    else:
        raise UsageError(f"a {type(value).__name__} is no table", hint="write it as .json or .txt")


def _write_rows(rows: Any, stream: IO[bytes]) -> None:
    import io

    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    csv.writer(text).writerows(rows)
    text.detach()


def _write_parquet(value: Any, stream: IO[bytes]) -> None:
    if not is_frame(value):
        raise UsageError(f"a {type(value).__name__} is no table", hint="write it as .json")
    as_frame(value).rename(columns=str).to_parquet(stream)


def _write_npy(value: Any, stream: IO[bytes]) -> None:
    import numpy

    array = numpy.asarray(value)
    if array.dtype.hasobject or not (is_array(value) or array.dtype.kind in "biufcmM"):
        raise UsageError(f"a {type(value).__name__} is no array of numbers", hint="write it as .csv or .json")
    numpy.save(stream, array, allow_pickle=False)


def _write_text(value: Any, stream: IO[bytes]) -> None:
    if isinstance(value, bytes | bytearray):
        stream.write(value)
        return
    text = value if isinstance(value, str) else to_text(value) + "\n"
    stream.write(text.encode("utf-8", "surrogatepass"))


_WRITERS: dict[str, Callable[[Any, IO[bytes]], None]] = {
    ".csv": _write_csv,
    ".json": _write_json,
    ".npy": _write_npy,
    ".parquet": _write_parquet,
    ".txt": _write_text,
}
"""By extension, how a value becomes a file."""


def _write_raw(history: History, found: Found, name: str, target: Path) -> int:
    artifact = found.step.outputs[name]
    if target.suffix.lower() in _PICKLES and not artifact.runs_code:
        raise UsageError(
            f"{found.step.node} is stored by {artifact.materializer}, not as a pickle",
            hint=f"use another extension: {' '.join(_WRITERS)}",
        )
    return _write_blocks(_raw_blocks(history, found, name), target)


def _write_blocks(blocks: Iterator[bytes], target: Path) -> int:
    with _atomic(target) as stream:
        for block in blocks:
            stream.write(block)
    return target.stat().st_size


def _raw_blocks(history: History, found: Found, name: str) -> Iterator[bytes]:
    artifact = found.step.outputs[name]
    if len(artifact.files) != 1:
        raise UsageError(
            f"a {artifact.type} is stored as {len(artifact.files)} files and cannot be written as one",
            hint=f"use an extension that converts it: {_known_extensions(artifact)}",
        )
    return read_stored(history, found.step, name, artifact.files[0])


def _known_extensions(artifact: Artifact) -> str:
    return " ".join(extensions_of(artifact.type) or _WRITERS)


def _copy_path(source: Any, target: Path) -> int:
    """Copy a stored file, or a stored folder to a place that does not exist yet."""
    if not isinstance(source, Path):
        raise UsageError(f"a {type(source).__name__} is no file")
    if source.is_dir():
        try:
            shutil.copytree(source, target)
        except OSError as error:
            raise StoreError(f"cannot write {target}: {error.strerror or error}") from error
        return sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    with _atomic(target) as stream:
        _write_file(source, stream)
    return target.stat().st_size


@contextmanager
def _atomic(target: Path) -> Iterator[IO[bytes]]:
    """Open a draft beside `target` that takes its name when everything went well."""
    draft = target.with_name(f".{target.name[:80]}.{os.getpid()}.{os.urandom(3).hex()}")
    try:
        try:
            with draft.open("xb") as stream:
                yield stream
            os.replace(draft, target)
        except OSError as error:
            raise StoreError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)
