"""The options every command has, and what they lead to: settings, plugins, a stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

import attrs
import click

from zenconv.frozen import Frozen

if TYPE_CHECKING:
    from zenconv.hooks.manager import Plugins
    from zenconv.settings.settings import Settings
    from zenconv.stack.assemble import Stack

F = TypeVar("F", bound=Callable[..., Any])

PLUGIN_OPTIONS = "zenconv.plugin_options"
"""Where the context of a command holds the values of flags that plugins offer, by key."""


@attrs.frozen(eq=False, repr=False)
class CommonOptions(Frozen):
    """What the common options of one command say; `root` is where the search for a project starts.

    `changes` are settings that other flags of the command give another value, `plugin_options` the
    values of flags that plugins offer.
    """

    root: Path
    stack_name: str | None = None
    config_file: Path | None = None
    sets: tuple[str, ...] = ()
    plugin_requests: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    changes: Mapping[str, Any] = attrs.field(factory=dict)
    plugin_options: Mapping[str, Any] = attrs.field(factory=dict)

    def load_settings(self) -> Settings:
        """Return the project's settings; show its warnings. `SettingsError`, `UsageError`."""
        from zenconv.settings.load import load_settings

        settings = load_settings(
            self.root,
            stack=self.stack_name,
            sets=self.sets,
            config_file=self.config_file,
            options=self.options,
        )
        if not self.changes:
            return settings
        flags = {name: f"--{name.replace('_', '-')}" for name in self.changes}
        return attrs.evolve(settings, **self.changes, origins={**settings.origins, **flags})

    def load_plugins(self, settings: Settings | None = None) -> Plugins:
        """Return the plugins that flags and settings ask for, told of the project. `PluginError`."""
        from zenconv.hooks.manager import load_plugins

        if settings is None:
            return load_plugins(self.plugin_requests)
        from zenconv.hooks.options import configure_plugins

        names = settings.plugins
        plugins = load_plugins(
            self.plugin_requests, enabled=names.enabled, disabled=names.disabled, where=names.where
        )
        configure_plugins(plugins, settings, self.plugin_options)
        return plugins

    def open_stack(self, settings: Settings, on_warning: Callable[[str], None]) -> Stack:
        """Return the stack in use for whoever runs no step: trackers and a signing key may be missing."""
        import os

        from zenconv.stack.assemble import Stack

        return Stack(settings, self.load_plugins(settings), os.environ, on_warning)

    def assemble(self) -> Stack:
        """Return the stack that flags and settings name."""
        from zenconv.stack.assemble import assemble

        settings = self.load_settings()
        return assemble(settings, self.load_plugins(settings))


@overload
def common_options(function: F) -> F: ...


@overload
def common_options(*, without: str) -> Callable[[F], F]: ...


def common_options(function: F | None = None, *, without: str = "") -> F | Callable[[F], F]:
    """Give a command ``--stack -c -C -o --set -p``; its function gets an `CommonOptions` first.

    `without` is a short flag, ``-c`` or ``-o``, that the command needs for itself.
    """
    if function is None:
        return lambda decorated: _add_common_options(decorated, without)
    return _add_common_options(function, without)


def _add_common_options(function: F, without: str) -> F:
    def call(
        *args: Any,
        root: Path | None,
        stack_name: str | None,
        config_file: Path | None,
        sets: tuple[str, ...],
        plugin_requests: tuple[str, ...],
        settings_options: tuple[str, ...],
        **options: Any,
    ) -> Any:
        start = root if root is not None else Path.cwd()
        common = CommonOptions(
            start,
            stack_name,
            config_file,
            sets,
            plugin_requests,
            settings_options,
            plugin_options=click.get_current_context().meta.get(PLUGIN_OPTIONS, {}),
        )
        return function(common, *args, **options)

    command: Any = update_wrapper(call, function)
    for option in reversed(list_common_options(without)):
        command = option(command)
    return command  # type: ignore[no-any-return]


def scan_common_options(args: Sequence[str]) -> CommonOptions:
    """Return what the common options among `args` say, without minding any other."""
    found: dict[str, list[str]] = {}
    short = {"--plugin": "-p", "--root": "-C", "--config": "-c", "--setting": "-o"}
    names = {**short, **{name: name for name in short.values()}}
    for position, argument in enumerate(args):
        name, equals, value = argument.partition("=")
        if not argument.startswith("--") and argument[:2] in names:
            name, equals, value = argument[:2], argument[2:], argument[2:]
        if name in names and (equals or position + 1 < len(args)):
            found.setdefault(names[name], []).append(value if equals else args[position + 1])
    config = Path(found["-c"][-1]) if "-c" in found else None
    root = Path(found["-C"][-1]) if "-C" in found else Path.cwd()
    requests, options = (tuple(found.get(name, ())) for name in ("-p", "-o"))
    return CommonOptions(root, None, config, (), requests, options)


def json_option(function: F) -> F:
    """Give a command ``--json``; its function gets `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def list_common_options(without: str = "") -> list[Callable[[Any], Any]]:
    """Return the decorators that add the common options to a command, spelt in any way but `without`."""

    def flags(*names: str) -> list[str]:
        return [name for name in names if name != without]

    return [
        click.option("--stack", "stack_name", metavar="NAME", help="The stack to use."),
        click.option("-C", "--root", type=_FOLDER, metavar="DIR", help="The project, or a folder in it."),
        click.option(
            *flags("-c", "--config"), "config_file", type=_FILE, metavar="FILE", help="Read these settings."
        ),
        click.option(
            *flags("-o", "--setting"),
            "settings_options",
            multiple=True,
            metavar="NAME=VALUE",
            help="Give a setting this value.",
        ),
        click.option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="Set a parameter."),
        click.option(
            "-p",
            "--plugin",
            "plugin_requests",
            multiple=True,
            metavar="NAME",
            help="Load a plugin; no:NAME does not.",
        ),
    ]
