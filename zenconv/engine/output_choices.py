"""Which settings mean which outputs: the table ``outputs`` laid over the nodes of a pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from zenconv.records.step import Node, branch_id, is_branch
from zenconv.settings.settings import OutputSettings


def means_step(settings: OutputSettings, file: str, pipeline: str, name: str, branch: str) -> bool:
    """Return whether `settings` speak of this step, or of one of its outputs.

    A place is a pipeline or a file, whole or its last parts; a branch as in `is_branch`.
    """
    if settings.step != name:
        return False
    if settings.branch is not None and not (branch and is_branch(branch, settings.branch)):
        return False
    return not settings.place or _is_place(settings.place, file, pipeline)


def _is_place(place: str, file: str, pipeline: str) -> bool:
    return any(whole == place or whole.endswith(f"/{place}") for whole in (file, pipeline))


class OutputChoices:
    """What the settings ask for, by node and output."""

    def __init__(self, outputs: Sequence[OutputSettings]) -> None:
        self._outputs = sorted((o for o in outputs if o.materializer), key=_strength)

    def materializer_of(self, node: Node, output: str) -> tuple[str, str]:
        """Return the id of the materializer that is asked for, and where; empty without any.

        The most specific setting wins; of equal ones the last.
        """
        chosen = "", ""
        for settings in self._outputs:
            if settings.output not in (None, output):
                continue
            if means_node(settings, node):
                chosen = settings.materializer, settings.where
        return chosen


def means_node(settings: OutputSettings, node: Node) -> bool:
    """Return whether `settings` speak of this node."""
    file = node.id.partition("::")[0]
    return means_step(settings, file, node.pipeline, node.step.name, branch_id(node.axes))


def _strength(settings: OutputSettings) -> tuple[bool, bool, bool]:
    return settings.output is not None, settings.branch is not None, bool(settings.place)
