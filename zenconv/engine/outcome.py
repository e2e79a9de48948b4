"""How a run as a whole ends: its status and its exit code."""

from __future__ import annotations

import signal
from collections.abc import Collection, Container

CHECK_FAILED = 10
"""The exit code of a run in which nothing failed but checks, or differs from what is stored."""


def judge_run(
    failed: Collection[str],
    checks: Container[str],
    *,
    signal_number: int = 0,
    is_interrupted: bool = False,
    failure: int = 0,
    is_whole: bool = True,
    has_error: bool = False,
    has_difference: bool = False,
) -> tuple[str, int]:
    """Return the status of a run, and its exit code.

    Parameters
    ----------
    failed, checks
        The nodes that failed, and those that are checks.
    signal_number, is_interrupted
        The first signal that came, and whether one ended it early.
    failure
        The exit code of what kept the project from being collected or planned; 0: nothing did.
    is_whole
        Everything that could be done was.
    has_error
        Something outside of any step failed, such as a teardown.
    has_difference
        A stored result was verified, and differs.
    """
    if signal_number or is_interrupted:
        return "interrupted", 128 + (signal_number or signal.SIGINT)
    if failure:
        return "error", failure
    if not is_whole:
        return "error", 3
    if has_error or any(node not in checks for node in failed):
        return "failed", 1
    return ("failed", CHECK_FAILED) if failed or has_difference else ("succeeded", 0)
