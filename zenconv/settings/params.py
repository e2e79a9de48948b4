"""Parameters in layers: base, stack, environment, command line; and who gets which.

Keys nest and dots mean the same: ``training.C = 1``, ``[params.training] C = 1`` and
``"training.C" = 1`` are one. Layers are merged leaf by leaf, so a stack that sets
``training.C`` leaves ``training.test_size`` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from zenconv.settings.reading import Reader
from zenconv.settings.secrets import find_references, is_variable_name, name_references
from zenconv.settings.settings import ENVIRONMENT_LAYER, Value

Tree = dict[str, Any]
"""Nested dictionaries with a `Value` at each leaf."""


def add_table(tree: Tree, table: Mapping[str, Any], reader: Reader, path: Sequence[str], layer: int) -> None:
    """Merge the table that stands at `path` of the settings into `tree`; report what is wrong."""
    seen: dict[tuple[str, ...], str] = {}
    for keys, written, value in _leaves(table, (), tuple(path)):
        problem = _check_key(keys, value)
        if problem:
            reader.report(written, problem)
            continue
        clash = next((s for s in _prefixes(keys) if s in seen), None) or _extension(keys, seen)
        if clash is not None:
            reader.report(written, f"given twice: here and at {seen[clash]}")
            continue
        seen[keys] = reader.where(written)
        insert(tree, keys, Value(value, seen[keys], name_references(value), layer))


def _leaves(
    table: Mapping[str, Any], keys: tuple[str, ...], written: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], Any]]:
    """Yield (key, key as written, value) of every leaf.

    Dots count in the outermost keys only: further in, ``{"a.b" = 1}`` may be somebody's value.
    """
    for name, value in table.items():
        inner = (*keys, name) if keys else tuple(name.split("."))
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, inner, (*written, name))
        else:
            yield inner, (*written, name), value


def _check_key(keys: tuple[str, ...], value: Any) -> str:
    if not all(part.strip() for part in keys):
        return "a key has an empty part"
    bad = next((name for name in find_references(value) if not is_variable_name(name)), None)
    if bad is not None:
        return f"${{env:{bad}}} names no environment variable"
    return ""


def _prefixes(keys: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    return (keys[:length] for length in range(1, len(keys) + 1))


def _extension(keys: tuple[str, ...], seen: Mapping[tuple[str, ...], str]) -> tuple[str, ...] | None:
    return next((s for s in seen if s[: len(keys)] == keys), None)


def insert(tree: Tree, keys: Sequence[str], value: Value) -> None:
    """Put `value` into `tree`, replacing whatever stood at or across its key."""
    *parents, last = keys
    for name in parents:
        below = tree.get(name)
        if not isinstance(below, dict):
            below = _as_tree(below)
            tree[name] = below
        tree = below
    tree[last] = value


def _as_tree(value: Value | None) -> Tree:
    """Open a table given as one value (an empty one, or a Python dictionary) for deeper keys."""
    if value is None or not isinstance(value.value, Mapping):
        return {}
    return {str(k): attrs.evolve(value, value=item) for k, item in value.value.items()}


def flatten(tree: Tree) -> dict[str, Value]:
    """Return every leaf and every table of `tree` by its dotted key."""
    params: dict[str, Value] = {}
    _flatten(tree, "", params)
    return params


def _flatten(tree: Tree, prefix: str, params: dict[str, Value]) -> list[Value]:
    leaves: list[Value] = []
    for name, item in tree.items():
        key = f"{prefix}{name}"
        if isinstance(item, Value):
            params[key] = item
            leaves.append(item)
            continue
        below: list[Value] = []
        params[key] = Value({}, "")  # keeps tables before their content
        below = _flatten(item, f"{key}.", params)
        params[key] = _whole(item, below)
        leaves += below
    return leaves


def _whole(tree: Tree, leaves: list[Value]) -> Value:
    secrets = dict.fromkeys(name for leaf in leaves for name in leaf.secret.split(",") if name)
    return Value(
        _plain(tree),
        ", ".join(dict.fromkeys(leaf.origin for leaf in leaves)),
        ",".join(secrets),
        max(leaf.layer for leaf in leaves),
        is_table=True,
    )


def _plain(tree: Tree) -> dict[str, Any]:
    return {name: i.value if isinstance(i, Value) else _plain(i) for name, i in tree.items()}


def look_up(
    params: Mapping[str, Value], name: str, *, step: str = "", pipelines: Iterable[str] = ()
) -> tuple[str, Value] | None:
    """Return the key and value that the parameter `name` of a step gets, or None.

    Parameters
    ----------
    step
        The step (or fixture) that has the parameter.
    pipelines
        The names its pipeline goes by, such as ``("eu/training", "training")``.

    The strongest layer wins; within it the most specific of ``pipeline.step.p``, ``step.p``,
    ``pipeline.p``, ``p``.
    """
    keys = [f"{pipeline}.{step}.{name}" for pipeline in pipelines if step]
    keys += [f"{step}.{name}"] if step else []
    keys += [f"{pipeline}.{name}" for pipeline in pipelines]
    keys.append(name)
    found = [(key, params[key]) for key in keys if key in params]
    if not found or found[0][1].layer < ENVIRONMENT_LAYER:
        found += _in_capitals(params, keys)
    return max(found, key=lambda pair: pair[1].layer, default=None)


def _in_capitals(params: Mapping[str, Value], keys: Iterable[str]) -> list[tuple[str, Value]]:
    """Find ``ZENCONV_PARAMS__TEST_SIZE`` for ``test_size``; one letter must be spelt exactly."""
    names = [key.upper() for key in keys if len(key.rpartition(".")[2]) > 1]
    return [(n, params[n]) for n in names if n in params and params[n].layer == ENVIRONMENT_LAYER]


def list_unused(params: Mapping[str, Value], used: Iterable[str]) -> list[str]:
    """Return the keys of leaves that nobody took, neither themselves nor a table around them."""
    taken = set(used)
    names = [key for key, value in params.items() if not value.is_table]
    return [n for n in names if not any(p in taken for p in _key_prefixes(n))]


def _key_prefixes(key: str) -> Iterator[str]:
    parts = key.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts) + 1))
