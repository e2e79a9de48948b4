"""What plugins have to say while a project is collected."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import attrs

from zenconv.authoring import Mark, Marker
from zenconv.errors import PluginError
from zenconv.hooks import specs
from zenconv.hooks.calling import HookCalls
from zenconv.hooks.checking import place_of_code
from zenconv.hooks.manager import Plugins
from zenconv.hooks.markers import ParameterValue
from zenconv.settings.settings import Value

HOOK_PREFIX = "zenconv_"
_TOO_EARLY = frozenset({"zenconv_components", "zenconv_options", "zenconv_commands", "zenconv_report_header"})
"""Hooks that are called before a ``zenconf.py`` is read."""
_COLLECTING = ("zenconv_collect_step", "zenconv_mark_step", "zenconv_resolve_parameter")


def is_hook(name: str, value: Any) -> bool:
    """Return whether something is meant to be a hook that there is: by its name, or by `hookimpl`."""
    if name.startswith(HOOK_PREFIX) and hasattr(specs, name):
        return True
    return inspect.isfunction(value) and hasattr(value, "zenconv_impl")


def _may_be_hook(name: str, value: Any) -> bool:
    return is_hook(name, value) or (name.startswith(HOOK_PREFIX) and callable(value))


class CollectingHooks:
    """Asks the plugins; without any, everything is as the project says.

    `local` are the ``zenconf.py`` files that have hooks, registered when they were imported: before
    the step files that they serve.
    """

    def __init__(self, plugins: Plugins | None = None) -> None:
        self._plugins = plugins
        self.local: list[str] = []
        self._versions: dict[str, str | None] = {}

    def register(self, module: ModuleType, file: str) -> None:
        """Let the hooks of a ``zenconf.py`` take part, for the steps of its folder. `PluginError`."""
        functions = dict(inspect.getmembers_static(module, inspect.isfunction))
        if not any(map(_may_be_hook, vars(module), vars(module).values())):
            return
        for name in sorted(_TOO_EARLY.intersection(functions)):
            where = place_of_code(functions[name])
            raise PluginError(
                f"{where}: {name!r} has no effect in a zenconf.py, which is read when that is over",
                hint="put it into a plugin: an installed package, or a module named by -p",
            )
        self.local.append(file)
        if self._plugins is not None and not self._plugins.has(file):
            self._plugins.register(module, file, origin=file, folder=file.rpartition("/")[0])

    def is_step(self, name: str, function: Callable[..., Any], file: str) -> bool:
        """Return whether no plugin says that a function of `file` is no step."""
        if self._plugins is None:
            return True
        calls = self._plugins.calls("zenconv_collect_step", file)
        return not calls or calls.ask(name=name, function=function, file=file) is not False

    def marks_of(self, name: str, function: Callable[..., Any], file: str) -> list[Mark]:
        """Return the marks that plugins put on a step. `PluginError` where one returns something else."""
        if self._plugins is None:
            return []
        calls = self._plugins.calls("zenconv_mark_step", file)
        if not calls:
            return []
        marks = []
        for one, found in calls.gather(name=name, function=function, file=file):
            for marker in [found] if isinstance(found, Marker) else found:
                if not isinstance(marker, Marker):
                    raise one.failure(f"it returned {marker!r}, which is no mark")
                place, _, line = one.where.rpartition(":")
                marks.append(attrs.evolve(marker.mark, file=place, line=int(line or 0)))
        return marks

    def value_of(self, name: str, owner: str, pipeline: str, file: str) -> Value | None:
        """Return what a plugin says that a parameter is, of a step or fixture `owner`."""
        if self._plugins is None:
            return None
        calls = self._plugins.calls("zenconv_resolve_parameter", file)
        found = calls.ask(name=name, owner=owner, pipeline=pipeline) if calls else None
        if found is None:
            return None
        if not isinstance(found, ParameterValue):
            kind = type(found).__name__
            raise PluginError(
                f"zenconv_resolve_parameter returned a {kind} for {name!r}, not a ParameterValue"
            )
        return Value(found.value, found.origin)

    def versions(self) -> dict[str, str]:
        """Return, by plugin that takes part in collecting, what its answers depend on.

        The first call is before the project is collected: a later answer might be of another state.
        """
        if self._plugins is None:
            return {}
        every = self._plugins.calls("zenconv_collection_version")
        new = HookCalls(one for one in every if one.plugin not in self._versions)
        known = {one.plugin: str(version) for one, version in new.gather()}
        self._versions.update({one.plugin: known.get(one.plugin) for one in new})
        taking_part = self._taking_part()
        return {
            name: text for name, text in self._versions.items() if text is not None and name in taking_part
        }

    def find_reasons(self) -> list[str]:
        """Return why what was collected may be something else next time, as far as plugins go."""
        versions = self.versions()
        unknown = [plugin for plugin in self._taking_part() if plugin not in versions]
        reasons = [
            f"the plugin {name!r} takes part in collecting" for name in unknown if name not in self.local
        ]
        return [*(f"{file} has hooks" for file in self.local), *reasons]

    def packages(self) -> frozenset[str]:
        """Return the packages of plugins that are nothing but that: ``zenconv_trace``."""
        rows = self._plugins.rows() if self._plugins is not None else ()
        names = (row.module.partition(":")[0].partition(".")[0] for row in rows)
        return frozenset(name for name in names if name.startswith(HOOK_PREFIX))

    def _taking_part(self) -> list[str]:
        if self._plugins is None:
            return []
        return list(dict.fromkeys(one.plugin for hook in _COLLECTING for one in self._plugins.calls(hook)))
