"""The texts in a step's code that may name files: its own, and of the project's code it reaches."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property, partial
from pathlib import PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from zenconv.engine.failures import ProjectFiles
from zenconv.engine.named_files import quoted_texts
from zenconv.engine.origins import literals

_MOST_FUNCTIONS = 2000
_MOST_ITEMS = 100
_MEMOIZED = type(cache(len))
"""What it read once it does not read again, in whichever step: only its code tells."""

_LONGEST_TEXT = 200
_LONGEST_QUERY = 20_000


_UNHEARD = frozenset(
    {
        "av", "catboost", "cv2", "decord", "duckdb", "fiona", "h5py", "laspy", "librosa", "lmdb", "netCDF4",
        "open3d", "pyogrio", "pyproj", "pysam", "rasterio", "safetensors", "SimpleITK", "soundfile",
        "tensorflow", "tokenizers", "torchaudio", "torchvision", "xarray", "zarr",
    }
)  # fmt: skip
"""Libraries whose compiled code opens files, and nothing is heard of it."""


class Spoken(NamedTuple):
    """What code speaks of: texts, each once, and whether it uses a library whose reading is not heard."""

    texts: list[str]
    is_unheard: bool


def read_code(function: Callable[..., Any], files: ProjectFiles) -> Spoken:
    """Return the literals, defaults and global texts and paths that `function` reaches.

    Reached are, by the names in its code, the functions, classes and globals of the project.
    Nothing is executed. Of longer texts there is what stands in quotes.
    """
    reader = _Reader(files)
    reader.follow(function)
    reader.read()
    return Spoken(list(reader.texts), reader.is_unheard)


def texts_in(values: Iterable[Any]) -> list[str]:
    """Return the short texts among `values`, and in the small containers among them."""
    found: list[str] = []
    for value in values:
        if isinstance(value, str):
            found += [value] if len(value) <= _LONGEST_TEXT else []
        elif type(value) in (list, tuple, set, frozenset, dict) and len(value) <= _MOST_ITEMS:
            items = value.values() if type(value) is dict else value
            found += [item for item in items if isinstance(item, str) and len(item) <= _LONGEST_TEXT]
    return found


class _Reader:
    def __init__(self, files: ProjectFiles) -> None:
        self.texts: dict[str, None] = {}
        self.is_unheard = False
        self._files = files
        self._seen: set[int] = set()
        self._waiting: list[FunctionType] = []

    def read(self) -> None:
        """Read all functions that are waiting, and those they lead to."""
        while self._waiting and len(self._seen) < _MOST_FUNCTIONS:
            function = self._waiting.pop()
            for text in literals(function.__code__, _LONGEST_QUERY):
                if text != function.__doc__:
                    self._keep(text)
            for value in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
                self._keep(value)
            for cell in function.__closure__ or ():
                try:
                    self.follow(cell.cell_contents)
                except ValueError:
                    pass  # not yet filled
            names = set(_names(function.__code__))
            self.is_unheard |= not _UNHEARD.isdisjoint(names)
            for name in names - {"__file__"}:
                self._follow_global(function.__globals__.get(name), names)
            if "__file__" in names:  # to find what lies beside it; the code itself has a fingerprint
                self._keep(os.path.dirname(function.__globals__.get("__file__", "")))

    def follow(self, value: Any) -> None:
        """Take a function of the project, or the methods of a class, to be read."""
        if isinstance(value, MethodType | staticmethod | classmethod):
            value = value.__func__
        if isinstance(value, partial):
            for part in (value.func, *value.args, *value.keywords.values()):
                self.follow(part)
        elif isinstance(value, FunctionType):
            if id(value) not in self._seen and value.__code__.co_filename in self._files:
                self._seen.add(id(value))
                self._waiting.append(value)
            if hasattr(value, "__wrapped__"):
                self.follow(value.__wrapped__)
        elif isinstance(value, _MEMOIZED):
            self.follow(value.__wrapped__)
        elif isinstance(value, cached_property):
            self.follow(value.func)
        elif isinstance(value, type):
            if id(value) not in self._seen and self._is_own(value.__module__):
                self._seen.add(id(value))
                for member in list(vars(value).values()):
                    self.follow(getattr(member, "fget", None) or member)
        else:
            self._keep(value)

    def _follow_global(self, value: Any, names: set[str]) -> None:
        if isinstance(value, ModuleType | type | FunctionType | BuiltinFunctionType):
            module = value.__name__ if isinstance(value, ModuleType) else value.__module__
            self.is_unheard |= str(module).partition(".")[0] in _UNHEARD
        if not isinstance(value, ModuleType):
            self.follow(value)
        elif (value.__dict__.get("__file__") or "") in self._files:
            for name in names & vars(value).keys():
                self.follow(vars(value)[name])

    def _is_own(self, module: str) -> bool:
        return (getattr(sys.modules.get(module), "__file__", None) or "") in self._files

    def _keep(self, value: Any) -> None:
        """Keep a text or path, or those directly in a small container."""
        if isinstance(value, str):
            if len(value) <= _LONGEST_TEXT:
                self.texts[value] = None
            if len(value) <= _LONGEST_QUERY:
                self.texts.update(dict.fromkeys(quoted_texts(value)))
        elif isinstance(value, PurePath):
            self.texts[str(value)] = None
        elif type(value) in (list, tuple, set, frozenset, dict) and len(value) <= _MOST_ITEMS:
            for item in value.values() if type(value) is dict else value:
                if isinstance(item, str | PurePath):
                    self._keep(item)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
