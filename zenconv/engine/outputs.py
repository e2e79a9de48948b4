"""Several named outputs: taken out of what a step returned, and put together again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from zenconv.authoring import clean_ids
from zenconv.errors import ArtifactError
from zenconv.records.step import Step


class OutputsError(ArtifactError):
    """What a step returned does not have the declared outputs."""


def check_verdict(check: Step, returned: Any) -> None:
    """Refuse what a check must not return: a verdict that nobody would look at. `OutputsError`."""
    if isinstance(returned, bool) or type(returned).__name__ == "bool_":
        raise OutputsError(
            f"{check.name} returned {bool(returned)}; a check asserts, what it returns says nothing",
            hint="assert ..., instead of return ...",
        )


def split_outputs(step: Step, returned: Any) -> dict[str, Any]:
    """Return the outputs of `step` by name. `OutputsError` when they are not all there."""
    names = [output.name for output in step.outputs]
    if step.shape in ("value", "each"):
        return {names[0]: returned}
    if step.shape == "mapping":
        return _from_mapping(names, returned)
    if step.shape == "object":
        return _from_object(names, returned)
    if not isinstance(returned, tuple | list) or len(returned) != len(names):
        got = f"{len(returned)} values" if isinstance(returned, tuple | list) else _type_text(returned)
        also = ", or annotate the step `-> dict`" if isinstance(returned, Mapping) else ""
        raise OutputsError(
            f"returned {got}, but declares {len(names)} outputs: {', '.join(names)}",
            hint=f"return ({', '.join(names)}){also}",
        )
    return dict(zip(names, returned, strict=True))


def join_outputs(step: Step, outputs: Mapping[str, Any]) -> Any:
    """Return the whole value again: what `step` would have returned."""
    names = [output.name for output in step.outputs]
    if step.shape == "each":
        return dict(outputs)
    if step.shape == "value":
        return outputs[names[0]]
    if step.shape == "mapping":
        return {name: outputs[name] for name in names}
    if step.shape == "object":
        return _make_object(step.returns, {name: outputs[name] for name in names})
    return tuple(outputs[name] for name in names)


def list_items(returned: Any) -> Iterator[tuple[str, Any]]:
    """Yield the items of what a step with `Each` returned, by id: keys of a mapping, else positions.

    Raises
    ------
    OutputsError
        It is neither a mapping nor an iterable of items.
    """
    if isinstance(returned, Mapping):
        yield from zip(clean_ids(str(key) for key in returned), returned.values(), strict=True)
        return
    is_table = hasattr(returned, "columns") and hasattr(returned, "iloc")  # iterating gives the columns
    if isinstance(returned, str | bytes) or is_table or not isinstance(returned, Iterable):
        raise OutputsError(
            f"returned {_type_text(returned)}, but declares Each: a mapping, or an iterable of items",
            hint="return a dictionary from ids to items, or a list of items",
        )
    for position, item in enumerate(returned):
        yield str(position), item


def _from_mapping(names: list[str], returned: Any) -> dict[str, Any]:
    if not isinstance(returned, Mapping):
        raise OutputsError(
            f"returned {_type_text(returned)}, but declares a dictionary with {', '.join(names)}"
        )
    missing = [name for name in names if name not in returned]
    extra = [str(name) for name in returned if name not in names]
    if missing or extra:
        text = "; ".join(
            part
            for part in (
                f"without {', '.join(missing)}" if missing else "",
                f"with undeclared {', '.join(extra)}" if extra else "",
            )
            if part
        )
        raise OutputsError(f"returned a dictionary {text}", hint=f"declared outputs: {', '.join(names)}")
    return {name: returned[name] for name in names}


def _from_object(names: list[str], returned: Any) -> dict[str, Any]:
    missing = [name for name in names if not hasattr(returned, name)]
    if missing:
        raise OutputsError(
            f"returned {_type_text(returned)} without {', '.join(missing)}",
            hint=f"declared outputs: {', '.join(names)}",
        )
    extra = sorted(set(getattr(returned, "__dict__", ())) - set(names))
    if extra:
        raise OutputsError(
            f"returned {_type_text(returned)} with attributes that are no fields: {', '.join(extra)}",
            hint="declare them as fields, so that they are stored too",
        )
    return {name: getattr(returned, name) for name in names}


def _make_object(cls: type, values: dict[str, Any]) -> Any:
    if issubclass(cls, tuple):
        return cls(**values)
    # Not through __init__: fields may be init=False, and __post_init__ has had its effect.
    made = object.__new__(cls)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


def _type_text(value: Any) -> str:
    return "nothing (None)" if value is None else f"a {type(value).__qualname__}"
