"""Pickling with code included (cloudpickle), for classes and functions that no module provides."""

from __future__ import annotations

import io
import pickle
from typing import Any

import cloudpickle

from zenconv.materializers.pickling import (
    PROTOCOL,
    CanonicalIdentity,
    is_found_by_name,
    keep_buffer,
    note_reference,
    reduce_known,
)


class ByValuePickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Cloudpickle that collects references and refuses what it would change on the way."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream, PROTOCOL, buffer_callback=self.keep_buffer)
        self.references: set[tuple[str, str]] = set()
        self.buffers: list[memoryview] = []
        self.storages: dict[int, Any] = {}

    def reducer_override(self, value: Any) -> Any:
        """Reduce `value`, with a note of its name where it is stored by name."""
        kind = type(value)
        if kind is memoryview or (
            isinstance(value, io.IOBase) and not isinstance(value, (io.BytesIO, io.StringIO))
        ):
            raise pickle.PicklingError(f"cannot pickle {kind.__name__!r} object")
        if (isinstance(value, type) or hasattr(value, "__qualname__")) and is_found_by_name(value):
            note_reference(value, self.references)
        known = reduce_known(value, self.storages)
        return super().reducer_override(value) if known is NotImplemented else known

    def keep_buffer(self, buffer: pickle.PickleBuffer) -> bool:
        """Take a big buffer out of the stream."""
        return keep_buffer(buffer, self.buffers)


class ByValueContentPickler(ByValuePickler):
    """Writes the canonical stream, which is only hashed, never loaded."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self.canonical = CanonicalIdentity(ByValueContentPickler)

    def persistent_id(self, value: Any) -> Any:
        """Return what stands for `value` where its natural form is not canonical."""
        return self.canonical.stand_in(value)
