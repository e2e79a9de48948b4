"""Reading the tables below ``stacks``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zenconv.errors import did_you_mean
from zenconv.settings.cores import count_cores
from zenconv.settings.lines import KeyPath
from zenconv.settings.reading import Reader
from zenconv.settings.secrets import find_references, is_variable_name
from zenconv.settings.settings import (
    COMPONENT_KINDS,
    LOCAL,
    ComponentSettings,
    StackSettings,
    TrustSettings,
)
from zenconv.settings.text import Text, parse_text

TRUST_MODES = ("forbid", "local", "signed", "trust")

_KEYS = (*COMPONENT_KINDS, "trackers", "trust", "params", "workers")


def read_stacks(reader: Reader, tables: Any) -> dict[str, StackSettings]:
    """Return every stack by name; ``local`` is always among them."""
    stacks = {LOCAL: StackSettings()}
    for name, table in reader.read_table(("stacks",), tables).items():
        stacks[name] = _read_stack(reader, ("stacks", name), name, table)
    return stacks


def _read_stack(reader: Reader, path: KeyPath, name: str, value: Any) -> StackSettings:
    table = reader.read_table(path, value)
    reader.check_keys(path, table, _KEYS)
    components = {
        kind: component
        for kind in COMPONENT_KINDS
        if kind in table and (component := _read_component(reader, (*path, kind), kind, table[kind]))
    }
    return StackSettings(
        name=name,
        components=components,
        trackers=_read_trackers(reader, (*path, "trackers"), table.get("trackers")),
        trust=_read_trust(reader, (*path, "trust"), table.get("trust")),
        workers=_read_workers(reader, (*path, "workers"), table.get("workers")),
        where=reader.where(path),
    )


def _read_workers(reader: Reader, path: KeyPath, value: Any) -> int | None:
    return count_cores() if value == "auto" else reader.read_int(path, value, least=0)


def _read_component(reader: Reader, path: KeyPath, kind: str, value: Any) -> ComponentSettings | None:
    where = reader.where(path)
    if isinstance(value, Mapping):
        options = {k: _plain(v) for k, v in value.items() if k != "id"}
        _check_references(reader, path, options)
        id = reader.read_text((*path, "id"), value.get("id")) if "id" in value else _implied_id(kind, options)
        if id is None and "id" not in value:
            reader.report(
                path, "the table does not say which component: id is missing", hint='add id = "..."'
            )
        return ComponentSettings(id, options, where) if id else None
    text = reader.read_text(path, value)
    if text is None:
        return None
    if kind == "artifact_store" and "://" in text:
        _check_references(reader, path, text)
        return ComponentSettings("fsspec", {"url": text}, where)
    if kind == "artifact_store" and ("/" in text or "\\" in text or text.startswith((".", "~"))):
        return ComponentSettings("local", {"path": text}, where)
    if "://" in text:
        reader.report(path, f"expected the id of a component, got the address {text!r}", hint=_URL_HINT)
        return None
    return ComponentSettings(text, {}, where)


_URL_HINT = 'write a table: {id = "...", url = "..."}'


def _implied_id(kind: str, options: Mapping[str, Any]) -> str | None:
    if kind != "artifact_store":
        return None
    return "fsspec" if "url" in options else "local" if "path" in options else None


def _plain(value: Any) -> Any:
    """Give an option from the environment the type it looks like; tables may hold more of them."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return parse_text(value) if isinstance(value, Text) and "${env:" not in value else value


def _read_trackers(reader: Reader, path: KeyPath, value: Any) -> tuple[ComponentSettings, ...]:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    if value is not None and not isinstance(value, list):
        reader.report(path, f"expected a list of trackers, got {value!r}")
        value = None
    read = [_read_component(reader, (*path, n), "tracker", item) for n, item in enumerate(value or ())]
    return tuple(component for component in read if component is not None)


def _read_trust(reader: Reader, path: KeyPath, value: Any) -> TrustSettings:
    if value is None:
        return TrustSettings()
    table = {"mode": value} if isinstance(value, str) else reader.read_table(path, value)
    reader.check_keys(path, table, ("mode", "key"))
    mode = reader.read_text((*path, "mode"), table.get("mode"))
    if mode is not None and mode not in TRUST_MODES:
        exists = did_you_mean(mode, TRUST_MODES)
        reader.report(path, f"unknown trust mode {mode!r}", exists=exists)
        mode = None
    key = reader.read_text((*path, "key"), table.get("key"))
    if key is not None:
        _check_references(reader, (*path, "key"), key)
    return TrustSettings(mode or ("signed" if key else ""), key or "", reader.where(path))


def _check_references(reader: Reader, path: KeyPath, value: Any) -> None:
    for name in find_references(value):
        if not is_variable_name(name):
            reader.report(path, f"${{env:{name}}} names no environment variable")
