"""From what a person names, a stack or an address, to the store and cache that are meant."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import attrs

from zenconv.errors import UsageError, did_you_mean
from zenconv.hooks import Plugins
from zenconv.settings import Settings
from zenconv.settings.settings import ComponentSettings, StackSettings
from zenconv.stack.assemble import Stack, choose_component

_HINT = "name a stack of the settings, an address such as s3://bucket/zenconv, or a folder: ./shared_store"


def open_place(
    settings: Settings, plugins: Plugins, place: str, scratch: Path, on_warning: Callable[[str], None]
) -> Stack:
    """Return the stack that `place` names.

    `place` is the name of a stack, an address, a folder as seen from the current folder, or
    ``""``: the only stack with another store than the one in use. What it has to write on this
    machine in passing goes to the folder `scratch`. Nothing is opened yet.

    Raises
    ------
    UsageError
        There is no such stack, or several without `place`; or it is the store in use itself.
    """
    chosen = _choose(settings, place)
    own, other = (choose_component(s, "artifact_store") for s in (settings.stack, chosen))
    if _identity(own) == _identity(other):
        raise UsageError(
            f"the stack {settings.stack.name!r} in use and {place or chosen.name!r} have the same store",
            hint="choose the one with --stack, and name the other",
        )
    is_local = other is None or other.id == "local"
    there = attrs.evolve(settings, stack=chosen, state=settings.state if is_local else scratch)
    return Stack(there, plugins, os.environ, on_warning)


def _identity(store: ComponentSettings | None) -> object:
    return None if store is None else (store.id, dict(store.options))


def _choose(settings: Settings, place: str) -> StackSettings:
    if place in settings.stacks:
        return settings.stacks[place]
    if "://" in place or "::" in place:
        return _at(place, ComponentSettings("fsspec", {"url": place}, "default"))
    if "/" in place or os.sep in place or place.startswith((".", "~")):
        path = os.path.abspath(os.path.expanduser(place))
        return _at(place, ComponentSettings("local", {"path": path}, "default"))
    if place:
        raise UsageError(
            f"there is no stack {place!r}", hint=f"{did_you_mean(place, settings.stacks)}; or {_HINT}"
        )
    own = _identity(choose_component(settings.stack, "artifact_store"))
    others = [
        stack
        for stack in settings.stacks.values()
        if _identity(choose_component(stack, "artifact_store")) != own
    ]
    if len(others) == 1:
        return others[0]
    names = ", ".join(stack.name for stack in others)
    raise UsageError(
        f"several stacks have another store: {names}" if others else "no stack has another store", hint=_HINT
    )


def _at(place: str, store: ComponentSettings) -> StackSettings:
    return StackSettings(place, {"artifact_store": store})
