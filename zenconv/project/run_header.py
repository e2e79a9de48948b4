"""What people are told at the beginning of a run."""

from __future__ import annotations

from zenconv import clock
from zenconv.hooks.manager import SHIPPED, Plugins
from zenconv.project.telling import gather_lines
from zenconv.records.events import RunHeader, RunStarted
from zenconv.settings import Settings
from zenconv.stack.workers import PROCESSES, has_workers


def describe_start(started: RunStarted, settings: Settings, plugins: Plugins) -> RunHeader:
    """Return what people are told first: versions, where, on which stack, with which plugins; their lines.

    A plugin that fails has its warning there.
    """
    parts = [
        f"zenconv {started.environment['zenconv']} -- Python {started.environment['python']}",
        f"root {started.root}",
        f"stack {started.stack}",
    ]
    if started.sample:
        parts.append(f"sample {started.sample}")
    if has_workers(settings):
        asked = settings.stack.components["orchestrator"]
        workers = asked.options.get("workers")
        if asked.id != PROCESSES:
            parts.append(f"orchestrator {asked.id}")
        if workers or asked.id == PROCESSES:
            parts.append(f"{workers} workers" if workers else "workers")
    installed = [f"{row.name} {row.version}".strip() for row in plugins.rows() if row.origin != SHIPPED]
    if installed:
        parts.append(f"plugins {', '.join(installed)}")
    lines, warnings = gather_lines(plugins.calls("zenconv_report_header"), started)
    return RunHeader([", ".join(parts), *lines, *(f"warning: {w}" for w in warnings)], at=clock.utc_now())
