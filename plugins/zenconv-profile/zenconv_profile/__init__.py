"""Where the time of a step goes: ``zenconv run --profile``, then ``zenconv profile STEP``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zenconv.hooks import CommandSpec, OptionSpec, hookimpl


@hookimpl
def zenconv_options() -> Sequence[OptionSpec]:
    """Offer ``--profile``."""
    return [OptionSpec("--profile", "Note where the time of each executed step goes.", kind="flag")]


@hookimpl
def zenconv_commands() -> Sequence[CommandSpec]:
    """Offer ``zenconv profile``."""
    return [CommandSpec("profile", "Show where the time of steps went.", "zenconv_profile.command:command")]


@hookimpl
def zenconv_configure(options: Mapping[str, Any], state: Path) -> Any:
    """Stand around every step where profiles are asked for."""
    if not options["profile"]:
        return None
    from zenconv_profile.profiler import Profiler

    return Profiler(state)
