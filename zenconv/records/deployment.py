"""A model that answers somewhere: `Deployment`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, Self

import attrs

from zenconv.frozen import Frozen
from zenconv.records.model_version import ModelVersion

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def check_deployment_name(name: str) -> str:
    """Return `name`; `ValueError` unless it can be part of an address: ``a-z``, ``0-9``, and ``-`` inside."""
    if _NAME.fullmatch(name):
        return name
    raise ValueError(f"not the name of a deployment: {name[:80]!r}")


@attrs.frozen(eq=False, repr=False)
class Deployment(Frozen):
    """The model version that shall answer under a name, and how far that is.

    `serving` is the version that answers now: another one, while this one is ``starting`` or when it
    has ``failed``, for the reason `error`; None where nothing answers. `url` is where. `by` is who
    asked for it, `at` when (ISO 8601, UTC).
    """

    name: str
    version: ModelVersion
    status: Literal["starting", "ready", "failed"] = "starting"
    serving: ModelVersion | None = None
    url: str = ""
    error: str = ""
    by: str = ""
    at: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        data = {name: getattr(self, name) for name in attrs.fields_dict(type(self))}
        serving = self.serving.to_json() if self.serving is not None else None
        return {**data, "version": self.version.to_json(), "serving": serving}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild from `to_json` data."""
        serving = ModelVersion.from_json(data["serving"]) if data["serving"] else None
        return cls(**{**data, "version": ModelVersion.from_json(data["version"]), "serving": serving})
