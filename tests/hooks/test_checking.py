from __future__ import annotations

import functools
import re
import types
from pathlib import Path
from typing import Any

import pytest

from zenconv.errors import PluginError
from zenconv.hooks import Plugins


def register(source: str, tmp_path: Path) -> None:
    path = tmp_path / "zenconf.py"
    path.write_text(source)
    module = types.ModuleType("zenconf")
    exec(compile(source, path, "exec"), vars(module))
    Plugins().register(module, "zenconf.py", origin="project")


@pytest.mark.parametrize("mark", ["", "from zenconv import hookimpl\n@hookimpl\n"])
def test_a_misspelt_hook_is_an_error_with_its_place(tmp_path: Path, monkeypatch: Any, mark: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PluginError) as caught:
        register(f"{mark}def zenconv_run_finnish(event): pass\n", tmp_path)
    line = mark.count("\n") + 1 - (1 if mark else 0)
    assert str(caught.value) == (
        f"zenconf.py:{line}: 'zenconv_run_finnish' is not a hook of zenconv (plugin 'zenconf.py', project)\n"
        "    hint: did you mean 'zenconv_run_finish' or 'zenconv_step_finish'?"
    )


def test_a_misspelt_argument_is_an_error_with_its_place(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PluginError) as caught:
        register("def zenconv_run_finish(evnt): pass\n", tmp_path)
    assert str(caught.value) == (
        "zenconf.py:1: the hook 'zenconv_run_finish' offers no argument 'evnt' "
        "(plugin 'zenconf.py', project)\n"
        "    hint: did you mean 'event'?"
    )


def test_an_argument_of_a_hook_without_any_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="zenconv_components has no arguments"):
        register("def zenconv_components(config): pass\n", tmp_path)


def test_arguments_may_be_left_out_and_extra_ones_may_have_defaults(tmp_path: Path) -> None:
    register("def zenconv_run_finish(): pass\ndef zenconv_run_start(event, mine=3): pass\n", tmp_path)


def test_a_hook_of_a_newer_version_may_be_marked_optional(tmp_path: Path) -> None:
    register(
        "from zenconv import hookimpl\n@hookimpl(optionalhook=True)\ndef zenconv_future(x): pass\n", tmp_path
    )


def test_other_functions_of_a_plugin_are_no_hooks(tmp_path: Path) -> None:
    register("def helper(zenconv_x): pass\nzenconv_constant = 3\n_zenconv_y = len\n", tmp_path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def zenconv_run_finish(event):\n    yield\n", "has a `yield`, and is not marked as a wrapper"),
        (
            "from zenconv import hookimpl\n@hookimpl(wrapper=True)\ndef zenconv_run_finish(event): pass\n",
            "is marked as a wrapper and has no `yield`",
        ),
        (
            "import zenconv\n@zenconv.hookimpl(hookwrapper=True)\ndef zenconv_run_finish(event): yield\n",
            "is a wrapper of pluggy's old style",
        ),
        ("def zenconv_step_execute(node): pass\n", "stands around the call of a step"),
    ],
)
def test_what_would_never_do_anything_is_refused(tmp_path: Path, source: str, message: str) -> None:
    with pytest.raises(PluginError, match=message) as caught:
        register(source, tmp_path)
    assert "hint: " in str(caught.value)


def test_what_a_plugin_offers_may_be_yielded(tmp_path: Path) -> None:
    register("def zenconv_components():\n    yield\n", tmp_path)


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        (
            "async def zenconv_run_finish(event): pass",
            ":1: 'zenconv_run_finish' is async",
            "asyncio.run",
        ),
        (
            "import functools\nzenconv_run_finish = functools.partial(print, 1)",
            "'zenconv_run_finish' is no function but a partial",
            "def zenconv_run_finish",
        ),
        (
            "import functools\nzenconv_run_finsh = functools.partial(print, 1)",
            "'zenconv_run_finsh' is no function but a partial",
            "did you mean 'zenconv_run_finish'",
        ),
        (
            "import functools\n@functools.cache\ndef zenconv_run_finish(event): pass",
            ":2: 'zenconv_run_finish' is no function but a _lru_cache_wrapper",
            "def zenconv_run_finish",
        ),
        (
            "class zenconv_run_finish:\n    def __init__(self, event): pass",
            "'zenconv_run_finish' is no function but a class",
            "def zenconv_run_finish",
        ),
        (
            "zenconv_run_finish = 3",
            "'zenconv_run_finish' is no function but a int",
            "def zenconv_run_finish",
        ),
        (
            "def zenconv_run_finish(*, event): pass",
            ":1: 'zenconv_run_finish' takes 'event' by keyword only",
            r"leave the \* out",
        ),
        (
            "def zenconv_run_finish(*, evnt): pass",
            "offers no argument 'evnt'",
            "did you mean 'event'",
        ),
        (
            "def zenconv_run_finish(event=None): pass",
            ":1: 'zenconv_run_finish' gives its argument 'event' a default",
            "def zenconv_run_finish",
        ),
        (
            "def zenconv_run_finish(*args, **options): pass",
            ":1: 'zenconv_run_finish' names none of its arguments",
            "functools.wraps",
        ),
        (
            "import functools\n"
            "def noting(f):\n"
            "    @functools.wraps(f)\n"
            "    def call(*args): return f(*args)\n"
            "    return call\n"
            "@noting\ndef zenconv_run_finish(evnt): pass",
            ":6: the hook 'zenconv_run_finish' offers no argument 'evnt'",
            "did you mean 'event'",
        ),
        (
            "from zenconv import hookimpl\n@hookimpl\ndef zencov_run_finish(event): pass",
            ":2: 'zencov_run_finish' is not a hook of zenconv",
            "did you mean 'zenconv_run_finish'",
        ),
    ],
)
def test_what_would_never_be_called_as_meant_is_an_error_with_its_place(
    tmp_path: Path, source: str, message: str, hint: str
) -> None:
    with pytest.raises(PluginError, match=message) as caught:
        register(source + "\n", tmp_path)
    assert re.search(hint, str(caught.value).partition("hint: ")[2])


@pytest.mark.parametrize(
    "source",
    [
        "zenconv_run_finish = lambda event: None",
        "def zenconv_run_finish(event, /): pass",
        "def zenconv_run_finish(event, *rest, **more): pass",
        "def zenconv_run_finish(): pass",
        "def zenconv_components(*args): return []",
        "import json as zenconv_json",
        "class zenconv_settings: pass",
    ],
)
def test_what_is_called_as_in_pluggy_is_fine(tmp_path: Path, source: str) -> None:
    register(source + "\n", tmp_path)


def test_a_decorated_hook_is_called_with_the_arguments_of_the_function_inside() -> None:
    def noting(function: Any) -> Any:
        @functools.wraps(function)
        def call(*args: Any) -> Any:
            return [*args, function(*args)]

        return call

    @noting
    def zenconv_input_version(value: str) -> str:
        return f"version of {value}"

    module = types.ModuleType("decorated")
    module.zenconv_input_version = zenconv_input_version  # type: ignore[attr-defined]
    plugins = Plugins()
    plugins.register(module, "decorated", origin="-p")
    assert plugins.calls("zenconv_input_version").ask(value="x") == ["x", "version of x"]
