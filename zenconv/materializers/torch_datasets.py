"""PyTorch's map-style datasets: tensors without a pickle, subsets as indices beside their dataset.

The dataset below a subset is stored as a value of its own: ten subsets of it are ten lists of
numbers, and its bytes are in the store once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch.utils.data import Subset, TensorDataset

from zenconv.errors import CorruptArtifact
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers.numpy import read_array, write_array
from zenconv.materializers.values import load_description, save_encoded

_INDICES, _DATASET = "indices", "dataset"
_LIMIT = 1 << 63


class TorchDatasets:
    """Stores TensorDataset and Subset; datasets that a project defines are left to others."""

    id = "torch-datasets"
    version = 1
    types = ("torch.utils.data.dataset.TensorDataset", "torch.utils.data.dataset.Subset")
    closed = False  # two subsets in one value share their dataset

    def accepts(self, value: Any) -> bool:
        """Return whether it is of PyTorch's own class, without attributes added to it."""
        held = set(vars(value))
        if type(value) is TensorDataset:
            return held == {"tensors"}
        return type(value) is Subset and held == {"dataset", "indices"}

    def save(self, value: Any, sink: Sink) -> None:
        """Write the tensors, or the indices and the dataset."""
        if type(value) is TensorDataset:
            save_encoded({"kind": "tensors", "tensors": tuple(value.tensors)}, sink)
            return
        numbers = _as_numbers(value.indices)
        save_encoded({"kind": "subset", "indices": value.indices if numbers is None else None}, sink)
        if numbers is not None:
            write_array(sink, _INDICES, numbers)
        number = sink.save_part(value.dataset)
        sink.write(str(number).encode(), _DATASET)

    def load(self, source: Source) -> Any:
        """Return a new dataset; a subset brings its own copy of the dataset below."""
        description = load_description(source)
        if description["kind"] == "tensors":
            return TensorDataset(*description["tensors"])
        indices = description["indices"]
        if _INDICES in source.names():
            indices = read_array(source, _INDICES).tolist()
        try:
            number = int(source.read(_DATASET))
        except ValueError as error:
            raise CorruptArtifact("the stored subset does not say of what") from error
        return Subset(source.load_part(number), indices)

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return the number of examples, and the shapes of one."""
        facts: dict[str, Any] = {"len": len(value)}
        if type(value) is TensorDataset:
            facts["shapes"] = [list(tensor.shape[1:]) for tensor in value.tensors]
        elif hasattr(type(value.dataset), "__len__"):
            facts["of"] = len(value.dataset)
        return facts


def _as_numbers(indices: Any) -> np.ndarray[Any, Any] | None:
    """Return a list of plain integers as an array; None for indices of any other type."""
    if type(indices) is not list or set(map(type, indices)) - {int}:
        return None
    if any(not -_LIMIT <= number < _LIMIT for number in indices):
        return None
    return np.array(indices, dtype=np.int64)
