"""What plugin authors test their components with: conformance suites, as pytest classes to subclass."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("zenconv.testing.action_caches", "zenconv.testing.artifact_stores")

from zenconv.testing.stores import ActionCacheSuite, ArtifactStoreSuite  # noqa: E402  after the registration

__all__ = ["ActionCacheSuite", "ArtifactStoreSuite"]
