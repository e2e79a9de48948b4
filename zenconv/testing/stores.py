"""The conformance suites of components that store: artifacts, cache entries, and cleaning beside runs."""

from __future__ import annotations

from zenconv.testing.action_caches import ActionCacheSuite, make_entry, make_key
from zenconv.testing.artifact_stores import ArtifactStoreSuite, put, read
from zenconv.testing.sweeping import SweepingSuite

__all__ = ["ActionCacheSuite", "ArtifactStoreSuite", "SweepingSuite", "make_entry", "make_key", "put", "read"]
