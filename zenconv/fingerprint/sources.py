"""The project's modules, imported from bytes that are read once and kept.

What runs is what is fingerprinted: the finder installed here swaps the loader of every project
module for one that reads the file, compiles exactly these bytes and remembers them. Byte code
files are neither read nor written, so an edit counts whatever its modification time says.
"""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from importlib.machinery import (
    ExtensionFileLoader,
    FrozenImporter,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any
from zipimport import zipimporter

from zenconv import hashing
from zenconv.assertions import rewrite_assertions
from zenconv.fingerprint.places import Places, is_own_module

if TYPE_CHECKING:
    from zenconv.fingerprint.index import ModuleIndex

_SOURCE_SUFFIXES = (".py", ".pyw")
_LARGE_SOURCE = 1 << 16


class ModuleSource:
    """One project module: its name, its file, and the bytes that were compiled.

    `is_binary` says that the bytes are machine code or byte code, without a syntax to look into.
    """

    def __init__(self, module: str, path: Path, data: bytes, *, is_binary: bool = False) -> None:
        self.module = module
        self.path = path
        self.data = data
        self.is_binary = is_binary

    def __repr__(self) -> str:
        return f"ModuleSource({self.module!r}, {str(self.path)!r})"

    @cached_property
    def digest(self) -> str:
        """The digest of the bytes."""
        return hashing.digest_bytes(self.data)

    @cached_property
    def index(self) -> ModuleIndex:
        """What the module defines and binds, parsed when first asked for."""
        from zenconv.fingerprint.index import ModuleIndex

        return ModuleIndex.from_bytes(b"" if self.is_binary else self.data)

    @cached_property
    def _lines(self) -> tuple[str, array[int]]:
        """The source text, and where each of its lines begins; and the next would, at the end."""
        try:
            text = self.data.decode("utf-8-sig")
        except UnicodeDecodeError:
            from importlib.util import decode_source

            text = decode_source(self.data)
        text = text.replace("\r\n", "\n")
        starts = array("L", [0])
        end = text.find("\n")
        while end >= 0:
            starts.append(end + 1)
            end = text.find("\n", end + 1)
        starts.append(len(text) + 1)
        return text, starts

    def text(self, first: int, last: int) -> str:
        """Return lines `first` to `last`, counted from 1, both included."""
        text, starts = self._lines
        most = len(starts) - 1
        return text[starts[min(first - 1, most)] : max(0, starts[min(last, most)] - 1)]


class ProjectSources:
    """The registry of project modules below `root` (and editable installations elsewhere).

    `sought` are the parts of all module names that were looked for, found or not.

    `foreign` are imported modules, by name, that were found not to be the project's.

    `given` holds, by path, contents that take the place of files: what another process has read.

    `parses_early` has each module parsed right after it was compiled, for who needs all of them: the
    parser takes much more memory than its result, and later there is less of it left.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(os.path.abspath(root))
        self.places = Places(root)
        self.given: Mapping[str, bytes] = {}
        self.sought: set[str] = set()
        self.foreign: dict[str, Any] = {}
        self.parses_early = False
        self._modules: dict[str, ModuleSource] = {}
        self._finder = _ProjectFinder(self)

    def install(self) -> None:
        """Put the finder first on ``sys.meta_path``; once, however often this is called."""
        if self._finder not in sys.meta_path:
            sys.meta_path.insert(0, self._finder)

    def uninstall(self) -> None:
        """Take the finder away again; what is recorded stays."""
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)

    def load_file(self, name: str, path: str | os.PathLike[str]) -> ModuleType:
        """Import the file at `path` as the module `name` and return it.

        Whatever the file raises while it executes is passed on; the module is then forgotten.
        """
        location = os.path.abspath(path)
        loader = _ProjectLoader(self, name, location)
        spec = spec_from_file_location(name, location, loader=loader)
        if spec is None:
            raise ImportError(f"{location} cannot be imported as {name}", name=name, path=location)
        module = module_from_spec(spec)
        previous = sys.modules.get(name)
        sys.modules[name] = module
        try:
            loader.exec_module(module)
        except BaseException:
            if previous is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = previous
            raise
        return sys.modules[name]

    def record(self, name: str, path: str, data: bytes, *, is_binary: bool = False) -> ModuleSource:
        """Remember that the module `name` was made from `data`, the content of `path`."""
        source = self._modules[name] = ModuleSource(name, Path(path), data, is_binary=is_binary)
        return source

    def get(self, module_name: str) -> ModuleSource | None:
        """Return the source of a project module, or None if it is not one or has no file.

        A project module that another import hook loaded is read from its file now.
        """
        found = self._modules.get(module_name)
        if found is not None:
            return found
        path = _file_of(sys.modules.get(module_name))
        if path is None or is_own_module(module_name) or not self.places.is_project_file(path):
            return None
        try:
            with open(path, "rb") as stream:
                data = stream.read()
        except OSError:
            return None
        return self.record(module_name, path, data, is_binary=not path.endswith(_SOURCE_SUFFIXES))

    def forget_syntax(self) -> None:
        """Give back the memory of all syntax trees; one that is needed again is parsed again."""
        for source in self._modules.values():
            source.__dict__.pop("index", None)

    def loose(self, module: ModuleType) -> ModuleSource | None:
        """Return the source of a project file that was executed without becoming known as a module.

        So do ``spec_from_file_location`` and ``exec_module`` alone: the module is in no table.
        """
        name = getattr(module, "__name__", "")
        path = _file_of(module)
        if sys.modules.get(name) is module or path is None or not self.places.is_project_file(path):
            return None
        try:
            return ModuleSource(name, Path(path), _read(path), is_binary=not path.endswith(_SOURCE_SUFFIXES))
        except OSError:
            return None

    def is_project(self, module_name: str) -> bool:
        """Return whether an imported module is project code; true for a package without a file too."""
        if self.get(module_name) is not None:
            return True
        module = sys.modules.get(module_name)
        if module is None or _file_of(module) is not None:
            return False
        return any(self.places.is_project_folder(folder) for folder in _folders_of(module))

    def modules(self) -> list[ModuleSource]:
        """Return the recorded modules, sorted by name."""
        return [self._modules[name] for name in sorted(self._modules)]

    def relative(self, path: str | os.PathLike[str]) -> str:
        """Return `path` for display: relative to the root if below it, with forward slashes."""
        return self.places.relative(path)


def sources_of(module: ModuleType | None) -> ProjectSources | None:
    """Return the registry through which `module` was imported; None if it was none."""
    loader = getattr(getattr(module, "__spec__", None), "loader", None)
    return loader.sources if isinstance(loader, _ProjectLoader) else None


class _ProjectLoader(SourceFileLoader):
    def __init__(self, sources: ProjectSources, name: str, path: str) -> None:
        super().__init__(name, path)
        self.sources = sources

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        data = self.sources.given.get(path) or self.get_data(path)
        _check_text(data, path)
        source = rewrite_assertions(data, path)
        code: CodeType = compile(source, path, "exec", dont_inherit=True)
        recorded = self.sources.record(fullname, path, data)
        if self.sources.parses_early:
            _ = recorded.index
        if len(data) > _LARGE_SOURCE:
            _return_memory()
        return code


class _ProjectFinder:
    """Answers for project modules only; every other import goes its ordinary way."""

    def __init__(self, sources: ProjectSources) -> None:
        self._sources = sources

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        self._sources.sought.update(name.split("."))
        if is_own_module(name) or not self._may_be_project(name, path):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or not self._sources.places.is_project_file(spec.origin):
            return None
        if path is None and FrozenImporter.find_spec(name) is not None:
            return None
        return self._adopt(name, spec)

    def invalidate_caches(self) -> None:
        """Nothing is remembered between searches."""

    def _may_be_project(self, name: str, path: Sequence[str] | None) -> bool:
        if path is None:
            return name not in sys.builtin_module_names
        return any(self._sources.places.is_project_folder(os.path.abspath(entry)) for entry in path)

    def _adopt(self, name: str, spec: ModuleSpec) -> ModuleSpec | None:
        origin = str(spec.origin)
        loader: Any = spec.loader
        if isinstance(spec.loader, (ExtensionFileLoader, SourcelessFileLoader)):
            self._sources.record(name, origin, _read(origin), is_binary=True)
            return spec
        if isinstance(loader, zipimporter):
            with suppress(OSError):
                is_binary = not origin.endswith(_SOURCE_SUFFIXES)
                self._sources.record(name, origin, loader.get_data(origin), is_binary=is_binary)
            return spec
        if type(spec.loader) is not SourceFileLoader:
            return None
        spec.loader = _ProjectLoader(self._sources, name, origin)
        spec.cached = None
        return spec


def _check_text(data: bytes, path: str) -> None:
    """Raise `SyntaxError` where `data` is not in its encoding: `compile` looks only outside of comments."""
    if data.isascii():
        return
    from importlib.util import decode_source

    try:
        decode_source(data)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SyntaxError(f"Non-UTF-8 code: {error}", (path, line, None, None)) from None
    except SyntaxError as error:
        if "unknown encoding" not in error.msg:  # of which `compile` knows where it stands
            raise SyntaxError("Non-UTF-8 code", (path, 1, None, None)) from None


def _return_memory() -> None:
    """Have the C library return what compiling and parsing took: it keeps a hundred times the source."""
    if sys.platform == "linux":
        import ctypes

        with suppress(AttributeError, OSError):  # not every C library can
            ctypes.CDLL(None).malloc_trim(0)


def _read(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()


def _file_of(module: ModuleType | None) -> str | None:
    try:
        path: Any = getattr(module, "__file__", None)
    except Exception:  # noqa: BLE001 - what stands in sys.modules may be any object
        return None
    if type(path) is not str or not path:
        return None
    if path.endswith(".pyc"):
        source = getattr(getattr(module, "__spec__", None), "origin", None)
        return source if isinstance(source, str) else path
    return path


def _folders_of(module: ModuleType) -> list[str]:
    try:
        return [os.path.abspath(str(folder)) for folder in getattr(module, "__path__", ())]
    except Exception:  # noqa: BLE001 - as above
        return []
