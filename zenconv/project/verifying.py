"""``run --verify``: what the runner knows of it before and after the steps themselves."""

from __future__ import annotations

from zenconv.engine.portion import Portion
from zenconv.records.events import RunnerDied, StepsReused, StepVerified
from zenconv.records.layout import RunFolder
from zenconv.records.log import read_events
from zenconv.records.plan import Plan


def describe_portion(plan: Plan, portion: Portion) -> str:
    """Return what people should know of a portion, and how to have the same again."""
    count = sum(decision.verify for decision in plan.decisions.values())
    reused = plan.count("reuse")
    if not count:
        return "nothing is verified: " + ("the portion is empty" if reused else "no step is reused")
    steps = f"{count} of {reused} reused step{'s' if reused != 1 else ''}"
    again = "" if portion.share == 1 else f"; the same ones again: --verify {portion.show()}"
    return f"{steps} {'is' if count == 1 else 'are'} executed again to compare{again}"


def find_unverified(folder: RunFolder) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the nodes that earlier runners were to verify and did not come to.

    And those of them during which a runner died, together with others.
    """
    died: set[str] = set()
    left: dict[str, None] = {}
    for event, _ in read_events(folder.log):
        if isinstance(event, StepsReused):
            left.update({step["node"]: None for step in event.steps if step.get("verify")})
        elif isinstance(event, StepVerified):
            left.pop(event.node, None)
        elif isinstance(event, RunnerDied):
            died.add(event.node)
    return tuple(left), frozenset(died & left.keys())
