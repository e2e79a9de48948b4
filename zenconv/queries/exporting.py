"""Recorded values as files for other programs: the format follows the file's extension.

A frame needs pandas to become a table; text and JSON need no library and nothing of the project.
Under an extension that says nothing, and as a pickle, a value is written as it is stored, without
being loaded; bytes are always written as they are.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from zenconv.errors import StoreError, UsageError
from zenconv.queries.general_formats import PICKLES, USUAL, WRITERS, find_writer, write_csv
from zenconv.queries.history import Found, History
from zenconv.queries.joined_pickle import MAIN, join_pickle
from zenconv.queries.loading import load_outputs, read_stored
from zenconv.queries.outputs import choose_outputs, show_name
from zenconv.queries.own_formats import EXTENSIONS, Write, extensions_of, find_own_writer
from zenconv.queries.plain_data import to_json
from zenconv.queries.tables import is_array, is_frame
from zenconv.records.artifact import Artifact

_ROWS = 10
_IN_BYTES = ("bytes", "bytearray", "_io.BytesIO", "_io.StringIO")
_PICKLING = ("objects", "pickled", "sklearn", "matplotlib")
"""The materializers that store pickles."""
_NEEDS_US = b"zenconv.materializers"
"""Stands in a pickle that is loaded by help of this package: for other programs it is made anew."""


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
    if artifact.type in _IN_BYTES and extension not in PICKLES:
        return _write_with(_write_as_it_is, load_outputs(history, found.step, name), target)
    if extension in PICKLES and _is_pickle(artifact):
        read = partial(_read_file, history, found, name)
        if _NEEDS_US not in read(MAIN):
            return _write_blocks(join_pickle(read), target)
    elif artifact.type == "str" and extension not in WRITERS:
        return _write_with(_write_as_it_is, load_outputs(history, found.step, name), target)
    elif extension not in WRITERS and extension not in EXTENSIONS:
        return _write_blocks(_raw_blocks(history, found, name), target)
    value = load_outputs(history, found.step, name)
    write = find_own_writer(value, extension) or find_writer(value, extension)
    if write is None:
        raise UsageError(
            f"a {type(value).__name__} cannot be written as {extension}",
            hint=f"use an extension that converts it: {_known_extensions(artifact)}",
        )
    return _write_with(write, value, target)


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
        write_csv(value, stream)
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


def _is_pickle(artifact: Artifact) -> bool:
    return artifact.materializer.partition("/")[0] in _PICKLING


def _read_file(history: History, found: Found, name: str, file: str) -> bytes:
    """Return one of the files that an output is stored as; nothing if there is no such."""
    stored = next((one for one in found.step.outputs[name].files if one.name == file), None)
    return b"" if stored is None else b"".join(read_stored(history, found.step, name, stored))


def _write_as_it_is(value: Any, stream: IO[bytes]) -> None:
    content = value.getvalue() if hasattr(value, "getvalue") else value
    stream.write(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)


def _write_with(write: Write, value: Any, target: Path) -> int:
    with _atomic(target) as stream:
        write(value, stream)
    return target.stat().st_size


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
    return " ".join(extensions_of(artifact.type) or USUAL)


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
