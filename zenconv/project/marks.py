"""Read the marks of steps: which are known, what they ask for, what is wrong with them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from zenconv.authoring import MODULE_MARKS, Axis, AxisItem, Mark, Marker, StepNote
from zenconv.errors import Problem, did_you_mean
from zenconv.frozen import Frozen
from zenconv.project.mark_meanings import MEANINGS, OF_THE_WHOLE, REPEATABLE, Changes
from zenconv.records.marks import NO_MARKS, Markings, Resources
from zenconv.records.step import Pipeline

if TYPE_CHECKING:
    from zenconv.settings.settings import Settings

_ALMOST_MODULE_MARKS = ("zenconvmarks", "zenconv_mark", "zenconv_marks")
_SIGNATURES = {name: inspect.signature(meaning) for name, meaning in MEANINGS.items()}


class MarkRow(NamedTuple):
    """One mark that may be used: how it is written, what it says, and who declares it."""

    usage: str
    text: str
    origin: str


@attrs.frozen(eq=False, repr=False)
class Declared(Frozen):
    """The user's own marks, from the settings; `advice` tells how to add one, ``{}`` is its name."""

    names: tuple[str, ...] = ()
    is_strict: bool = True
    advice: str = ""

    @classmethod
    def from_settings(cls, settings: Settings) -> Declared:
        """Return what `settings` declare."""
        origin = settings.origins.get("markers", "")
        if origin:
            advice = f'add "{{}}: what it says of a step" to markers, {origin}'
        else:
            name = settings.file.name if settings.file is not None else "pyproject.toml"
            place = f"[tool.zenconv] of {name}" if name == "pyproject.toml" else name
            advice = f'declare it in {place}: markers = ["{{}}: what it says of a step"]'
        names = tuple(split_marker(text)[0] for text in settings.markers)
        return cls(names, settings.strict_markers, advice)


def split_marker(text: str) -> tuple[str, str, str]:
    """Return name, usage and description of a declared marker: ``"device(serial): needs one"``."""
    usage, _, description = text.partition(":")
    return usage.partition("(")[0].strip(), usage.strip(), description.strip()


def list_markers(settings: Settings) -> list[MarkRow]:
    """Return every mark there is: those of the settings first, then those of zenconv."""
    origin = settings.origins.get("markers", "")
    rows = []
    for text in settings.markers:
        _, usage, description = split_marker(text)
        rows.append(MarkRow(usage, description, origin))
    for name, meaning in MEANINGS.items():
        inner = ", ".join(_show_parameter(p) for p in _SIGNATURES[name].parameters.values())
        usage = f"{name}({inner})" if inner else name
        rows.append(MarkRow(usage, (meaning.__doc__ or "").partition("\n")[0], "zenconv"))
    return rows


def _show_parameter(parameter: inspect.Parameter) -> str:
    if parameter.kind is parameter.VAR_POSITIONAL:
        return f"*{parameter.name}"
    return parameter.name if parameter.default is parameter.empty else f"{parameter.name}="


def find_conditions(pipeline: Pipeline) -> list[str]:
    """Return where a file decides, each time it is imported, whether a step runs."""
    marks = [mark for node in pipeline for mark in node.marks.marks if mark.name == "skipif"]
    return list(dict.fromkeys(f"{m.file}:{m.line} decides with skipif while it is imported" for m in marks))


class MarkReader:
    """Reads the marks of one module's steps.

    Parameters
    ----------
    file
        The module's path below the root.
    namespace
        What the module holds, with its own marks for all of its steps.
    relative
        Returns a path as people see it.
    """

    def __init__(
        self, file: str, namespace: Mapping[str, Any], declared: Declared, relative: Callable[[str], str]
    ) -> None:
        self._file = file
        self._declared = declared
        self._relative = relative
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._module = self._read_module(namespace)

    def read(self, note: StepNote, more: Sequence[Mark] = ()) -> tuple[StepNote, Markings]:
        """Return the note of a step with what its marks change, and its markings.

        `more` are marks that plugins put on it; those in the file are stronger.
        """
        if not note.marks and not self._module and not more:
            return note, NO_MARKS
        own = [attrs.evolve(mark, file=self._relative(mark.file)) for mark in note.marks]
        self._check_repeated(own)
        written = {mark.name for mark in (*own, *self._module)}
        more = [mark for mark in more if mark.name not in written or mark.name in REPEATABLE]
        marks = (*own, *self._module, *more)
        found: dict[str, Any] = {}
        for mark in own:
            _merge(found, self._changes(mark))
        for mark in self._module:
            _merge(found, self._changes(mark, is_told=True))
        for mark in more:
            _merge(found, self._changes(mark))
        cache = note.cache and found.pop("cache", True)
        refresh = found.pop("refresh", note.refresh)
        return attrs.evolve(note, cache=cache, refresh=refresh, marks=marks), Markings(marks, **found)

    def read_axis(self, axis: Axis, name: str = "") -> Axis:
        """Return `axis` with the marks of its items read, as `Markings`; with `name`, called so."""
        if name:
            axis = attrs.evolve(axis, name=name, arguments=(name,))
        if not any(item.marks for item in axis.items):
            return axis
        items = [attrs.evolve(item, marks=self._read_item(item, axis)) for item in axis.items]
        return attrs.evolve(axis, items=tuple(items))

    def _read_item(self, item: AxisItem, axis: Axis) -> tuple[Markings, ...]:
        marks = []
        for given in item.marks:
            if not isinstance(given, Marker):
                what = f"the marks of {axis.name}={item.id} hold {given!r}, which is no mark"
                self.problems.append(Problem(what, self._file, hint="param(..., marks=zenconv.mark.slow)"))
                continue
            mark = attrs.evolve(given.mark, file=self._relative(given.mark.file))
            if mark.name in OF_THE_WHOLE:
                what = (
                    f"the mark {mark.name!r} is one of a step, not of a single branch ({axis.name}={item.id})"
                )
                self._report(mark, what, "", "write it above the step")
            else:
                marks.append(mark)
        self._check_repeated(marks)
        found: dict[str, Any] = {}
        for mark in marks:
            _merge(found, self._changes(mark))
        return (Markings(tuple(marks), **found),) if marks else ()

    def _read_module(self, namespace: Mapping[str, Any]) -> tuple[Mark, ...]:
        for name in _ALMOST_MODULE_MARKS:
            if _holds_marks(namespace.get(name)):
                self.warnings.append(
                    Problem(f"{name} marks nothing", self._file, hint=f"the name is {MODULE_MARKS}")
                )
        value = namespace.get(MODULE_MARKS)
        if value is None:
            return ()
        marks = []
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, Marker):
                marks.append(attrs.evolve(item.mark, file=self._relative(item.mark.file)))
            else:
                what = f"{MODULE_MARKS} holds {item!r}, which is no mark"
                self.problems.append(
                    Problem(what, self._file, hint=f"{MODULE_MARKS} = [zenconv.mark.slow, ...]")
                )
        self._check_repeated(marks)
        for mark in marks:
            self._changes(mark)
        return tuple(marks)

    def _check_repeated(self, marks: Iterable[Mark]) -> None:
        seen: dict[str, Mark] = {}
        for mark in marks:
            first = seen.setdefault(mark.name, mark)
            if first is not mark and mark.name in MEANINGS and mark.name not in REPEATABLE:
                what = f"the mark {mark.name!r} is there twice"
                exists = f"the other: {first.file}:{first.line}"
                self._report(mark, what, exists, "keep one of the two")

    def _changes(self, mark: Mark, *, is_told: bool = False) -> Changes:
        """Return what `mark` asks for; what is wrong with it is reported, unless it `is_told` already."""
        if mark.name not in MEANINGS:
            if mark.name not in self._declared.names and not is_told:
                self._report_unknown(mark)
            return {}
        try:
            changes = MEANINGS[mark.name](*mark.args, **self._bound(mark))
        except ValueError as error:
            if not is_told:
                self._report(mark, f"mark {mark.name!r}: {error}", "", "")
            return {}
        where = f"{mark.file}:{mark.line}"
        return {
            name: attrs.evolve(value, where=where) if hasattr(value, "where") else value
            for name, value in changes.items()
        }

    def _bound(self, mark: Mark) -> dict[str, Any]:
        signature = _SIGNATURES[mark.name]
        kwargs = dict(mark.kwargs)
        names = [p.name for p in signature.parameters.values() if p.kind is not p.VAR_POSITIONAL]
        for name in kwargs:
            if name not in names:
                raise ValueError(f"it has no {name!r}; {did_you_mean(name, names) or 'it takes none'}")
        try:
            signature.bind(*mark.args, **kwargs)
        except TypeError as error:
            usage = ", ".join(_show_parameter(p) for p in signature.parameters.values())
            raise ValueError(f"{error}; it is written zenconv.mark.{mark.name}({usage})") from None
        return kwargs

    def _report_unknown(self, mark: Mark) -> None:
        declared = self._declared
        exists = did_you_mean(mark.name, {*MEANINGS, *declared.names})
        hint = declared.advice.format(mark.name)
        problem = Problem(f"unknown mark {mark.name!r}", mark.file, mark.line, exists, hint)
        (self.problems if declared.is_strict else self.warnings).append(problem)

    def _report(self, mark: Mark, what: str, exists: str, hint: str) -> None:
        self.problems.append(Problem(what, mark.file, mark.line, exists, hint))


def _holds_marks(value: Any) -> bool:
    items: Sequence[Any] = value if isinstance(value, list | tuple) else [value]
    return bool(items) and all(isinstance(item, Marker) for item in items)


def _merge(found: dict[str, Any], changes: Changes) -> None:
    """Add what a mark asks for to what nearer ones do, which win."""
    for name, value in changes.items():
        known = found.get(name)
        if name == "fixtures" and known is not None:
            found[name] = tuple(dict.fromkeys((*known, *value)))
        elif name == "resources" and known is not None:
            found[name] = _merge_resources(known, value)
        else:
            found.setdefault(name, value)


def _merge_resources(near: Resources, far: Resources) -> Resources:
    return Resources(
        near.cpu or far.cpu,
        near.memory or far.memory,
        near.gpu or far.gpu,
        near.wants_gpu or far.wants_gpu,
        near.where,
    )
