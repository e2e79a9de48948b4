"""How values of some libraries are pickled whose own way is not deterministic, loses a part, or fails.

They may sit anywhere in an object that is pickled: weights in a network, a booster in a pipeline.
Each is known by the name of its class, so a library's file here is imported when a value of it is there.
"""

from __future__ import annotations

import copyreg
import importlib
from collections.abc import Callable, Mapping
from typing import Any

Reduce = Callable[..., Any]

_HERE = "zenconv.materializers."
_KNOWN = {
    ("torch", "Tensor"): "torch:reduce_tensor",
    ("torch.nn.parameter", "Parameter"): "torch:reduce_tensor",
    ("torch.storage", "UntypedStorage"): "torch:reduce_storage",
    ("torch.storage", "TypedStorage"): "torch:reduce_typed_storage",
    ("torch.export.exported_program", "ExportedProgram"): "torch_programs:reduce_program",
    ("torch.jit._script", "RecursiveScriptModule"): "torch_programs:reduce_program",
    ("torch.jit._trace", "TopLevelTracedModule"): "torch_programs:reduce_program",
    ("matplotlib.figure", "Figure"): "matplotlib:reduce_figure",
    ("scipy.stats._new_distributions", "Normal"): "scipy:reduce_normal",
    ("transformers.tokenization_utils_base", "BatchEncoding"): "transformers:reduce_encoding",
}
"""By module and name of a class, what reduces its values to be stored; it is given what is shared."""

_CANONICAL = {
    "catboost.core": "catboost:reduce_for_content",
    "matplotlib.cbook": "matplotlib:reduce_for_content",
    "matplotlib.projections.polar": "matplotlib:reduce_for_content",
    "matplotlib.transforms": "matplotlib:reduce_for_content",
    "scipy.spatial._ckdtree": "scipy:reduce_for_content",
    "scipy.spatial._kdtree": "scipy:reduce_for_content",
    "sklearn.model_selection._search": "sklearn:reduce_for_content",
    "sklearn.model_selection._search_successive_halving": "sklearn:reduce_for_content",
    "torch.export.exported_program": "torch_programs:reduce_for_content",
    "torch.jit._script": "torch_programs:reduce_for_content",
    "torch.jit._trace": "torch_programs:reduce_for_content",
}
"""By module of a class, what reduces its values to be hashed."""

_UNORDERED = frozenset({"statsmodels"})
"""Packages that give their objects attributes in the order of a set: another one in each process."""

_found: dict[str, Reduce] = {}


def reduce_known(value: Any, storages: dict[int, Any]) -> Any:
    """Return the reduction of a value that is known here, else NotImplemented.

    Parameters
    ----------
    storages
        The arrays already made for storages of PyTorch in this pickle, by the address of the storage.
    """
    kind = type(value)
    target = _KNOWN.get((kind.__module__, kind.__qualname__))
    return NotImplemented if target is None else _find(target)(value, storages)


def reduce_for_content(value: Any) -> Any:
    """Return the reduction of a value some of whose state differs between processes, else NotImplemented."""
    module = type(value).__module__
    target = _CANONICAL.get(module)
    if target is not None:
        return _find(target)(value)
    return _in_order(value) if module.partition(".")[0] in _UNORDERED else NotImplemented


def _in_order(value: Any) -> Any:
    """Return the reduction of an object with its attributes sorted, if it is reduced as objects are."""
    reduced = value.__reduce_ex__(5)
    if type(reduced) is not tuple or reduced[0] is not copyreg.__newobj__ or type(reduced[2]) is not dict:  # type: ignore[attr-defined]
        return NotImplemented
    state = reduced[2]
    return (*reduced[:2], {name: state[name] for name in sorted(state)}, *reduced[3:])


def set_attributes(value: Any, attributes: Mapping[str, Any]) -> None:
    """Give a value that was made anew all its attributes back, whatever its class would do with them."""
    value.__dict__.update(attributes)


def _find(target: str) -> Reduce:
    found = _found.get(target)
    if found is None:
        module, _, name = target.partition(":")
        found = _found[target] = getattr(importlib.import_module(_HERE + module), name)
    return found
