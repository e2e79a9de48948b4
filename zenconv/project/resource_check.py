"""Before a run: whether this machine has what the steps to execute need."""

from __future__ import annotations

from zenconv import clock
from zenconv.engine.reserving import find_infeasible, find_without_gpu
from zenconv.errors import SettingsError
from zenconv.hooks.manager import Plugins
from zenconv.records.events import Notice
from zenconv.records.plan import Plan
from zenconv.settings import Settings
from zenconv.settings.machine import Machine
from zenconv.stack.assemble import choose_component

_MOST_NAMED = 3


def check_resources(settings: Settings, plugins: Plugins, plan: Plan) -> list[Notice]:
    """Return what is to be said of what the steps take of this machine.

    Raises
    ------
    SettingsError
        Steps need what this machine does not have; they are all in it.
    """
    nodes = [node for node in plan.to_execute() if node.marks.resources is not None]
    if not nodes or is_remote(settings, plugins):
        return []
    machine = Machine.find()
    problems = find_infeasible(nodes, machine)
    if problems:
        raise SettingsError(problems=tuple(dict.fromkeys(problems)))
    without = [node.short_id for node in find_without_gpu(nodes, machine)]
    if not without:
        return []
    more = f" and {len(without) - _MOST_NAMED} more" if len(without) > _MOST_NAMED else ""
    text = f"there is no GPU here: {', '.join(without[:_MOST_NAMED])}{more} run without"
    return [Notice(text, "note", at=clock.utc_now())]


def is_remote(settings: Settings, plugins: Plugins) -> bool:
    """Return whether the stack in use runs its steps on other machines."""
    asked = choose_component(settings.stack, "orchestrator")
    return asked is not None and "remote" in plugins.capabilities("orchestrator", asked.id)
