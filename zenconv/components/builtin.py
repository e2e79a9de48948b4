"""The built-in components, offered exactly as those of an installed plugin are."""

from __future__ import annotations

from zenconv.hooks.markers import ComponentSpec, hookimpl


@hookimpl
def zenconv_components() -> list[ComponentSpec]:
    """Offer the components of the local stack and of stores behind a URL."""
    in_process = "zenconv.components.in_process:InProcessOrchestrator"
    processes = "zenconv.components.processes:ProcessesOrchestrator"
    runs_here = ("async", "live-output", "pdb")
    return [
        ComponentSpec("orchestrator", "in-process", in_process, runs_here),
        ComponentSpec("orchestrator", "local", in_process, runs_here),
        ComponentSpec("orchestrator", "processes", processes, ("parallel", "async", "live-output")),
        ComponentSpec("artifact_store", "local", "zenconv.components.local_store:LocalStore"),
        ComponentSpec(
            "artifact_store",
            "fsspec",
            "zenconv.components.remote_store:RemoteStore",
            ("remote",),
        ),
        ComponentSpec(
            "action_cache",
            "sqlite",
            "zenconv.components.sqlite_cache:SqliteActionCache",
        ),
        ComponentSpec(
            "action_cache",
            "objects",
            "zenconv.components.object_cache:ObjectActionCache",
            ("remote",),
        ),
        ComponentSpec("metadata_store", "sqlite", "zenconv.components.sqlite_index:SqliteIndex"),
    ]
