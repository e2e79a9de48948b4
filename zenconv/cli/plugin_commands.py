"""Commands that plugins add; for the list in ``zenconv --help`` they are remembered, so that it stays quick.

What is remembered are lines to show, under the folders in which packages are installed and their
modification times. To call a command, its plugin is asked.
"""

from __future__ import annotations

import json
import os
import sys
import time
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from zenconv.hooks.manager import Plugins
    from zenconv.hooks.markers import CommandSpec

_FORMAT = 1
_SETTLED_AFTER = 10.0


def find_command(name: str, args: Sequence[str]) -> click.Command | None:
    """Return the command `name` of a plugin, ready to be called with `args`; None if no plugin has it."""
    from zenconv.cli.options import scan_common_options

    plugins = _load_plugins(scan_common_options(args))
    specs = list_commands(plugins)
    if name not in specs:
        return None
    spec, plugin = specs[name]
    command = plugins.import_target(spec.target, plugin, f"the command {name!r}")
    if not isinstance(command, click.Command):
        from zenconv.errors import PluginError

        what = f"{spec.target} is a {type(command).__name__}, not a click command"
        raise PluginError(f"the command {name!r} of the plugin {plugin!r}: {what}")
    return _add_common_options(command)


def list_commands(plugins: Plugins) -> dict[str, tuple[CommandSpec, str]]:
    """Return the commands that plugins offer by name, with the plugin. `PluginError`."""
    from zenconv.cli.main import COMMANDS
    from zenconv.errors import PluginError
    from zenconv.hooks.markers import CommandSpec

    found: dict[str, tuple[CommandSpec, str]] = {}
    for plugin, spec in plugins.offers("zenconv_commands", CommandSpec):
        if not spec.name.replace("-", "_").isidentifier():
            raise PluginError(f"the plugin {plugin!r}: {spec.name!r} is no name for a command")
        if spec.name in COMMANDS:
            what = f"the plugin {plugin!r} claims the command {spec.name!r}, which is built in"
            raise PluginError(what, hint=f"to run without it: -p no:{plugin}")
        if spec.name in found:
            what = f"two plugins claim the command {spec.name!r}: {found[spec.name][1]!r} and {plugin!r}"
            raise PluginError(what, hint=f"switch one of them off: -p no:{plugin}")
        found[spec.name] = spec, plugin
    return found


def _load_plugins(common: Any) -> Plugins:
    from zenconv.errors import ZenconvError
    from zenconv.hooks.manager import load_plugins

    try:
        names = common.load_settings().plugins
    except ZenconvError:  # no project here, or the command itself will tell
        return load_plugins(common.plugin_requests)
    return load_plugins(
        common.plugin_requests, enabled=names.enabled, disabled=names.disabled, where=names.where
    )


def _add_common_options(command: click.Command) -> click.Command:
    """Return a copy that takes the options of every command, and hands a `CommandPlace` on."""
    import copy
    from pathlib import Path

    from zenconv.cli.options import CommonOptions, list_common_options

    command = copy.copy(command)
    own = list(command.params)
    taken = {
        name for parameter in own for name in (*parameter.opts, *parameter.secondary_opts, parameter.name)
    }
    command.params = []
    for add in reversed(list_common_options()):
        add(command)
    common = [p for p in reversed(command.params) if not taken & {*p.opts, p.name}]
    command.params = [*own, *common]
    callback = command.callback

    def call(*args: Any, **options: Any) -> Any:
        from zenconv.hooks.places import CommandPlace

        given = {str(p.name): options.pop(str(p.name)) for p in common}
        start = given.pop("root", None) or Path.cwd()
        options_of_settings = given.pop("settings_options", ())
        place = CommandPlace(CommonOptions(start, **given, options=options_of_settings).load_settings)
        click.get_current_context().obj = place
        return callback(*args, **options) if callback is not None else None

    command.callback = call
    return command


# ---------------------------------------------------------------- the list in the help


def list_known_commands() -> list[tuple[str, str]]:
    """Return name and line of every command that installed plugins add, remembered where nothing changed.

    What is wrong with a plugin is no reason for the help not to be shown: then there is a line that
    says how to find out.
    """
    if os.environ.get("ZENCONV_DISABLE_PLUGIN_AUTOLOAD"):
        return []
    folders = _find_folders()
    remembered = _recall(folders)
    if remembered is not None:
        return remembered
    if not any(_has_plugins(folder) for folder in folders):
        return []
    from zenconv.errors import ZenconvError
    from zenconv.hooks.manager import load_plugins

    try:
        specs = list_commands(load_plugins())
    except ZenconvError:
        return [("...", "A plugin cannot be loaded: `zenconv plugins` says which, and why.")]
    rows = [(name, f"{spec.help} ({plugin})") for name, (spec, plugin) in specs.items()]
    _remember(folders, rows)
    return rows


def _find_folders() -> list[str]:
    """Return the folders on the import path that packages are installed in."""
    here = os.path.realpath(os.getcwd())
    return [p for p in sys.path if os.path.isabs(p) and os.path.realpath(p) != here and os.path.isdir(p)]


def _has_plugins(folder: str) -> bool:
    """Return whether a distribution in `folder` has an entry point of ours; nothing is imported."""
    for name in os.listdir(folder):
        if name.endswith((".dist-info", ".egg-info")):
            try:
                with open(os.path.join(folder, name, "entry_points.txt"), "rb") as stream:
                    if b"[zenconv]" in stream.read().replace(b" ", b""):
                        return True
            except OSError:
                continue
    return False


def _stamps(folders: Sequence[str]) -> dict[str, int]:
    return {folder: os.stat(folder).st_mtime_ns for folder in folders if folder.endswith("-packages")}


def _file(folders: Sequence[str]) -> str:
    from zenconv import __version__

    home = os.environ.get("ZENCONV_HOME")
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = os.path.join(home, "cache") if home else os.path.join(caches, "zenconv")
    key = zlib.crc32("\0".join([__version__, sys.version, *folders]).encode("utf-8", "surrogateescape"))
    return os.path.join(folder, f"commands-{key:08x}.json")


def _recall(folders: Sequence[str]) -> list[tuple[str, str]] | None:
    try:
        with open(_file(folders), "rb") as stream:
            data = json.loads(stream.read())
        if data["format"] != _FORMAT or data["folders"] != _stamps(folders):
            return None
        return [(str(name), str(line)) for name, line in data["commands"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(folders: Sequence[str], rows: Sequence[tuple[str, str]]) -> None:
    stamps = _stamps(folders)
    if time.time() - max(stamps.values(), default=0) / 1e9 < _SETTLED_AFTER:
        return  # an installation may be under way
    path = _file(folders)
    draft = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(draft, "w", encoding="utf-8") as stream:
            json.dump({"format": _FORMAT, "folders": stamps, "commands": rows}, stream)
        os.replace(draft, path)
    except OSError:
        return  # a home that cannot be written costs some time per help, nothing else
