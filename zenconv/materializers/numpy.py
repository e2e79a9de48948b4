"""NumPy arrays as raw ``.npy`` files, written without a copy and read by private memory maps."""

from __future__ import annotations

import ast
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import numpy as np

from zenconv import hashing
from zenconv.errors import CorruptArtifact
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers.saving import BLOCK_SIZE

MAP_LIMIT = 1 << 16
"""Files of at least this many bytes are mapped; reading smaller ones is faster."""

_MAGIC = b"\x93NUMPY"
_KINDS = frozenset("biufcmMSUV")


class Arrays:
    """Stores plain arrays of any type but objects.

    Order in memory (C or Fortran) comes back; an array that is neither comes back in C order.
    Subclasses, and types that ``.npy`` describes only in part, are left to others.
    """

    id = "numpy"
    version = 1
    types = ("numpy.ndarray",)

    def accepts(self, value: Any) -> bool:
        """Return whether `value` is exactly an array and its type survives."""
        return type(value) is np.ndarray and is_plain_dtype(value.dtype)

    def save(self, value: Any, sink: Sink) -> None:
        """Write the array as one ``.npy`` file."""
        write_array(sink, "", value)

    def load(self, source: Source) -> Any:
        """Return a writable array; changes stay in this process."""
        return read_array(source, "")

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return shape and type."""
        return {"shape": list(value.shape), "dtype": str(value.dtype)}


def is_plain_dtype(dtype: np.dtype[Any]) -> bool:
    """Return whether an array of this type can be written as raw bytes and described exactly."""
    if dtype.hasobject or dtype.metadata is not None or dtype.itemsize == 0 or dtype.kind not in _KINDS:
        return False
    if dtype.names is None:
        return True
    if dtype.type is not np.void:  # np.record
        return False
    try:
        again = np.lib.format.descr_to_dtype(np.lib.format.dtype_to_descr(dtype))
    except ValueError:  # fields that overlap, or lie in another order than they are named
        return False
    return bool(again == dtype and again.isalignedstruct == dtype.isalignedstruct)


def write_array(sink: Sink, name: str, array: np.ndarray[Any, Any]) -> None:
    """Write `array` as the ``.npy`` file `name`."""
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    with sink.open(name) as stream:
        stream.write(header(array.dtype, array.shape, fortran))
        write_elements(stream, array)


def write_rows(sink: Sink, name: str, rows: Sequence[np.ndarray[Any, Any]]) -> None:
    """Write vectors of one type and length as the rows of a two-dimensional ``.npy`` file."""
    with sink.open(name) as stream:
        stream.write(header(rows[0].dtype, (len(rows), len(rows[0])), False))
        for row in rows:
            write_elements(stream, row)


def write_elements(stream: IO[bytes], array: np.ndarray[Any, Any]) -> None:
    """Write the elements of `array` in their order in memory, block by block."""
    if array.size == 0:
        return
    for flat in _contiguous_pieces(array):
        if _has_padding(flat.dtype):
            flat = _without_padding(flat)
        data = memoryview(flat.view(np.uint8))  # type: ignore[arg-type]
        for start in range(0, len(data), BLOCK_SIZE):
            stream.write(data[start : start + BLOCK_SIZE])


def header(dtype: np.dtype[Any], shape: tuple[int, ...], fortran: bool) -> bytes:
    """Return the head of a ``.npy`` file, of version 1.0 where that can hold it, else 3.0."""
    description = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": fortran,
        "shape": tuple(int(size) for size in shape),
    }
    text = repr(description)
    if text.isascii() and len(text) < 60_000:
        return _padded(b"\x01\x00", "<H", text.encode())
    return _padded(b"\x03\x00", "<I", text.encode())


def _padded(version: bytes, length_format: str, text: bytes) -> bytes:
    fixed = len(_MAGIC) + 2 + struct.calcsize(length_format)
    padding = -(fixed + len(text) + 1) % 64
    text += b" " * padding + b"\n"
    return _MAGIC + version + struct.pack(length_format, len(text)) + text


def read_array(source: Source, name: str) -> np.ndarray[Any, Any]:
    """Return the array in the ``.npy`` file `name`, verified, writable, the caller's own.

    Raises `CorruptArtifact` for anything but an array of plain elements.
    """
    if source.size(name) < MAP_LIMIT:  # type: ignore[attr-defined]
        data = bytearray(source.read(name))
        dtype, shape, fortran, offset = parse_header(bytes(data[:65536]))
        _check_length(dtype, shape, len(data) - offset)
        flat = np.frombuffer(data, np.uint8, offset=offset)
        # The copy is aligned as NumPy likes it; a view behind the header might not be.
        return np.ndarray(shape, dtype, flat.copy(), order="F" if fortran else "C")
    path = source.path(name)
    with path.open("rb") as stream:
        dtype, shape, fortran, offset = parse_header(stream.read(1 << 24))
    _check_length(dtype, shape, path.stat().st_size - offset)
    order: Any = "F" if fortran else "C"
    if 0 in shape:
        return np.empty(shape, dtype, order)
    return np.asarray(np.memmap(path, dtype, "c", offset, shape, order))


def parse_header(head: bytes) -> tuple[np.dtype[Any], tuple[int, ...], bool, int]:
    """Return type, shape, whether in Fortran order, and where the elements begin."""
    try:
        if head[:6] != _MAGIC:
            raise ValueError("not a .npy file")
        length_format = "<H" if head[6] == 1 else "<I"
        start = 8 + struct.calcsize(length_format)
        (length,) = struct.unpack_from(length_format, head, 8)
        description = ast.literal_eval(head[start : start + length].decode())
        dtype = np.lib.format.descr_to_dtype(description["descr"])
        shape = tuple(description["shape"])
        if dtype.hasobject or any(type(size) is not int or size < 0 for size in shape):
            raise ValueError("it holds objects or has no shape")
        return dtype, shape, bool(description["fortran_order"]), start + length
    except (ValueError, KeyError, TypeError, SyntaxError, IndexError, struct.error) as error:
        raise CorruptArtifact(f"the stored array cannot be read: {error}") from error


def _check_length(dtype: np.dtype[Any], shape: tuple[int, ...], length: int) -> None:
    expected = dtype.itemsize
    for size in shape:
        expected *= size
    if expected != length:
        raise CorruptArtifact(f"the stored array has {length} bytes of elements instead of {expected}")


def _contiguous_pieces(array: np.ndarray[Any, Any]) -> Iterator[np.ndarray[Any, Any]]:
    if array.flags.c_contiguous:
        yield array.reshape(-1)
    elif array.flags.f_contiguous:
        yield array.T.reshape(-1)
    elif array.ndim == 1 or array.nbytes <= BLOCK_SIZE:
        yield from _copied_blocks(array)
    else:
        for row in array:
            yield from _contiguous_pieces(np.asarray(row)) if row.flags.c_contiguous else _copied_blocks(row)


def _copied_blocks(array: np.ndarray[Any, Any]) -> Iterator[np.ndarray[Any, Any]]:
    if array.ndim == 1 and array.nbytes > BLOCK_SIZE:
        count = max(1, BLOCK_SIZE // array.itemsize)
        for start in range(0, len(array), count):
            yield np.ascontiguousarray(array[start : start + count])
    elif array.nbytes > BLOCK_SIZE:
        for row in array:
            yield from _copied_blocks(row)
    else:
        yield np.ascontiguousarray(array).reshape(-1)


def _has_padding(dtype: np.dtype[Any]) -> bool:
    if dtype.subdtype is not None:
        return _has_padding(dtype.subdtype[0])
    if dtype.names is None:
        return dtype.char in "gG"
    fields = [dtype.fields[name][0] for name in dtype.names]  # type: ignore[index]
    return sum(field.itemsize for field in fields) != dtype.itemsize or any(map(_has_padding, fields))


def _without_padding(flat: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    # Bytes between the fields, and the unused ones of an 80-bit float, are whatever was there.
    clean = np.zeros(flat.shape, flat.dtype)
    _copy_values(flat, clean)
    return clean


def _copy_values(source: np.ndarray[Any, Any], target: np.ndarray[Any, Any]) -> None:
    names = source.dtype.names
    if names is not None:
        for name in names:
            _copy_values(source[name], target[name])
    elif source.dtype.char in "gG" and np.finfo(source.dtype).nmant == 63:
        used = _long_double_bytes(source)
        _long_double_bytes(target)[...] = used
    else:
        target[...] = source


def _long_double_bytes(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    # The ten bytes of an 80-bit float come first, as on all machines that have them.
    size = np.dtype(np.longdouble).itemsize
    raw = np.dtype([("raw", np.uint8, (array.dtype.itemsize // size, size))])
    return array.view(raw)["raw"][..., :10]


def digest_of(array: np.ndarray[Any, Any]) -> str:
    """Return the digest of the elements of `array`; unused bytes between them do not count."""
    stream = _HashingStream()
    write_elements(stream, array)  # type: ignore[arg-type]
    return stream.hasher.digest()


class _HashingStream:
    def __init__(self) -> None:
        self.hasher = hashing.Hasher()

    def write(self, data: Any) -> int:
        self.hasher.update(data)
        return len(data)
