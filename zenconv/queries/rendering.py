"""The built-in plugin that shows stored values as text: plain values, arrays, tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zenconv.hooks.markers import hookimpl

if TYPE_CHECKING:
    from zenconv.records.artifact import Artifact

_SHOWN = ("json/", "numpy/", "pandas/")
"""Formats whose values are text enough."""


@hookimpl(trylast=True)
def zenconv_render(artifact: Artifact, load: Callable[[], Any]) -> str | None:
    """Return plain values as JSON has them, arrays and tables as their libraries print them."""
    if not artifact.materializer.startswith(_SHOWN):
        return None
    from zenconv.queries.exporting import to_text

    return to_text(load())
