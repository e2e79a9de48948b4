"""The named outputs of a step, read from its return annotation or its options."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, get_args, get_origin

from zenconv.project.annotations import Annotations, describe, each_item, has_late, unwrap
from zenconv.records.step import Output, Shape

_SINGLE = (Output(""),)


class Outputs(NamedTuple):
    """Outputs, how they sit in the returned value, and what is wrong with them (or ``""``)."""

    outputs: tuple[Output, ...] = _SINGLE
    shape: Shape = "value"
    mistake: str = ""
    late: Mapping[str, Any] = MappingProxyType({})


def read_outputs(returns: Any, text: str, declared: tuple[str, ...], annotations: Annotations) -> Outputs:
    """Return the outputs of a step.

    Parameters
    ----------
    returns, text
        The resolved return annotation (None if there is none) and its text.
    declared
        Names given by ``@zenconv.step(outputs=...)``; they win over the annotation.
    """
    kind, _ = unwrap(returns)
    is_each, item = each_item(returns)
    if is_each:
        mistake = "Each is its only output; it cannot have others beside it" if declared else ""
        single = _single(item, describe(item) if item is not None else "")
        return single._replace(shape="each", mistake=mistake)
    if any(each_item(argument)[0] for argument in get_args(kind)):
        return Outputs(mistake="Each is what a step returns, not a part of it: return Each[...] alone")
    if declared:
        return _declared(kind, declared, annotations)
    if kind is None and not text:
        return Outputs()
    fields, shape = _fields(kind, annotations)
    if not fields:
        repeated = _repeated_item(kind)
        single = _single(returns, text)
        return single._replace(mistake=f"output name {repeated!r} is given twice") if repeated else single
    return _several(fields, shape)


def _single(returns: Any, text: str) -> Outputs:
    late = {"": returns} if has_late(returns) else {}
    return Outputs((Output("", text, None if late else returns),), "value", "", late)


def _several(fields: dict[str, tuple[str, Any]], shape: Shape) -> Outputs:
    late = {name: kind for name, (_, kind) in fields.items() if has_late(kind)}
    outputs = tuple(
        Output(name, text, None if name in late else kind) for name, (text, kind) in fields.items()
    )
    wrong = [name for name in fields if not name.isidentifier()]
    mistake = f"output name {wrong[0]!r} is no identifier, so no parameter can ask for it" if wrong else ""
    return Outputs(outputs, shape, mistake, late)


def _declared(kind: Any, declared: tuple[str, ...], annotations: Annotations) -> Outputs:
    repeated = sorted({name for name in declared if declared.count(name) > 1})
    if repeated:
        return Outputs(mistake=f"output name {repeated[0]!r} is given twice")
    fields, shape = _fields(kind, annotations)
    if shape == "tuple" or not fields:
        origin = get_origin(kind) or kind
        is_mapping = isinstance(origin, type) and issubclass(origin, Mapping)
        items = _tuple_items(kind, len(declared), is_mapping)
        shape = "mapping" if is_mapping else "tuple"
        if get_origin(kind) is tuple and items is None:
            count = len(get_args(kind))
            return Outputs(mistake=f"{len(declared)} outputs are declared, but the annotation has {count}")
        if len(declared) == 1 and not is_mapping and get_origin(kind) is not tuple:
            shape, items = "value", [kind]  # a name for the one value, not a tuple of one
        items = items or [None] * len(declared)
        return _several(
            {n: ("" if t is None else describe(t), t) for n, t in zip(declared, items, strict=True)}, shape
        )
    unknown = [name for name in declared if name not in fields]
    if unknown:
        return Outputs(
            mistake=f"declared output {unknown[0]!r} is no field of what it returns: {', '.join(fields)}"
        )
    return _several({name: fields[name] for name in declared}, shape)


def _tuple_items(kind: Any, count: int, is_mapping: bool) -> list[Any] | None:
    arguments = get_args(kind)
    if is_mapping:
        return [arguments[1] if len(arguments) == 2 else None] * count
    if get_origin(kind) is not tuple:
        return None
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return [arguments[0]] * count
    return [unwrap(item)[0] for item in arguments] if len(arguments) == count else None


def _fields(kind: Any, annotations: Annotations) -> tuple[dict[str, tuple[str, Any]], Shape]:
    if get_origin(kind) is tuple:
        return _named_items(kind), "tuple"
    if not isinstance(kind, type) or get_origin(kind) is not None:
        return {}, "value"
    return _fields_of_class(kind, annotations)


def _fields_of_class(kind: Any, annotations: Annotations) -> tuple[dict[str, tuple[str, Any]], Shape]:
    if issubclass(kind, tuple) and isinstance(getattr(kind, "_fields", None), tuple):
        types_of = annotations.of_class(kind)
        return {name: types_of.get(name, ("", None)) for name in kind._fields}, "object"
    if typing.is_typeddict(kind):
        return annotations.of_class(kind), "mapping"
    if _is_plain_dataclass(kind):
        types_of = annotations.of_class(kind)
        return {name: types_of.get(name, ("", None)) for name in kind.__dataclass_fields__}, "object"
    return {}, "value"


def _named_items(kind: Any) -> dict[str, tuple[str, Any]]:
    """Return the items of ``tuple[Annotated[T, "a"], ...]`` if every one is named."""
    names = _item_names(kind)
    if not names or "" in names or len(set(names)) < len(names):
        return {}
    items = [unwrap(item)[0] for item in get_args(kind)]
    return {name: (describe(item), item) for name, item in zip(names, items, strict=True)}


def _item_names(kind: Any) -> list[str]:
    metadata = [unwrap(item)[1] for item in get_args(kind)]
    return [next((m for m in marks if isinstance(m, str)), "") for marks in metadata]


def _repeated_item(kind: Any) -> str:
    names = _item_names(kind) if get_origin(kind) is tuple else []
    return next((name for name in names if name and names.count(name) > 1), "")


def _is_plain_dataclass(kind: Any) -> bool:
    """Return whether calling the class with all its fields gives an equal object back."""
    fields = getattr(kind, "__dataclass_fields__", None)
    if not isinstance(fields, dict) or not fields:
        return False
    return all(f.init and getattr(f._field_type, "name", "") == "_FIELD" for f in fields.values())
