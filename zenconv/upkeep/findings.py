"""What `zenconv check` has to say: findings, in sections, from ok to error."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import attrs

from zenconv.errors import Problem, SettingsError, ZenconvError
from zenconv.frozen import Frozen

Level = Literal["ok", "fixed", "warning", "error"]


@attrs.frozen(eq=False, repr=False)
class Finding(Frozen):
    """One thing that was looked at.

    `text` has a line of its own, and perhaps more below. `exit_code` is that of an error. ``fixed``
    is what was wrong until now.
    """

    section: str
    subject: str
    level: Level
    text: str
    exit_code: int = 0


@attrs.frozen(eq=False, repr=False)
class Section(Frozen):
    """Makes the findings of one section."""

    name: str

    def ok(self, subject: str, text: str) -> Finding:
        """Return that something is as it should be."""
        return Finding(self.name, subject, "ok", text)

    def fixed(self, subject: str, text: str) -> Finding:
        """Return that something was mended just now."""
        return Finding(self.name, subject, "fixed", text)

    def warning(self, subject: str, text: str, hint: str = "") -> Finding:
        """Return something odd that stops nothing."""
        return Finding(self.name, subject, "warning", _with_hint(text, hint))

    def error(self, subject: str, text: str, exit_code: int, hint: str = "") -> Finding:
        """Return something that would stop a run."""
        return Finding(self.name, subject, "error", _with_hint(text, hint), exit_code)

    def look(self, subject: str, action: Callable[[], str | Iterable[Finding]]) -> list[Finding]:
        """Return what `action` finds: a line that says what is in order, or findings, or its errors."""
        try:
            found = action()
            return [self.ok(subject, found)] if isinstance(found, str) else list(found)
        except (ZenconvError, OSError) as error:
            return self.failures(subject, error)

    def failures(self, subject: str, error: ZenconvError | OSError) -> list[Finding]:
        """Return a finding for each of the problems that `error` tells of."""
        if isinstance(error, OSError):
            where = f": {error.filename}" if error.filename is not None else ""
            return [self.error(subject, f"{error.strerror or error}{where}", 1)]
        problems: tuple[Problem, ...] = getattr(error, "problems", ())
        if isinstance(error, SettingsError) and problems:
            return [self.error(subject, str(problem), error.exit_code) for problem in problems]
        return [self.error(subject, str(error), error.exit_code)]


def count(number: int, noun: str, many: str = "") -> str:
    """Return ``1 run``, ``2 runs``."""
    return f"{number} {noun if number == 1 else many or noun + 's'}"


def _with_hint(text: str, hint: str) -> str:
    return f"{text}\n    hint: {hint}" if hint else text
