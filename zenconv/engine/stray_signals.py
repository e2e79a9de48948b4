"""Tell a signal that ends the run from one that only the process of a step was sent: that step fails."""

from __future__ import annotations

import signal

from zenconv.engine.interruption import Interruption

_PATIENCE_SECONDS = 0.25
"""Who ends all processes of a run at once is heard of here a moment later than the signal is felt."""


class StraySignals:
    """Knows which of the steps under way in this process had begun when a signal came."""

    def __init__(self, interruption: Interruption) -> None:
        self._interruption = interruption
        self._begun: dict[str, int] = {}

    def begin(self, node: str) -> None:
        """Note that a step begins."""
        self._begun[node] = self._interruption.begin_step()

    def end(self, node: str) -> None:
        """Note that it has ended."""
        self._begun.pop(node, None)

    def is_interrupted(self, node: str, error: BaseException) -> bool:
        """Return whether `error` is how the end of the run was felt in a step."""
        if not _is_interruption(error):
            return False
        return bool(self._interruption.find_signal(_PATIENCE_SECONDS if self._has_felt(node) else 0.0))

    def describe(self, node: str, error: BaseException) -> str:
        """Return what is to be said of a signal to which a step owes `error`; empty if there was none."""
        if not (_is_interruption(error) and self._has_felt(node)):
            return ""
        name = signal.Signals(self._interruption.noted).name
        return f"the step's process was sent {name}, and the run was not"

    def _has_felt(self, node: str) -> bool:
        return self._interruption.times > self._begun.get(node, self._interruption.times)


def _is_interruption(error: BaseException) -> bool:
    return isinstance(error, KeyboardInterrupt) or type(error).__name__ == "CancelledError"
