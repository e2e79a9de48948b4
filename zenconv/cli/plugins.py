"""``zenconv plugins``: which plugins are loaded, from where, and what each provides."""

from __future__ import annotations

import click

from zenconv.cli.options import CommonOptions, common_options, json_option
from zenconv.cli.output import escape, print_json, print_line, style


@click.command()
@json_option
@common_options
def command(common: CommonOptions, as_json: bool) -> None:
    """List plugins and what each provides. Works outside of projects, too."""
    from zenconv.errors import SettingsError, UsageError

    try:
        settings = common.load_settings()
    except SettingsError:
        raise
    except UsageError:  # no project here
        settings = None
    plugins = common.load_plugins(settings)
    rows = plugins.rows()
    if as_json:
        specs: dict[tuple[str, str], list[str]] = {
            (spec.kind, spec.id): list(spec.capabilities) for spec in plugins.components()
        }
        items = [
            {
                "name": row.name,
                "version": row.version,
                "origin": row.origin,
                "module": row.module,
                "hooks": list(row.hooks),
                "components": [
                    {"kind": kind, "id": id, "capabilities": specs[kind, id]} for kind, id in row.components
                ],
                "materializers": list(row.materializers),
            }
            for row in rows
        ]
        print_json({"plugins": items})
        return
    for row in rows:
        print_line(f"{style(escape(row.name), 'bold')}  {escape(row.origin)}")
        for kind, ids in _group(row.components).items():
            print_line(f"  {kind.replace('_', ' ')}: {escape(', '.join(ids))}")
        if row.materializers:
            print_line(f"  materializers: {escape(', '.join(row.materializers))}")
        observed = [name for name in row.hooks if name not in ("zenconv_components", "zenconv_materializers")]
        if observed:
            print_line(f"  hooks: {', '.join(observed)}")


def _group(components: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for kind, id in components:
        groups.setdefault(kind, []).append(id)
    return groups
