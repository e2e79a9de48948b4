"""How the verdict on a step that was executed again is worded, in the run and afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WORDS = {"equal": ("equal", "green"), "differs": ("DIFFERS", "red"), "failed": ("FAILED", "red")}
"""What an outcome is called, and its colour."""

_HINTS = {
    "step": "ask for `seed` where it draws numbers, sort what has no order, or mark it nocache",
    "serialiser": "a materializer says what counts with `sink.set_content`, a class with `__getstate__`",
}


def summarize_verdict(verdict: Mapping[str, Any]) -> str:
    """Return why a verdict is not ``equal``; nothing if it is."""
    if verdict["outcome"] == "failed":
        return "it failed when it was executed again"
    if verdict.get("cause") == "serialiser":
        return f"the serialiser is not deterministic: {verdict.get('materializer', '')}"
    return "the step is not deterministic" if verdict["outcome"] == "differs" else ""


def describe_verdict(verdict: Mapping[str, Any]) -> list[str]:
    """Return lines that tell what differs, what may be the cause, and what to do. Not escaped."""
    if verdict["outcome"] != "differs":
        return []
    name = str(verdict.get("output", ""))
    what = f"output {name.removeprefix('@')!r}" if name else "its value"
    difference = str(verdict.get("difference", ""))
    lines = [f"{what}: {difference}" if difference else f"{what} differs in a way that cannot be shown"]
    lines += [f"perhaps because {warning}" for warning in verdict.get("warnings", ())]
    return [*lines, f"hint: {_HINTS.get(str(verdict.get('cause')), '')}"]


def count_verdicts(verified: Mapping[str, int]) -> str:
    """Return ``verified: 2 equal, 1 differs``; nothing where nothing was verified."""
    parts = [
        f"{number} {'differ' if outcome == 'differs' and number > 1 else outcome}"
        for outcome, number in verified.items()
    ]
    return f"verified: {', '.join(parts)}" if parts else ""
