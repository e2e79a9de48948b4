"""What a parameter of one pipeline can see, nearest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

from zenconv.project.aliases import list_aliases
from zenconv.project.collected import CollectedFile, Collection
from zenconv.project.discover import ZENCONF
from zenconv.project.unread import Unread
from zenconv.records.step import Fixture, Step


class Provider(NamedTuple):
    """A step, one of its outputs, or a fixture, under the name that a parameter asks for."""

    step: Step | None = None
    output: str | None = None
    fixture: Fixture | None = None

    @property
    def file(self) -> str:
        """The file it is written in."""
        found = self.step or self.fixture
        return found.file if found is not None else ""

    def __str__(self) -> str:
        if self.fixture is not None:
            return f"fixture {self.fixture.name!r} ({self.fixture.where})"
        assert self.step is not None
        what = f"step {self.step.name!r} ({self.step.where})"
        return what if self.output is None else f"output {self.output!r} of {what}"


Names = dict[str, tuple[Provider, ...]]


class Layer(NamedTuple):
    """Names at one distance; `unread` are files that could not be imported and might provide more."""

    names: Names
    unread: tuple[CollectedFile, ...] = ()
    is_siblings: bool = False
    checks: tuple[Step, ...] = ()

    def provide(self, name: str, asker: Step | Fixture | None) -> tuple[Provider, ...]:
        """Return the providers of `name`, but for outputs of the asker itself."""
        providers = self.names.get(name, ())
        if asker is not None and any(p.step is asker and p.output for p in providers):
            return tuple(p for p in providers if p.step is not asker or not p.output)
        return providers


class Found(NamedTuple):
    """The providers of a name at the nearest distance, and that distance; or what stands in the way."""

    level: int = -1
    providers: tuple[Provider, ...] = ()
    unread: tuple[CollectedFile, ...] = ()


class Scope:
    """The layers that the parameters of one file see: itself, ``zenconf.py``, siblings, parents."""

    def __init__(
        self, file: CollectedFile, layers: list[Layer], zenconfs: tuple[str, ...], aliases: tuple[str, ...]
    ) -> None:
        self.file = file
        self.layers = layers
        self.zenconfs = zenconfs
        self.aliases = aliases

    @property
    def pipeline(self) -> str:
        """The name of the pipeline, ``""`` in a ``zenconf.py``."""
        return self.file.pipeline

    def find(
        self, name: str, unread_names: Unread, *, start: int = 0, asker: Step | Fixture | None = None
    ) -> Found:
        """Return the nearest providers of `name`, from the layer `start` outwards.

        What a template overrides is another template, so beyond one (`start` > 1) siblings do not count.
        An output of the asker itself is none that it could take.
        """
        for level in range(start, len(self.layers)):
            layer = self.layers[level]
            if layer.is_siblings and start > 1:
                continue
            providers = layer.provide(name, asker)
            if layer.is_siblings and start:
                providers = tuple(p for p in providers if p.file != self.file.file)
            if providers:
                return Found(level, providers)
            unread = tuple(f for f in layer.unread if unread_names.may_define(f, name))
            if unread:
                return Found(level, (), unread)
        return Found()

    def find_written_in(
        self, name: str, file: str, *, skip: int = -1, asker: Step | Fixture | None = None
    ) -> Found:
        """Return the providers of `name` that stand in `file`, leaving the layer `skip` out."""
        for level, layer in enumerate(self.layers):
            if level == skip or layer.is_siblings:
                continue
            providers = tuple(p for p in layer.provide(name, asker) if p.file == file)
            if providers:
                return Found(level, providers)
        return Found()

    def names(self) -> set[str]:
        """Return every name that can be asked for."""
        return {name for layer in self.layers for name in layer.names}

    @cached_property
    def autouse(self) -> tuple[str, ...]:
        """Names of the fixtures that are set up unasked: its own and those of each ``zenconf.py``."""
        found: dict[str, None] = {}
        for layer in reversed(self.layers):
            for name, providers in layer.names.items() if not layer.is_siblings else ():
                if any(p.fixture is not None and p.fixture.note.autouse for p in providers):
                    found[name] = None
        return tuple(found)


class Scopes:
    """Makes the scope of every file of a collection, sharing the layers of folders."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.unread = Unread(collection)
        self._own: dict[str, Layer] = {}
        self._siblings: dict[str, Layer] = {}
        self._scopes: dict[str, Scope] = {}
        self._by_folder: dict[str, list[CollectedFile]] = {}
        for file in collection.step_files():
            self._by_folder.setdefault(file.folder, []).append(file)
        self.aliases = list_aliases(collection)

    def of(self, file: str) -> Scope:
        """Return the scope of a step file or ``zenconf.py``."""
        if file not in self._scopes:
            self._scopes[file] = self._make(self.collection.files[file])
        return self._scopes[file]

    def _make(self, file: CollectedFile) -> Scope:
        layers, zenconfs = [self._layer_of(file)], []
        for folder in _outwards(file.folder):
            path = f"{folder}/{ZENCONF}" if folder else ZENCONF
            zenconf = self.collection.files.get(path)
            if zenconf is not None:
                zenconfs.append(path)
                if zenconf is not file:
                    layers.append(self._layer_of(zenconf))
            if not file.is_zenconf and folder in self._by_folder:
                layers.append(self._layer_of_folder(folder))
        return Scope(file, layers, tuple(zenconfs), self.aliases.get(file.pipeline, ()))

    def _layer_of(self, file: CollectedFile) -> Layer:
        if file.file not in self._own:
            unread = (file,) if file.problems and not file.steps else ()
            checks = tuple(step for step in file.steps if step.is_check and file.is_zenconf)
            self._own[file.file] = Layer(_names([file]), unread, checks=checks)
        return self._own[file.file]

    def _layer_of_folder(self, folder: str) -> Layer:
        if folder not in self._siblings:
            files = self._by_folder[folder]
            unread = tuple(f for f in files if f.problems and not f.steps)
            self._siblings[folder] = Layer(_names(files), unread, is_siblings=True)
        return self._siblings[folder]


def _outwards(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""


def _names(files: Iterable[CollectedFile]) -> Names:
    found: dict[str, Any] = {}
    for file in files:
        for step in file.steps:
            if step.is_check:
                continue  # it has nothing to give
            _add(found, step.name, Provider(step))
            for output in step.outputs:
                if output.name:
                    _add(found, output.name, Provider(step, output.name))
        for fixture in file.fixtures:
            _add(found, fixture.name, Provider(fixture=fixture))
    return found


def _add(found: Names, name: str, provider: Provider) -> None:
    known = found.get(name)
    found[name] = (provider,) if known is None else (*known, provider)
