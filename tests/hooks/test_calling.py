from __future__ import annotations

import types
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from zenconv.errors import PluginError
from zenconv.hooks import Plugins, hookimpl
from zenconv.hooks.calling import HookCalls
from zenconv.records.events import RunFinished

ASK = "zenconv_input_version"
WATCH = "zenconv_run_finish"
AROUND = "zenconv_step_execute"
EVENT = RunFinished("succeeded", 0, 1.0)


def register(plugins: Plugins, name: str, folder: str = "", **functions: Any) -> None:
    module = types.ModuleType(name)
    vars(module).update(functions)
    plugins.register(module, name, origin=f"zenconv-{name} 1", folder=folder)


def answers(*texts: str | None, marks: dict[int, dict[str, bool]] | None = None) -> HookCalls:
    """Return the calls of plugins that were registered in this order, each with an answer."""
    plugins = Plugins()
    for number, text in enumerate(texts):
        mark = hookimpl(**(marks or {}).get(number, {}))
        register(plugins, f"p{number}", **{ASK: mark(lambda value, text=text: text)})
    return plugins.calls(ASK)


def test_the_plugin_registered_last_is_asked_first_as_in_pluggy() -> None:
    assert answers("early", "late").ask(value="x") == "late"
    assert [result for _, result in answers("early", None, "late").gather(value="x")] == ["late", "early"]


def test_tryfirst_and_trylast_change_the_order() -> None:
    assert answers("early", "late", marks={0: {"tryfirst": True}}).ask(value="x") == "early"
    assert answers("early", "late", marks={1: {"trylast": True}}).ask(value="x") == "early"


def test_the_first_result_that_is_not_none_counts() -> None:
    assert answers("early", None).ask(value="x") == "early"
    assert answers(None, None).ask(value="x") is None
    assert not HookCalls()
    assert HookCalls().ask(value="x") is None


def test_a_wrapper_sees_the_result_and_may_change_it() -> None:
    plugins = Plugins()
    seen: list[str] = []

    @hookimpl(wrapper=True)
    def outer(value: str) -> Generator[None, str, str]:
        seen.append("outer begins")
        result = yield
        seen.append(f"outer got {result}")
        return result + "!"

    @hookimpl(wrapper=True)
    def inner(value: str) -> Generator[None, str, str]:
        seen.append("inner begins")
        result = yield
        seen.append(f"inner got {result}")
        return result.upper()

    register(plugins, "plain", **{ASK: lambda value: f"version of {value}"})
    register(plugins, "inner", **{ASK: inner})
    register(plugins, "outer", **{ASK: outer})
    assert plugins.calls(ASK).ask(value="x") == "VERSION OF X!"
    assert seen == ["outer begins", "inner begins", "inner got version of x", "outer got VERSION OF X"]


def test_a_wrapper_may_catch_what_the_inner_ones_raise() -> None:
    plugins = Plugins()

    @hookimpl(wrapper=True)
    def forgiving(value: str) -> Generator[None, str, str]:
        try:
            return (yield)
        except PluginError:
            return "unknown"

    register(plugins, "failing", **{ASK: lambda value: 1 / 0})
    register(plugins, "forgiving", **{ASK: forgiving})
    assert plugins.calls(ASK).ask(value="x") == "unknown"


def test_a_failure_names_plugin_hook_and_place() -> None:
    plugins = Plugins()

    def failing(value: str) -> str:
        raise ValueError("no network")

    register(plugins, "net", **{ASK: failing})
    line = failing.__code__.co_firstlineno + 1
    with pytest.raises(PluginError) as caught:
        plugins.calls(ASK).ask(value="x")
    place, _, what = str(caught.value).partition(": ")
    assert place.endswith(f"test_calling.py:{line}")
    assert what == (
        "zenconv_input_version of the plugin 'net' (zenconv-net 1) failed: ValueError: no network\n"
        "    hint: to run without it: -p no:net"
    )


def test_observers_are_all_called_and_each_failure_is_a_warning_with_its_place() -> None:
    plugins = Plugins()
    seen: list[Any] = []

    def failing(event: RunFinished) -> None:
        raise ValueError("no network")

    register(plugins, "first", **{WATCH: lambda event: seen.append(event)})
    register(plugins, "second", **{WATCH: failing})
    register(plugins, "third", **{WATCH: lambda: seen.append("no argument")})
    (warning,) = plugins.calls(WATCH).watch(event=EVENT)
    assert seen == ["no argument", EVENT]
    assert f"test_calling.py:{failing.__code__.co_firstlineno + 1}: zenconv_run_finish" in warning
    assert warning.endswith("of the plugin 'second' (zenconv-second 1) failed: ValueError: no network")


def test_a_wrapper_around_observers_has_its_turn_although_others_fail() -> None:
    plugins = Plugins()
    seen: list[str] = []

    @hookimpl(wrapper=True)
    def around(event: RunFinished) -> Generator[None, None, None]:
        seen.append("before")
        yield
        seen.append("after")

    @hookimpl(wrapper=True)
    def broken(event: RunFinished) -> Generator[None, None, None]:
        yield
        raise ValueError("after all")

    register(plugins, "failing", **{WATCH: lambda event: 1 / 0})
    register(plugins, "around", **{WATCH: around})
    register(plugins, "broken", **{WATCH: broken})
    warnings = plugins.calls(WATCH).watch(event=EVENT)
    assert seen == ["before", "after"]
    assert [w.rpartition("failed: ")[2] for w in warnings] == [
        "ZeroDivisionError: division by zero",
        "ValueError: after all",
    ]


def wrapped(*functions: Any) -> HookCalls:
    plugins = Plugins()
    for number, function in enumerate(functions):
        register(plugins, f"p{number}", **{AROUND: hookimpl(wrapper=True)(function)})
    return plugins.calls(AROUND)


def test_what_the_work_raises_goes_through_the_wrappers_and_keeps_its_traceback() -> None:
    seen: list[BaseException] = []

    def noting(node: Any) -> Generator[None, Any, Any]:
        try:
            return (yield)
        except BaseException as error:
            seen.append(error)
            raise

    wrapping = wrapped(noting).wrap(node=None, arguments={}, run="")
    error = ValueError("the step's own")
    with pytest.raises(ValueError, match="the step's own") as caught:
        wrapping.fail(error)
    assert seen == [error]
    assert caught.value is error
    assert not hasattr(error, "__notes__")


def test_what_a_wrapper_raises_itself_says_whose_it_is() -> None:
    def broken(node: Any) -> Generator[None, Any, Any]:
        yield
        raise KeyError("mine")

    wrapping = wrapped(broken).wrap(node=None, arguments={}, run="")
    with pytest.raises(KeyError) as caught:
        wrapping.finish(3)
    assert "raised in zenconv_step_execute of the plugin 'p0' (zenconv-p0 1)" in caught.value.__notes__[0]


def test_the_work_is_not_done_when_a_wrapper_cannot_begin_and_the_others_are_left() -> None:
    seen: list[str] = []

    def tidy(node: Any) -> Generator[None, Any, Any]:
        try:
            return (yield)
        finally:
            seen.append("tidied")

    def broken(node: Any) -> Generator[None, Any, Any]:
        raise OSError("cannot begin")
        yield

    with pytest.raises(OSError, match="cannot begin"):
        wrapped(broken, tidy).wrap(node=None, arguments={}, run="")
    assert seen == ["tidied"]


@pytest.mark.parametrize(
    ("times", "what"), [(0, "it ended before its `yield`"), (2, "it has more than one `yield`")]
)
def test_a_wrapper_has_exactly_one_yield(times: int, what: str) -> None:
    def odd(node: Any) -> Generator[None, Any, Any]:
        for _ in range(times):
            yield

    with pytest.raises(PluginError, match=what):
        wrapped(odd).wrap(node=None, arguments={}, run="").finish(1)


def test_what_a_plugin_prints_never_reaches_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    plugins = Plugins()
    register(plugins, "loud", **{ASK: lambda value: print("asked"), WATCH: lambda: print("watched")})
    plugins.calls(ASK).ask(value="x")
    plugins.calls(WATCH).watch(event=EVENT)
    assert capsys.readouterr() == ("", "asked\nwatched\n")


def test_a_zenconf_speaks_for_the_steps_of_its_folder_only() -> None:
    plugins = Plugins()
    seen: list[str] = []
    for folder in ("", "eu", "eu/north"):
        hooks = {"zenconv_step_finish": lambda event, folder=folder: seen.append(folder)}
        register(plugins, f"{folder}/zenconf.py", folder, **hooks)

    def told(file: str | None) -> list[str]:
        seen.clear()
        plugins.calls("zenconv_step_finish", file).watch(event=EVENT)
        return sorted(seen)

    assert told("steps_a.py") == [""]
    assert told("eu/steps_a.py") == ["", "eu"]
    assert told("eu/north/steps_a.py") == ["", "eu", "eu/north"]
    assert told("europe/steps_a.py") == [""]
    assert told(None) == ["", "eu", "eu/north"]


class Watching:
    """What a plugin may return when it is configured."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def zenconv_run_finish(self, event: RunFinished) -> None:
        self.seen.append(event)


def test_what_configure_returns_takes_part_with_its_methods() -> None:
    part = Watching()
    plugins = Plugins()
    register(plugins, "mine", zenconv_configure=lambda options: part if options["on"] else None)
    plugins.configure({"on": True}, Path("/p"), Path("/p/.zenconv"))
    plugins.calls(WATCH).watch(event=EVENT)
    assert part.seen == [EVENT]
    (row,) = plugins.rows()
    assert row.hooks == ("zenconv_configure", "zenconv_run_finish")


def test_a_plugin_registered_later_is_configured_too() -> None:
    part = Watching()
    plugins = Plugins()
    plugins.configure({}, Path("/p"), Path("/p/.zenconv"))
    register(plugins, "zenconf.py", zenconv_configure=lambda root: part if root == Path("/p") else None)
    plugins.calls(WATCH).watch(event=EVENT)
    assert part.seen == [EVENT]


@pytest.mark.parametrize("part", [3, {"zenconv_run_finish": print}, types.SimpleNamespace(a=1)])
def test_what_configure_returns_must_have_hooks(part: Any) -> None:
    plugins = Plugins()
    register(plugins, "mine", zenconv_configure=lambda: part)
    with pytest.raises(PluginError, match=r"zenconv_configure of the plugin 'mine' .* with no hooks"):
        plugins.configure({}, Path("/p"), Path("/p/.zenconv"))


def test_what_configure_returns_cannot_offer_what_was_asked_for_already() -> None:
    class Late:
        def zenconv_commands(self) -> list[Any]:
            return []

    plugins = Plugins()
    register(plugins, "mine", zenconv_configure=lambda: Late())
    with pytest.raises(PluginError, match="it returned a Late with zenconv_commands"):
        plugins.configure({}, Path("/p"), Path("/p/.zenconv"))


def test_a_misspelt_method_is_an_error_too() -> None:
    class Misspelt:
        def zenconv_run_finsh(self, event: RunFinished) -> None:
            """Never be called."""

    plugins = Plugins()
    register(plugins, "mine", zenconv_configure=lambda: Misspelt())
    with pytest.raises(PluginError, match="'zenconv_run_finsh' is not a hook") as caught:
        plugins.configure({}, Path("/p"), Path("/p/.zenconv"))
    assert "did you mean 'zenconv_run_finish'" in str(caught.value)
