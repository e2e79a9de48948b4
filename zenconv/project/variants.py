"""Choose among the definitions of a step that carry ``@zenconv.when(...)``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from zenconv.authoring import NOTE, StepNote
from zenconv.errors import Problem, ZenconvError
from zenconv.project.definitions import Definition
from zenconv.settings.convert import convert
from zenconv.settings.params import look_up
from zenconv.settings.settings import Settings, Value

LookUp = Callable[[str], Value | None]


def choose_variant(
    definition: Definition, note: StepNote, pipeline: str, settings: Settings, file: str
) -> tuple[Definition, StepNote, Problem | None]:
    """Return the definition whose conditions hold now, with its note; and what is wrong if not one does.

    In that case any is returned, so that what asks for the step is not wrong, too.
    """
    names = (pipeline, pipeline.replace("/", "."), pipeline.rpartition("/")[2]) if pipeline else ()
    step = note.name or definition.name

    def look(name: str) -> Value | None:
        found = look_up(settings.params, name, step=step, pipelines=names)
        return found[1] if found is not None else None

    candidates = [*_earlier(note), (definition, note)]
    fitting = [pair for pair in candidates if _fits(pair[1], look, settings)]
    fitting = fitting or [pair for pair in candidates if _fits(pair[1], _or_default(look, pair[0]), settings)]
    if len(fitting) == 1:
        return *fitting[0], None
    problem = _too_many(step, fitting, file) if fitting else _none(step, candidates, look, file)
    return *(fitting or candidates)[0], problem


def _fits(note: StepNote, look: LookUp, settings: Settings) -> bool:
    return all(_holds(name, wanted, look, settings) for name, wanted in note.when.items())


def _or_default(look: LookUp, definition: Definition) -> LookUp:
    """Return `look` with the defaults of the function's parameters for what nobody sets."""
    import inspect

    try:
        parameters = inspect.signature(definition.object).parameters
    except (TypeError, ValueError):
        return look

    def look_further(name: str) -> Value | None:
        default = parameters[name].default if name in parameters else inspect.Parameter.empty
        unset = None if default in (inspect.Parameter.empty, None) else Value(default, "default")
        return look(name) or unset

    return look_further


def _earlier(note: StepNote) -> Iterator[tuple[Definition, StepNote]]:
    for function in note.variants:
        line = getattr(getattr(function, "__code__", None), "co_firstlineno", 1)
        yield Definition(function.__name__, line, function), getattr(function, NOTE)


def _holds(name: str, wanted: Any, look: LookUp, settings: Settings) -> bool:
    value = look(name)
    choices = wanted if isinstance(wanted, tuple | list | set | frozenset) else (wanted,)
    return any(_is_equal(value, choice, settings) for choice in choices)


def _is_equal(value: Value | None, choice: Any, settings: Settings) -> bool:
    if value is None or choice is None:
        return value is choice
    try:
        given = convert(value.value, type(choice), base=settings.root)
    except ZenconvError:
        return False
    return bool(type(given) is type(choice) and given == choice)


def _none(step: str, candidates: Sequence[tuple[Definition, StepNote]], look: LookUp, file: str) -> Problem:
    names = list(dict.fromkeys(name for _, note in candidates for name in note.when))
    values = [look(name) for name in names]
    given = ", ".join(
        f"{name} is not set" if value is None else f"{name}={value.value!r} ({value.origin})"
        for name, value in zip(names, values, strict=True)
    )
    first = next(iter(candidates[0][1].when.items()))
    choice = first[1][0] if isinstance(first[1], tuple | list) else first[1]
    return Problem(
        f"no definition of step {step!r} fits: {given}",
        file,
        candidates[0][0].line,
        exists="; ".join(_describe(definition, note, file) for definition, note in candidates),
        hint=f"--set {first[0]}={choice}, or {first[0]} = ... under [tool.zenconv.params]",
    )


def _too_many(step: str, fitting: Sequence[tuple[Definition, StepNote]], file: str) -> Problem:
    return Problem(
        f"{len(fitting)} definitions of step {step!r} fit",
        file,
        fitting[-1][0].line,
        exists="; ".join(_describe(definition, note, file) for definition, note in fitting),
        hint="make their conditions exclude each other",
    )


def _describe(definition: Definition, note: StepNote, file: str) -> str:
    conditions = ", ".join(f"{name}={value!r}" for name, value in note.when.items())
    return f"when({conditions}) at {file}:{definition.line}"
