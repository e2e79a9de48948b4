"""Reading the options of a built-in component, as they stand in its table of the settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from zenconv.errors import Problem, SettingsError, did_you_mean


def check_options(owner: str, options: Mapping[str, Any], known: Mapping[str, type]) -> None:
    """Raise one `SettingsError` for every unknown name and every wrong type in `options`.

    Parameters
    ----------
    owner
        What the options belong to, for the message: ``"artifact store 'local'"``.
    known
        The options there are, with their types. ``id`` is always allowed.
    """
    problems = tuple(_problems(owner, options, known))
    if problems:
        raise SettingsError(problems=problems)


def _problems(owner: str, options: Mapping[str, Any], known: Mapping[str, type]) -> Iterator[Problem]:
    for name, value in options.items():
        if name == "id":
            continue
        wanted = known.get(name)
        if wanted is None:
            yield Problem(f"unknown option {name!r} of the {owner}", exists=did_you_mean(name, known))
        elif not _fits(value, wanted):
            found = type(value).__name__
            yield Problem(
                f"option {name!r} of the {owner}: expected {wanted.__name__}, got {found} {value!r}"
            )


def _fits(value: object, wanted: type) -> bool:
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if wanted is dict:
        return isinstance(value, Mapping)
    return isinstance(value, wanted)
