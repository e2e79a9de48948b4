"""What the decorators of fixtures say, read when a file is collected; and fixtures that are none."""

from __future__ import annotations

from collections.abc import Iterator
from types import FunctionType
from typing import TYPE_CHECKING, Any

import attrs

from zenconv.authoring import NOTE, FixtureNote, check_scope
from zenconv.errors import Problem, UsageError
from zenconv.settings.text import Text, parse_text

if TYPE_CHECKING:
    from zenconv.settings.settings import Settings


class ScopeConfig:
    """What a function gets as ``config`` that chooses the scope of a fixture.

    Parameters
    ----------
    stack
        The name of the stack.
    asked
        The parameters it has looked up.
    """

    def __init__(self, settings: Settings) -> None:
        self._params = settings.params
        self.stack = settings.stack.name
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        """Return the parameter `name` of the settings or the command line, else `default`."""
        self.asked.add(name)
        found = self._params.get(name)
        if found is None:
            return default
        return parse_text(found.value) if isinstance(found.value, Text) else found.value


def choose_scope(
    note: FixtureNote, name: str, config: ScopeConfig, file: str, line: int
) -> tuple[FixtureNote, Problem | None]:
    """Return `note` with its scope settled, and what was wrong with a scope chosen by a function."""
    if note.choose_scope is None:
        return note, None
    problem = None
    try:
        scope = note.choose_scope(fixture_name=name, config=config)
        check_scope(scope)
    except UsageError as error:
        problem = Problem(f"the scope of fixture {name!r}: {error.what}", file, line, hint=error.hint)
    except Exception as error:  # noqa: BLE001 - the project's own function may raise anything
        what = f"the scope of fixture {name!r} cannot be had: {type(error).__name__}: {error}"
        hint = "it is called as scope(fixture_name=..., config=...) and returns step, pipeline or run"
        problem = Problem(what, file, line, hint=hint)
    else:
        note = attrs.evolve(note, scope=scope)
    return attrs.evolve(note, choose_scope=None), problem


def is_foreign_fixture(value: Any) -> bool:
    """Return whether `value` was made by ``pytest.fixture``."""
    if type(value) is FunctionType:
        return "_pytestfixturefunction" in value.__dict__
    return type(value).__module__ == "_pytest.fixtures"


def describe_foreign_fixture(name: str, file: str, line: int) -> Problem:
    """Return the problem of a fixture of pytest in a file of zenconv."""
    return Problem(f"{name!r} is a fixture of pytest", file, line, hint="write @zenconv.fixture")


def find_fixtures_of_class(cls: type, file: str) -> Iterator[Problem]:
    """Yield a warning for each method that is declared a fixture: nothing can ask for it."""
    for name, value in vars(cls).items():
        function = getattr(value, "__func__", value)
        if isinstance(getattr(function, "__dict__", {}).get(NOTE), FixtureNote):
            code = getattr(function, "__code__", None)
            yield Problem(
                f"fixture {name!r} is a method of class {cls.__name__!r}, where no step can see it",
                file,
                code.co_firstlineno if code is not None else 1,
                hint="move it to the top level of the file",
            )
