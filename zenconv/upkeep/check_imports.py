"""What makes the project slow to import."""

from __future__ import annotations

from collections.abc import Iterator

from zenconv.settings import Settings
from zenconv.upkeep.findings import Finding, Section
from zenconv.upkeep.import_costs import ImportCost, measure_imports

SECTION = Section("imports")
_SLOW_SECONDS = 5.0
_SHOWN_SECONDS = 0.02
_MOST_SHOWN = 6


def check_imports(settings: Settings) -> Iterator[Finding]:
    """Measure in a new process what each library costs that the project imports."""
    costs = measure_imports(settings)
    if costs is None:
        yield SECTION.warning("imports", "could not be measured: the project cannot be imported by itself")
        return
    total = sum(cost.seconds for cost in costs)
    shown = [cost for cost in costs[:_MOST_SHOWN] if cost.seconds >= _SHOWN_SECONDS]
    for cost in shown:
        if cost.seconds >= _SLOW_SECONDS:
            hint = f"imported inside the steps that need it, {cost.name} costs nothing where they are reused"
            yield SECTION.warning(cost.name, _describe(cost), hint)
        else:
            yield SECTION.ok(cost.name, _describe(cost))
    yield SECTION.ok("imports", f"{_milliseconds(total)} in all, when step files or what they import changed")


def _describe(cost: ImportCost) -> str:
    parts = ", ".join(
        f"{name} {_milliseconds(seconds)}" for name, seconds in cost.parts if seconds >= _SHOWN_SECONDS
    )
    within = f" (of it {parts})" if parts else ""
    return f"{_milliseconds(cost.seconds)}{within}: {' -> '.join(cost.chain)}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
