"""Where models answer: `Deployer`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from zenconv.interfaces.closing import Closable
from zenconv.interfaces.registering import OpenFile
from zenconv.records.deployment import Deployment


@runtime_checkable
class Deployer(Closable, Protocol):
    """Has registered models answer under names, one model to a name.

    The deployments are those of the place, whoever asked for them: every object with the same
    options knows the same. A name is checked by `check_deployment_name` first (`ValueError`).
    Suite: `zenconv.testing.DeployerSuite`.
    """

    def deploy(self, deployment: Deployment, open_file: OpenFile) -> Deployment:
        """Have `deployment.version` answer under `deployment.name`; return how far that is.

        `open_file` opens the bytes of the model's files, by digest. Returns when the model answers,
        or once it will without any help from here. A model that answers, or is starting, under that
        name already is left as it is. Another one is replaced when the new one answers, so that
        there is never none; where the new one fails to start, the old one goes on. When reading
        fails, nothing has changed. Interrupted, the old or the new one answers, and `get` says which.
        """

    def get(self, name: str) -> Deployment | None:
        """Return how the deployment stands now; None where there is none."""

    def deployments(self) -> Sequence[Deployment]:
        """Return all of them, by name."""

    def remove(self, name: str) -> None:
        """Have nothing answer under the name any more. A missing one is no error."""


__all__ = ["Deployer"]
