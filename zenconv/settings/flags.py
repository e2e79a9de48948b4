"""Settings from the command line: ``-o seed=3``, ``-o stacks.local.workers=2``, ``-o params.C=1``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from zenconv.errors import Problem, did_you_mean
from zenconv.settings.environment import put_at
from zenconv.settings.params import Tree
from zenconv.settings.reading import Reader
from zenconv.settings.secrets import name_references
from zenconv.settings.settings import FLAG_LAYER, Value
from zenconv.settings.text import Text, parse_text

FLAG = "-o"


def merge_options(
    raw: dict[str, Any], options: Iterable[str], known: Iterable[str], reader: Reader
) -> tuple[dict[str, Any], Tree]:
    """Return `raw` with what `options` say about the settings `known`; parameters, by name, apart.

    A value is text, read as what the setting expects; a TOML list or table is one.
    """
    merged = dict(raw)
    params: Tree = {}
    for option in options:
        name, equals, text = option.partition("=")
        path = tuple(part.strip() for part in name.split("."))
        problem = _check(option, path, list(known), is_complete=bool(equals))
        if problem is not None:
            reader.problems.append(problem)
        elif path[0] == "params":
            params[".".join(path[1:])] = Value(Text(text), FLAG, name_references(text), FLAG_LAYER)
        else:
            parsed = parse_text(text)
            value = parsed if isinstance(parsed, list | Mapping) else Text(text)
            reader.origins[put_at(merged, path, value)] = FLAG
    return merged, params


def _check(option: str, path: tuple[str, ...], known: list[str], *, is_complete: bool) -> Problem | None:
    if not is_complete or not all(path):
        return Problem(f"expected name=value, got {option!r}", file=FLAG, hint="-o seed=3")
    if path[0] not in known:
        hint = f"a parameter is set by --set {option}" if len(path) == 1 else ""
        what = f"{path[0]}: unknown setting"
        return Problem(what, file=FLAG, exists=did_you_mean(path[0], known), hint=hint)
    if path == ("params",):
        return Problem(f"params: expected params.name=value, got {option!r}", file=FLAG)
    return None
