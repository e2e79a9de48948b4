"""What plugins add to cache keys: versions of addresses, values, parts of their own."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

from zenconv.errors import PluginError
from zenconv.fingerprint.values import StandIn
from zenconv.hooks.calling import HookCalls, Implementation
from zenconv.hooks.manager import SHIPPED, Plugins
from zenconv.records.step import Node
from zenconv.settings.settings import Settings

_OF_THE_PROJECT = ("zenconv_hash_value", "zenconv_key_parts")
"""Hooks that are asked only of what everybody has who works on the project: the settings name it."""


class KeyHooks:
    """Asks the plugins of one project; `content_of` knows values that a materializer can store."""

    def __init__(self, plugins: Plugins, settings: Settings, content_of: Callable[[Any], str | None]) -> None:
        self._plugins = plugins
        self._content_of = content_of
        self._named = frozenset(settings.plugins.enabled)
        self._values = HookCalls(
            one for one in plugins.calls("zenconv_hash_value") if counts(one, self._named)
        )
        self._has_parts = any(counts(one, self._named) for one in plugins.calls("zenconv_key_parts"))

    def content_of(self, value: Any) -> str | StandIn | None:
        """Return what stands for a value that has no canonical form; None where nobody knows."""
        content = self._content_of(value)
        if content is not None:
            return content
        for one in self._values:
            found = HookCalls([one]).ask(value=value)
            if found is not None:
                return StandIn(one.plugin, found)
        return None

    def version_of(self, value: str) -> str | None:
        """Return the token of what an address refers to, None where no plugin knows. `PluginError`."""
        calls = self._plugins.calls("zenconv_input_version")
        token = (
            self._plugins.ask_once(f"version of {value}", lambda: calls.ask(value=value)) if calls else None
        )
        if token is not None and not isinstance(token, str):
            kind = type(token).__name__
            raise PluginError(f"zenconv_input_version returned a {kind} for {value!r}, not text")
        return token

    def parts_of(self, node: Node) -> Mapping[str, str]:
        """Return the parts that plugins add to the key of `node`, by ``plugin part``. `PluginError`."""
        if not self._has_parts:
            return {}
        found: dict[str, str] = {}
        calls = self._plugins.calls("zenconv_key_parts", node.id.partition("::")[0])
        for one, parts in HookCalls(one for one in calls if counts(one, self._named)).gather(node=node):
            if not isinstance(parts, Mapping):
                raise one.failure(f"it returned a {type(parts).__name__}, not a mapping of texts")
            found |= {f"{one.plugin} {name}": str(text) for name, text in parts.items()}
        return found


def list_unasked(plugins: Plugins, enabled: Iterable[str]) -> dict[str, list[str]]:
    """Return, by plugin, its hooks that are not asked because the settings do not name it."""
    named = set(enabled)
    found: dict[str, list[str]] = {}
    for hook in _OF_THE_PROJECT:
        for one in plugins.calls(hook):
            if not counts(one, named):
                found.setdefault(one.plugin, []).append(hook)
    return found


def counts(one: Implementation, named: Container[str]) -> bool:
    """Return whether everybody who works on a project has a plugin: it is built in, its own, or named."""
    return one.origin in (SHIPPED, one.plugin) or one.plugin in named
