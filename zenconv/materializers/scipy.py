"""SciPy's sparse arrays and matrices as raw arrays, and its frozen distributions as their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse
import scipy.spatial
import scipy.stats

from zenconv.errors import CorruptArtifact
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers.numpy import is_plain_dtype, read_array, write_array
from zenconv.materializers.saving import Declined
from zenconv.materializers.values import load_description, save_encoded

_COMPRESSED = ("csr", "csc", "bsr")
_CLASSES = {
    name: getattr(scipy.sparse, name)
    for form in (*_COMPRESSED, "coo", "dia", "dok", "lil")
    for name in (f"{form}_array", f"{form}_matrix")
}


class SparseArrays:
    """Stores every sparse format of SciPy; classes derived from them are left to others.

    The format comes back as it was: duplicate entries, explicit zeros, unsorted indices and the
    type of the indices included.
    """

    id = "scipy-sparse"
    version = 1
    types = ("scipy.sparse._base._spbase", "scipy.sparse.base.spmatrix")

    def accepts(self, value: Any) -> bool:
        """Return whether it is of a class of SciPy itself, and its elements are numbers."""
        return _CLASSES.get(type(value).__name__) is type(value) and is_plain_dtype(value.dtype)

    def save(self, value: Any, sink: Sink) -> None:
        """Write the shape and the arrays that the format consists of."""
        description = {"class": type(value).__name__, "shape": value.shape, "dtype": value.dtype}
        if value.format in _COMPRESSED:
            # What SciPy has found out about the order of the indices is no part of the value.
            files = {"data": value.data, "indices": value.indices, "indptr": value.indptr}
        elif value.format == "dia":
            files = {"data": value.data, "offsets": value.offsets}
        elif value.format == "lil":
            files = _files_of_rows(value)
        else:
            files = _files_of_points(value)
        save_encoded(description, sink)
        for name, array in files.items():
            write_array(sink, name, np.asarray(array))

    def load(self, source: Source) -> Any:
        """Return a new sparse array of the same class."""
        description = load_description(source)
        cls, shape = _CLASSES.get(description.get("class", "")), description.get("shape")
        if cls is None or type(shape) is not tuple:
            raise CorruptArtifact("the stored sparse array has an unknown format")
        files = {name: read_array(source, name) for name in source.names() if name}
        form = cls.__name__.partition("_")[0]
        made: Any
        if form in _COMPRESSED:
            made = _with_arrays(cls(shape, dtype=description["dtype"], **_block(form, files)), files)
            made.check_format(full_check=False)
        elif form == "dia":
            made = cls((files["data"], files["offsets"]), shape=shape)
        elif form == "lil":
            made = _read_rows(cls(shape, dtype=description["dtype"]), files)
        else:
            made = _read_points(cls, shape, files, description["dtype"])
        return made

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return shape, type, and how many elements are stored."""
        return {"shape": list(value.shape), "dtype": str(value.dtype), "stored": int(value.nnz)}


def _block(form: str, files: Mapping[str, Any]) -> dict[str, Any]:
    return {"blocksize": files["data"].shape[1:]} if form == "bsr" else {}


def _with_arrays(made: Any, files: Mapping[str, Any]) -> Any:
    # Through the constructor SciPy would choose the type of the indices anew.
    made.data, made.indices, made.indptr = files["data"], files["indices"], files["indptr"]
    return made


def _files_of_points(value: Any) -> dict[str, Any]:
    if value.format == "coo":
        coordinates, data = value.coords, value.data
    else:
        keys = sorted(value.keys())
        data = np.array([value[key] for key in keys], dtype=value.dtype)
        grid = np.array(keys, dtype=np.int64).reshape(len(keys), len(value.shape))
        coordinates = tuple(np.ascontiguousarray(column) for column in grid.T)
    return {"data": data, **{f"coords{axis}": column for axis, column in enumerate(coordinates)}}


def _read_points(cls: Any, shape: tuple[int, ...], files: dict[str, Any], dtype: Any) -> Any:
    coordinates = tuple(files[f"coords{axis}"] for axis in range(len(shape)))
    if cls.__name__.startswith("coo"):
        made = cls((files["data"], coordinates), shape=shape)
        made.coords = coordinates
        return made
    made = cls(shape, dtype=dtype)
    keys = (
        coordinates[0].tolist() if len(shape) == 1 else zip(*(c.tolist() for c in coordinates), strict=True)
    )
    for key, item in zip(keys, files["data"], strict=True):
        made[key] = item
    return made


def _files_of_rows(value: Any) -> dict[str, Any]:
    lengths = [len(row) for row in value.rows]
    columns = [column for row in value.rows for column in row]
    items = [item for row in value.data for item in row]
    return {
        "lengths": np.array(lengths, dtype=np.int64),
        "columns": np.array(columns, dtype=np.int64),
        "items": np.array(items, dtype=value.dtype),
    }


def _read_rows(made: Any, files: Mapping[str, Any]) -> Any:
    ends = np.cumsum(files["lengths"]).tolist()
    columns, items = files["columns"].tolist(), list(files["items"])
    start = 0
    for row, end in enumerate(ends):
        made.rows[row], made.data[row] = columns[start:end], items[start:end]
        start = end
    return made


class FrozenDistributions:
    """Stores a distribution of ``scipy.stats`` with its parameters, by its name there.

    Distributions that a project defines, and those with a random state of their own, are left
    to others.
    """

    id = "scipy-stats"
    version = 1
    types = ("scipy.stats._distn_infrastructure.rv_frozen",)

    def accepts(self, value: Any) -> bool:
        """Return whether the distribution is one of SciPy's own, as SciPy made it."""
        standard = _distribution(value.dist.name)
        return (
            standard is not None
            and type(value) is type(standard(*value.args, **value.kwds))
            and type(standard) is type(value.dist)
            and _parameters(standard) == _parameters(value.dist)
            and value.dist._random_state is standard._random_state
        )

    def save(self, value: Any, sink: Sink) -> None:
        """Write the name and the parameters."""
        if set(vars(value)) - {"args", "kwds", "dist", "a", "b"}:
            raise Declined("the distribution has attributes of its own")
        save_encoded({"name": value.dist.name, "args": value.args, "kwds": value.kwds}, sink)

    def load(self, source: Source) -> Any:
        """Return the distribution, frozen with the same parameters."""
        description = load_description(source)
        distribution = _distribution(description["name"])
        if distribution is None:
            raise CorruptArtifact(f"scipy.stats has no distribution {description['name']!r}")
        return distribution(*description["args"], **description["kwds"])

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return the name of the distribution."""
        return {"distribution": value.dist.name}


def _distribution(name: Any) -> Any:
    found = getattr(scipy.stats, name, None) if type(name) is str else None
    return found if isinstance(found, (scipy.stats.rv_continuous, scipy.stats.rv_discrete)) else None


def _parameters(distribution: Any) -> str:
    # As text, for one of them is NaN.
    return repr(distribution._updated_ctor_param())


def reduce_normal(value: Any, _storages: dict[int, Any]) -> Any:
    """Return how to pickle a ``scipy.stats.Normal``: made without arguments, it would be a standard one."""
    return object.__new__, (type(value),), vars(value)


def reduce_for_content(value: Any) -> Any:
    """Return how to hash a tree of points, without the addresses in its nodes: they follow from the rest."""
    if not isinstance(value, scipy.spatial.cKDTree):
        return NotImplemented
    _, *state = value.__getstate__()
    return type, (type(value),), state
