"""One-dimensional pandas arrays to files and back: the columns of frames, and their indexes.

A description in JSON says how the elements lie in the files. `Declined` for what no
description covers: sparse and Arrow types, foreign extension types, mutable objects.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from zenconv.errors import CorruptArtifact
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers import numpy as arrays
from zenconv.materializers.decoding import Decoder
from zenconv.materializers.describing import is_immutable_scalar
from zenconv.materializers.encoding import Encoder, dumps
from zenconv.materializers.saving import Declined

_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes})
_MASKED = {"i": "IntegerArray", "u": "IntegerArray", "f": "FloatingArray", "b": "BooleanArray"}


class ColumnWriter:
    """Plans first, so that nothing is written of a value that is declined, then writes.

    Vectors of one NumPy type become the rows of one file, in order.
    """

    def __init__(self) -> None:
        self.encoder = Encoder()
        self._rows: dict[tuple[str, int], list[np.ndarray[Any, Any]]] = {}
        self._files: dict[tuple[str, int], int] = {}
        self._texts: list[bytes] = []

    def describe(self, values: Any) -> Any:
        """Return the description of an array of pandas or NumPy."""
        if type(values) is pd.arrays.NumpyExtensionArray:
            values = values.to_numpy()
        dtype = values.dtype
        if isinstance(dtype, np.dtype):
            return self._describe_numpy(np.asarray(values))
        describe = _DESCRIBERS.get(type(dtype).__name__)
        if describe is None or type(dtype).__module__.partition(".")[0] != "pandas":
            raise Declined(f"columns of type {dtype} are stored only inside a pickle")
        return describe(self, values)

    def describe_index(self, index: Any) -> Any:
        """Return the description of an index, its names included."""
        kind = type(index)
        if kind is pd.RangeIndex:
            return {"range": [index.start, index.stop, index.step], "name": self.label(index.name)}
        if kind is pd.MultiIndex:
            return self._describe_levels(index)
        if kind not in _INDEXES:
            raise Declined(f"an index of the class {kind.__qualname__} is stored only inside a pickle")
        found = {"array": self.describe(index.array), "name": self.label(index.name)}
        return {**found, **frequency_of(index)}

    def label(self, label: Any) -> Any:
        """Return JSON data for a label or a name."""
        return self.encoder.encode(label)

    def write(self, sink: Sink) -> None:
        """Write all files that the descriptions mention."""
        if self.encoder.parts or self.encoder.references:
            raise Declined("labels or objects in it need more than JSON")
        for key, rows in self._rows.items():
            arrays.write_rows(sink, f"b{self._files[key]}", rows)
        for number, text in enumerate(self._texts):
            sink.write(text, f"t{number}")

    def _describe_numpy(self, values: np.ndarray[Any, Any]) -> Any:
        if values.dtype == object:
            return {"objects": self._text(_plain_objects(values))}
        if not arrays.is_plain_dtype(values.dtype) or values.ndim != 1:
            raise Declined(f"columns of type {values.dtype} are stored only inside a pickle")
        return {"row": self._row(values)}

    def _row(self, values: np.ndarray[Any, Any]) -> list[int]:
        key = (values.dtype.str if values.dtype.names is None else repr(values.dtype), len(values))
        rows = self._rows.setdefault(key, [])
        number = self._files.setdefault(key, len(self._files))
        rows.append(values)
        return [number, len(rows) - 1]

    def _text(self, values: list[Any]) -> int:
        # An encoder of its own: equal objects in two columns are no shared state, for all are immutable.
        encoder = Encoder()
        node = encoder.encode(values)
        if encoder.parts or encoder.references:
            raise Declined("objects in it need more than JSON")
        self._texts.append(dumps(node))
        return len(self._texts) - 1

    def _describe_levels(self, index: Any) -> Any:
        return {
            "levels": [self.describe_index(level) for level in index.levels],
            "codes": [self.describe(np.asarray(codes)) for codes in index.codes],
            "names": [self.label(name) for name in index.names],
        }

    def _describe_text(self, values: Any) -> Any:
        dtype = values.dtype
        missing = "nan" if dtype.na_value is not pd.NA else "NA"
        items = values.to_numpy(dtype=object, na_value=None).tolist()
        return {"text": self._text(items), "storage": dtype.storage, "missing": missing}

    def _describe_category(self, values: Any) -> Any:
        codes = self.describe(np.asarray(values.codes))
        categories = self.describe_index(values.categories)
        return {"codes": codes, "categories": categories, "ordered": bool(values.ordered)}

    def _describe_masked(self, values: Any) -> Any:
        mask = np.array(values._mask, dtype=bool)
        data = np.array(values._data)
        data[mask] = 0
        return {"masked": self.describe(data), "mask": self.describe(mask)}

    def _describe_zoned(self, values: Any) -> Any:
        moments = np.asarray(values.tz_convert("UTC").tz_localize(None))
        return {"zoned": self.describe(moments), "zone": self.encoder.encode(values.tz)}

    def _describe_period(self, values: Any) -> Any:
        if pd.PeriodDtype(values.freqstr) != values.dtype:
            raise Declined(f"periods of {values.freqstr} are stored only inside a pickle")
        return {"ordinals": self.describe(np.asarray(values.asi8)), "freq": values.freqstr}

    def _describe_interval(self, values: Any) -> Any:
        left, right = self.describe_index(values.left), self.describe_index(values.right)
        return {"left": left, "right": right, "closed": values.closed}


class ColumnReader:
    """Reads the arrays that a `ColumnWriter` described."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._decoder = Decoder()
        self._blocks: dict[int, np.ndarray[Any, Any]] = {}

    def block(self, number: int) -> np.ndarray[Any, Any]:
        """Return all rows of one file, as a two-dimensional array."""
        if number not in self._blocks:
            self._blocks[number] = arrays.read_array(self._source, f"b{int(number)}")
        return self._blocks[number]

    def read(self, description: dict[str, Any]) -> Any:
        """Return the described array."""
        kind = next(iter(description))
        if kind not in _READERS:
            raise CorruptArtifact(f"the stored column has the unknown kind {kind!r}")
        return _READERS[kind](self, description)

    def read_index(self, description: dict[str, Any]) -> Any:
        """Return the described index."""
        if "range" in description:
            return pd.RangeIndex(*description["range"], name=self.label(description["name"]))
        if "levels" in description:
            return self._read_levels(description)
        values = self.read(description["array"])
        name = self.label(description["name"])
        if isinstance(values, np.ndarray) and values.dtype == object:
            return pd.Index(values, dtype=object, name=name, tupleize_cols=False)
        index = pd.Index(values, name=name, copy=False)
        if description.get("freq") is not None:
            index.freq = description["freq"]
        return index

    def label(self, node: Any) -> Any:
        """Return the label that JSON data stands for."""
        return self._decoder.decode(node)

    def _read_levels(self, description: dict[str, Any]) -> Any:
        return pd.MultiIndex(
            levels=[self.read_index(level) for level in description["levels"]],
            codes=[self.read(codes) for codes in description["codes"]],
            names=[self.label(name) for name in description["names"]],
            verify_integrity=True,
        )

    def _read_row(self, description: dict[str, Any]) -> Any:
        number, row = description["row"]
        return self.block(number)[row]

    def _read_items(self, number: Any) -> list[Any]:
        items = self._decoder.decode(json.loads(self._source.read(f"t{int(number)}")))
        if type(items) is not list:
            raise CorruptArtifact("the stored column is not a list")
        return items

    def _read_objects(self, description: dict[str, Any]) -> Any:
        return object_array(self._read_items(description["objects"]))

    def _read_text(self, description: dict[str, Any]) -> Any:
        dtype = _text_dtype(description["storage"], description["missing"])
        return pd.array(self._read_items(description["text"]), dtype=dtype)

    def _read_category(self, description: dict[str, Any]) -> Any:
        dtype = pd.CategoricalDtype(self.read_index(description["categories"]), description["ordered"])
        return pd.Categorical.from_codes(self.read(description["codes"]), dtype=dtype)

    def _read_masked(self, description: dict[str, Any]) -> Any:
        data, mask = self.read(description["masked"]), self.read(description["mask"])
        return getattr(pd.arrays, _MASKED[data.dtype.kind])(data, mask)

    def _read_zoned(self, description: dict[str, Any]) -> Any:
        moments = pd.DatetimeIndex(self.read(description["zoned"]))
        return moments.tz_localize("UTC").tz_convert(self.label(description["zone"])).array

    def _read_period(self, description: dict[str, Any]) -> Any:
        dtype = pd.PeriodDtype(description["freq"])
        return pd.arrays.PeriodArray(self.read(description["ordinals"]), dtype=dtype)

    def _read_interval(self, description: dict[str, Any]) -> Any:
        left, right = self.read_index(description["left"]), self.read_index(description["right"])
        return pd.arrays.IntervalArray.from_arrays(left, right, description["closed"])


def frequency_of(values: Any) -> dict[str, str]:
    """Return the frequency of evenly spaced moments, as an entry of their description."""
    freq = getattr(values, "freq", None)
    if freq is None or isinstance(values.dtype, pd.PeriodDtype):
        return {}
    if pd.tseries.frequencies.to_offset(freq.freqstr) != freq:
        raise Declined(f"the frequency {freq!r} has no name")
    return {"freq": freq.freqstr}


def object_array(items: list[Any]) -> np.ndarray[Any, Any]:
    """Return a vector of the objects themselves; NumPy would look into sequences."""
    found = np.empty(len(items), dtype=object)
    for position, item in enumerate(items):
        found[position] = item
    return found


def _plain_objects(values: np.ndarray[Any, Any]) -> list[Any]:
    if values.ndim != 1:
        raise Declined("a column of objects with more than one dimension")
    items: list[Any] = values.tolist()
    for kind in set(map(type, items)) - _ATOMS:
        if kind is tuple or kind is frozenset:
            known = all(is_immutable_scalar(item) for item in items if type(item) is kind)
        else:
            known = _is_immutable(kind)
        if not known:
            raise Declined(f"a column holds objects of the type {kind.__name__}")
    return items


def _is_immutable(kind: type) -> bool:
    name = f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
    return name in _IMMUTABLE


def _text_dtype(storage: str, missing: str) -> Any:
    options: dict[str, Any] = {} if missing == "NA" else {"na_value": np.nan}
    try:
        return pd.StringDtype(storage, **options)
    except ImportError:  # written where pyarrow was installed; the texts are the same without it
        return pd.StringDtype("python", **options)


_IMMUTABLE = frozenset(
    {
        "datetime.date",
        "datetime.datetime",
        "datetime.time",
        "datetime.timedelta",
        "decimal.Decimal",
        "fractions.Fraction",
        "uuid.UUID",
        "pandas.Timestamp",
        "pandas.Timedelta",
        "pandas.Period",
        "pandas.Interval",
        "pandas.NaTType",
        "pandas.NAType",
        *(
            f"numpy.{name}"
            for name in ("float64", "float32", "float16", "bool", "bool_", "str_", "datetime64")
        ),
        *(f"numpy.{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    }
)

_INDEXES = frozenset(
    {
        pd.Index,
        pd.DatetimeIndex,
        pd.TimedeltaIndex,
        pd.PeriodIndex,
        pd.IntervalIndex,
        pd.CategoricalIndex,
    }
)

_MASKED_DTYPES = (
    *(f"{sign}Int{bits}Dtype" for sign in ("", "U") for bits in (8, 16, 32, 64)),
    "Float32Dtype",
    "Float64Dtype",
    "BooleanDtype",
)

_DESCRIBERS: dict[str, Callable[[ColumnWriter, Any], Any]] = {
    "StringDtype": ColumnWriter._describe_text,
    "CategoricalDtype": ColumnWriter._describe_category,
    "DatetimeTZDtype": ColumnWriter._describe_zoned,
    "PeriodDtype": ColumnWriter._describe_period,
    "IntervalDtype": ColumnWriter._describe_interval,
    **dict.fromkeys(_MASKED_DTYPES, ColumnWriter._describe_masked),
}

_READERS: dict[str, Callable[[ColumnReader, dict[str, Any]], Any]] = {
    "row": ColumnReader._read_row,
    "objects": ColumnReader._read_objects,
    "text": ColumnReader._read_text,
    "codes": ColumnReader._read_category,
    "masked": ColumnReader._read_masked,
    "zoned": ColumnReader._read_zoned,
    "ordinals": ColumnReader._read_period,
    "left": ColumnReader._read_interval,
}
