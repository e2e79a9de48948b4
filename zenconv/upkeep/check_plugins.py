"""Whether plugins can be imported, know the hooks, claim nothing twice, and have what they require."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

import attrs

from zenconv.errors import PluginError
from zenconv.frozen import Frozen
from zenconv.hooks.installed import InstalledPlugin, list_installed
from zenconv.hooks.manager import BUILT_IN, PluginRow, Plugins, load_plugins
from zenconv.settings.settings import PluginSettings
from zenconv.upkeep.findings import Finding, Section
from zenconv.upkeep.requirements import find_unmet, requirements_of

SECTION = Section("plugins")


@attrs.frozen(eq=False, repr=False)
class CheckedPlugins(Frozen):
    """The findings, and the plugins with those left out that are broken or in the way of others."""

    findings: list[Finding]
    plugins: Plugins


def check_plugins(requests: Sequence[str], names: PluginSettings) -> CheckedPlugins:
    """Look at each installed plugin by itself, and then at all of them together."""
    off = {*names.disabled, *(request[3:] for request in requests if request.startswith("no:"))}
    installed = [plugin for plugin in _wanted(requests, names) if plugin.name not in off]
    findings: list[Finding] = []
    rows: dict[str, PluginRow] = {}
    for name in dict.fromkeys(plugin.name for plugin in installed):
        try:
            rows[name] = _load_one(name)
        except PluginError as error:
            findings += SECTION.failures(name, error)
    conflicts = list(_find_conflicts(rows.values()))
    findings += [finding for _, finding in conflicts]
    left_out = {plugin.name for plugin in installed} - rows.keys() | {name for name, _ in conflicts}
    plugins, more = _load_together(requests, names, left_out)
    findings += more
    findings += [f for plugin in installed if plugin.name in rows for f in _check_requirements(plugin)]
    told = {finding.subject for finding in findings}
    loaded = [row for row in plugins.rows() if row.name not in told]
    findings.append(SECTION.ok("plugins", ", ".join(_describe(row) for row in loaded)))
    return CheckedPlugins(findings, plugins)


def _wanted(requests: Sequence[str], names: PluginSettings) -> Iterator[InstalledPlugin]:
    autoload = not os.environ.get("ZENCONV_DISABLE_PLUGIN_AUTOLOAD")
    asked = {*requests, *names.enabled}
    yield from (plugin for plugin in list_installed() if autoload or plugin.name in asked)


def _load_one(name: str) -> PluginRow:
    plugins = load_plugins(enabled=[name], autoload=False)
    plugins.materializers()
    return next(row for row in plugins.rows() if row.name == name)


def _find_conflicts(rows: Iterable[PluginRow]) -> Iterator[tuple[str, Finding]]:
    """Yield each plugin that claims what one before it claims, too."""
    claimed: dict[tuple[str, str], PluginRow] = {}
    for row in rows:
        claims = [*row.components, *(("materializer", id) for id in row.materializers)]
        for kind, id in claims:
            other = claimed.setdefault((kind, id), row)
            if other is not row:
                text = (
                    f"two plugins claim the {kind.replace('_', ' ')} {id!r}: "
                    f"{other.name!r} ({other.origin}) and {row.name!r} ({row.origin})"
                )
                hint = f"switch one of them off: -p no:{row.name}, or uninstall it"
                yield row.name, SECTION.error(row.name, text, PluginError.exit_code, hint)


def _load_together(
    requests: Sequence[str], names: PluginSettings, left_out: Iterable[str]
) -> tuple[Plugins, list[Finding]]:
    missing = set(left_out)
    without = [f"no:{name}" for name in sorted(missing)]
    kept = [request for request in requests if request not in missing]
    enabled = [name for name in names.enabled if name not in missing]
    findings: list[Finding] = []
    for asked, named in ((kept, enabled), ([], [])):
        try:
            plugins = load_plugins(
                [*asked, *without], enabled=named, disabled=names.disabled, where=names.where
            )
            plugins.rows()
        except PluginError as error:
            findings += SECTION.failures("plugins", error)
        else:
            return plugins, findings
    return load_plugins(autoload=False), findings


def _check_requirements(plugin: InstalledPlugin) -> Iterator[Finding]:
    for text in find_unmet(requirements_of(plugin.distribution)):
        what = f"{plugin.distribution} {plugin.version}: {text}"
        yield SECTION.warning(plugin.name, what, f"pip install --upgrade {plugin.distribution}")


def _describe(row: PluginRow) -> str:
    return row.name if row.name in BUILT_IN else f"{row.name} ({row.origin})"
