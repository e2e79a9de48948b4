"""Order, wrappers and first results are pluggy's: whatever is registered, both call the same."""

from __future__ import annotations

import types
from collections.abc import Generator
from typing import Any

import attrs
import pluggy
from hypothesis import given
from hypothesis import strategies as st

from zenconv.errors import PluginError
from zenconv.hooks import Plugins, hookimpl, specs

FIRST, ALL = "zenconv_input_version", "zenconv_mark_step"
ARGUMENTS: dict[str, dict[str, Any]] = {
    FIRST: {"value": "x"},
    ALL: {"name": "a", "function": print, "file": "f"},
}


@attrs.frozen
class Plugin:
    """What one plugin does: wraps or answers, early, late or in its turn, with something or None."""

    is_wrapper: bool
    mark: str
    answer: str | None
    fails: bool


PLUGINS = st.lists(
    st.builds(
        Plugin,
        st.booleans(),
        st.sampled_from(["", "tryfirst", "trylast"]),
        st.sampled_from([None, "a", "b"]),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=6,
)


def make(number: int, plugin: Plugin, hook: str, calls: list[str]) -> types.ModuleType:
    """Return a plugin that notes when it is called."""

    def answer() -> str | None:
        calls.append(f"{number}")
        if plugin.fails:
            raise ArithmeticError(f"{number}")
        return plugin.answer

    def wrap() -> Generator[None, Any, Any]:
        calls.append(f"{number} begins")
        try:
            return (yield)
        finally:
            calls.append(f"{number} ends")

    marks = {name: True for name in [plugin.mark] if name}
    module = types.ModuleType(f"p{number}")
    function = wrap if plugin.is_wrapper else answer
    vars(module)[hook] = hookimpl(wrapper=plugin.is_wrapper, **marks)(function)
    return module


def outcome(action: Any) -> Any:
    try:
        return action()
    except ArithmeticError as error:
        return error.args
    except PluginError as error:  # what was raised, with the plugin's name
        return getattr(error.__cause__, "args", error)


@given(PLUGINS, st.sampled_from([FIRST, ALL]))
def test_what_is_called_and_what_comes_of_it_is_the_same(plugins: list[Plugin], hook: str) -> None:
    traces: tuple[list[str], list[str]] = ([], [])
    theirs, ours = pluggy.PluginManager("zenconv"), Plugins()
    theirs.add_hookspecs(specs)
    for number, plugin in enumerate(plugins):
        theirs.register(make(number, plugin, hook, traces[0]))
        ours.register(make(number, plugin, hook, traces[1]), f"p{number}", origin="-p")
    expected = outcome(lambda: getattr(theirs.hook, hook)(**ARGUMENTS[hook]))
    calls = ours.calls(hook)
    if hook == FIRST:
        found = outcome(lambda: calls.ask(**ARGUMENTS[hook]))
    else:
        found = outcome(lambda: calls.gather(**ARGUMENTS[hook]))
        found = [result for _, result in found] if isinstance(found, list) else found
    assert (found, traces[1]) == (expected, traces[0])
