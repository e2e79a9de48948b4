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
    changes: Mapping[str, Any] = attrs.field(factory=dict)

    def load_settings(self) -> Settings:
        """Return the project's settings; show its warnings. `SettingsError`, `UsageError`."""
        from zenconv.settings.load import load_settings

        settings = load_settings(
            self.root, stack=self.stack_name, sets=self.sets, config_file=self.config_file
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
def common_options(*, config_flags: Sequence[str]) -> Callable[[F], F]: ...


def common_options(
    function: F | None = None, *, config_flags: Sequence[str] = ("-c", "--config")
) -> F | Callable[[F], F]:
    """Give a command ``--stack -c -C --set -p``; its function gets an `CommonOptions` first.

    `config_flags` are how ``-c`` is spelt, for a command that needs that letter.
    """
    if function is None:
        return lambda decorated: _add_common_options(decorated, config_flags)
    return _add_common_options(function, config_flags)


def _add_common_options(function: F, config_flags: Sequence[str]) -> F:
    def call(
        *args: Any,
        root: Path | None,
        stack_name: str | None,
        config_file: Path | None,
        sets: tuple[str, ...],
        plugin_requests: tuple[str, ...],
        **options: Any,
    ) -> Any:
        start = root if root is not None else Path.cwd()
        common = CommonOptions(start, stack_name, config_file, sets, plugin_requests)
        return function(common, *args, **options)

    command: Any = update_wrapper(call, function)
    for option in reversed(_list_options(config_flags)):
        command = option(command)
    return command  # type: ignore[no-any-return]


def json_option(function: F) -> F:
    """Give a command ``--json``; its function gets `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def _list_options(config_flags: Sequence[str]) -> tuple[Callable[[Any], Any], ...]:
    return (
        click.option("--stack", "stack_name", metavar="NAME", help="The stack to use."),
        click.option("-C", "--root", type=_FOLDER, metavar="DIR", help="The project, or a folder in it."),
        click.option(*config_flags, "config_file", type=_FILE, metavar="FILE", help="Read these settings."),
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
