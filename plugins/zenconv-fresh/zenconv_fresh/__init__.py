"""An orchestrator that executes every step in a process of its own: ``orchestrator = "fresh"``."""

from __future__ import annotations

from collections.abc import Sequence

from zenconv.hooks import ComponentSpec, hookimpl


@hookimpl
def zenconv_components() -> Sequence[ComponentSpec]:
    """Offer the orchestrator."""
    target = "zenconv_fresh.orchestrator:FreshOrchestrator"
    return [ComponentSpec("orchestrator", "fresh", target, ("parallel", "live-output"))]
