"""How many worker processes a run has: ``-n``, the stack's ``workers``, the orchestrator's option."""

from __future__ import annotations

import attrs

from zenconv.errors import UsageError
from zenconv.settings.cores import count_cores
from zenconv.settings.settings import ComponentSettings, Settings

IN_PROCESS = ("in-process", "local")
PROCESSES = "processes"


def parse_workers(text: str) -> int:
    """Return the number that ``-n`` asks for: 0 or more, or ``auto``. `UsageError` for anything else."""
    if text == "auto":
        return count_cores()
    if not text.isascii() or not text.isdigit():
        raise UsageError(
            f"-n {text}: expected a number of worker processes",
            hint="-n 4, -n auto (one per physical core), or -n 0 (none)",
        )
    return int(text)


def with_workers(settings: Settings, workers: int | None) -> Settings:
    """Return `settings` whose stack has an orchestrator with `workers` processes; 0: none.

    None leaves the number to the stack. A stack that runs its steps elsewhere has no workers
    here: `UsageError`.
    """
    stack = settings.stack
    asked = stack.components.get("orchestrator")
    if workers is None:
        if stack.workers is None or (asked is not None and asked.id not in (*IN_PROCESS, PROCESSES)):
            return settings
        if asked is not None and asked.id == PROCESSES and "workers" in asked.options:
            return settings
        workers = stack.workers
    if asked is not None and asked.id not in (*IN_PROCESS, PROCESSES):
        raise UsageError(
            f"-n {workers}: the stack {stack.name!r} runs steps by {asked.id!r}, not in processes here",
            hint="leave -n out, or choose another stack with --stack",
        )
    where = asked.where if asked is not None else "default"
    made = (
        ComponentSettings(PROCESSES, {"workers": workers}, where)
        if workers
        else ComponentSettings(IN_PROCESS[0], {}, where)
    )
    components = {**stack.components, "orchestrator": made}
    return attrs.evolve(settings, stack=attrs.evolve(stack, components=components))


def has_workers(settings: Settings) -> bool:
    """Return whether runs of the stack in use need worker processes, or may: that of a plugin says later."""
    asked = settings.stack.components.get("orchestrator")
    return asked is not None and asked.id not in IN_PROCESS
