"""Tables and arrays as rows for other programs: every digit, and an index that says something.

Nothing is imported: a value that is a table brings its library along.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from zenconv.errors import UsageError

Convert = Callable[[Any], Any]


def is_frame(value: Any) -> bool:
    """Return whether `value` is a pandas table or column, without importing pandas."""
    return _is_from(value, "pandas", ("DataFrame", "Series"))


def is_array(value: Any) -> bool:
    """Return whether `value` is a numpy array, without importing numpy."""
    return _is_from(value, "numpy", ("ndarray",))


def _is_from(value: Any, package: str, names: Sequence[str]) -> bool:
    return any(
        cls.__module__.partition(".")[0] == package and cls.__name__ in names for cls in type(value).__mro__
    )


def as_frame(value: Any) -> Any:
    """Return a column as a table of one column, a table as it is."""
    return value.to_frame() if hasattr(value, "to_frame") and not hasattr(value, "columns") else value


def has_plain_index(frame: Any) -> bool:
    """Return whether the index only counts the rows: 0, 1, 2 ..."""
    index = frame.index
    return type(index).__name__ == "RangeIndex" and (index.name, index.start, index.step) == (None, 0, 1)


def to_records(value: Any, convert: Convert) -> list[dict[str, Any]]:
    """Return a table as a dictionary for each row, its index first unless it only counts.

    Parameters
    ----------
    convert
        Turns a cell or a label into plain JSON data; `UsageError` where it cannot, then its text
        is taken.

    Raises
    ------
    UsageError
        Two columns have one name.
    """
    frame = as_frame(value)
    columns = [] if has_plain_index(frame) else _levels(frame.index)
    columns += [(label, frame.iloc[:, place]) for place, label in enumerate(frame.columns)]
    names = [_name(label, convert) for label, _ in columns]
    twice = (
        next((name for name in names if names.count(name) > 1), None)
        if len(set(names)) < len(names)
        else None
    )
    if twice is not None:
        raise UsageError(f"two columns are named {twice!r}: JSON would lose one", hint="write it as .csv")
    if not columns:
        return [{} for _ in range(len(frame))]
    rows = zip(*(_cells(column, convert) for _, column in columns), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _levels(index: Any) -> list[tuple[Any, Any]]:
    """Return name and values of each level; one without a name is called as pandas calls it."""
    unnamed = "index" if index.nlevels == 1 else "level_{}"
    return [
        (unnamed.format(place) if name is None else name, index.get_level_values(place))
        for place, name in enumerate(index.names)
    ]


def _name(label: Any, convert: Convert) -> str:
    if isinstance(label, str):
        return label
    return repr(label) if isinstance(label, tuple) else str(_cell(label, convert))


def _cells(column: Any, convert: Convert) -> list[Any]:
    values: list[Any] = column.tolist()
    dtype = column.dtype
    is_plain = type(dtype).__module__.partition(".")[0] == "numpy"
    if is_plain and dtype.kind in "iub":
        return values
    if is_plain and dtype.kind == "f":
        return [value if value - value == 0 else None for value in values]
    return [_cell(value, convert) for value in values]


def _cell(value: Any, convert: Convert) -> Any:
    if type(value).__name__ in ("NaTType", "NAType"):
        return None
    try:
        return convert(value)
    except UsageError:
        return str(value)
