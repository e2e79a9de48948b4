"""How two values differ, in a line: ``[3].name: 'a' instead of 'b'``. Nothing is imported for it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

UNKNOWN = "they cannot be compared"
"""The answer where nothing can be said of two objects."""

_DEEPEST = 12
_LONGEST = 60


def describe_difference(before: Any, after: Any) -> str | None:
    """Return the first difference between two values, `UNKNOWN`, or None if they are equal."""
    try:
        return _compare(before, after, "", _DEEPEST)
    except Exception:  # noqa: BLE001 - a user's __eq__ may raise anything
        return UNKNOWN


Comparer = Callable[[Any, Any, str, int], str | None]
"""Compares two values of one type, found at a place, so deep: the difference, or None."""


def _compare(before: Any, after: Any, place: str, depth: int) -> str | None:
    if before is after:
        return None
    if type(before) is not type(after):
        return _say(place, f"{_type_name(after)} instead of {_type_name(before)}")
    if depth == 0:
        return _say(place, UNKNOWN)
    for matches, compare in _COMPARERS:
        if matches(before):
            return compare(before, after, place, depth - 1)
    return _compare_objects(before, after, place, depth - 1)


def _compare_scalars(before: Any, after: Any, place: str, _depth: int) -> str | None:
    if before == after or (before != before and after != after):
        return None
    if isinstance(before, str | bytes) and len(before) > _LONGEST:
        pairs = zip(before, after, strict=False)
        at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(before), len(after)))
        lengths = f", length {len(after)} instead of {len(before)}" if len(before) != len(after) else ""
        return _say(place, f"differs from position {at} on{lengths}")
    return _say(place, f"{_short(_item(after))} instead of {_short(_item(before))}")


def _compare_mappings(
    before: Mapping[Any, Any], after: Mapping[Any, Any], place: str, depth: int
) -> str | None:
    for key in before:
        if key not in after:
            return _say(place, f"without the key {_short(key)}")
    for key, value in after.items():
        if key not in before:
            return _say(place, f"with a new key {_short(key)}")
        found = _compare(before[key], value, f"{place}[{_short(key)}]", depth)
        if found:
            return found
    return None if list(before) == list(after) else _say(place, "its keys in another order")


def _compare_sequences(before: Sequence[Any], after: Sequence[Any], place: str, depth: int) -> str | None:
    if len(before) != len(after):
        return _say(place, f"{len(after)} items instead of {len(before)}")
    for index, (one, other) in enumerate(zip(before, after, strict=True)):
        found = _compare(one, other, f"{place}[{index}]", depth)
        if found:
            return found
    return None


def _compare_sets(before: Any, after: Any, place: str, _depth: int) -> str | None:
    if before == after:
        return None
    gone, new = before - after, after - before
    shown = f"without {_short(next(iter(gone)))}" if gone else f"with a new {_short(next(iter(new)))}"
    return _say(place, f"{shown}, {len(gone)} gone and {len(new)} new")


def _compare_arrays(before: Any, after: Any, place: str, _depth: int) -> str | None:
    for name in ("shape", "dtype"):
        one, other = getattr(before, name), getattr(after, name)
        if one != other:
            return _say(place, f"{name} {_short(_plain(other))} instead of {_short(_plain(one))}")
    differs = before != after
    is_float = "float" in str(before.dtype) or "complex" in str(before.dtype)
    if is_float:  # what is no number equals nothing, not even itself
        differs = differs & ~((before != before) & (after != after))
    count = int(differs.sum())
    if not count:
        return None
    flat = int(
        differs.reshape(-1).argmax() if not hasattr(differs, "int") else differs.reshape(-1).int().argmax()
    )
    index = _unravel(flat, tuple(before.shape))
    where = f"[{', '.join(map(str, index))}]" if index else ""
    one, other = before.reshape(-1)[flat], after.reshape(-1)[flat]
    total = math.prod(before.shape)
    many = f", {count} of {total} elements differ" if total > 1 else ""
    return _say(f"{place}{where}", f"{_short(_item(other))} instead of {_short(_item(one))}{many}")


def _compare_frames(before: Any, after: Any, place: str, depth: int) -> str | None:
    """Compare tables with `columns`: of pandas or polars."""
    one, other = [str(c) for c in before.columns], [str(c) for c in after.columns]
    if one != other:
        return _say(place, f"columns {_short(other)} instead of {_short(one)}")
    if before.shape != after.shape:
        return _say(place, f"shape {tuple(after.shape)} instead of {tuple(before.shape)}")
    if hasattr(before, "index"):
        found = _compare_series(before.index, after.index, f"{place} index", depth)
        if found:
            return found
    for position, name in enumerate(one):
        columns = [_column(frame, position) for frame in (before, after)]
        found = _compare_series(columns[0], columns[1], f"{place}[{name!r}]", depth)
        if found:
            return found
    return None


def _compare_series(before: Any, after: Any, place: str, depth: int) -> str | None:
    if before.dtype != after.dtype:
        return _say(place, f"dtype {after.dtype} instead of {before.dtype}")
    return _compare_sequences(_list(before), _list(after), place, depth)


def _compare_tables(before: Any, after: Any, place: str, depth: int) -> str | None:
    """Compare Arrow tables."""
    if before.schema != after.schema:
        return _say(place, f"schema {_short(after.schema)} instead of {_short(before.schema)}")
    names = before.schema.names
    pairs = ((name, before.column(i), after.column(i)) for i, name in enumerate(names))
    for name, one, other in pairs:
        if not one.equals(other):
            return _compare_sequences(one.to_pylist(), other.to_pylist(), f"{place}[{name!r}]", depth)
    return None


def _compare_paths(before: PurePath, after: PurePath, place: str, _depth: int) -> str | None:
    """Compare what lies at two paths, or the paths themselves where nothing does."""
    if not (os.path.exists(before) and os.path.exists(after)):
        return (
            None if before == after else _say(place, f"{_short(str(after))} instead of {_short(str(before))}")
        )
    import filecmp

    one, other = _tree(Path(before)), _tree(Path(after))
    for name in sorted(one.keys() | other.keys()):
        shown = name or before.name
        if name not in other:
            return _say(place, f"without the file {shown!r}")
        if name not in one:
            return _say(place, f"with a new file {shown!r}")
        if (
            one[name].is_file()
            and other[name].is_file()
            and not filecmp.cmp(one[name], other[name], shallow=False)
        ):
            return _say(place, f"the file {shown!r} has other bytes{_first_byte(one[name], other[name])}")
    return None


def _compare_objects(before: Any, after: Any, place: str, depth: int) -> str | None:
    """Compare by attributes; without any, by what ``==`` says, or else by what pickling takes."""
    states = [_attributes(value) for value in (before, after)]
    if states[0] or states[1]:
        for name in dict.fromkeys((*states[0], *states[1])):
            if name not in states[0] or name not in states[1]:
                which = "without the" if name in states[0] else "with a new"
                return _say(place, f"{which} attribute {name!r}")
            found = _compare(states[0][name], states[1][name], f"{place}.{name}", depth)
            if found:
                return found
        return None
    if getattr(type(before), "__eq__", None) is not object.__eq__:
        return None if bool(before == after) else _say(place, f"{_short(after)} instead of {_short(before)}")
    reduced = [value.__reduce_ex__(4) for value in (before, after)]
    if not all(isinstance(parts, tuple) for parts in reduced):
        return _say(place, UNKNOWN)
    return _compare_sequences(reduced[0][1:3], reduced[1][1:3], f"{place} state", depth)


def _attributes(value: Any) -> dict[str, Any]:
    found = dict(getattr(value, "__dict__", {}))
    for cls in type(value).__mro__:
        slots = vars(cls).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name) and not name.startswith("__"):
                found[name] = getattr(value, name)
    return found


def _is_array(value: Any) -> bool:
    return all(hasattr(value, name) for name in ("shape", "dtype", "reshape"))


def _is_frame(value: Any) -> bool:
    return all(hasattr(value, name) for name in ("shape", "columns", "dtypes"))


def _is_series(value: Any) -> bool:
    return hasattr(value, "dtype") and hasattr(value, "to_list")


def _is_table(value: Any) -> bool:
    return hasattr(value, "schema") and hasattr(value, "column") and hasattr(value, "num_rows")


_COMPARERS: tuple[tuple[Callable[[Any], bool], Comparer], ...] = (
    (lambda value: isinstance(value, int | float | complex | str | bytes | bytearray), _compare_scalars),
    (lambda value: isinstance(value, Mapping), _compare_mappings),
    (lambda value: isinstance(value, list | tuple), _compare_sequences),
    (lambda value: isinstance(value, set | frozenset), _compare_sets),
    (lambda value: isinstance(value, PurePath), _compare_paths),
    (_is_frame, _compare_frames),
    (_is_series, _compare_series),
    (_is_array, _compare_arrays),
    (_is_table, _compare_tables),
)


def _column(frame: Any, position: int) -> Any:
    return frame.iloc[:, position] if hasattr(frame, "iloc") else frame.to_series(position)


def _list(values: Any) -> list[Any]:
    return list(values.to_list()) if hasattr(values, "to_list") else list(values.tolist())


def _tree(path: Path) -> dict[str, Path]:
    return {"": path, **{p.relative_to(path).as_posix(): p for p in _below(path)}}


def _below(path: Path) -> Iterator[Path]:
    return path.rglob("*") if path.is_dir() else iter(())


def _first_byte(before: Path, after: Path) -> str:
    position = 0
    with before.open("rb") as one, after.open("rb") as other:
        while True:
            left, right = one.read(1 << 16), other.read(1 << 16)
            if left != right:
                pairs = zip(left, right, strict=False)
                offset = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(left), len(right)))
                return f" from position {position + offset} on"
            if not left:
                return ""
            position += len(left)


def _unravel(flat: int, shape: tuple[int, ...]) -> list[int]:
    index: list[int] = []
    for side in reversed(shape):
        index.insert(0, flat % side)
        flat //= side
    return index


def _item(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, tuple) else str(value)


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _say(place: str, text: str) -> str:
    return f"{place.strip()}: {text}" if place else text
