"""The words for fan-out: `parametrize`, `param`, `Collect`, `Over`, `Each`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs

from zenconv.errors import UsageError
from zenconv.frozen import Frozen
from zenconv.hashing import digest_texts

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
F = TypeVar("F", bound=Callable[..., Any])

Ids = Iterable[Any] | Callable[[Any], Any] | None

_LONGEST_ID = 100


@attrs.frozen(eq=False, repr=False)
class AxisItem(Frozen):
    """One position of an axis: its `id`, and a value for each argument of the axis."""

    id: str
    values: tuple[Any, ...] = attrs.field(eq=False, repr=False)
    marks: tuple[Any, ...] = attrs.field(default=(), eq=False, repr=False)


@attrs.frozen(eq=False, repr=False)
class Axis(Frozen):
    """A named list of items; every node below it exists once for each of them.

    Its `arguments` get the values of an item; those that are `indirect` name fixtures, which get them as
    ``request.param``.
    """

    name: str
    arguments: tuple[str, ...]
    items: tuple[AxisItem, ...]
    indirect: tuple[str, ...] = ()

    def ids(self) -> tuple[str, ...]:
        """Return the ids of its items, in order."""
        return tuple(item.id for item in self.items)


@attrs.frozen(eq=False, repr=False)
class _Param:
    values: tuple[Any, ...]
    id: str | None
    marks: tuple[Any, ...]


def param(*values: Any, id: str | None = None, marks: Any = ()) -> Any:
    """Return one item for `parametrize` or ``fixture(params=...)``, with an id or marks of its own.

    Parameters
    ----------
    values
        One for each argument.
    id
        What stands in the id of the nodes; by default it is written from the values.
    marks
        A mark or several, for the nodes of this item only.
    """
    if id == "":
        raise UsageError("the id of a param is empty")
    listed = tuple(marks) if isinstance(marks, list | tuple | set | frozenset) else (marks,)
    return _Param(values, id, listed)


def make_axis(
    argnames: str | Sequence[str],
    argvalues: Iterable[Any],
    *,
    ids: Ids = None,
    axis: str = "",
    indirect: bool | Sequence[str] = False,
    what: str = "parametrize",
) -> Axis:
    """Return the axis that `parametrize` describes, called `what` in messages.

    `UsageError` when it describes none.
    """
    arguments = _split_names(argnames)
    rows = _as_list(argvalues)
    params = [row if isinstance(row, _Param) else None for row in rows]
    values = [row.values if isinstance(row, _Param) else _as_row(row, arguments) for row in rows]
    label = f"{what} {', '.join(arguments)!r}"
    for row in values:
        if len(row) != len(arguments):
            raise UsageError(f"{label}: {len(arguments)} values are needed, but {row!r} has {len(row)}")
    if not rows:
        raise UsageError(
            f"{label}: there are no values, so the step would not exist",
            hint="leave them out, or give one value",
        )
    wanted = _explicit_ids(ids, len(rows), label)
    texts = []
    for number, row in enumerate(values):
        own = params[number]
        text = own.id if own is not None and own.id is not None else wanted[number]
        texts.append(_clean(text) if text is not None else _write_id(row, arguments, number, ids))
    texts = _make_unique(texts)
    items = tuple(
        AxisItem(text, row, own.marks if own is not None else ())
        for text, row, own in zip(texts, values, params, strict=True)
    )
    name = _check_name(axis) if axis else "-".join(arguments)
    return Axis(name, arguments, items, _check_indirect(indirect, arguments, label))


def _check_indirect(
    indirect: bool | Sequence[str], arguments: tuple[str, ...], label: str
) -> tuple[str, ...]:
    if isinstance(indirect, bool):
        return arguments if indirect else ()
    if isinstance(indirect, str):
        raise UsageError(f"{label}: indirect is True or a list of names", hint=f"indirect=[{indirect!r}]")
    for name in indirect:
        if name not in arguments:
            raise UsageError(f"{label}: indirect names {name!r}, which is none of them")
    return tuple(indirect)


def _split_names(argnames: str | Sequence[str]) -> tuple[str, ...]:
    names = argnames.split(",") if isinstance(argnames, str) else list(argnames)
    names = [str(name).strip() for name in names]
    for name in names:
        if not name.isidentifier():
            raise UsageError(
                f"parametrize: {name!r} is no name of a parameter", hint='write parametrize("C", [0.1, 1])'
            )
    if not names or len(set(names)) < len(names):
        raise UsageError(f"parametrize: {argnames!r} names no parameter, or one twice")
    return tuple(names)


def _check_name(name: str) -> str:
    if not name.replace("-", "_").isidentifier():
        raise UsageError(f"{name!r} is no name for an axis", hint="letters, digits, - and _ only")
    return name


def _as_list(argvalues: Iterable[Any]) -> list[Any]:
    if isinstance(argvalues, str | bytes):
        raise UsageError(f"parametrize: its values are a list, not the text {argvalues!r}")
    try:
        return list(argvalues)
    except TypeError:
        raise UsageError(f"parametrize: its values are a list, not {argvalues!r}") from None


def _as_row(row: Any, arguments: tuple[str, ...]) -> tuple[Any, ...]:
    if len(arguments) == 1:
        return (row,)
    try:
        return tuple(row)
    except TypeError:
        return (row,)


def _explicit_ids(ids: Ids, count: int, label: str) -> list[str | None]:
    if ids is None or callable(ids):
        return [None] * count
    listed = list(ids)
    if len(listed) != count:
        raise UsageError(f"{label}: {count} values, but {len(listed)} ids")
    for id in listed:
        if id is not None and not isinstance(id, str | int | float | bool):
            raise UsageError(f"{label}: an id is a text or a number, not {id!r}")
    return [None if id is None else str(id) for id in listed]


def _write_id(row: tuple[Any, ...], arguments: tuple[str, ...], number: int, ids: Ids) -> str:
    parts = []
    for name, value in zip(arguments, row, strict=True):
        own = ids(value) if callable(ids) else None
        parts.append(write_id(own if own is not None else value, f"{name}{number}"))
    return _clean("-".join(parts))


def write_id(value: Any, otherwise: str) -> str:
    """Return how `value` is written in the id of a node, as pytest writes it in that of a test."""
    if value is None or isinstance(value, str | bool | int | float | complex):
        enum = sys.modules.get("enum")
        if enum is None or not isinstance(value, enum.Enum):
            return str(value)
    if isinstance(value, bytes):
        return value.decode("ascii", "backslashreplace")
    kind = type(value)
    if kind.__module__ == "re" and kind.__name__ == "Pattern":
        return str(value.pattern)
    enum = sys.modules.get("enum")
    if enum is not None and isinstance(value, enum.Enum):
        return str(value)
    name = getattr(value, "__name__", None) if callable(value) else None
    return name if isinstance(name, str) else otherwise


def _clean(text: str) -> str:
    """Return `text` fit to stand in the id of a node: on one line, not too long, without ``::``."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    shown = shown.replace("::", ":") or "(empty)"
    if len(shown) <= _LONGEST_ID:
        return shown
    return f"{shown[: _LONGEST_ID - 12]}...{digest_texts('id', [text])[3:12]}"


def clean_ids(texts: Iterable[str]) -> list[str]:
    """Return ids fit to stand in the ids of nodes, each different from the others."""
    return _make_unique([_clean(text) for text in texts])


def _make_unique(ids: list[str]) -> list[str]:
    if len(set(ids)) == len(ids):
        return ids
    counts: dict[str, int] = {}
    for id in ids:
        counts[id] = counts.get(id, 0) + 1
    taken = {id for id in ids if counts[id] == 1}
    numbers: dict[str, int] = {}
    unique = []
    for id in ids:
        while counts[id] > 1:
            separator = "_" if id[-1:].isdigit() else ""
            candidate = f"{id}{separator}{numbers.get(id, 0)}"
            numbers[id] = numbers.get(id, 0) + 1
            if candidate not in taken:
                taken.add(candidate)
                id = candidate
                break
        unique.append(id)
    return unique


class Collect(Mapping[str, T_co], Generic[T_co]):
    """``models: Collect[Model]``: all branches of a step, by id, in the order of declaration.

    Read-only. A key is what stands in the brackets of the branch's node id (``"C=0.1"``); where
    there is one axis, the id alone (``"0.1"``) finds the same. `failed` holds the ids of the branches
    that failed and that ``Over(..., tolerate=...)`` lets be absent.
    """

    __slots__ = ("_items", "_short", "failed")

    def __init__(self, items: Mapping[str, T_co], failed: Iterable[str] = ()) -> None:
        self._items = dict(items)
        self._short: dict[str, str] | None = None
        self.failed: tuple[str, ...] = tuple(failed)

    def __getitem__(self, id: str) -> T_co:
        if id in self._items:
            return self._items[id]
        full = self._by_short_id().get(id)
        if full is None:
            known = ", ".join(map(repr, list(self._items)[:8])) + (", ..." if len(self._items) > 8 else "")
            raise KeyError(f"{id!r} is no branch; there are: {known or 'none'}")
        return self._items[full]

    def __contains__(self, id: object) -> bool:
        return id in self._items or id in self._by_short_id()

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        failed = f", failed={self.failed!r}" if self.failed else ""
        return f"Collect({self._items!r}{failed})"

    def _by_short_id(self) -> dict[str, str]:
        if self._short is None:
            names = {id.partition("=")[0] for id in self._items}
            only = len(names) == 1
            self._short = {id.partition("=")[2]: id for id in self._items if only and "=" in id}
        return self._short


@attrs.frozen(init=False)
class Over:
    """``Annotated[Collect[T], Over("C")]``: which axes to collect, and how many branches may fail.

    Parameters
    ----------
    axes
        Names of axes; none: every axis that no other parameter keeps.
    tolerate
        ``"2%"`` or a number of branches: run although that many failed; `Collect.failed` names them.
    """

    axes: tuple[str, ...]
    tolerate: str | int

    def __init__(self, *axes: str, tolerate: str | int = 0) -> None:
        parse_tolerance(tolerate)
        self.__attrs_init__(axes, tolerate)


def parse_tolerance(text: str | int) -> tuple[float, bool]:
    """Return how many branches may fail, and whether the number is a share of all of them (0 to 1)."""
    if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
        return float(text), False
    if isinstance(text, str):
        number = text.strip().removesuffix("%").strip()
        is_share = text.strip().endswith("%")
        try:
            value = float(number)
        except ValueError:
            value = -1.0
        if is_share and 0 <= value <= 100:
            return value / 100, True
        if not is_share and value >= 0 and value == int(value):
            return value, False
    raise UsageError(f"tolerate={text!r} is no tolerance", hint='write tolerate="2%" or tolerate=3')


class Each(Generic[T]):
    """``def shops() -> Each[Shop]``: the items returned become branches while the run goes on.

    A mapping gives the ids of the items, any other iterable their positions. A step that asks for
    ``shops`` runs once for each item.
    """

    def __init__(self) -> None:
        raise UsageError("Each is an annotation: return a mapping or an iterable of items")
