"""What live objects add to their syntax: closures, defaults, attributes, as they are after import."""

from __future__ import annotations

import ast
from types import FunctionType
from typing import TYPE_CHECKING, Any

from zenconv.errors import Problem
from zenconv.fingerprint import syntax
from zenconv.fingerprint.index import first_line
from zenconv.fingerprint.modules import installed_name
from zenconv.fingerprint.places import is_own_module
from zenconv.fingerprint.sources import ModuleSource
from zenconv.fingerprint.units import Unit
from zenconv.fingerprint.values import NotCanonical

if TYPE_CHECKING:
    from zenconv.fingerprint.builder import UnitBuilder

_NAMED_TUPLE_METHODS = frozenset({
    "__new__", "_make", "_replace", "__replace__", "__repr__", "_asdict", "__getnewargs__",
})  # fmt: skip
_FIELDS = ("__dataclass_fields__", "__attrs_attrs__")


def add_closure(builder: UnitBuilder, unit: Unit, function: FunctionType) -> None:
    """Add the values a function closes over; what has no canonical form counts by how it was made."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        content = cell_content(cell)
        try:
            entry = "value " + builder.encode(unit, content)
        except NotCanonical as error:
            unit.use(installed_name(type(content).__module__))
            unit.problems += (_opaque_cell(unit, function, name, error.what),)
            entry = _enclosing(builder, unit, function)
        unit.entries += [name, entry]


def _enclosing(builder: UnitBuilder, unit: Unit, function: FunctionType) -> str:
    """Return a digest of the function that made a closure whose value cannot be read."""
    source = builder.source_of(str(function.__globals__.get("__name__", "")))
    outer = function.__qualname__.partition(".")[0]
    nodes = source.index.definitions.get(outer, ()) if source is not None else ()
    return "made by " + ";".join(syntax.analyse_definition(node, full=unit.full).digest for node in nodes)


def add_defaults(builder: UnitBuilder, unit: Unit, function: FunctionType) -> None:
    """Add the values of default arguments, which a file may have decided."""
    defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    unit.entries += [_value_text(builder, unit, value) for value in defaults]


def add_attributes(builder: UnitBuilder, unit: Unit, function: FunctionType) -> None:
    """Add the attributes put on a function, without zenconv's own."""
    for name, value in sorted(function.__dict__.items()):
        if "zenconv" in name or is_own_module(type(value).__module__):
            continue
        unit.entries += [name, _value_text(builder, unit, value)]


def _value_text(builder: UnitBuilder, unit: Unit, value: Any) -> str:
    try:
        return "value " + builder.encode(unit, value)
    except NotCanonical:
        return "opaque"


def add_class_values(
    builder: UnitBuilder, unit: Unit, kind: type, node: ast.ClassDef | None, source: ModuleSource | None
) -> None:
    """Add attribute values as they are after import, and functions put into the class from outside."""
    assigned = syntax.assigned_names(node) if node is not None else frozenset()
    _add_field_defaults(builder, unit, kind)
    for name, value in sorted(kind.__dict__.items()):
        plain = value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
        if isinstance(plain, FunctionType):
            if _is_derived(kind, name, plain):
                continue
            if not _is_inside(plain, node, source):
                unit.entries += _outside_function(builder, unit, name, plain)
            else:
                add_defaults(builder, unit, plain)
        elif name in assigned or not (name.startswith("_") or name in syntax.class_names(node)):
            unit.entries += [name, _class_value(builder, unit, kind, value)]


def _class_value(builder: UnitBuilder, unit: Unit, kind: type, value: Any) -> str:
    if type(value).__name__ in ("member_descriptor", "getset_descriptor"):
        return "slot"
    inner = value._value_ if isinstance(value, kind) and hasattr(value, "_value_") else value
    return _value_text(builder, unit, inner)


def _outside_function(
    builder: UnitBuilder, unit: Unit, name: str, function: FunctionType
) -> list[Unit | str]:
    source = builder.source_of(str(function.__globals__.get("__name__", "")))
    if source is not None and source.index.find(function.__code__) is not None:
        if function.__code__.co_filename == str(source.path):
            return [name, builder.entry(unit, function)]
    elif function.__closure__ is not None:
        return [name, builder.entry(unit, function)]
    return []


def _is_derived(kind: type, name: str, function: FunctionType) -> bool:
    """Return whether a dataclass, attrs or NamedTuple wrote this method: it follows from the fields.

    The text they write differs between versions of Python.
    """
    if kind.__bases__ == (tuple,) and "_fields" in kind.__dict__:
        return name in _NAMED_TUPLE_METHODS and function.__globals__.get("__name__") != kind.__module__
    if not name.startswith("__") or kind.__dict__.keys().isdisjoint(_FIELDS):
        return False
    written = getattr(function, "__wrapped__", function)
    return isinstance(written, FunctionType) and written.__code__.co_filename.startswith("<")


def _add_field_defaults(builder: UnitBuilder, unit: Unit, kind: type) -> None:
    """Add the defaults of fields, which the methods written for them hold."""
    own = kind.__dict__
    fields: dict[str, tuple[Any, ...]] = {}
    for name, made in own.get("__dataclass_fields__", {}).items():
        fields[name] = (made.default, made.default_factory)
    for field in own.get("__attrs_attrs__", ()):
        fields[field.name] = (getattr(field.default, "factory", field.default),)
    if kind.__bases__ == (tuple,):
        fields.update({name: (value,) for name, value in own.get("_field_defaults", {}).items()})
    for name, values in fields.items():
        unit.entries += [name, *(_value_text(builder, unit, value) for value in values)]


def _is_inside(function: FunctionType, node: ast.ClassDef | None, source: ModuleSource | None) -> bool:
    code = function.__code__
    if node is None or source is None or code.co_filename != str(source.path):
        return False
    return first_line(node) <= code.co_firstlineno <= (node.end_lineno or 0)


def line_of(kind: type, source: ModuleSource | None) -> int | None:
    """Return a line inside the class statement of `kind`, to tell classes of one name apart."""
    for value in kind.__dict__.values():
        code = getattr(value, "__code__", None)
        if code is not None and source is not None and code.co_filename == str(source.path):
            return int(code.co_firstlineno)
    return None


def cell_content(cell: Any) -> Any:
    """Return what a closure cell holds; `NotImplemented` for one that is still empty."""
    try:
        return cell.cell_contents
    except ValueError:
        return NotImplemented


def _opaque_cell(unit: Unit, function: FunctionType, name: str, why: str) -> Problem:
    return Problem(
        f"{name!r}, which {function.__qualname__!r} closes over, cannot be fingerprinted ({why})",
        file=unit.file,
        line=unit.line,
        hint="pass plain data to the function that makes it",
    )
