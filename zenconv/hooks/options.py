"""The values of the options that plugins offer: from the command line, the settings, or the default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zenconv.errors import PluginError, Problem, SettingsError, did_you_mean
from zenconv.hooks.manager import Plugins
from zenconv.hooks.markers import OptionSpec
from zenconv.settings.settings import Settings
from zenconv.settings.text import Text, parse_text

_NAME = re.compile(r"--[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TYPES: Mapping[str, tuple[type, ...]] = {
    "flag": (bool,),
    "text": (str,),
    "path": (str,),
    "integer": (int,),
    "number": (float, int),
}

_WORDS = {
    "flag": "true or false",
    "text": "text",
    "path": "a path",
    "integer": "an integer",
    "number": "a number",
}


def list_options(plugins: Plugins) -> dict[str, tuple[OptionSpec, str]]:
    """Return every option that plugins offer by its name in the settings, with the plugin.

    `PluginError` where a name is none, or two plugins claim one.
    """
    found: dict[str, tuple[OptionSpec, str]] = {}
    for plugin, spec in plugins.offers("zenconv_options", OptionSpec):
        if not _NAME.fullmatch(spec.name) or spec.kind not in _TYPES:
            what = f"{spec.name!r} of kind {spec.kind!r} is no option"
            raise PluginError(f"the plugin {plugin!r}: {what}", hint="such as --junit-xml, of kind text")
        name = spec.name[2:]
        if name in found:
            raise PluginError(
                f"two plugins claim the option {spec.name}: {found[name][1]!r} and {plugin!r}",
                hint=f"switch one of them off: -p no:{plugin}",
            )
        found[name] = spec, plugin
    return found


def configure_plugins(plugins: Plugins, settings: Settings, given: Mapping[str, Any]) -> None:
    """Tell plugins of the project and of their options; `given` are those of the command line, by key.

    Raises
    ------
    SettingsError
        An option in the settings has the wrong type, or no plugin offers it.
    PluginError
        A plugin fails.
    """
    options = list_options(plugins)
    values = {spec.key: () if spec.is_repeated else _default(spec) for spec, _ in options.values()}
    problems = []
    for written, value in settings.options.items():
        name = written.replace("_", "-")  # as the environment has to spell it
        if name in options:
            spec = options[name][0]
            values[spec.key], what, exists = _read(spec, value, settings.root)
        elif plugins.is_partial:
            continue  # it may well be that of a plugin which was left out
        else:
            what, exists = "no plugin offers such an option", did_you_mean(name, options)
        if what:
            file, _, line = settings.origins.get(f"options.{written}", "").rpartition(":")
            where = (file, int(line)) if line.isdigit() else (line, 0)
            problems.append(Problem(f"options.{written}: {what}", *where, exists=exists))
    if problems:
        raise SettingsError(problems=tuple(problems))
    plugins.configure({**values, **given}, settings.root, settings.state)


def _default(spec: OptionSpec) -> Any:
    return False if spec.kind == "flag" else spec.default


def _read(spec: OptionSpec, value: Any, root: Path) -> tuple[Any, str, str]:
    """Return the value of an option as the settings have it, and what is wrong with it, if anything is."""
    if isinstance(value, Text) and (spec.kind not in ("text", "path") or spec.is_repeated):
        value = parse_text(value)
    items = value if spec.is_repeated and isinstance(value, list) else [value]
    for item in items:
        is_flag = isinstance(item, bool)
        if not isinstance(item, _TYPES[spec.kind]) or is_flag != (spec.kind == "flag"):
            return None, f"expected {_WORDS[spec.kind]}, got {item!r}", ""
        if spec.choices and item not in spec.choices:
            what = f"expected one of {', '.join(spec.choices)}, got {item!r}"
            return None, what, did_you_mean(str(item), spec.choices)
    if spec.kind == "path":
        items = [root / item for item in items]
    return tuple(items) if spec.is_repeated else items[0], "", ""
