"""PyTorch tensors as raw bytes with a small description; no pickle of PyTorch's own is written.

Tensors inside other objects (modules, optimizers, checkpoints) are reduced here too: a storage
becomes one NumPy array, so that tensors that share memory still share it when they come back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from zenconv.errors import CorruptArtifact
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers.numpy import read_array, write_array
from zenconv.materializers.reducing import set_attributes


class Tensors:
    """Stores one dense tensor or parameter; it comes back on the CPU, densely packed.

    Sparse, quantized and other special tensors, and those with attributes of their own, are
    left to others.
    """

    id = "torch"
    version = 1
    types = ("torch.Tensor", "torch.nn.parameter.Parameter")

    def accepts(self, value: Any) -> bool:
        """Return whether the bytes of `value` and its description are all there is to it."""
        return is_plain(value)

    def save(self, value: Any, sink: Sink) -> None:
        """Write the description and the elements, in the order of the dimensions in memory."""
        order = _memory_order(value)
        description = {
            "dtype": _dtype_name(value.dtype),
            "shape": list(value.shape),
            "order": order,
            "parameter": type(value) is torch.nn.Parameter,
            "requires_grad": value.requires_grad,
        }
        packed = _on_cpu(value).permute(order).contiguous()
        sink.write(json.dumps(description).encode())
        elements = packed.reshape(-1)
        if elements.dim() and elements.stride(0) != 1:  # one element, or none, is packed for PyTorch anyhow
            elements = elements.clone(memory_format=torch.contiguous_format)
        write_array(sink, "elements", elements.view(torch.uint8).numpy())

    def load(self, source: Source) -> Any:
        """Return a new tensor on the CPU."""
        description = json.loads(source.read())
        dtype = _dtype(description["dtype"])
        shape, order = description["shape"], description["order"]
        if sorted(order) != list(range(len(shape))):
            raise CorruptArtifact("the stored tensor has an impossible order of dimensions")
        elements = torch.from_numpy(read_array(source, "elements")).view(dtype)
        packed = elements.reshape([shape[axis] for axis in order])
        tensor = packed.permute([order.index(axis) for axis in range(len(shape))])
        return _finished(tensor, description["parameter"], description["requires_grad"])

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return shape and type."""
        return {"shape": list(value.shape), "dtype": _dtype_name(value.dtype)}


def is_plain(value: Any) -> bool:
    """Return whether `value` is a dense tensor without quantization or Python attributes."""
    return is_dense(value) and not value.__dict__


def is_dense(value: Any) -> bool:
    """Return whether `value` is a dense tensor or parameter without quantization."""
    return (
        type(value) in (torch.Tensor, torch.nn.Parameter)
        and value.layout is torch.strided
        and not value.is_quantized
        and not value.is_nested
        and value.device.type != "meta"
    )


def reduce_tensor(value: Any, storages: dict[int, Any]) -> Any:
    """Return how to pickle a tensor, or NotImplemented to let PyTorch decide.

    Parameters
    ----------
    storages
        The arrays already made for storages in this pickle, by the address of the storage.
    """
    if not is_dense(value):
        return NotImplemented
    tensor = _on_cpu(value)
    arguments = (
        _shared_array(tensor.untyped_storage(), storages),
        _dtype_name(tensor.dtype),
        tensor.storage_offset(),
        tuple(tensor.shape),
        tensor.stride(),
        type(value) is torch.nn.Parameter,
        value.requires_grad,
    )
    if not value.__dict__:
        return rebuild_tensor, arguments
    # Hugging Face notes on weights that they have been initialized.
    return rebuild_tensor, arguments, dict(value.__dict__), None, None, set_attributes


def reduce_storage(storage: Any, storages: dict[int, Any]) -> Any:
    """Return how to pickle what other tensors hold their elements in: PyTorch writes its address too."""
    return rebuild_storage, (_shared_array(storage.cpu(), storages),)


def reduce_typed_storage(storage: Any, storages: dict[int, Any]) -> Any:
    """Return the same of one that says of which type its elements are."""
    array = _shared_array(storage._untyped_storage.cpu(), storages)
    return rebuild_typed_storage, (array, _dtype_name(storage.dtype))


def _shared_array(storage: Any, storages: dict[int, Any]) -> Any:
    # The storage is kept too: its address names it only while it lives.
    array, _ = storages.setdefault(storage._cdata, (_bytes_of(storage), storage))
    return array


def rebuild_storage(array: Any) -> Any:
    """Return a storage over the memory of `array`."""
    empty: Any = torch.UntypedStorage
    return torch.from_numpy(array).untyped_storage() if array.size else empty(0)


def rebuild_typed_storage(array: Any, dtype: str) -> Any:
    """Return a storage of elements of one type over the memory of `array`."""
    typed: Any = torch.storage.TypedStorage
    return typed(wrap_storage=rebuild_storage(array), dtype=_dtype(dtype), _internal=True)


def rebuild_tensor(
    array: Any, dtype: str, offset: int, shape: Any, stride: Any, parameter: bool, requires_grad: bool
) -> Any:
    """Return the tensor that `reduce_tensor` described, over the memory of `array`."""
    kind = _dtype(dtype)
    if array.size == 0:
        tensor = torch.empty_strided(shape, stride, dtype=kind)
    else:
        usable = array.size - array.size % kind.itemsize
        tensor = torch.from_numpy(array[:usable]).view(kind).as_strided(shape, stride, offset)
    return _finished(tensor, parameter, requires_grad)


def _finished(tensor: Any, parameter: bool, requires_grad: bool) -> Any:
    if parameter:
        return torch.nn.Parameter(tensor, requires_grad=requires_grad)
    return tensor.requires_grad_() if requires_grad else tensor


def _on_cpu(value: Any) -> Any:
    return value.detach().cpu().resolve_conj().resolve_neg()


def _bytes_of(storage: Any) -> np.ndarray[Any, Any]:
    if storage.nbytes() == 0:
        return np.empty(0, np.uint8)
    flat = torch.empty(0, dtype=torch.uint8).set_(storage)
    return flat.numpy()


def _memory_order(value: Any) -> list[int]:
    # Axes from the widest stride to the narrowest: channels-last and transposed tensors keep theirs.
    axes = sorted(range(value.dim()), key=lambda axis: (-value.stride(axis), axis))
    return axes if value.permute(axes).is_contiguous() else list(range(value.dim()))


def _dtype_name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def _dtype(name: str) -> torch.dtype:
    dtype: Any = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        raise CorruptArtifact(f"the stored tensor has the unknown type {name!r}")
    return dtype
