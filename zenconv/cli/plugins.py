"""``zenconv plugins``: which plugins are loaded, from where, and what each provides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import click

from zenconv.cli.options import CommonOptions, common_options, json_option
from zenconv.cli.output import escape, print_json, print_line, style

if TYPE_CHECKING:
    from zenconv.hooks.manager import Plugins
    from zenconv.settings import Settings

_OFFERING = ("zenconv_components", "zenconv_materializers", "zenconv_options", "zenconv_commands")


@click.command()
@json_option
@common_options
def command(common: CommonOptions, as_json: bool) -> None:
    """List plugins and what each provides. Works outside of projects, too.

    `zenconv plugin new` begins one.
    """
    from zenconv.errors import SettingsError, UsageError

    try:
        settings = common.load_settings()
    except SettingsError:
        raise
    except UsageError:  # no project here
        settings = None
    items = _describe(common.load_plugins(settings), settings)
    if as_json:
        print_json({"plugins": items})
        return
    for item in items:
        _print_plugin(item)


def _describe(plugins: Plugins, settings: Settings | None) -> list[dict[str, Any]]:
    from zenconv.cli.plugin_commands import list_commands
    from zenconv.hooks.conformance import find_conformance
    from zenconv.hooks.options import list_options
    from zenconv.project.key_hooks import list_unasked

    capabilities: dict[tuple[str, str], list[str]] = {
        (spec.kind, spec.id): list(spec.capabilities) for spec in plugins.components()
    }
    options, commands = list_options(plugins), list_commands(plugins)
    unasked = list_unasked(plugins, settings.plugins.enabled if settings is not None else ())
    return [
        {
            "name": row.name,
            "version": row.version,
            "origin": row.origin,
            "module": row.module,
            "hooks": list(row.hooks),
            "not_asked": unasked.get(row.name, []),
            "components": [
                {"kind": kind, "id": id, "capabilities": capabilities[kind, id]}
                for kind, id in row.components
            ],
            "materializers": list(row.materializers),
            "conformance": [attrs.asdict(record) for record in find_conformance(row)],
            "options": [spec.name for spec, plugin in options.values() if plugin == row.name],
            "commands": [name for name, (_, plugin) in commands.items() if plugin == row.name],
        }
        for row in plugins.rows()
    ]


def _print_plugin(item: Mapping[str, Any]) -> None:
    print_line(f"{style(escape(item['name']), 'bold')}  {escape(item['origin'])}")
    kinds: dict[str, list[str]] = {}
    for component in item["components"]:
        able = f" ({', '.join(component['capabilities'])})" if component["capabilities"] else ""
        kinds.setdefault(component["kind"], []).append(component["id"] + able)
    for kind, ids in kinds.items():
        _print_names(kind.replace("_", " "), ids)
    for what in ("materializers", "options", "commands"):
        _print_names(what, item[what])
    for line in _conformance_lines(item):
        print_line(f"  conformance: {escape(line)}")
    _print_names("hooks", [name for name in item["hooks"] if name not in _OFFERING])
    if item["not_asked"]:
        hint = f'plugins = ["{item["name"]}"]'
        print_line(f"  not asked for {', '.join(item['not_asked'])}: the settings do not name it: {hint}")


def _print_names(what: str, names: Sequence[str]) -> None:
    if names:
        print_line(f"  {what}: {escape(', '.join(names))}")


def _conformance_lines(item: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is known of the suites that the components of a plugin have passed."""
    from zenconv import __version__
    from zenconv.hooks.manager import SHIPPED

    offered = [(c["kind"], c["id"]) for c in item["components"]]
    offered += [("materializer", id) for id in item["materializers"]]
    if item["origin"] == SHIPPED:
        if offered:
            yield f"part of the tests of zenconv {__version__}"
        return
    recorded = {(r["kind"], r["id"]): r for r in item["conformance"]}
    for kind, id in offered:
        record = recorded.get((kind, id))
        name = f"{kind.replace('_', ' ')} {id}"
        if record is None:
            yield f"{name}: nothing is recorded"
            continue
        skipped = f", {len(record['skipped'])} skipped" if record["skipped"] else ""
        stale = "" if record["is_current"] else "; its code has changed since"
        suite = f"{record['suite']} of zenconv {record['zenconv']}"
        yield f"{name} passed {suite} ({len(record['passed'])} tests{skipped}), says the package{stale}"
