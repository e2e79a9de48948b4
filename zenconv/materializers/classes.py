"""What plain value classes (dataclasses, attrs, NamedTuples, enums) hold, and how to make one again."""

from __future__ import annotations

import sys
from typing import Any

_MISSING = object()
_PYDANTIC = (None, "pydantic.main", "pydantic.root_model")
_CONSTRUCTION = ("__new__", "__reduce__", "__reduce_ex__")


def is_importable(cls: type) -> bool:
    """Return whether another process finds this very class by its module and name."""
    module = sys.modules.get(cls.__module__)
    if module is None or cls.__module__ in ("__main__", "__mp_main__"):
        return False
    found: Any = module
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, _MISSING)
    return found is cls


def field_names(cls: type) -> tuple[str, ...] | None:
    """Return the fields of a dataclass or attrs class, or None for any other class."""
    fields = cls.__dict__.get("__dataclass_fields__")
    if fields is not None:
        dataclasses = sys.modules["dataclasses"]
        return tuple(field.name for field in dataclasses.fields(cls))
    if "__pydantic_fields__" in cls.__dict__:
        return tuple(cls.__dict__["__pydantic_fields__"])
    attributes = cls.__dict__.get("__attrs_attrs__")
    if attributes is not None:
        return tuple(attribute.name for attribute in attributes)
    return None


def state_of(value: Any) -> dict[str, Any] | None:
    """Return the fields of a dataclass or attrs instance, or None where they are not all of it."""
    cls = type(value)
    names = field_names(cls)
    if names is None or _has_own_rules(cls):
        return None
    held = getattr(value, "__dict__", {})
    if any(name not in names for name in held):
        return None
    for slot in _slots(cls):
        if slot not in names and hasattr(value, slot):
            return None
    state = {}
    for name in names:
        found = held.get(name, _MISSING)
        if found is _MISSING:
            found = _slot_value(value, cls, name)
        if found is not _MISSING:
            state[name] = found
    return state


def make_instance(cls: type, state: dict[str, Any]) -> Any:
    """Return an instance of `cls` with these fields, made without its ``__init__``."""
    made: Any = object.__new__(cls)
    for name, value in state.items():
        object.__setattr__(made, name, value)
    return made


def is_pydantic_model(cls: type) -> bool:
    """Return whether instances of `cls` are models of pydantic 2 that follow its own rules of state."""
    base = getattr(sys.modules.get("pydantic.main"), "BaseModel", None)
    if base is None or not issubclass(cls, base) or set(_slots(cls)) != set(_slots(base)):
        return False
    rules = (getattr(cls, name) for name in (*_CONSTRUCTION, "__getstate__", "__setstate__"))
    return all(getattr(rule, "__module__", None) in _PYDANTIC for rule in rules)


def is_named_tuple(cls: type) -> bool:
    """Return whether `cls` was made by NamedTuple and adds no state of its own."""
    return cls.__bases__ == (tuple,) and "_fields" in cls.__dict__ and cls.__dict__.get("__slots__") == ()


def _slots(cls: type) -> list[str]:
    found: list[str] = []
    for ancestor in cls.__mro__:
        slots = ancestor.__dict__.get("__slots__", ())
        found += (slots,) if isinstance(slots, str) else slots
    return [slot for slot in found if slot not in ("__dict__", "__weakref__")]


def _slot_value(value: Any, cls: type, name: str) -> Any:
    # Only slots: a default that stays in the class body is not state of the instance.
    if name in _slots(cls):
        return getattr(value, name, _MISSING)
    return _MISSING


def _has_own_rules(cls: type) -> bool:
    if any(getattr(cls, name) is not getattr(object, name) for name in _CONSTRUCTION):
        return True
    if hasattr(cls, "__getnewargs__") or hasattr(cls, "__getnewargs_ex__"):
        return True
    return any(_is_handwritten(cls, name) for name in ("__getstate__", "__setstate__"))


def _is_handwritten(cls: type, name: str) -> bool:
    method = getattr(cls, name, None)
    if method is None or method is getattr(object, name, None):
        return False
    made_by = getattr(method, "__module__", "")
    return made_by not in ("dataclasses", "attr._make")
