"""The options every command has, and what they lead to: settings, plugins, a stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


@attrs.frozen(eq=False, repr=False)
class CommonOptions(Frozen):
    """What the common options of one command say; `root` is where the search for a project starts.

    `changes` are settings that other flags of the command give another value.
    """

    root: Path
    stack_name: str | None = None
    config_file: Path | None = None
    sets: tuple[str, ...] = ()
    plugin_requests: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    changes: Mapping[str, Any] = attrs.field(factory=dict)

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
        """Return the plugins that flags and settings ask for. `PluginError`."""
        from zenconv.hooks.manager import load_plugins

        if settings is None:
            return load_plugins(self.plugin_requests)
        names = settings.plugins
        return load_plugins(self.plugin_requests, enabled=names.enabled, disabled=names.disabled)

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
        common = CommonOptions(start, stack_name, config_file, sets, plugin_requests, settings_options)
        return function(common, *args, **options)

    command: Any = update_wrapper(call, function)
    for option in reversed(_list_options(without)):
        command = option(command)
    return command  # type: ignore[no-any-return]


def json_option(function: F) -> F:
    """Give a command ``--json``; its function gets `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def _list_options(without: str) -> tuple[Callable[[Any], Any], ...]:
    def flags(*names: str) -> list[str]:
        return [name for name in names if name != without]

    return (
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
    )
