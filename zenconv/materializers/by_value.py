"""Pickling with code included (cloudpickle), for classes and functions that no module provides."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterable
from types import CodeType, FunctionType, ModuleType
from typing import Any

import cloudpickle

from zenconv.materializers.pickling import (
    OUTSIDE_KEYS,
    PROTOCOL,
    CanonicalIdentity,
    is_found_by_name,
    keep_buffer,
    note_reference,
)
from zenconv.materializers.reducing import reduce_for_content, reduce_known

_PLACES = frozenset({"__firstlineno__", "__static_attributes__"})
"""What a class tells of its text from Python 3.13 on, the latter in no certain order."""


class ByValuePickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Cloudpickle that collects references and refuses what it would change on the way."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream, PROTOCOL, buffer_callback=self.keep_buffer)
        self.references: set[tuple[str, str]] = set()
        self.buffers: list[memoryview] = []
        self.storages: dict[int, Any] = {}

    def reducer_override(self, value: Any) -> Any:
        """Reduce `value`, with a note of its name where it is stored by name."""
        kind = type(value)
        if kind is memoryview or (
            isinstance(value, io.IOBase) and not isinstance(value, (io.BytesIO, io.StringIO))
        ):
            raise pickle.PicklingError(f"cannot pickle {kind.__name__!r} object")
        if (isinstance(value, type) or hasattr(value, "__qualname__")) and is_found_by_name(value):
            note_reference(value, self.references)
        elif type(value) is FunctionType:
            note_modules(value, self.references)
        known = reduce_known(value, self.storages)
        return super().reducer_override(value) if known is NotImplemented else known

    def keep_buffer(self, buffer: pickle.PickleBuffer) -> bool:
        """Take a big buffer out of the stream."""
        return keep_buffer(buffer, self.buffers)


class ByValueContentPickler(ByValuePickler):
    """Writes the canonical stream, which is only hashed, never loaded."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self.canonical = CanonicalIdentity(ByValueContentPickler)

    def persistent_id(self, value: Any) -> Any:
        """Return what stands for `value` where its natural form is not canonical."""
        return self.canonical.stand_in(value)

    def reducer_override(self, value: Any) -> Any:
        """Reduce `value` as for storing, but code without the file and the lines it was written on."""
        if type(value) is CodeType:
            return (CodeType, _code_without_place(value))
        known = reduce_for_content(value)
        if known is not NotImplemented:
            return known
        reduced = super().reducer_override(value)
        if type(reduced) is not tuple:
            return reduced
        if type(value) is FunctionType:
            made, arguments, *state = reduced
            return (made, (arguments[0], {}, *arguments[2:]), *state)
        if isinstance(value, type) and len(reduced) > 2 and type(reduced[2]) is tuple:
            made, arguments, (members, *others), *rest = reduced
            kept = {name: member for name, member in members.items() if name not in _PLACES}
            return (made, arguments, (kept, *others), *rest)
        return reduced


def note_modules(function: FunctionType, references: set[tuple[str, str]]) -> None:
    """Collect what a function stored by value reaches as ``module.name``: its module stays behind."""
    names = set(_names_in(function.__code__))
    modules = [found for name in names if type(found := function.__globals__.get(name)) is ModuleType]
    modules += [cell for cell in _cells(function) if type(cell) is ModuleType]
    seen = set()
    while modules:
        module = modules.pop()
        if module in seen:
            continue
        seen.add(module)
        for name in names & module.__dict__.keys():
            found = module.__dict__[name]
            if type(found) is ModuleType:
                modules.append(found)
            elif found is not None:
                _note_name(module.__name__, name, references)


def _note_name(module: str, name: str, references: set[tuple[str, str]]) -> None:
    if module.partition(".")[0] not in OUTSIDE_KEYS:
        references.add((module, name))


def _names_in(code: CodeType) -> Iterable[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if type(constant) is CodeType:
            yield from _names_in(constant)


def _cells(function: FunctionType) -> Iterable[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # a cell that nothing was put into yet
            continue


def _code_without_place(code: CodeType) -> tuple[Any, ...]:
    return (
        code.co_qualname, code.co_code, code.co_consts, code.co_names, code.co_varnames, code.co_freevars,
        code.co_cellvars, code.co_flags, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount,
        code.co_exceptiontable,
    )  # fmt: skip
