"""The materializer of plain values: JSON, with values that JSON cannot hold stored beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from zenconv.errors import CorruptArtifact
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers import classes
from zenconv.materializers.decoding import Decoder
from zenconv.materializers.encoding import Encoder, dumps


class JsonValues:
    """Stores scalars, containers and plain value classes as JSON text.

    Whether a value fits is known only after all of it was encoded, so `save` declines.
    """

    id = "json"
    version = 1
    types = ("builtins.object",)
    closed = False

    def accepts(self, value: Any) -> bool:
        """Return True: `save` declines what does not fit."""
        return True

    def save(self, value: Any, sink: Sink) -> None:
        """Write `value` as canonical JSON text."""
        save_encoded(value, sink)

    def load(self, source: Source) -> Any:
        """Return the value that the JSON text stands for."""
        return load_encoded(source)

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return the number of fields or items."""
        names = classes.field_names(type(value))
        if names is not None:
            return {"fields": list(names)[:20]}
        return {"len": len(value)} if hasattr(type(value), "__len__") else {}


def save_encoded(value: Any, sink: Sink, name: str = "") -> None:
    """Write `value` as JSON text to the file `name`, before any other part is saved; or `Declined`."""
    encoder = Encoder(sink.is_closed)  # type: ignore[attr-defined]
    data = dumps(encoder.encode(value))
    for part in encoder.parts:
        sink.save_part(part, closed=True)  # type: ignore[call-arg]
    for module, qualname in encoder.references:
        sink.add_reference(module, qualname)
    sink.write(data, name)


def load_encoded(source: Source, name: str = "") -> Any:
    """Return the value in the file `name`; `CorruptArtifact` if it is not what `save_encoded` writes."""
    try:
        node = json.loads(source.read(name))
    except (ValueError, RecursionError) as error:
        raise CorruptArtifact(f"the stored value is not JSON: {error}") from error
    return Decoder(source.load_part, source.resolve).decode(node)


def load_description(source: Source, name: str = "") -> dict[str, Any]:
    """Return what `save_encoded` wrote to the file `name`, which must be a dictionary."""
    description = load_encoded(source, name)
    if type(description) is not dict:
        raise CorruptArtifact("the description of the stored value is not a dictionary")
    return description
