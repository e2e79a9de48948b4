"""Put other functions in the place of steps, as tests do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from zenconv.errors import UsageError, did_you_mean
from zenconv.project.annotations import Annotations
from zenconv.project.collected import CollectedFile, Collection
from zenconv.project.signatures import read_signature
from zenconv.records.step import Step


def replace_steps(collection: Collection, replacements: Mapping[str, Callable[..., Any]]) -> Collection:
    """Return `collection` with the functions of steps replaced.

    A replacement asks for what its own parameters name, and runs in every run.

    Raises
    ------
    UsageError
        There is no such step, or a name means several.
    """
    files = dict(collection.files)
    annotations = Annotations(collection.sources)
    for name, function in replacements.items():
        file, step = _find(files, name)
        steps = tuple(
            _replace(other, function, annotations) if other is step else other for other in file.steps
        )
        files[file.file] = attrs.evolve(file, steps=steps)
    return attrs.evolve(collection, files=files)


def _find(files: Mapping[str, CollectedFile], name: str) -> tuple[CollectedFile, Step]:
    place, _, own = name.rpartition("::")
    found = [
        (file, step)
        for file in files.values()
        for step in file.steps
        if step.name == own and (not place or place in (file.file, file.pipeline))
    ]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"{file.file}::{step.name}" for file, step in found)
        raise UsageError(f"{name!r} means several steps: {ids}", hint="name one")
    known = {step.name for file in files.values() for step in file.steps}
    raise UsageError(f"there is no step {name!r} to put something in place of", hint=did_you_mean(own, known))


def _replace(step: Step, function: Callable[..., Any], annotations: Annotations) -> Step:
    code = getattr(function, "__code__", None)
    line = code.co_firstlineno if code is not None else 1
    signature = read_signature(function, getattr(code, "co_filename", ""), line, annotations)

    def replacement(**arguments: Any) -> Any:
        return function(**arguments)

    return attrs.evolve(
        step,
        parameters=signature.parameters,
        note=attrs.evolve(step.note, cache=False, axes=(), also=(), params={}, inputs={}),
        is_async=signature.is_async,
        is_generator=signature.is_generator,
        function=replacement,
    )
