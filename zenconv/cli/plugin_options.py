"""``zenconv run`` with the flags of plugins; these are loaded only where a flag is typed, or asked about."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from zenconv.cli.options import PLUGIN_OPTIONS, scan_common_options

if TYPE_CHECKING:
    from zenconv.hooks.markers import OptionSpec

_PREFIX = "plugin_option_"
_ARGS = "zenconv.args"


class RunCommand(click.Command):
    """A command that takes the flags of plugins, too."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        context.meta[_ARGS] = list(args)
        try:
            return super().parse_args(context, list(args))
        except click.NoSuchOption:
            if not self._extend(args):
                raise
        return super().parse_args(context, args)

    def invoke(self, context: click.Context) -> Any:
        given = {}
        for name in [name for name in context.params if name.startswith(_PREFIX)]:
            value = context.params.pop(name)
            if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                given[name.removeprefix(_PREFIX)] = value
        context.meta[PLUGIN_OPTIONS] = given
        return super().invoke(context)

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        self._extend(context.meta.get(_ARGS, []))
        own = [parameter for parameter in self.params if not _is_plugins(parameter)]
        others = [parameter for parameter in self.params if _is_plugins(parameter)]
        self.params = own
        super().format_options(context, formatter)
        if others:
            rows = [row for option in others if (row := option.get_help_record(context))]
            with formatter.section("Options of plugins"):
                formatter.write_dl(rows)

    def _extend(self, args: Iterable[str]) -> bool:
        """Add the flags that plugins offer; return whether there are any, now for the first time."""
        if any(_is_plugins(parameter) for parameter in self.params):
            return False
        found = _list_options(list(args))
        taken = {name for parameter in self.params for name in (*parameter.opts, *parameter.secondary_opts)}
        for spec, plugin in found:
            if spec.name in taken:
                from zenconv.errors import PluginError

                raise PluginError(
                    f"the plugin {plugin!r} claims {spec.name}, which `zenconv run` has already",
                    hint=f"to run without it: -p no:{plugin}",
                )
            self.params.append(_make_option(spec))
        return bool(found)


def _is_plugins(parameter: click.Parameter) -> bool:
    return (parameter.name or "").startswith(_PREFIX)


def _list_options(args: list[str]) -> list[tuple[OptionSpec, str]]:
    from zenconv.errors import ZenconvError
    from zenconv.hooks.manager import load_plugins
    from zenconv.hooks.options import list_options

    common = scan_common_options(args)
    try:
        names = common.load_settings().plugins
    except ZenconvError:  # told when the command begins
        return list(list_options(common.load_plugins()).values())
    plugins = load_plugins(
        common.plugin_requests, enabled=names.enabled, disabled=names.disabled, where=names.where
    )
    return list(list_options(plugins).values())


def _make_option(spec: OptionSpec) -> click.Option:
    path = click.Path(path_type=Path, resolve_path=True)
    kinds: dict[str, Any] = {"text": str, "path": path, "integer": int, "number": float}
    name = _PREFIX + spec.key
    if spec.kind == "flag":
        return click.Option([spec.name, name], is_flag=True, help=spec.help)
    kind = click.Choice(spec.choices) if spec.choices else kinds[spec.kind]
    metavar = spec.metavar or None
    return click.Option(
        [spec.name, name], type=kind, multiple=spec.is_repeated, metavar=metavar, help=spec.help
    )
