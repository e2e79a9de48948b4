"""`when`: several definitions of one step, of which a parameter chooses one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from zenconv.authoring.notes import NOTE, StepNote, annotate
from zenconv.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])


def when(**conditions: Any) -> Callable[[F], F]:
    """Use this definition of a step only where parameters have the given values.

    ``@when(model="svm")`` above one ``def classifier``, ``@when(model="tree")`` above another: the
    parameter `model`, from the command line or the configuration, chooses. It is no mistake that
    both have one name. None stands for a parameter that is not set, a tuple for any of its values.
    That none matches, or two do, is an error.

    Raises
    ------
    UsageError
        There is no condition.
    """
    if not conditions:
        raise UsageError("when() has no condition", hint='write @when(model="svm")')

    def decorate(function: F) -> F:
        namespace = getattr(function, "__globals__", {})
        earlier = namespace.get(getattr(function, "__name__", ""))
        note = getattr(earlier, NOTE, None)
        others: tuple[Any, ...] = ()
        if isinstance(note, StepNote) and note.when and earlier is not function:
            others = (*note.variants, earlier)
        return annotate(function, when=dict(conditions), variants=others)

    return decorate
