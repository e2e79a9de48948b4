"""Settings from the environment: ``ZENCONV_A__B=x`` means ``a.b = "x"``.

Only names that begin with a setting count; ``ZENCONV_HOME`` and a plugin's own variables are
left alone. Names are compared without case, as shells like capitals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from zenconv.errors import Problem
from zenconv.settings.lines import KeyPath
from zenconv.settings.params import Tree, insert
from zenconv.settings.reading import Reader
from zenconv.settings.secrets import name_references
from zenconv.settings.settings import ENVIRONMENT_LAYER, Value
from zenconv.settings.text import Text

PREFIX = "ZENCONV_"
_OTHERS = ("addopts", "debug", "disable_plugin_autoload", "gpus", "home", "signing_key")
"""Variables that are no settings."""


def merge_environment(
    raw: dict[str, Any], environ: Mapping[str, str], known: Iterable[str], reader: Reader
) -> dict[str, Any]:
    """Return `raw` with what the environment says about the settings `known`, parameters aside."""
    merged = dict(raw)
    for variable, path, text in _settings_variables(environ, known, reader):
        if path[0] != "params":
            exact = put_at(merged, path, Text(text))
            reader.origins[exact] = variable
    return merged


def add_environment_params(tree: Tree, environ: Mapping[str, str]) -> None:
    """Merge ``ZENCONV_PARAMS__*`` into the parameters."""
    start = f"{PREFIX}PARAMS__"
    for variable in sorted(environ):
        if variable.upper().startswith(start) and len(variable) > len(start):
            keys = _spell(tree, variable[len(start) :].split("__"))
            text = Text(environ[variable])
            insert(tree, keys, Value(text, variable, name_references(text), ENVIRONMENT_LAYER))


def _settings_variables(
    environ: Mapping[str, str], known: Iterable[str], reader: Reader
) -> Iterator[tuple[str, tuple[str, ...], str]]:
    names = list(known)
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or not environ[variable]:
            continue
        first, *rest = variable[len(PREFIX) :].split("__")
        if first.lower() in names:
            yield variable, (first.lower(), *rest), environ[variable]
        elif rest and (near := _near(first.lower(), names)):
            better = "__".join([PREFIX + near[0].upper(), *rest])
            problem = Problem("unknown setting", file=variable, exists=f"did you mean {better!r}?")
            reader.problems.append(problem)


def _near(name: str, names: Sequence[str], *, cutoff: float = 0.6) -> list[str]:
    import difflib

    return difflib.get_close_matches(name, names, n=1, cutoff=cutoff)


def find_misspelt(environ: Mapping[str, str], known: Iterable[str]) -> Iterator[str]:
    """Yield a warning for each variable that is almost the one of a setting; others may be anybody's."""
    names = [*known, *_OTHERS]
    for variable in sorted(environ):
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or "__" in name or name in names:
            continue
        near = [name.replace("_", "__", 1)] if name.startswith("params_") else []
        near = near or _near(name, names, cutoff=0.8)
        if near:
            meant = PREFIX + near[0].upper()
            yield f"the environment variable {variable} is no setting; did you mean {meant}?"


def put_at(table: dict[str, Any], path: tuple[str, ...], value: Any) -> KeyPath:
    """Put `value` at `path`, copying what it changes; return the path as the table spells it."""
    keys = _spell(table, path, lower=True)
    for name in keys[:-1]:
        below = table.get(name)
        below = dict(below) if isinstance(below, Mapping) else _as_table(below)
        table[name] = below
        table = below
    table[keys[-1]] = value
    return tuple(keys)


def _as_table(value: Any) -> dict[str, Any]:
    """Open ``orchestrator = "airflow"`` for an option from the environment."""
    return {"id": value} if isinstance(value, str) else {}


def _spell(table: Mapping[str, Any], path: Iterable[str], *, lower: bool = False) -> list[str]:
    """Return `path` with each key as the table has it already, compared without case.

    With `lower`, other keys are in small letters, as settings are; names of parameters stay.
    """
    keys: list[str] = []
    found: Any = table
    for part in path:
        names = list(found) if isinstance(found, Mapping) else []
        same = [name for name in names if name.lower() == part.lower()]
        key = part if part in names else same[0] if len(same) == 1 else part.lower() if lower else part
        keys.append(key)
        lower = lower and key != "params"
        found = found.get(key) if isinstance(found, Mapping) else None
    return keys
