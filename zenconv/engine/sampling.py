"""A sample of what a loader returned: some of its rows, in their order, the same ones every time.

One row is taken of each stretch of rows, at a place that the seed says. So a sample of sorted or
grouped rows has its share of each group, and two tables of one length are sampled alike.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any

import attrs

from zenconv.errors import UsageError
from zenconv.frozen import Frozen
from zenconv.records.events import Notice

if TYPE_CHECKING:
    from fractions import Fraction

    from zenconv.interfaces.orchestrating import Task, TaskResult
    from zenconv.records.step import Node

_TEXT = re.compile(r"(?P<rows>\d+)|(?P<percent>\d+(\.\d+)?|\.\d+)\s*%", re.ASCII)
_PLAIN_ITERATORS = ("builtins", "itertools", "csv", "_csv")
"""Modules whose iterators do nothing but yield; a file or a cursor is more than its lines or rows."""
_FEW_ITEMS = 100
"""Lists of fewer items are names or settings rather than rows; arrays are, beside longer ones."""


@attrs.frozen(eq=False, repr=False)
class Sample(Frozen):
    """How much of a table is wanted: a share of its rows, or a number of them."""

    share: Fraction | None = None
    rows: int = 0

    @classmethod
    def parse(cls, text: str) -> Sample:
        """Return what ``1%`` or ``1000`` means. `UsageError` for anything else."""
        match = _TEXT.fullmatch(text.strip())
        if match is not None and match["rows"] and int(match["rows"]):
            return cls(rows=int(match["rows"]))
        from fractions import Fraction  # brings decimal along, which no other run needs

        if match is not None and match["percent"] and 0 < (share := Fraction(match["percent"]) / 100) <= 1:
            return cls(share)
        raise UsageError(
            f"--sample {text}: expected a share or a number of rows",
            hint="--sample 1% (of each table, up to 100%), or --sample 1000 (rows of each table)",
        )

    def __str__(self) -> str:
        if self.share is None:
            return str(self.rows)
        percent = self.share * 100
        return f"{percent}%" if percent.denominator == 1 else f"{float(percent):.10g}%"

    def count(self, length: int) -> int:
        """Return how many of `length` rows are in the sample: never none, unless there are none."""
        if self.share is None:
            return min(length, self.rows)
        return min(length, max(1, round(length * self.share)))

    def positions(self, length: int, seed: int) -> list[int] | None:
        """Return which of `length` rows are in the sample, ascending; None if all of them are."""
        count = self.count(length)
        if count == length:
            return None
        random = Random(f"zenconv.sample:{seed}").random
        bounds = [number * length // count for number in range(count + 1)]
        return [start + int(random() * (end - start)) for start, end in pairwise(bounds)]


def take_sample(value: Any, sample: str, seed: int) -> Any:
    """Return a sample of `value`; what has no rows is returned as it is.

    Tables, series, arrays, tensors and datasets keep their kind, a tuple or dictionary is sampled part
    by part. Iterators are read as they are asked for, unless a number of rows is wanted.
    """
    return _Sampler(Sample.parse(sample), seed).take(value)


def notes_on_sample(node: Node, task: Task, result: TaskResult) -> list[Notice]:
    """Return what people should know where `node` samples and had nothing to choose from."""
    given = task.inputs.get("value")
    if node.step.function is not take_sample or given is None or result.status != "succeeded":
        return []
    contents = {name: artifact.content for name, artifact in result.outputs.items()}
    if contents != {name: artifact.content for name, artifact in given.outputs.items()}:
        return []
    types = {artifact.type for artifact in result.outputs.values() if artifact.type not in _CHOOSERS}
    if not types:
        return []  # smaller than the sample
    name = f"{node.pipeline}::{node.id.rpartition('::')[2]}"
    if types == {"builtins.list"}:
        text = f"{name} is the whole list: with fewer than {_FEW_ITEMS} items it is not sampled"
    else:
        shown = " and ".join(sorted(kind.removeprefix("builtins.") for kind in types))
        text = f"{name} is the whole value: {shown} has no rows to choose from"
    return [Notice(text, "note")]


class _Sampler:
    def __init__(self, sample: Sample, seed: int) -> None:
        self._sample = sample
        self._seed = seed

    def take(self, value: Any) -> Any:
        if isinstance(value, Iterator) and type(value).__module__ in _PLAIN_ITERATORS:
            return self._take_items(value)
        if type(value) is list:
            return value if len(value) < _FEW_ITEMS else self._pick(value, len(value), _of_list)
        if isinstance(value, tuple):
            parts = self._take_parts(value)
            return value._make(parts) if hasattr(value, "_make") else type(value)(parts)
        for name in _class_names(type(value)):
            if name in _CHOOSERS:
                return self._choose(value, _CHOOSERS[name])
        if isinstance(value, dict):
            sampled = copy(value)  # which keeps its kind, such as scikit-learn's Bunch
            sampled.update(zip(value, self._take_parts(list(value.values())), strict=True))
            return sampled
        return value

    def _take_parts(self, parts: Sequence[Any]) -> list[Any]:
        """Return a sample of each part, but for names and settings that stand beside many rows."""
        lengths = [_length(part) or 0 for part in parts]
        longest = max(lengths, default=0)
        return [
            part if _is_array(part) and length < min(_FEW_ITEMS, longest) else self.take(part)
            for part, length in zip(parts, lengths, strict=True)
        ]

    def _choose(self, value: Any, chooser: Callable[[Any, Sequence[int]], Any]) -> Any:
        if chooser is _of_datasets:
            return type(value)({key: self.take(part) for key, part in value.items()})
        if chooser is _of_lazy_frame:
            return self.take(value.collect()).lazy()
        length = _length(value)
        return value if length is None else self._pick(value, length, chooser)

    def _pick(self, value: Any, length: int, chooser: Callable[[Any, Sequence[int]], Any]) -> Any:
        positions = self._sample.positions(length, self._seed)
        return value if positions is None else chooser(value, positions)

    def _take_items(self, items: Iterator[Any]) -> Iterator[Any]:
        if self._sample.share is None:
            return _reservoir(items, self._sample.rows, self._random())
        return _thin_out(items, self._sample.share, self._random())

    def _random(self) -> Random:
        return Random(f"zenconv.sample:{self._seed}")


def _thin_out(items: Iterator[Any], share: Fraction, random: Random) -> Iterator[Any]:
    """Yield one item of each stretch of ``1 / share`` items; the first if there are not that many."""
    number = 0
    wanted = int(random.random() / share)
    first: list[Any] = []
    for position, item in enumerate(items):
        if position == wanted:
            first = []
            yield item
            number += 1
            start, end = int(number / share), int((number + 1) / share)
            wanted = max(position + 1, start + int(random.random() * (end - start)))
        elif position == 0:
            first = [item]
    yield from first  # too few for a stretch, but not none


def _reservoir(items: Iterator[Any], rows: int, random: Random) -> Iterator[Any]:
    """Yield `rows` of an unknown number of items; these are held in memory."""
    kept: list[tuple[int, Any]] = []
    for position, item in enumerate(items):
        if position < rows:
            kept.append((position, item))
        elif (place := int(random.random() * (position + 1))) < rows:
            kept[place] = (position, item)
    yield from (item for _, item in sorted(kept, key=lambda pair: pair[0]))


def _length(value: Any) -> int | None:
    """Return how many rows there are; None for what has none, such as an array without dimensions."""
    shape = getattr(value, "shape", None)
    try:
        return int(shape[0]) if isinstance(shape, tuple) else len(value)
    except (TypeError, IndexError, NotImplementedError):
        return None


def _is_array(value: Any) -> bool:
    """Return whether there is one value in each place, as in an array or series; no table is."""
    shape = getattr(value, "shape", None)
    return isinstance(shape, tuple) and len(shape) == 1


def _class_names(cls: type) -> Iterator[str]:
    return (f"{base.__module__}.{base.__qualname__}" for base in cls.__mro__)


# -- choosing rows, by kind; each gets the value and ascending positions


def _of_list(value: Any, positions: Sequence[int]) -> Any:
    return [value[position] for position in positions]


def _by_place(value: Any, positions: Sequence[int]) -> Any:
    return value.iloc[positions]


def _by_index(value: Any, positions: Sequence[int]) -> Any:
    return value[positions]


def _by_take(value: Any, positions: Sequence[int]) -> Any:
    return value.take(positions)


def _of_batch(value: Any, positions: Sequence[int]) -> Any:
    arrow = sys.modules["pyarrow"]
    return value.take(arrow.array(positions, arrow.int64()))


def _of_sparse(value: Any, positions: Sequence[int]) -> Any:
    return value.tocsr()[positions].asformat(value.format)


def _by_select(value: Any, positions: Sequence[int]) -> Any:
    return value.select(positions)


def _of_dataset(value: Any, positions: Sequence[int]) -> Any:
    return sys.modules["torch.utils.data"].Subset(value, positions)


def _of_stream(value: Any, positions: Sequence[int]) -> Any:
    return value


def _of_datasets(value: Any, positions: Sequence[int]) -> Any:
    raise AssertionError("taken part by part")


def _of_lazy_frame(value: Any, positions: Sequence[int]) -> Any:
    raise AssertionError("collected first")


_CHOOSERS: Mapping[str, Callable[[Any, Sequence[int]], Any]] = {
    "pandas.DataFrame": _by_place,
    "pandas.core.frame.DataFrame": _by_place,
    "pandas.Series": _by_place,
    "pandas.core.series.Series": _by_place,
    "pandas.Index": _by_index,
    "pandas.core.indexes.base.Index": _by_index,
    "numpy.ndarray": _by_index,
    "polars.dataframe.frame.DataFrame": _by_index,
    "polars.series.series.Series": _by_index,
    "polars.lazyframe.frame.LazyFrame": _of_lazy_frame,
    "pyarrow.lib.Table": _of_batch,
    "pyarrow.lib.RecordBatch": _of_batch,
    "pyarrow.lib.Array": _of_batch,
    "pyarrow.lib.ChunkedArray": _of_batch,
    "scipy.sparse._base._spbase": _of_sparse,
    "scipy.sparse._base.spmatrix": _of_sparse,
    "torch.Tensor": _by_index,
    "torch.utils.data.dataset.IterableDataset": _of_stream,
    "torch.utils.data.dataset.Dataset": _of_dataset,
    "datasets.arrow_dataset.Dataset": _by_select,
    "datasets.dataset_dict.DatasetDict": _of_datasets,
}
"""How the rows of a value are chosen, by the names of its class and base classes, the nearest first."""
