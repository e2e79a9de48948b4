"""What computes a result is part of its key: another machine, another result.

The settings name this plugin, so that keys are the same for everybody: ``plugins = ["platform"]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zenconv.hooks import OptionSpec, hookimpl

FACTS = ("machine", "system", "processor", "gpu")


@hookimpl
def zenconv_options() -> Sequence[OptionSpec]:
    """Offer ``--key-platform``."""
    help = "What counts of the machine.  [machine system]"
    return [OptionSpec("--key-platform", help, choices=FACTS, is_repeated=True)]


@hookimpl
def zenconv_configure(options: Mapping[str, Any]) -> Any:
    """Look at the machine once."""
    from zenconv_platform.facts import Platform

    return Platform(options["key_platform"] or FACTS[:2])
