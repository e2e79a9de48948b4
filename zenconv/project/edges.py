"""Check that what a step returns can be what a parameter wants, where both are annotated."""

from __future__ import annotations

from typing import Any

from zenconv.errors import Problem
from zenconv.project.annotations import collected, describe
from zenconv.project.collected import Collection
from zenconv.project.compatibility import is_compatible
from zenconv.project.resolve import Asker, Resolver
from zenconv.records.step import Parameter, Step


class EdgeChecker:
    """Checks edges; equal pairs of types are compared once."""

    def __init__(self, collection: Collection, resolver: Resolver) -> None:
        self._collection = collection
        self._resolver = resolver
        self._answers: dict[tuple[int, int], bool] = {}

    def check(self, parameter: Parameter, asker: Asker, step: Step, output: str | None) -> Problem | None:
        """Return what is wrong with the edge, or None."""
        if not parameter.annotation:
            return None
        wanted = self._resolver.type_of(asker.target, parameter)
        if parameter.collects:
            wanted = collected(wanted)[1]
        given, text = self._type_of(step, output)
        if wanted is None or not text or (given is None and text != "None"):
            return None
        key = (id(given), id(wanted))
        if key not in self._answers:
            self._answers[key] = is_compatible(given, wanted)
        if self._answers[key]:
            return None
        hint = "correct one of the two annotations, or the name that is asked for"
        if text == "None":
            hint = f"if it should return something, its annotation must say what: def {step.name}(...) -> ..."
        what = output or step.name
        return Problem(
            f"{asker} wants {parameter.name}: {parameter.annotation or describe(wanted)}, "
            f"but {'output' if output else 'step'} {what!r} is {text}",
            asker.target.file,
            asker.target.line,
            exists=f"{step.name!r} is at {step.where}",
            hint=hint,
        )

    def _type_of(self, step: Step, output: str | None) -> tuple[Any, str]:
        late = self._collection.files[step.file].late
        if output is None and step.shape not in ("value", "each"):
            return step.returns if step.returns is not None else late.get(
                (step.name, "return")
            ), "several outputs"
        found = next((o for o in step.outputs if o.name == (output or "")), step.outputs[0])
        kind = found.type if found.type is not None else late.get((step.name, f"return.{found.name}"))
        return kind, found.annotation
