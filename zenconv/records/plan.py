"""What a run intends: for each node an action and its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from zenconv.frozen import Frozen
from zenconv.records.artifact import ActionEntry, ActionKey
from zenconv.records.step import Node, Pipeline

Action = Literal["reuse", "run", "maybe", "expand", "skip"]


@attrs.frozen(eq=False, repr=False)
class KeyParts(Frozen):
    """Everything a cache key was made of, by name, so that two keys can be compared.

    `parts` maps a readable name (``code cleaning.scale``, ``parameter C``, ``input train``,
    ``file data/x.csv``, ``package pandas``) to a digest or short text; `sources` maps such a name
    to (``file:line``, text) for showing a difference.
    """

    parts: Mapping[str, str]
    sources: Mapping[str, tuple[str, str]] = attrs.field(factory=dict)


@attrs.frozen(eq=False, repr=False)
class Decision(Frozen):
    """What happens to one node, and why.

    `key` and `entry` are known for ``reuse``; `local` is the part of the key that does not depend
    on inputs, known for every node. `verify`: it is reused, and executed again for comparison.
    """

    node: str
    action: Action
    reason: str
    key: ActionKey | None = None
    entry: ActionEntry | None = None
    local: str = ""
    verify: bool = False


@attrs.frozen(eq=False, repr=False)
class Plan(Frozen):
    """The decisions for every node of a pipeline, in its order."""

    pipeline: Pipeline
    decisions: Mapping[str, Decision]

    def to_execute(self) -> list[Node]:
        """Return the nodes that may be executed, in order."""
        return [node for node in self.pipeline if self.decisions[node.id].action not in ("reuse", "skip")]

    def count(self, action: Action) -> int:
        """Return how many nodes have that action."""
        return sum(d.action == action for d in self.decisions.values())
