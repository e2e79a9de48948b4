"""What ``--override`` has made of a selection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from zenconv.engine.decide import NodeResult
from zenconv.frozen import Frozen
from zenconv.records.step import Pipeline

OVERRIDDEN = "overridden by"
"""How the reason of an overridden node begins."""


@attrs.frozen(eq=False, repr=False)
class Replaced(Frozen):
    """A selection with overridden nodes: their results, and where these come from, by node id."""

    pipeline: Pipeline
    selected: frozenset[str]
    results: Mapping[str, NodeResult] = attrs.field(factory=dict)
    origins: Mapping[str, str] = attrs.field(factory=dict)

    def rows(self) -> list[dict[str, Any]]:
        """Return the overridden nodes as they are recorded, for `StepsReused`."""
        return [
            {
                "node": id,
                "key": str(result.key),
                "outputs": {name: artifact.to_json() for name, artifact in result.outputs.items()},
                "output": None,
                "reason": f"{OVERRIDDEN} {self.origins[id]}",
                "live": False,
            }
            for id, result in self.results.items()
        ]
