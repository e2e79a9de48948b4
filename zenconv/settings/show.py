"""Every setting in effect with its value and origin, as text: for ``zenconv config``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from zenconv.frozen import Frozen
from zenconv.settings.settings import ComponentSettings, Settings, StackSettings

DEFAULT = "default"


@attrs.frozen(eq=False, repr=False)
class SettingRow(Frozen):
    """One setting. `value` is plain data; references to secrets stay references."""

    key: str
    value: Any
    origin: str


def show_origins(settings: Settings) -> list[SettingRow]:
    """Return every setting in effect; secrets as ``${env:NAME}``, a literal signing key as ``***``."""
    return [*_general(settings), *_stack(settings), *_params(settings), *_tables(settings)]


def _general(settings: Settings) -> Iterator[SettingRow]:
    yield SettingRow("root", str(settings.root), "found" if settings.file is None else str(settings.file))
    plugins = [*settings.plugins.enabled, *(f"no:{name}" for name in settings.plugins.disabled)]
    values = {
        "step_files": list(settings.step_files),
        "norecurse": list(settings.norecurse),
        "plugins": plugins,
        "seed": settings.seed,
        "markers": list(settings.markers),
        "strict_markers": settings.strict_markers,
        "timeout": settings.timeout or None,
    }
    for key, value in values.items():
        yield SettingRow(key, value, settings.origins.get(key, DEFAULT))


def _stack(settings: Settings) -> Iterator[SettingRow]:
    stack = settings.stack
    yield SettingRow("stack", stack.name, settings.stack_origin)
    yield from describe_stack(stack)


def describe_stack(stack: StackSettings) -> Iterator[SettingRow]:
    """Yield what a stack's table says, defaults left out."""
    prefix = f"stacks.{stack.name}."
    for kind, component in stack.components.items():
        yield SettingRow(f"{prefix}{kind}", describe_component(component), component.where)
    for number, tracker in enumerate(stack.trackers):
        yield SettingRow(f"{prefix}trackers[{number}]", describe_component(tracker), tracker.where)
    if stack.trust.mode:
        yield SettingRow(f"{prefix}trust.mode", stack.trust.mode, stack.trust.where)
    if stack.trust.key:
        key = stack.trust.key if "${env:" in stack.trust.key else "***"
        yield SettingRow(f"{prefix}trust.key", key, stack.trust.where)
    if stack.workers is not None:
        yield SettingRow(f"{prefix}workers", stack.workers, stack.where)


def describe_component(component: ComponentSettings) -> Any:
    """Return a component as its table would say it: the id alone, or with options."""
    return {"id": component.id, **component.options} if component.options else component.id


def _params(settings: Settings) -> Iterator[SettingRow]:
    for key, value in settings.params.items():
        if not value.is_table:
            yield SettingRow(f"params.{key}", value.value, value.origin)


def _tables(settings: Settings) -> Iterator[SettingRow]:
    tables: Mapping[str, Mapping[str, Any]] = {
        name: getattr(settings, name) for name in ("models", "tune", "bundle", "promote")
    }
    for output in settings.outputs:
        asked = {"materializer": output.materializer, "export": output.export}
        yield SettingRow(f"outputs.{output.name}", {k: v for k, v in asked.items() if v}, output.where)
    for name, table in tables.items():
        for key, value in table.items():
            path = f"{name}.{key}"
            yield SettingRow(path, value, settings.origins.get(path, DEFAULT))
