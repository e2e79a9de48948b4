"""Calling a hook: its implementations in pluggy's order, with the plugin's name on whatever goes wrong.

pluggy registers and orders; calling is here, because an error has to name its plugin, an observer
that fails must not stop the next one, a ``zenconf.py`` speaks for its own folder only, and a
wrapper may stand around something that is awaited.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from zenconv.errors import PluginError, ZenconvError
from zenconv.frozen import Frozen
from zenconv.hooks.foreign import prints_aside


@attrs.frozen(eq=False, repr=False)
class Implementation(Frozen):
    """One plugin's implementation of one hook.

    `where` is ``file:line``. `folder` limits it to steps of pipelines below that folder of the
    project (``""``: all of them). Of a ``zenconf.py``, `plugin` and `origin` both are its path.
    """

    hook: str
    plugin: str
    origin: str
    where: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]
    is_wrapper: bool
    folder: str = ""

    def call(self, arguments: Mapping[str, Any]) -> Any:
        """Call it with those of `arguments` that it takes; of a wrapper, return the generator."""
        return self.function(*[arguments[name] for name in self.arguments])

    def describe(self, error: BaseException | str) -> str:
        """Return what went wrong, with the hook, the plugin and where it is."""
        cause = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        where = self.where if isinstance(error, str) else self._place_in(error)
        owner = "" if self.origin == self.plugin else f" of the plugin {self.plugin!r} ({self.origin})"
        return f"{where}: {self.hook}{owner} failed: {cause}"

    def _place_in(self, error: BaseException) -> str:
        """Return ``file:line`` of the plugin's own code that `error` came through last."""
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        line, frame = 0, error.__traceback__
        while frame is not None:
            if code is not None and frame.tb_frame.f_code.co_filename == code.co_filename:
                line = frame.tb_lineno
            frame = frame.tb_next
        return f"{self.where.rpartition(':')[0]}:{line}" if line else self.where

    def failure(self, error: BaseException | str) -> PluginError:
        """Return the error that ends what the hook was called for."""
        hint = "" if self.origin == self.plugin else f"to run without it: -p no:{self.plugin}"
        return PluginError(self.describe(error), hint=hint)


class HookCalls:
    """All implementations of one hook that concern the same steps. False where there are none."""

    def __init__(self, implementations: Iterable[Implementation] = ()) -> None:
        every = list(implementations)
        self._plain = [one for one in every if not one.is_wrapper]
        self._wrappers = [one for one in every if one.is_wrapper]

    def __bool__(self) -> bool:
        return bool(self._plain or self._wrappers)

    def __iter__(self) -> Iterator[Implementation]:
        return iter((*self._wrappers, *self._plain))

    def ask(self, **arguments: Any) -> Any:
        """Return the first result that is not None. `PluginError` where an implementation fails."""

        def inner() -> Any:
            for one in self._plain:
                result = _call(one, arguments)
                if result is not None:
                    return result
            return None

        return self._wrapped(arguments, inner)

    def gather(self, **arguments: Any) -> list[tuple[Implementation, Any]]:
        """Return each result that is not None, with whose it is. `PluginError` where one fails.

        A wrapper gets and returns such a list.
        """

        def inner() -> list[tuple[Implementation, Any]]:
            results = [(one, _call(one, arguments)) for one in self._plain]
            return [(one, result) for one, result in results if result is not None]

        gathered: list[tuple[Implementation, Any]] = self._wrapped(arguments, inner)
        return gathered

    def watch(self, **arguments: Any) -> list[str]:
        """Call every implementation, though others fail; return a warning for each that did."""
        return self.watch_all(**arguments)[1]

    def watch_all(self, **arguments: Any) -> tuple[list[tuple[Implementation, Any]], list[str]]:
        """Do as `watch`, and return the results that are not None, too."""
        results: list[tuple[Implementation, Any]] = []
        warnings: list[str] = []
        if not self:
            return results, warnings
        entered: list[tuple[Implementation, Any]] = []
        with prints_aside():
            for wrapper in self._wrappers:
                generator = wrapper.call(arguments)
                if _go_on(wrapper, generator, warnings):
                    entered.append((wrapper, generator))
            for one in self._plain:
                try:
                    result = one.call(arguments)
                except Exception as error:  # noqa: BLE001 - an observer never ends a run
                    warnings.append(one.describe(error))
                else:
                    results += [(one, result)] if result is not None else []
            for wrapper, generator in reversed(entered):
                if _go_on(wrapper, generator, warnings):
                    generator.close()
        return results, warnings

    def wrap(self, **arguments: Any) -> Wrapping:
        """Enter every wrapper; whoever asks does the work and then calls `Wrapping.finish`."""
        return Wrapping(self._wrappers, arguments)

    def _wrapped(self, arguments: Mapping[str, Any], inner: Callable[[], Any]) -> Any:
        if not self._wrappers:
            return inner()
        with prints_aside():
            wrapping = Wrapping(self._wrappers, arguments)
        try:
            result = inner()
        except Exception as error:  # noqa: BLE001 - the wrappers have a say first
            return wrapping.fail(error)
        return wrapping.finish(result)


class Wrapping:
    """Wrappers that have been entered, outermost first, around one piece of work."""

    def __init__(self, wrappers: Iterable[Implementation], arguments: Mapping[str, Any]) -> None:
        self._entered: list[tuple[Implementation, Any]] = []
        for wrapper in wrappers:
            generator = wrapper.call(arguments)
            try:
                next(generator)
            except BaseException as error:  # noqa: BLE001 - raised again
                failure = _entering_failure(wrapper, error)
                self.fail(failure)
                raise failure from None  # the work is not done, whatever another wrapper makes of it
            self._entered.append((wrapper, generator))

    def finish(self, result: Any) -> Any:
        """Leave the wrappers with what the work came to; return what they make of it."""
        return self._leave(result, None)

    def fail(self, error: BaseException) -> Any:
        """Leave the wrappers with the exception that the work ended with; it is raised unless caught."""
        return self._leave(None, error)

    def _leave(self, result: Any, error: BaseException | None) -> Any:
        while self._entered:
            wrapper, generator = self._entered.pop()
            before = error
            trace = error.__traceback__ if error is not None else None
            try:
                if error is not None:
                    generator.throw(error)
                else:
                    generator.send(result)
            except StopIteration as end:
                result, error = end.value, None
            except BaseException as raised:  # noqa: BLE001 - the next wrapper has a say
                error = raised
                if raised is before:
                    raised.__traceback__ = trace  # it only came by
                else:
                    raised.add_note(_blame(wrapper))
            else:
                generator.close()
                error = wrapper.failure("it has more than one `yield`")
        if error is not None:
            raise error
        return result


def _call(one: Implementation, arguments: Mapping[str, Any]) -> Any:
    try:
        with prints_aside():
            return one.call(arguments)
    except ZenconvError:  # said with care, by the plugin or by what it has called
        raise
    except Exception as error:
        raise one.failure(error) from error


def _go_on(wrapper: Implementation, generator: Any, warnings: list[str]) -> bool:
    """Let an observing wrapper go on; return whether it has reached a `yield`."""
    try:
        next(generator)
    except StopIteration:
        return False
    except Exception as error:  # noqa: BLE001 - an observer never ends a run
        warnings.append(wrapper.describe(error))
        return False
    return True


def _entering_failure(wrapper: Implementation, error: BaseException) -> BaseException:
    if isinstance(error, StopIteration):
        return wrapper.failure("it ended before its `yield`")
    error.add_note(_blame(wrapper))
    return error


def _blame(one: Implementation) -> str:
    owner = "" if one.origin == one.plugin else f" of the plugin {one.plugin!r} ({one.origin})"
    return f"raised in {one.hook}{owner}, {one.where}"
