"""What to say when a step asks for names that nothing provides."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import FunctionType
from typing import Any

from zenconv.authoring import NOTE, StepNote
from zenconv.errors import Problem, did_you_mean
from zenconv.project.builtins import BUILTIN_FIXTURES
from zenconv.project.collected import Collection
from zenconv.project.resolve import Asker
from zenconv.records.step import Step


def describe_unknown(
    names: Sequence[str], asker: Asker, collection: Collection, params: Sequence[str]
) -> Problem:
    """Return the problem of one step or fixture: `names` are what it asks for in vain.

    Parameters
    ----------
    params
        The keys of the settings; a near one is suggested too.
    """
    known = {*asker.scope.names(), *(p for p in params if "." not in p)}
    known -= {asker.target.name, *_own_outputs(asker)}
    quoted = [repr(name) for name in names]
    listed = quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
    verb = "provides it" if len(names) == 1 else "provides them"
    return Problem(
        f"{asker} asks for {listed}; nothing {verb}",
        asker.target.file,
        asker.target.line,
        exists=_nearest(names, known),
        hint=_hint(names, asker, collection),
    )


def describe_missing_fixture(name: str, asker: Asker, provider: str) -> Problem:
    """Return the problem of a ``usefixtures`` that names no fixture; `provider`: what it names instead."""
    marks = asker.target.marks.marks if isinstance(asker.target, Step) else ()
    mark = next((mark for mark in marks if mark.name == "usefixtures" and name in mark.args), None)
    names = {
        n for layer in asker.scope.layers for n, found in layer.names.items() if any(p.fixture for p in found)
    }
    return Problem(
        f"usefixtures of {asker} names {name!r}, which is " + (provider or "no fixture"),
        mark.file if mark is not None else asker.target.file,
        mark.line if mark is not None else asker.target.line,
        exists=did_you_mean(name, names | set(BUILTIN_FIXTURES)),
        hint="ask for a step or a value by a parameter" if provider else "",
    )


def _nearest(names: Sequence[str], known: set[str]) -> str:
    """Return what is meant; else what there is: the project's own names, which nobody knows by heart."""
    near = [(name, did_you_mean(name, known | BUILTIN_FIXTURES.keys())) for name in names]
    found = [(name, text) for name, text in near if text.startswith("did you mean")]
    if not found:
        return did_you_mean(names[0], known or BUILTIN_FIXTURES)
    if len(names) == 1:
        return found[0][1]
    return "; ".join(f"for {name!r} {text}" for name, text in found)


def _hint(names: Sequence[str], asker: Asker, collection: Collection) -> str:
    for name in names:
        if name == asker.target.name:
            return f"no file farther out has a {name!r} that this one could override; rename the parameter"
        known = _known_reason(name, asker, collection)
        if known:
            return known
    edits = f"write a step `{names[0]}`, or give it a value: a default, or --set {names[0]}=..."
    if asker.noun == "step" and not asker.target.name.startswith("_"):
        edits += f"; not a step? name it `_{asker.target.name}`"
    return edits


def _own_outputs(asker: Asker) -> set[str]:
    outputs = asker.target.outputs if isinstance(asker.target, Step) else ()
    return {output.name for output in outputs}


def _known_reason(name: str, asker: Asker, collection: Collection) -> str:
    if name in _own_outputs(asker):
        return f"{name!r} is an output of the step itself; give it a value: a default, or --set {name}=..."
    module = sys.modules.get(asker.target.module)
    if module is not None:
        reason = _reason_in(vars(module), name, module.__name__)
        if reason:
            return reason
    for file in collection.files.values():
        check = next((step for step in file.steps if step.name == name and step.is_check), None)
        if check is not None:
            return f"{name!r} is a check ({check.where}): it gives no value; ask for what it asks for"
        if any(step.name == name or any(o.name == name for o in step.outputs) for step in file.steps):
            step = next(s for s in file.steps if s.name == name or any(o.name == name for o in s.outputs))
            return (
                f"{name!r} is in {step.where}, which this file does not see: "
                f'{name}: Annotated[..., From("{file.file}::{name}")]'
            )
    return ""


def _reason_in(namespace: dict[str, Any], name: str, module: str) -> str:
    """Return why what the module holds under `name` (or ``_name``) is no step, or ``""``."""
    private = namespace.get(f"_{name}")
    if type(private) is FunctionType and private.__module__ == module:
        return f"`_{name}` is a helper, for its name begins with an underscore; name it `{name}`"
    value = namespace.get(name)
    if value is None or isinstance(value, type(sys)):
        return ""
    note = getattr(value, "__dict__", {}).get(NOTE) if not isinstance(value, type) else None
    if isinstance(note, StepNote) and note.is_helper:
        return f"`{name}` is marked as a helper; remove @zenconv.helper to make it a step"
    if isinstance(value, type):
        return f"`{name}` is a class, and classes are no steps; write a function that makes one"
    if not callable(value):
        return f"`{name}` is a {type(value).__name__} of the module; use it without asking for it"
    if getattr(value, "__name__", "") == "<lambda>":
        return f"`{name}` is a lambda; write it as a def"
    origin = getattr(value, "__module__", "")
    if origin and origin != module:
        return f"`{name}` is imported from {origin}, and imported functions are no steps; call it from one"
    return ""
