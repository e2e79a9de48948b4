"""What the commands that read records share: opening the history, telling runs from steps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zenconv.cli.output import escape, plural, print_warning, style

if TYPE_CHECKING:
    from zenconv.cli.options import CommonOptions
    from zenconv.queries.history import Found, History

_RUN = re.compile(r"latest|last|[0-9]{1,9}(-[0-9a-f]{0,6})?")

COLOURS = {
    "succeeded": "green",
    "reused": "cyan",
    "running": "blue",
    "failed": "red",
    "error": "red",
    "interrupted": "yellow",
    "skipped": "yellow",
}
WORDS = {"succeeded": "ran"}
"""What a step's status is called in a list, where it differs."""


def open_history(common: CommonOptions) -> History:
    """Return the history of the project that a command was called for, up to date."""
    from zenconv.queries.history import History
    from zenconv.stack.assemble import assemble

    settings = common.load_settings()
    plugins = common.load_plugins(settings)
    stack = assemble(settings, plugins)
    history = History(settings, plugins, stack, print_warning, common.stack_name or "")
    history.refresh()
    return history


def is_run(text: str) -> bool:
    """Return whether an argument names a run rather than a step."""
    return _RUN.fullmatch(text) is not None


def split_arguments(words: Sequence[str]) -> tuple[str, str]:
    """Return (run, step) of ``[RUN] [STEP]``, ``""`` for what is not there."""
    from zenconv.errors import UsageError

    if len(words) > 2:
        raise UsageError(f"unexpected argument {words[2]!r}", hint="name a run, then a step")
    if len(words) == 2:
        return words[0], words[1]
    if not words:
        return "", ""
    return (words[0], "") if is_run(words[0]) else ("", words[0])


def find_step(history: History, run: str, step: str) -> Found:
    """Return the step in `run`; without one, in the newest run that has such a step."""
    return history.find_step(history.find_run(run), step) if run else history.find_newest(step)


def show_status(status: str) -> str:
    """Return a status, coloured."""
    return style(escape(status), COLOURS.get(status, "bold"))


def show_counts(counts: Mapping[str, Any]) -> str:
    """Return ``1 failed, 3 ran, 12 reused``."""
    order = ("failed", "interrupted", "succeeded", "reused", "skipped", "running", "waiting")
    names = [*(name for name in order if name in counts), *(name for name in counts if name not in order)]
    return ", ".join(f"{counts[name]} {escape(WORDS.get(name, name))}" for name in names)


def show_value(text: str, root: str) -> str:
    """Return the text of a value with paths below `root`, where it ran, as seen from there."""
    if len(root) < 2 or root not in text:
        return text
    return re.sub(rf"(?<![\w./\\-]){re.escape(root)}[/\\]", "", text)


def show_time(text: str) -> str:
    """Return how long ago an ISO time was, and the local time: cut short, the first still helps."""
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
        local = moment.astimezone()
        passed = (datetime.now(UTC) - moment).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return escape(text)
    return f"{_ago(passed)} ({local:%Y-%m-%d %H:%M:%S})"


def _ago(seconds: float) -> str:
    if seconds < 0:
        return "by another clock"
    for size, noun in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{plural(int(seconds // size), noun)} ago"
    return "just now"


def show_revision(environment: Mapping[str, Any]) -> str:
    """Return the git revision, short, ``+`` behind it when the tree had changes."""
    git = environment.get("git") or {}
    revision = escape(str(git.get("revision", "")))[:8]
    return revision + "+" * bool(revision and git.get("dirty"))
