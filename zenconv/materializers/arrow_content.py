"""The content of Arrow arrays: a digest of values that ignores chunks, offsets and unused memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zenconv import hashing
from zenconv.materializers.saving import Declined

_DOMAIN = "zenconv.arrow.1"
_PIECE = 1 << 18


def digest_of_chunks(dtype: Any, chunks: Iterable[Any]) -> str:
    """Return the digest of one column, given in chunks. `Declined` for types without a rule."""
    column = _Column(dtype)
    for chunk in chunks:
        for start in range(0, len(chunk), _PIECE):
            column.add(chunk.slice(start, _PIECE))
    return column.digest()


class _Column:
    """Hashes missing values, lengths and elements apart, so that chunks leave no trace."""

    def __init__(self, dtype: Any) -> None:
        self._type = dtype
        self._count = 0
        self._missing = hashing.Hasher(_DOMAIN)
        self._values = hashing.Hasher(_DOMAIN)
        self._children = [_Column(child) for child in _child_types(dtype)]

    def add(self, array: Any) -> None:
        """Add the next elements."""
        self._count += len(array)
        if pa.types.is_string_view(self._type):
            array = array.cast(pa.large_string())  # views cannot be filtered
        if pa.types.is_binary_view(self._type):
            array = array.cast(pa.large_binary())
        if self._type.id not in _NEVER_MISSING:
            missing = array.is_null()
            self._missing.update(missing.cast(pa.uint8()).to_numpy().data)
            if array.null_count and (not self._children or _is_text(self._type)):
                array = array.filter(pc.invert(missing))
        self._add_present(array)

    def digest(self) -> str:
        """Return the digest of all that was added."""
        own = [str(self._type), str(self._count), self._missing.digest(), self._values.digest()]
        return hashing.digest_texts(_DOMAIN, own + [child.digest() for child in self._children])

    def _add_present(self, array: Any) -> None:
        kind = pa.types
        dtype = self._type
        if kind.is_null(dtype):
            return
        if isinstance(dtype, pa.BaseExtensionType):
            self._children[0].add(array.storage)
        elif kind.is_dictionary(dtype):
            # The elements, not their codes: the order of a dictionary may differ from chunk to chunk.
            self._children[0].add(array.dictionary_decode())
        elif kind.is_run_end_encoded(dtype):
            self._children[0].add(pc.run_end_decode(array))
        elif kind.is_struct(dtype):
            for child, part in zip(self._children, array.flatten(), strict=True):
                child.add(part)
        elif kind.is_map(dtype):
            self._add_map(array)
        elif kind.is_nested(dtype):
            # Flattening leaves out what lies below a missing list, and makes missing what does in a struct.
            self._children[0].add(pc.list_value_length(array).fill_null(0).cast(pa.int64()))
            self._children[1].add(array.flatten())
        elif _is_text(dtype):
            self._add_text(array)
        else:
            self._add_numbers(array)

    def _add_map(self, array: Any) -> None:
        offsets = _map_offsets(array)
        if any(np.diff(offsets)[array.is_null().to_numpy(zero_copy_only=False)]):
            array = array.filter(array.is_valid())
            offsets = _map_offsets(array)
        start, end = (int(offsets[0]), int(offsets[-1])) if len(array) else (0, 0)
        self._children[0].add(pa.array(np.diff(offsets).astype(np.int64)))
        self._children[1].add(array.keys.slice(start, end - start))
        self._children[2].add(array.items.slice(start, end - start))

    def _add_text(self, array: Any) -> None:
        plain = array.cast(pa.large_binary())
        self._children[0].add(pc.binary_length(plain).cast(pa.int64()))
        offsets = np.frombuffer(plain.buffers()[1], np.int64)[plain.offset : plain.offset + len(plain) + 1]
        if len(plain) and plain.buffers()[2] is not None:
            data = memoryview(plain.buffers()[2])
            self._values.update(data[int(offsets[0]) : int(offsets[-1])])

    def _add_numbers(self, array: Any) -> None:
        if not len(array):
            return
        if pa.types.is_boolean(self._type):
            self._values.update(array.cast(pa.uint8()).to_numpy().data)
            return
        width = self._type.bit_width // 8
        if width:
            data = memoryview(array.buffers()[1]).cast("B")
            self._values.update(data[array.offset * width : (array.offset + len(array)) * width])


def _map_offsets(array: Any) -> np.ndarray[Any, Any]:
    if not len(array):
        return np.zeros(1, np.int32)
    return np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array) + 1]


_NEVER_MISSING = frozenset({pa.null().id, pa.run_end_encoded(pa.int32(), pa.int8()).id})


def _is_text(dtype: Any) -> bool:
    kind = pa.types
    return bool(
        kind.is_string(dtype)
        or kind.is_large_string(dtype)
        or kind.is_binary(dtype)
        or kind.is_large_binary(dtype)
        or kind.is_string_view(dtype)
        or kind.is_binary_view(dtype)
    ) and not kind.is_fixed_size_binary(dtype)


def _child_types(dtype: Any) -> list[Any]:
    kind = pa.types
    if isinstance(dtype, pa.BaseExtensionType):
        return [dtype.storage_type]
    if kind.is_dictionary(dtype) or kind.is_run_end_encoded(dtype):
        return [dtype.value_type]
    if kind.is_struct(dtype):
        return [dtype.field(number).type for number in range(dtype.num_fields)]
    if kind.is_map(dtype):
        return [pa.int64(), dtype.key_type, dtype.item_type]
    if kind.is_union(dtype):
        raise Declined(f"values of the type {dtype} are stored only inside a pickle")
    if kind.is_nested(dtype):
        return [pa.int64(), dtype.value_type]
    return [pa.int64()] if _is_text(dtype) else []
