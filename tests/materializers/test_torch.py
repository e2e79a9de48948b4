"""Tensors and modules: raw bytes, shared memory kept, loaded on the CPU."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

TENSORS = {
    "matrix": lambda: torch.arange(12.0).reshape(3, 4),
    "transposed": lambda: torch.arange(12.0).reshape(3, 4).T,
    "channels last": lambda: torch.arange(120.0).reshape(2, 3, 4, 5).to(memory_format=torch.channels_last),
    "scalar": lambda: torch.tensor(3.0),
    "empty": lambda: torch.empty(0, 3),
    "bfloat16": lambda: torch.ones(5, dtype=torch.bfloat16, requires_grad=True),
    "parameter": lambda: torch.nn.Parameter(torch.ones(3), requires_grad=False),
    "boolean": lambda: torch.tensor([True, False]),
    "conjugate": lambda: torch.tensor([1 + 2j]).conj(),
    "strided": lambda: torch.arange(20)[::3],
    "one element of a column": lambda: torch.arange(4.0).reshape(2, 2)[:1, 0],
    "no element of a column": lambda: torch.arange(4.0).reshape(2, 2)[:0, 0],
    "imaginary part": lambda: torch.tensor([1 + 2j]).imag,
    "expanded": lambda: torch.ones(3).expand(4, 3),
    "float8": lambda: torch.ones(4).to(torch.float8_e4m3fn),
    "big": lambda: torch.arange(100_000, dtype=torch.int16),
}


@pytest.mark.parametrize("make", TENSORS.values(), ids=TENSORS.keys())
def test_tensors_come_back_the_same_without_a_pickle(shelf: Any, make: Any) -> None:
    tensor = make()
    again = shelf.safe_round_trip(tensor)
    assert (type(again), again.dtype, again.shape) == (type(tensor), tensor.dtype, tensor.shape)
    assert again.requires_grad == tensor.requires_grad
    assert again.detach().tolist() == tensor.detach().tolist()
    assert shelf.save(again).content == shelf.save(tensor).content


def test_a_slice_of_a_big_tensor_is_stored_small(shelf: Any) -> None:
    assert shelf.save(torch.zeros(1_000_000)[:10]).size < 1000


def test_tensors_that_share_memory_still_do(shelf: Any) -> None:
    base = torch.arange(10.0)
    again = shelf.round_trip({"a": base, "b": base[:3]})
    again["b"][0] = 7
    assert again["a"][0] == 7
    assert base[0] == 0


def test_tied_weights_stay_tied(shelf: Any) -> None:
    net = torch.nn.Sequential(torch.nn.Linear(50, 50), torch.nn.Linear(50, 50))
    net[1].weight = net[0].weight
    again = shelf.round_trip(net)
    assert again[1].weight is again[0].weight


def test_a_state_dictionary_is_no_pickle(shelf: Any) -> None:
    net = torch.nn.Sequential(torch.nn.Linear(50, 50), torch.nn.BatchNorm1d(50))
    state = net.state_dict()
    again = shelf.safe_round_trip(state)
    assert list(again) == list(state)
    assert again._metadata == state._metadata
    net.load_state_dict(again)


def test_a_loaded_module_may_be_trained_and_the_stored_one_stays(shelf: Any) -> None:
    net = torch.nn.Linear(100, 100)
    artifact = shelf.save(net)
    again = shelf.load(artifact)
    again(torch.ones(2, 100)).sum().backward()
    torch.optim.SGD(again.parameters(), lr=1.0).step()
    assert torch.equal(shelf.load(artifact).weight, net.weight)
    assert artifact.runs_code
    assert "torch.nn.modules.linear:Linear" in artifact.refers


@pytest.mark.filterwarnings("ignore")
def test_special_tensors_come_back_through_a_pickle(shelf: Any) -> None:
    sparse = torch.eye(3).to_sparse()
    quantized = torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)
    nested = torch.nested.nested_tensor([torch.ones(2), torch.zeros(3)])
    assert torch.equal(shelf.round_trip(sparse).to_dense(), torch.eye(3))
    assert [part.tolist() for part in shelf.round_trip(nested).unbind()] == [[1.0, 1.0], [0.0, 0.0, 0.0]]
    assert torch.equal(shelf.round_trip(quantized).int_repr(), quantized.int_repr())
