"""Which step ran when, as a timeline: ``zenconv run --trace FILE``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zenconv.hooks import OptionSpec, hookimpl


@hookimpl
def zenconv_options() -> Sequence[OptionSpec]:
    """Offer ``--trace``."""
    help = "Write a timeline of the steps for Perfetto or chrome://tracing."
    return [OptionSpec("--trace", help, kind="path", metavar="FILE")]


@hookimpl
def zenconv_configure(options: Mapping[str, Any]) -> Any:
    """Watch the run where a file was named."""
    if options["trace"] is None:
        return None
    from zenconv_trace.timeline import Timeline

    return Timeline(options["trace"])
