"""``zenconv config``: the settings in effect, and where each is written."""

from __future__ import annotations

from typing import Any

import click

from zenconv.cli.options import CommonOptions, common_options, json_option
from zenconv.cli.output import print_json, print_table, print_warning


@click.command()
@click.option("--show-origin", is_flag=True, help="Say where each value is written.")
@json_option
@common_options
def command(common: CommonOptions, show_origin: bool, as_json: bool) -> None:
    """Show the settings in effect, and where each is written.

    Secrets are shown as references, never by value.
    """
    from zenconv.settings.show import show_origins

    settings = common.load_settings()
    rows = show_origins(settings)
    if as_json:
        items = [{"key": row.key, "value": row.value, "origin": row.origin} for row in rows]
        print_json({"file": settings.file, "settings": items, "warnings": list(settings.warnings)})
        return
    headers = ["setting", "value", "origin"] if show_origin else ["setting", "value"]
    cells = [(row.key, format_value(row.value), row.origin) for row in rows]
    print_table([row[: len(headers)] for row in cells], headers)
    for warning in settings.warnings:
        print_warning(warning)


def format_value(value: Any) -> str:
    """Return a value about as TOML would write it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(format_value, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {format_value(item)}" for key, item in value.items()) + "}"
    return str(value)
