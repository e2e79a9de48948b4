"""What people are told about the effects of a step: what happened where, and the edit that mends it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import attrs

from zenconv.frozen import Frozen

_MOST_NAMES = 3
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_NOCACHE = "`@zenconv.mark.nocache`"


@attrs.frozen(eq=False, repr=False)
class Deed(Frozen):
    """One effect: its kind, what it is done to, and the line of the project that brings it about.

    `existed`: what is written was there before.
    """

    kind: str
    name: str
    file: str
    line: int
    existed: bool = False


def describe_deeds(deeds: Sequence[Deed], step: str, parameters: Mapping[str, Any], root: str) -> list[str]:
    """Return a line for each kind of effect of the step named `step`, in a fixed order.

    Paths below `root`, which ends with a separator, are shown relative to it.
    """
    lines = []
    for kind, say in _SAYINGS.items():
        found = [deed for deed in deeds if deed.kind == kind]
        if found:
            names = [_shown(deed.name, root) for deed in found]
            text = say(names, _parameter_at(found[0].name, parameters))
            lines.append(f"{found[0].file}:{found[0].line}: {step!r} {text}")
    return lines


def _shown(name: str, root: str) -> str:
    return name.removeprefix(root)


def _list(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    text = ", ".join(repr(name) for name in names[:_MOST_NAMES])
    return f"{text} and {more} more" if more > 0 else text


def _parameter_at(path: str, parameters: Mapping[str, Any]) -> str:
    """Return the name of the parameter whose path is `path`, or a folder around it."""
    for name, value in parameters.items():
        if isinstance(value, PurePath) or (isinstance(value, str) and value.strip(f".{os.sep}")):
            place = os.path.abspath(value)
            if path == place or path.startswith(place + os.sep):
                return name
    return ""


def _say_written(names: Sequence[str], parameter: str) -> str:
    if parameter:
        edit = f"declare it as a place to write, `{parameter}: Output[Path]`"
    else:
        edit = "take `path: Output[Path]` to write to, or return the path; scratch files go below `tmp_path`"
    return f"writes {_list(names)}, which a reused result does not write again: {edit}"


def _say_removed(names: Sequence[str], _parameter: str) -> str:
    return (
        f"deletes {_list(names)}, which a reused result does not delete again: "
        f"mark it {_NOCACHE} if that has to happen in every run"
    )


def _say_variables(names: Sequence[str], _parameter: str) -> str:
    secret = [name for name in names if _SECRET.search(name)]
    plain = [name for name in names if name not in secret]
    edits = []
    if plain:
        listed = ", ".join(f'"{name}"' for name in plain)
        edits.append(f"declare {'it' if len(names) == 1 else 'them'}, `@zenconv.step(env=[{listed}])`")
    if secret:
        edits.append(f'take secrets from the fixture `secrets`, `secrets["{secret[0]}"]`')
    what = "variable" if len(names) == 1 else "variables"
    count = "does" if len(names) == 1 else "do"
    return (
        f"reads the environment {what} {_list(names)}, which {count} not count for reuse: {'; '.join(edits)}"
    )


def _say_environment(_names: Sequence[str], _parameter: str) -> str:
    return (
        "reads the whole environment, which does not count for reuse: "
        'read the variables that matter, and declare them, `@zenconv.step(env=["NAME"])`'
    )


def _say_connected(names: Sequence[str], _parameter: str) -> str:
    return (
        f"connects to {_list(names)}, whose answers do not count for reuse: connect in a fixture and say "
        f'how long a result holds, `@zenconv.mark.refresh("1d")`, or mark it {_NOCACHE}'
    )


def _say_started(names: Sequence[str], _parameter: str) -> str:
    return (
        f"starts {_list(names)}, and what that reads and writes is not seen: give it files as `Path` "
        f"parameters and `Output[Path]`, or mark the step {_NOCACHE}"
    )


_SAYINGS: Mapping[str, Callable[[Sequence[str], str], str]] = {
    "write": _say_written,
    "remove": _say_removed,
    "variable": _say_variables,
    "environment": _say_environment,
    "connection": _say_connected,
    "process": _say_started,
}
"""What to say of each kind of effect, given the names and a parameter that holds the first of them."""
