"""Which materializer a value gets, and the two verbs of the package: save and load.

A value is matched by the dotted names of its class and base classes, the nearest first, so a
library is imported only when a value of it is there. Under one name the materializer that was
registered last is asked first: a plugin or a project goes before what is built in.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zenconv.errors import (
    ArtifactError,
    CorruptArtifact,
    PluginError,
    SaveError,
    StoreError,
    UnknownComponent,
    UntrustedArtifact,
    ZenconvError,
    did_you_mean,
)
from zenconv.hooks.markers import MaterializerSpec
from zenconv.materializers.describing import class_name, summarize_plain, type_name
from zenconv.materializers.libraries import LIBRARIES
from zenconv.materializers.saving import ArtifactSink, Declined, SavedValue
from zenconv.records.artifact import Artifact

if TYPE_CHECKING:
    from zenconv.interfaces.materializing import Materializer
    from zenconv.interfaces.storing import ArtifactStore
    from zenconv.materializers.loading import ArtifactSource, Importer


_OBJECTS = "zenconv.materializers.objects:"
_PANDAS = (
    "pandas.DataFrame",
    "pandas.core.frame.DataFrame",
    "pandas.Series",
    "pandas.core.series.Series",
    "pandas.Index",
    "pandas.core.indexes.base.Index",
    "pandas.Categorical",
    "pandas.core.arrays.categorical.Categorical",
    "pandas.core.arrays.base.ExtensionArray",
    "pandas.api.extensions.ExtensionArray",
)

BUILT_IN: tuple[MaterializerSpec, ...] = (
    MaterializerSpec("pickled", ("builtins.object",), f"{_OBJECTS}PickledByValue"),
    MaterializerSpec("objects", ("builtins.object",), f"{_OBJECTS}PickledByReference"),
    MaterializerSpec("json", ("builtins.object",), "zenconv.materializers.values:JsonValues"),
    MaterializerSpec(
        "paths",
        (
            "pathlib.PosixPath",
            "pathlib.WindowsPath",
            "pathlib._local.PosixPath",
            "pathlib._local.WindowsPath",
        ),
        "zenconv.materializers.paths:FilesAndFolders",
    ),
    MaterializerSpec("stream", ("builtins.generator",), "zenconv.materializers.streams:Streams"),
    MaterializerSpec("numpy", ("numpy.ndarray",), "zenconv.materializers.numpy:Arrays"),
    MaterializerSpec("pandas", _PANDAS, "zenconv.materializers.pandas:Frames"),
    MaterializerSpec("sklearn", ("sklearn.base.BaseEstimator",), "zenconv.materializers.sklearn:Estimators"),
    MaterializerSpec(
        "torch",
        ("torch.Tensor", "torch.nn.parameter.Parameter"),
        "zenconv.materializers.torch:Tensors",
    ),
    *LIBRARIES,
)
"""The built-in materializers, the least specific first."""

Specs = Iterable["MaterializerSpec | tuple[str, Iterable[str], str]"]


class Materializers:
    """All materializers of a process, and the way to save and load any value.

    Parameters
    ----------
    specs
        In order of registration: built-in ones, then plugins, then the project. Entries are
        `MaterializerSpec` or ``(id, types, "module:Class")``. `PluginError` if two claim one id.
    """

    def __init__(self, specs: Specs = BUILT_IN) -> None:
        self._specs: dict[str, MaterializerSpec] = {}
        self._by_type: dict[str, list[MaterializerSpec]] = {}
        self._instances: dict[str, Materializer] = {}
        self._by_class: dict[type, tuple[MaterializerSpec, ...]] = {}
        for spec in specs:
            self.register(_spec(spec))

    def register(self, spec: MaterializerSpec) -> None:
        """Add a materializer, to be asked before those already there."""
        taken = self._specs.get(spec.id)
        if taken is not None:
            raise PluginError(
                f"two materializers claim the id {spec.id!r}: {taken.target} and {spec.target}",
                hint="give one of them another id, or switch its plugin off with -p no:NAME",
            )
        self._specs[spec.id] = spec
        for name in spec.types:
            self._by_type.setdefault(name, []).insert(0, spec)
        self._by_class.clear()

    def ids(self) -> list[str]:
        """Return the ids of all materializers, in order of registration."""
        return list(self._specs)

    def save(
        self, value: Any, store: ArtifactStore, *, where: str, chosen: tuple[str, str] = ("", "")
    ) -> Artifact:
        """Store `value` and return its record, unsigned.

        Parameters
        ----------
        where
            What the value is, for error messages: ``"steps_training.py::churn output 'train'"``.
        chosen
            The id of the only materializer that may store it, and who says so; empty: any.

        Raises
        ------
        SaveError
            No materializer can store it so that what comes back equals what went in.
        StoreError
            The store cannot be written.
        """
        try:
            saved = (
                self._save_by(*chosen, value, store) if chosen[0] else self._save_value(value, store, False)
            )
        except SaveError as error:
            raise SaveError(f"{where}: {error.what}", hint=error.hint) from error.__cause__
        return Artifact(
            content=saved.content,
            materializer=saved.kind,
            type=type_name(value),
            files=saved.files,
            refers=tuple(sorted(saved.references)),
            runs_code=saved.runs_code,
            summary=self.summarize(value),
        )

    def load(
        self,
        artifact: Artifact,
        store: ArtifactStore,
        *,
        allowed: bool,
        private: Path | None = None,
        importer: Importer | None = None,
    ) -> Any:
        """Return a new object equal to the stored one, which the caller may change in place.

        Parameters
        ----------
        allowed
            Whether `zenconv.trust` lets this artifact run code. It counts only for what the
            record, and so its signature, declares.
        private
            A folder that lives as long as the consumer, for copies of files.
        importer
            Imports the modules of classes and functions; `importlib.import_module` by default.

        Raises
        ------
        UntrustedArtifact
            Loading would run code or resolve names, and that is not allowed. Nothing was read.
        CorruptArtifact
            Bytes are missing or differ from their digest, or the record is malformed.
        ArtifactError
            A class or library that the value needs is not there.
        """
        from zenconv.materializers import loading

        permission = loading.Permission.of(artifact, allowed, importer)
        files = loading.files_by_name(artifact)
        scratch = loading.Scratch(private)
        source = loading.ArtifactSource(files, store, permission, scratch, self._load_kind)
        try:
            return self._load_kind(artifact.materializer, source)
        except BaseException as error:
            if not _is_about_content(error):
                raise
            raise ArtifactError(
                f"the stored {artifact.type} ({artifact.materializer}) cannot be loaded: "
                f"{type(error).__name__}: {error}",
                hint="the libraries may have changed since it was stored; run the step that made it again",
            ) from error

    def content_of(self, value: Any) -> str | None:
        """Return the content digest that saving `value` would record, without storing anything.

        None where that needs a pickle or names of code, or is impossible.
        """
        from zenconv.materializers.discarding import DiscardingStore

        try:
            saved = self._save_value(value, DiscardingStore(), True)
        except Exception:  # noqa: BLE001  whatever a foreign class raises, there is no digest
            return None
        return None if saved.runs_code or saved.references else saved.content

    def summarize(self, value: Any) -> dict[str, Any]:
        """Return a few cheap facts for people, for any value. Never raises."""
        try:
            facts = summarize_plain(value)
            if facts:
                return facts
            chosen = (m for m in self._candidates(value) if m.accepts(value))
            return next((dict(m.summarize(value)) for m in chosen), {})
        except Exception:  # noqa: BLE001  a summary is never worth a failed step
            return {}

    def is_closed(self, value: Any) -> bool:
        """Return whether `value` can be stored apart from what surrounds it (see `save_part`)."""
        return any(_is_closed(m) and m.accepts(value) for m in self._candidates(value))

    def _save_value(self, value: Any, store: ArtifactStore, closed: bool) -> SavedValue:
        declined: list[str] = []
        known: list[str] = []  # why those decline that are made for its type
        for materializer in self._candidates(value):
            if (closed and not _is_closed(materializer)) or not materializer.accepts(value):
                continue
            sink = ArtifactSink(self._save_value, self.is_closed, store)
            try:
                _save_with(materializer, value, sink)
            except Declined as error:
                declined.append(error.what)
                if "builtins.object" not in getattr(materializer, "types", ()):
                    known.append(error.what)
                continue
            except SaveError as error:
                if not known:
                    raise
                raise SaveError(f"{error.what}; and {'; '.join(known)}", hint=error.hint) from error
            return sink.finish(materializer)
        reasons = "; ".join(declined) or "no materializer accepts it"
        if closed:
            raise Declined(reasons)
        raise SaveError(f"cannot store a {type_name(value)}: {reasons}")

    def _save_by(self, id: str, origin: str, value: Any, store: ArtifactStore) -> SavedValue:
        spec = self._specs.get(id)
        if spec is None:
            raise UnknownComponent(f"there is no materializer {id!r}", hint=did_you_mean(id, self._specs))
        hint = f"{origin} asks for {id!r}; without that the first one that can is taken"
        if spec not in self._specs_of(type(value)):
            what = f"cannot store a {type_name(value)}: {id!r} stores {', '.join(spec.types[:4])}"
            raise SaveError(what, hint=hint)
        materializer = self._materializer(spec)
        if not materializer.accepts(value):
            raise SaveError(f"cannot store this {type_name(value)}: {id!r} does not accept it", hint=hint)
        sink = ArtifactSink(self._save_value, self.is_closed, store)
        try:
            _save_with(materializer, value, sink)
        except Declined as error:
            raise SaveError(f"cannot store a {type_name(value)}: {error.what}", hint=hint) from error
        return sink.finish(materializer)

    def _candidates(self, value: Any) -> Iterator[Materializer]:
        cls = type(value)
        specs = self._by_class.get(cls)
        if specs is None:
            specs = self._by_class[cls] = tuple(self._specs_of(cls))
        for spec in specs:
            yield self._materializer(spec)

    def _specs_of(self, cls: type) -> Iterator[MaterializerSpec]:
        asked = set()
        for ancestor in cls.__mro__:
            for spec in self._by_type.get(f"{ancestor.__module__}.{ancestor.__qualname__}", ()):
                if spec.id not in asked:
                    asked.add(spec.id)
                    yield spec

    def _materializer(self, spec: MaterializerSpec) -> Materializer:
        found = self._instances.get(spec.id)
        if found is None:
            found = self._instances[spec.id] = _import_materializer(spec)
        return found

    def _load_kind(self, kind: str, source: ArtifactSource) -> Any:
        materializer = self._by_kind(kind)
        if _runs_code(materializer) and not source.permission.run_code:
            raise UntrustedArtifact(
                f"a value stored by {kind!r}: loading it would run code, and its record does not say so"
            )
        return materializer.load(source)

    def _by_kind(self, kind: str) -> Materializer:
        id, _, version = kind.partition("/")
        spec = self._specs.get(id)
        if spec is None:
            raise UnknownComponent(
                f"the artifact was stored by the materializer {id!r}, which no installed plugin provides",
                hint=f"{did_you_mean(id, self._specs)}; one that a zenconf.py offers is known in a run only: "
                "as a plugin it is known to whoever loads results",
            )
        materializer = self._materializer(spec)
        if not version.isdecimal() or int(version) > materializer.version:
            raise ArtifactError(
                f"the artifact has the format {kind!r}, and this installation reads up to "
                f"'{id}/{materializer.version}'",
                hint="upgrade the package that provides this materializer",
            )
        return materializer


def _is_about_content(error: BaseException) -> bool:
    """Return whether a library says by `error` that it cannot make sense of what it has read."""
    if isinstance(error, ZenconvError):
        return False
    if isinstance(error, OSError):
        return error.errno is None  # with a number it is the system's
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"  # of Rust's


def _spec(spec: MaterializerSpec | tuple[str, Iterable[str], str]) -> MaterializerSpec:
    if isinstance(spec, MaterializerSpec):
        return spec
    id, types, target = spec
    return MaterializerSpec(id, tuple(types), target)


def _import_materializer(spec: MaterializerSpec) -> Materializer:
    module, _, name = spec.target.partition(":")
    try:
        made: Materializer = getattr(importlib.import_module(module), name)()
    except (ImportError, AttributeError, TypeError) as error:
        raise PluginError(
            f"the materializer {spec.id!r} ({spec.target}) cannot be imported: {error}"
        ) from error
    if made.id != spec.id:
        raise PluginError(
            f"the materializer {spec.target} calls itself {made.id!r}, registered as {spec.id!r}"
        )
    return made


def _save_with(materializer: Materializer, value: Any, sink: ArtifactSink) -> None:
    if _runs_code(materializer):
        sink.set_runs_code()
    try:
        materializer.save(value, sink)
    except (SaveError, StoreError, CorruptArtifact):
        raise
    except RecursionError as error:
        raise SaveError(
            f"cannot store a {type_name(value)}: it is nested too deeply",
            hint="return a flat list or table instead of nested containers",
        ) from error
    except OSError as error:
        raise StoreError(f"cannot store a {type_name(value)}: {error}") from error
    except Exception as error:
        raise SaveError(
            f"cannot store a {type_name(value)} ({materializer.id}): {type(error).__name__}: {error}"
        ) from error
    if sink.own_code and not _runs_code(materializer):
        raise PluginError(
            f"the materializer {materializer.id!r} writes bytes that run code when loaded without saying so",
            hint=f"write `runs_code = True` in the body of {class_name(type(materializer))}",
        )


def _runs_code(materializer: Materializer) -> bool:
    return bool(getattr(materializer, "runs_code", False))


def _is_closed(materializer: Materializer) -> bool:
    return bool(getattr(materializer, "closed", True)) and not _runs_code(materializer)
