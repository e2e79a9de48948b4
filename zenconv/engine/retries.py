"""Steps that are executed again after a failure: whether, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import attrs

from zenconv import clock
from zenconv.errors import StoreError, ZenconvError
from zenconv.interfaces.orchestrating import TaskResult
from zenconv.records.events import StepFinished, StepRetried
from zenconv.records.marks import Retry
from zenconv.records.step import Node

Attempt = Mapping[str, Any]


class _Waiting(NamedTuple):
    """When the next attempt is due, on the monotonic clock, and how the last one ended."""

    due: float
    last: StepRetried


@attrs.define(eq=False, repr=False)
class Retries:
    """Counts attempts, and knows which steps wait for their next one.

    `attempts` are those of earlier runners, by node; the last of each that has not ended is due
    after its pause.
    """

    attempts: dict[str, list[StepRetried]] = attrs.field(factory=dict)
    _waiting: dict[str, _Waiting] = attrs.field(factory=dict)

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def resume(self, nodes: Iterable[Node]) -> None:
        """Have those of `nodes` wait whose last attempt ended an earlier runner."""
        for node in nodes:
            if self.attempts.get(node.id):
                last = self.attempts[node.id][-1]
                self._waiting[node.id] = _Waiting(clock.monotonic() + last.wait, last)

    def holds(self, node: str) -> bool:
        """Return whether a node waits for its next attempt to be due."""
        return node in self._waiting

    def earlier(self, node: str) -> list[Attempt]:
        """Return the attempts of a node that failed, oldest first, as they are recorded with its end."""
        return [describe_attempt(event) for event in self.attempts.get(node, ())]

    def after_end(self, node: Node) -> dict[str, float]:
        """Return after which ends of its process a step about to start is executed again.

        With the pause, and the number of attempts: ``{"crash": 1.0, "of": 4}``; empty where no
        attempt is left.
        """
        policy, made = node.marks.retry, len(self.attempts.get(node.id, ()))
        if policy is None or made >= policy.times:
            return {}
        wait = round(policy.wait(made + 1), 3)
        endings = (("crash", policy.after_crash), ("timeout", policy.after_timeout))
        found: dict[str, float] = {name: wait for name, is_asked in endings if is_asked}
        return {**found, "of": policy.times + 1} if found else {}

    def retry(self, node: Node, result: TaskResult) -> StepRetried | None:
        """Return the record of a failed attempt after which the step waits for another, or None."""
        policy, made = node.marks.retry, len(self.attempts.get(node.id, ()))
        if policy is None or made >= policy.times or not _is_asked(policy, result):
            return None
        event = StepRetried(
            node.id,
            made + 1,
            policy.times + 1,
            error=result.error or {},
            output=result.output.to_json() if result.output else None,
            seconds=round(result.seconds, 6),
            wait=round(policy.wait(made + 1), 3),
            at=clock.utc_now(),
        )
        self.attempts.setdefault(node.id, []).append(event)
        self._waiting[node.id] = _Waiting(clock.monotonic() + event.wait, event)
        return event

    def take_due(self) -> list[str]:
        """Return the nodes whose next attempt is due now; they no longer wait."""
        now = clock.monotonic()
        due = [id for id, waiting in self._waiting.items() if waiting.due <= now]
        for id in due:
            del self._waiting[id]
        return due

    def give_up(self, status: str) -> list[StepFinished]:
        """Return the ends of all steps that wait, for attempts that will not come; none waits any more."""
        lasts = [waiting.last for waiting in self._waiting.values()]
        self._waiting.clear()
        return [
            StepFinished(
                last.node,
                status,
                error=last.error,
                output=last.output,
                attempts=self.earlier(last.node)[:-1],
                at=clock.utc_now(),
            )
            for last in lasts
        ]

    def patience(self, most: float) -> float:
        """Return the seconds until something is due, `most` at most."""
        if not self._waiting:
            return most
        first = min(waiting.due for waiting in self._waiting.values())
        return max(0.0, min(most, first - clock.monotonic()))


def describe_attempt(event: StepRetried) -> dict[str, Any]:
    """Return a failed attempt as it is recorded with the end of its step."""
    return {
        "attempt": event.attempt,
        "error": event.error,
        "output": event.output,
        "seconds": event.seconds,
        "wait": event.wait,
        "at": event.at,
    }


def is_retried(policy: Retry | None, error: BaseException) -> bool:
    """Return whether `policy` asks for another attempt after `error`.

    What zenconv itself has against a step or its result, another attempt would not change.
    """
    if policy is None or (isinstance(error, ZenconvError) and not isinstance(error, StoreError)):
        return False
    return _matches(error, policy.on)


def _matches(error: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    if isinstance(error, kinds):
        return True
    if not isinstance(error, BaseExceptionGroup):
        return False
    return all(_matches(inner, kinds) for inner in error.exceptions)


def _is_asked(policy: Retry, result: TaskResult) -> bool:
    if result.ending == "crash":
        return policy.after_crash
    if result.ending == "timeout":
        return policy.after_timeout
    return result.retry
