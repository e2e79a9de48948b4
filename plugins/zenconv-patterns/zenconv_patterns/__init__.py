"""Marks and exemptions by the names of functions: steps stay plain, without an import of zenconv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zenconv.hooks import OptionSpec, hookimpl


@hookimpl
def zenconv_options() -> Sequence[OptionSpec]:
    """Offer ``--not-steps`` and ``--mark-steps``, which usually stand in the settings."""
    return [
        OptionSpec("--not-steps", "Functions that are no steps.", metavar="PATTERN", is_repeated=True),
        OptionSpec("--mark-steps", 'Marks: "load_* = retry(3)".', metavar="PATTERN=MARK", is_repeated=True),
    ]


@hookimpl
def zenconv_configure(options: Mapping[str, Any]) -> Any:
    """Take part where there are patterns."""
    if not options["not_steps"] and not options["mark_steps"]:
        return None
    from zenconv_patterns.patterns import Patterns

    return Patterns(options["not_steps"], options["mark_steps"])
