"""Hugging Face datasets: the Arrow table, the features and the format; no script, no download."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import datasets
from datasets.table import InMemoryTable

from zenconv import hashing
from zenconv.errors import CorruptArtifact
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers.encoding import Encoder, dumps
from zenconv.materializers.saving import Declined
from zenconv.materializers.values import load_description, save_encoded

_HELD = frozenset({
    "_info", "_split", "_indexes", "_data", "_indices", "_format_type", "_format_kwargs",
    "_format_columns", "_output_all_columns", "_fingerprint",
})  # fmt: skip


class HuggingFaceDatasets:
    """Stores a Dataset, or a DatasetDict of them; their order and selection of rows is carried out.

    What comes back has the same fingerprint, so that caches of the library still know it; the
    fingerprint itself is no part of the content. Datasets with a transform written in Python, or
    with a search index, are left to others.
    """

    id = "datasets"
    version = 1
    types = ("datasets.arrow_dataset.Dataset", "datasets.dataset_dict.DatasetDict")

    def accepts(self, value: Any) -> bool:
        """Return whether it is of the library's own classes, without attributes added to it."""
        if type(value) is datasets.DatasetDict:
            return not vars(value) and all(
                type(key) is str and self.accepts(item) for key, item in value.items()
            )
        return type(value) is datasets.Dataset and set(vars(value)) <= _HELD and not value._indexes

    def save(self, value: Any, sink: Sink) -> None:
        """Write the description; rows are a part, or the datasets of a dictionary are."""
        if type(value) is datasets.DatasetDict:
            save_encoded({"kind": "dictionary", "names": list(value)}, sink)
            for item in value.values():
                sink.save_part(item, keep=False)
            return
        description = _describe(value)
        save_encoded({**description, "fingerprint": value._fingerprint}, sink)
        sink.set_content(_content(description))
        sink.save_part(_rows(value), keep=False)

    def load(self, source: Source) -> Any:
        """Return a new dataset whose rows are mapped, not copied."""
        description = load_description(source)
        if description["kind"] == "dictionary":
            parts = enumerate(description["names"])
            return datasets.DatasetDict({name: source.load_part(number) for number, name in parts})
        try:
            return _rebuild(description, source.load_part(0, keep=False))
        except (KeyError, TypeError) as error:
            raise CorruptArtifact("the description of a stored dataset is damaged") from error

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return shape and columns, or the number of rows by split."""
        if type(value) is datasets.DatasetDict:
            return {"rows": {name: len(item) for name, item in value.items()}}
        return {"shape": [len(value), len(value.column_names)], "names": value.column_names[:20]}


def _describe(value: Any) -> dict[str, Any]:
    split = value.split
    if type(split) not in (type(None), str, datasets.NamedSplit):
        raise Declined(f"its split is a {type(split).__name__}")
    try:
        info = json.loads(json.dumps({**dataclasses.asdict(value.info), "features": None}))
        features = json.loads(json.dumps(value.features.to_dict()))
    except (TypeError, ValueError) as error:
        raise Declined(f"its description cannot be written: {error}") from error
    if datasets.Features.from_dict(features) != value.features:
        raise Declined("its features cannot be read again")
    return {
        "kind": "dataset",
        "info": info,
        "features": features,
        "split": [None if split is None else str(split), type(split) is datasets.NamedSplit],
        "format": {
            "_format_type": value._format_type,
            "_format_kwargs": value._format_kwargs,
            "_format_columns": value._format_columns,
            "_output_all_columns": value._output_all_columns,
        },
    }


def _content(description: dict[str, Any]) -> str:
    text = dumps(Encoder(lambda _: False).encode(description))
    return hashing.digest_texts("zenconv.datasets.1", [text.decode()])


def _rows(value: Any) -> Any:
    table = value.data.table
    if value._indices is not None:
        table = table.take(value._indices.column(0))
    return table


def _rebuild(description: dict[str, Any], table: Any) -> Any:
    info = datasets.DatasetInfo.from_dict(description["info"])
    info.features = datasets.Features.from_dict(description["features"])
    split, is_named = description["split"]
    made = datasets.Dataset(
        InMemoryTable(table),
        info=info,
        split=datasets.NamedSplit(split) if is_named else split,
        fingerprint=description["fingerprint"],
    )
    vars(made).update({name: description["format"][name] for name in _HELD & description["format"].keys()})
    return made
