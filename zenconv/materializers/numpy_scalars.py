"""NumPy scalars inside JSON text: type and bytes, so that a ``np.float64`` stays one."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from zenconv.materializers.numpy import _without_padding

_KINDS = frozenset("biufcmM")


def encode_scalar(value: Any, encoder: Any) -> Any:
    """Return JSON data for a scalar or a type object, or None for anything else."""
    kind = type(value)
    if kind is np.str_:
        return ["str", encoder.encode(str.__str__(value))]
    if kind is np.bytes_:
        return ["bytes", bytes(value).hex()]
    if isinstance(value, np.dtype) and not value.hasobject and value.metadata is None:
        return _encode_dtype(value)
    if not isinstance(value, np.generic) or value.dtype.kind not in _KINDS or kind is not value.dtype.type:
        return None
    data = np.array([value])
    if value.dtype.char in "gG":
        data = _without_padding(data)
    return [value.dtype.str, data.tobytes().hex()]


def decode_scalar(content: Any, decoder: Any) -> Any:
    """Return the scalar that `encode_scalar` described."""
    kind, data = content
    if kind == "str":
        return np.str_(decoder.decode(data))
    if kind == "bytes":
        return np.bytes_(bytes.fromhex(data))
    if kind == "dtype":
        return np.lib.format.descr_to_dtype(ast.literal_eval(data))
    return np.frombuffer(bytes.fromhex(data), np.dtype(kind))[0]


def _encode_dtype(dtype: np.dtype[Any]) -> Any:
    description = np.lib.format.dtype_to_descr(dtype)
    again = np.lib.format.descr_to_dtype(description)
    same = again == dtype and again.isalignedstruct == dtype.isalignedstruct and again.type is dtype.type
    return ["dtype", repr(description)] if same else None
