"""PyTorch datasets: tensors as raw bytes, subsets as indices beside a dataset that is stored once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch.utils.data import ConcatDataset, Dataset, Subset, TensorDataset, random_split  # noqa: E402


def tensors(size: int = 5000) -> Any:
    return TensorDataset(torch.arange(2.0 * size).reshape(-1, 2), torch.arange(size))


class Squares(Dataset):
    """A dataset that a project defines."""

    def __init__(self, size: int) -> None:
        self.numbers = np.arange(size) ** 2

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, position: int) -> int:
        return int(self.numbers[position])


def test_tensor_datasets_are_no_pickle(shelf: Any) -> None:
    artifact = shelf.save(tensors())
    assert not artifact.needs_trust
    again = shelf.load(artifact)
    assert all(torch.equal(mine, other) for mine, other in zip(again.tensors, tensors().tensors, strict=True))
    assert artifact.summary == {"len": 5000, "shapes": [[2], []]}


def test_the_dataset_of_many_subsets_is_stored_once(shelf: Any) -> None:
    parts = random_split(tensors(), [0.5, 0.3, 0.2], torch.Generator().manual_seed(1))
    first = shelf.save(parts[0])
    before = sum(size for _, size in shelf.store.digests())
    again = [shelf.round_trip(part) for part in parts]
    stored = sum(size for _, size in shelf.store.digests()) - before
    assert stored < 9 * 2500  # indices only; the tensors are 60 kB
    for mine, other in zip(parts, again, strict=True):
        assert other.indices == mine.indices
        assert torch.equal(other[7][0], mine[7][0])
    assert first.summary == {"len": 2500, "of": 5000}
    assert not first.needs_trust


@pytest.mark.parametrize(
    "indices",
    [[], [3, 1, 1], range(1, 9, 2), np.arange(3), torch.arange(3), [np.int64(3)], (1, 2), [2**70]],
    ids=["none", "list", "range", "array", "tensor", "numpy numbers", "tuple", "huge"],
)
def test_indices_come_back_as_they_were(shelf: Any, indices: Any) -> None:
    again = shelf.safe_round_trip(Subset(tensors(10), indices))
    assert type(again.indices) is type(indices)
    assert list(map(int, again.indices)) == list(map(int, indices))
    assert [type(item) for item in again.indices] == [type(item) for item in indices]


def test_a_subset_of_a_subset_comes_back(shelf: Any) -> None:
    again = shelf.safe_round_trip(Subset(Subset(tensors(10), [5, 6, 7]), [2]))
    assert again[0][1] == 7


def test_a_subset_of_a_projects_dataset_needs_its_trust(shelf: Any) -> None:
    artifact = shelf.save(Subset(Squares(100), [9]))
    assert artifact.runs_code
    assert f"{__name__}:Squares" in artifact.refers
    assert shelf.load(artifact)[0] == 81


def test_two_subsets_in_one_value_share_their_dataset(shelf: Any) -> None:
    train, test = random_split(tensors(100), [60, 40])
    again = shelf.round_trip({"train": train, "test": test})
    assert again["train"].dataset is again["test"].dataset
    assert len(shelf.round_trip(ConcatDataset([train, test]))) == 100


def test_tensors_that_share_memory_still_do(shelf: Any) -> None:
    base = torch.arange(10.0)
    again = shelf.round_trip(TensorDataset(base, base[:]))
    again.tensors[0][0] = 7
    assert again.tensors[1][0] == 7


def test_a_dataset_with_attributes_of_its_own_keeps_them(shelf: Any) -> None:
    dataset = tensors(10)
    dataset.classes = ["a", "b"]
    assert shelf.round_trip(dataset).classes == ["a", "b"]
