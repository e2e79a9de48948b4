"""Calling one test of a suite on something that is wrong."""

from __future__ import annotations

import inspect
from typing import Any


def list_tests(suite: type[Any]) -> set[str]:
    """Return the names of a suite's tests."""
    return {name for name in dir(suite) if name.startswith("test_")}


def call_test(suite: Any, name: str, **offered: Any) -> None:
    """Call a test with those of the fixtures that it takes; of parametrized ones, with the first value."""
    test = getattr(suite, name)
    for mark in getattr(test, "pytestmark", ()):
        if mark.name == "parametrize":
            offered[mark.args[0]] = mark.args[1][0]
    test(**{parameter: offered[parameter] for parameter in inspect.signature(test).parameters})
