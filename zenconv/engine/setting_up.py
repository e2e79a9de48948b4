"""Set one fixture up, and arrange for its end; whatever kind of function it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from types import GeneratorType
from typing import Any

from zenconv.engine.calling import call_function
from zenconv.engine.lifetimes import Live, SettingUp
from zenconv.errors import UsageError
from zenconv.records.step import FixtureNode

_DEEPEST = 50
"""So many decorators are looked through."""


def describe_fixture(fixture: FixtureNode) -> str:
    """Return its name and place, for messages."""
    return f"fixture {fixture.fixture.name!r} ({fixture.fixture.where})"


def set_up_fixture(wanted: FixtureNode, arguments: dict[str, Any], live: Live) -> SettingUp[Any]:
    """Call a fixture's function and return its value; what comes after its ``yield`` ends `live`."""
    made = call_function(wanted.fixture.function, wanted.fixture.parameters, arguments)
    if not wanted.fixture.is_generator and not _runs(made, wanted.fixture.function):
        return (yield made) if wanted.fixture.is_async else made
    if isinstance(made, AsyncGenerator):
        try:
            value = yield anext(made)
        except StopAsyncIteration:
            raise _never_yielded(wanted) from None
        live.add(lambda: _finish_async(made, wanted), is_awaited=True)
        return value

    def finish() -> None:
        _finish(made, wanted)

    live.add(finish)  # now, lest an interruption finds it set up and nobody to end it
    try:
        value = next(made)
    except StopIteration:
        raise _never_yielded(wanted) from None
    live.add(finish)  # and once more: what follows the yield comes before finalizers added on the way
    return value


def _runs(made: Any, function: Any) -> bool:
    """Return whether `made` is `function` at work: a generator that a decorator or a partial hides."""
    if type(made) is not GeneratorType:
        return False
    for _ in range(_DEEPEST):
        if getattr(function, "__code__", None) is made.gi_code:
            return True
        function = getattr(function, "__wrapped__", None) or getattr(function, "func", None)
    return False


def _never_yielded(wanted: FixtureNode) -> UsageError:
    what = f"fixture {wanted.fixture.name!r} ended without a yield"
    return UsageError(what, hint="yield its value exactly once")


def _yields_again(wanted: FixtureNode) -> UsageError:
    return UsageError(f"{describe_fixture(wanted)} yields more than once")


def _finish(generator: GeneratorType[Any, None, None], wanted: FixtureNode) -> None:
    if not generator.gi_suspended:
        return  # its set-up raised, or never began
    try:
        next(generator)
    except StopIteration:
        return
    generator.close()
    raise _yields_again(wanted)


async def _finish_async(generator: AsyncGenerator[Any, None], wanted: FixtureNode) -> None:
    try:
        await anext(generator)
    except StopAsyncIteration:
        return
    await generator.aclose()
    raise _yields_again(wanted)
