"""``zenconv.mark.x``: say something about a step without changing what it computes.

A mark leaves a record on the function and nothing else; what it means, and whether its arguments
make sense, is read when the project is collected.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeVar, overload

import attrs

from zenconv.errors import UsageError
from zenconv.frozen import Frozen

F = TypeVar("F", bound=Callable[..., Any])

MODULE_MARKS = "zenconvmark"
"""The name of a module's variable that holds a mark, or a list of marks, for all its steps."""


@attrs.frozen(eq=False, repr=False)
class Mark(Frozen):
    """One mark as written: `file` and `line` say where."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = attrs.field(factory=dict)
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        given = [*map(show_argument, self.args)]
        given += [f"{name}={show_argument(value)}" for name, value in self.kwargs.items()]
        return f"{self.name}({', '.join(given)})" if given else self.name


class Marker:
    """A mark, ready to be put on a step: a decorator, or an item of ``zenconvmark``."""

    __slots__ = ("mark",)

    def __init__(self, mark: Mark) -> None:
        self.mark = mark

    @overload
    def __call__(self, function: F, /) -> F: ...
    @overload
    def __call__(self, *args: Any, **kwargs: Any) -> Marker: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Mark a function; called with anything else, return the mark with these arguments."""
        if len(args) == 1 and not kwargs and _is_function(args[0]):
            from zenconv.authoring.notes import add_mark

            return add_mark(args[0], self.mark)
        return self._with(sys._getframe(1).f_lineno, args, kwargs)

    def with_args(self, *args: Any, **kwargs: Any) -> Marker:
        """Return the mark with these arguments, also where the only one is a function."""
        return self._with(sys._getframe(1).f_lineno, args, kwargs)

    def _with(self, line: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Marker:
        mark = self.mark
        merged = {**mark.kwargs, **kwargs}
        return Marker(attrs.evolve(mark, args=(*mark.args, *args), kwargs=merged, line=line))

    def __repr__(self) -> str:
        return f"zenconv.mark.{self.mark}"


def _is_function(value: Any) -> bool:
    if isinstance(value, FunctionType):
        return value.__name__ != "<lambda>"
    if isinstance(value, type):
        if issubclass(value, BaseException):
            return False
        raise UsageError(f"{value.__qualname__!r} is a class; marks are for steps", hint="mark a function")
    return callable(value) and not isinstance(value, Marker)


class ShownArgument(str):
    """Stands for an argument of a mark of which only its text is at hand."""

    __slots__ = ()

    __repr__ = str.__str__


def show_argument(value: Any) -> str:
    """Return an argument of a mark as a person would write it."""
    if isinstance(value, type | FunctionType):
        return value.__qualname__
    if isinstance(value, tuple | list):
        inner = ", ".join(map(show_argument, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a project's class may fail to print itself
        text = f"<{type(value).__qualname__}>"
    return text if len(text) <= 100 else f"{text[:99]}…"


class Marks:
    """Every mark there is, as an attribute: ``zenconv.mark.slow``, ``zenconv.mark.timeout("10m")``.

    Marks of your own are declared in the settings: ``markers = ["slow: takes minutes"]``.
    """

    if TYPE_CHECKING:
        nocache: Marker
        gpu: Marker
        skip: Marker

        def refresh(self, every: str | float) -> Marker: ...
        def skipif(self, condition: object, *, reason: str) -> Marker: ...
        def timeout(self, limit: str | float | None, *, grace: str | float = ...) -> Marker: ...
        def retry(
            self,
            times: int = ...,
            *,
            on: type[BaseException] | str | tuple[type[BaseException] | str, ...] = ...,
            backoff: str | float = ...,
            jitter: float = ...,
        ) -> Marker: ...
        def resources(self, *, cpu: float = ..., memory: str | int = ..., gpu: int = ...) -> Marker: ...
        def python(
            self,
            requirements: str | list[str] | tuple[str, ...] = ...,
            *,
            version: str = ...,
            isolated: bool = ...,
        ) -> Marker: ...
        def usefixtures(self, *names: str) -> Marker: ...
        def kind(self, name: str) -> Marker: ...

    def parametrize(self, *arguments: Any, **options: Any) -> Callable[[F], F]:
        """Run a step once for each value; see `zenconv.parametrize`."""
        from zenconv.authoring.parametrize import parametrize

        return parametrize(*arguments, **options)

    def __getattr__(self, name: str) -> Marker:
        if name.startswith("_"):
            raise AttributeError(name)
        frame = sys._getframe(1)
        return Marker(Mark(name, file=frame.f_code.co_filename, line=frame.f_lineno))


mark = Marks()
