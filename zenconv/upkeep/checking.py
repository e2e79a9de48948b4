"""`zenconv check`: will it run? Everything is looked at, whatever is found, and told together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from zenconv.errors import SettingsError, ZenconvError
from zenconv.frozen import Frozen
from zenconv.hooks.manager import Plugins
from zenconv.hooks.options import configure_plugins
from zenconv.records.layout import StateFolder
from zenconv.settings import Settings
from zenconv.settings.settings import PluginSettings, StackSettings
from zenconv.stack.assemble import Stack
from zenconv.upkeep.check_imports import check_imports
from zenconv.upkeep.check_plugins import check_plugins
from zenconv.upkeep.check_project import check_project
from zenconv.upkeep.check_stack import check_needs, check_reachable, check_stack
from zenconv.upkeep.check_store import StoreCheck
from zenconv.upkeep.check_versions import check_versions
from zenconv.upkeep.findings import Finding, Section

_PROJECT = Section("project")
_STORE = Section("store")


@attrs.frozen(eq=False, repr=False)
class CheckOptions(Frozen):
    """How thorough a check is, whether it mends, and which plugins were asked for."""

    plugin_requests: Sequence[str] = ()
    deep: bool = False
    fix: bool = False


def check_everything(load_settings: Callable[[], Settings], options: CheckOptions) -> list[Finding]:
    """Look at everything a run would need; nothing is raised."""
    try:
        settings = load_settings()
    except ZenconvError as error:
        plugins = check_plugins(options.plugin_requests, PluginSettings())
        return [*_PROJECT.failures("settings", error), *plugins.findings]
    findings = [_PROJECT.ok("settings", str(settings.file or "defaults, no configuration file"))]
    findings += [_PROJECT.warning("settings", text) for text in settings.warnings]
    checked = check_plugins(options.plugin_requests, settings.plugins)
    findings += _configure(checked.plugins, settings)
    notices: list[str] = []
    stack = Stack(settings, checked.plugins, os.environ, notices.append)
    try:
        problems = stack.problems()
        reached = [] if problems else check_reachable(stack)
        is_usable = not problems and not reached
        planned = settings if is_usable else _without_stack(settings)
        project = check_project(planned, checked.plugins, has_store=is_usable)
        findings += project.findings
        findings += reached or check_stack(settings, checked.plugins, stack, problems)
        findings += check_needs(settings, checked.plugins, project.needs)
        store = StoreCheck(StateFolder(settings.state), stack, deep=options.deep, fix=options.fix)
        findings += store.findings(with_store=is_usable)
        findings += [_STORE.warning("cached results", text) for text in dict.fromkeys(notices)]
        findings += Section("versions").look(
            "versions", lambda: check_versions(settings, project.packages, stack.metadata_store)
        )
    finally:
        stack.close()
    findings += checked.findings
    if project.is_sound:
        findings += Section("imports").look("imports", lambda: check_imports(settings))
    return list(_each_once(findings))


def _configure(plugins: Plugins, settings: Settings) -> list[Finding]:
    """Tell plugins of the project, as a run does: what they provide may depend on it."""
    try:
        configure_plugins(plugins, settings, {})
    except SettingsError as error:
        return _PROJECT.failures("settings", error)
    except ZenconvError as error:
        return Section("plugins").failures("plugins", error)
    return []


def _without_stack(settings: Settings) -> Settings:
    """Return `settings` in which nothing of the stack but its parameters counts."""
    return attrs.evolve(settings, stack=StackSettings(settings.stack.name))


def _each_once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Leave out what was said already: one broken component shows wherever it is needed."""
    told: set[str] = set()
    for finding in findings:
        if finding.level == "ok" or finding.text not in told:
            yield finding
        told.add(finding.text)
