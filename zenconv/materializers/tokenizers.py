"""Tokenizers of the `tokenizers` library, in its own JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tokenizers

from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers.saving import Declined


class Tokenizers:
    """Stores a Tokenizer whole: model, vocabulary, padding and truncation included."""

    id = "tokenizers"
    version = 1
    types = ("tokenizers.Tokenizer",)

    def accepts(self, value: Any) -> bool:
        """Return whether it is of the library's own class; `save` may still decline."""
        return type(value) is tokenizers.Tokenizer

    def save(self, value: Any, sink: Sink) -> None:
        """Write the JSON; `Declined` where a component is written in Python."""
        try:
            text = value.to_str()
        except Exception as error:  # the library raises nothing more specific
            raise Declined(f"it has a component that is not written as JSON: {error}") from error
        sink.write(text.encode())

    def load(self, source: Source) -> Any:
        """Return a new Tokenizer."""
        return tokenizers.Tokenizer.from_str(source.read().decode())

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return the size of the vocabulary, and the kind of model."""
        return {"vocabulary": value.get_vocab_size(), "model": type(value.model).__name__}
