"""What plugin authors test with: conformance suites to subclass, and projects made from text."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(
    "zenconv.testing.action_caches",
    "zenconv.testing.artifact_stores",
    "zenconv.testing.concurrency",
    "zenconv.testing.deployers",
    "zenconv.testing.materializers",
    "zenconv.testing.metadata_stores",
    "zenconv.testing.model_registries",
    "zenconv.testing.orchestrated",
    "zenconv.testing.orchestrator_failures",
    "zenconv.testing.orchestrators",
    "zenconv.testing.projects",
    "zenconv.testing.registered",
    "zenconv.testing.sweeping",
    "zenconv.testing.tuners",
)

from zenconv.testing.deployers import DeployerSuite  # noqa: E402  after the registration
from zenconv.testing.materializers import MaterializerSuite, Specimen  # noqa: E402
from zenconv.testing.metadata_stores import MetadataStoreSuite  # noqa: E402
from zenconv.testing.model_registries import ModelRegistrySuite  # noqa: E402
from zenconv.testing.orchestrators import OrchestratorSuite  # noqa: E402
from zenconv.testing.projects import ProjectOnDisk  # noqa: E402
from zenconv.testing.stores import ActionCacheSuite, ArtifactStoreSuite, SweepingSuite  # noqa: E402
from zenconv.testing.tuners import TunerSuite  # noqa: E402

__all__ = [
    "ActionCacheSuite",
    "ArtifactStoreSuite",
    "DeployerSuite",
    "MaterializerSuite",
    "MetadataStoreSuite",
    "ModelRegistrySuite",
    "OrchestratorSuite",
    "ProjectOnDisk",
    "Specimen",
    "SweepingSuite",
    "TunerSuite",
]
