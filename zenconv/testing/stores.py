"""The conformance suites of components that store: `ArtifactStoreSuite` and `ActionCacheSuite`."""

from __future__ import annotations

from zenconv.testing.action_caches import ActionCacheSuite, make_entry, make_key
from zenconv.testing.artifact_stores import ArtifactStoreSuite, put, read

__all__ = ["ActionCacheSuite", "ArtifactStoreSuite", "make_entry", "make_key", "put", "read"]
