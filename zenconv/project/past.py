"""What earlier runs say about the steps of a plan."""

from __future__ import annotations

import re
from collections.abc import Sequence

from zenconv.records.layout import StateFolder
from zenconv.records.plan import KeyParts
from zenconv.records.run import HAS_RESULT, StepRunRecord, StepStatus
from zenconv.records.step import Node
from zenconv.settings import Settings
from zenconv.stack.assemble import Stack

FAILED: tuple[StepStatus, ...] = ("failed", "interrupted")
_RUNS_LOOKED_AT = 20
_CHOOSING = re.compile(r"-k|-m|--lf$|--last-failed$|[^-].*\[")
"""Words on the command line of a run that may leave some branches of a step out."""


class Past:
    """What the metadata store remembers of earlier runs; opened only when somebody asks.

    Only runs on as much data count: `sample` is that of `RunStarted`.
    """

    def __init__(self, settings: Settings, stack: Stack, current: str) -> None:
        self._current = current
        self._state = StateFolder(settings.state)
        self._stack = stack
        self._is_fresh = False
        self.sample = ""
        self.notices: list[str] = []

    @property
    def is_in_run(self) -> bool:
        """Whether a run asks; a plan alone leaves nothing behind."""
        return bool(self._current)

    def parts(self, nodes: Sequence[str]) -> dict[str, KeyParts]:
        """Return the key parts of the newest result of each of `nodes`."""
        if not nodes or not self._refresh():
            return {}
        keys = self._stack.metadata_store.last_keys(nodes, sample=self.sample)
        parts = self._stack.metadata_store.key_parts(keys.values())
        return {node: parts[key] for node, key in keys.items() if key in parts}

    def last_execution(self, node: str) -> dict[str, str]:
        """Return ``run`` and ``reason`` of the newest recorded execution of a node; empty without one."""
        if not self._refresh():
            return {}
        store = self._stack.metadata_store
        for step in store.history(node, statuses=("succeeded", "failed"), limit=_RUNS_LOOKED_AT):
            if all(run.sample == self.sample for run in store.find(step.run)):
                return {"run": step.run, "reason": step.reason}
        return {}

    def failed_nodes(self) -> list[str]:
        """Return the nodes that failed or were interrupted when they were last executed or reused.

        Of branches also the node of their template: those that only a run knows are found by it.
        Looked for in the newest runs that ended.
        """
        if not self._refresh():
            return []
        store = self._stack.metadata_store
        newest: dict[str, StepRunRecord] = {}
        for run in store.runs(limit=_RUNS_LOOKED_AT):
            if run.id != self._current and run.is_over and run.sample == self.sample:
                for step in store.steps(run.id, statuses=(*FAILED, *HAS_RESULT)):
                    newest.setdefault(step.node, step)
        failed = [step for step in newest.values() if step.status in FAILED]
        return list(dict.fromkeys(name for step in failed for name in (step.node, step.template)))

    def guess_branches(self, template: Node) -> list[str]:
        """Return the branches that a template had in the newest run that has any of it.

        A run that looked for some of them by their names (``-k``, ``step[id]``) counts only where
        no other is known.
        """
        if not self._refresh():
            return []
        store = self._stack.metadata_store
        static = {f"{axis}={id}" for axis, id in template.axes}
        some: list[str] = []
        for run in store.runs(limit=_RUNS_LOOKED_AT):
            if run.sample != self.sample:
                continue
            found = [
                step.node
                for step in store.steps(run.id, step=template.step.name)
                if step.template == template.template and step.branch and static <= {*step.branch.split(",")}
            ]
            if found and not any(_CHOOSING.match(word) for word in run.arguments):
                return found
            some = some or found
        return some

    def _refresh(self) -> bool:
        if not self._is_fresh:
            # The run under way is no past: without another one there is nothing to open.
            if all(run == self._current for run in self._state.run_ids()):
                return False
            self._stack.metadata_store.refresh()
            self.notices += self._stack.metadata_store.notices
            self._is_fresh = True
        return True
