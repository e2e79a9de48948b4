"""Compare what a step returns, executed again, with its stored result; say what is not deterministic.

Nothing is stored. The *serialiser* is to blame where equal values get different digests, else
the *step* is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import attrs

from zenconv.engine.differences import UNKNOWN, describe_difference
from zenconv.engine.live import is_live
from zenconv.engine.outputs import list_items
from zenconv.engine.returned import is_stream
from zenconv.engine.written import returned_outputs, written_outputs
from zenconv.errors import ZenconvError
from zenconv.interfaces.orchestrating import Task
from zenconv.interfaces.storing import ArtifactStore
from zenconv.materializers import Materializers
from zenconv.materializers.discarding import DiscardingStore
from zenconv.records.artifact import Artifact
from zenconv.records.step import Node
from zenconv.trust import Trust

EQUAL = {"outcome": "equal"}
_END = object()
_ANY = ("", "")


@attrs.define(eq=False, repr=False)
class Comparison:
    """The comparison of one task's outputs with those that it expects.

    `chosen` returns the materializer that the settings choose for an output, ``""`` for items.
    """

    task: Task
    node: Node
    store: ArtifactStore
    materializers: Materializers
    chosen: Callable[[str], tuple[str, str]]
    trust: Trust
    private: Path

    def compare(
        self,
        outputs: Mapping[str, Any],
        written: Mapping[str, Any],
        around: Iterable[AbstractContextManager[Any]],
    ) -> dict[str, Any]:
        """Return the verdict on all outputs: where it ``differs``, the first that does, and how.

        `written` are the places that were written to, by parameter. The step's code, where it goes
        on only now, does so inside of `around`.
        """
        is_each = self.node.step.shape == "each"
        with ExitStack() as entered:
            if is_each or is_stream(self.node):
                for context in around:
                    entered.enter_context(context)
            if is_each:
                verdict = self._compare_items(list_items(outputs[""]))
            elif is_stream(self.node):
                verdict = self._compare_streams(outputs)
            else:
                verdict = self._compare_values(outputs)
        return self._compare_written(written_outputs(written)) if verdict is EQUAL else verdict

    def _compare_values(self, outputs: Mapping[str, Any]) -> dict[str, Any]:
        for name, artifact in self._returned().items():
            value = outputs[name]
            if is_live(value):
                return self._differs("step", name, artifact, f"{type(value).__qualname__}, a live value")
            verdict = self._compare_value(name, artifact, value, self.chosen(name))
            if verdict is not EQUAL:
                return verdict
        return EQUAL

    def _compare_streams(self, outputs: Mapping[str, Any]) -> dict[str, Any]:
        for name, artifact in self._returned().items():
            verdict = self._compare_stream(name, artifact, outputs[name])
            if verdict is not EQUAL:
                return verdict
        return EQUAL

    def _compare_items(self, items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        left = self._returned()
        for id, value in items:
            artifact = left.pop(id, None)
            if artifact is None:
                return self._differs("step", id, None, "a new item")
            verdict = self._compare_value(id, artifact, value, self.chosen(""))
            if verdict is not EQUAL:
                return verdict
        for id, artifact in left.items():
            return self._differs("step", id, artifact, "it is not there any more")
        return EQUAL

    def _compare_written(self, written: Mapping[str, Any]) -> dict[str, Any]:
        for name, path in written.items():
            artifact = (self.task.expected or {})[name]
            if not os.path.exists(path):
                return self._differs("step", name, artifact, "it wrote nothing there")
            verdict = self._compare_value(name, artifact, path, _ANY)
            if verdict is not EQUAL:
                return verdict
        return EQUAL

    def _returned(self) -> dict[str, Artifact]:
        return returned_outputs(self.task.expected or {})

    def _compare_value(
        self, name: str, expected: Artifact, value: Any, chosen: tuple[str, str]
    ) -> dict[str, Any]:
        fresh = self._save(value, chosen)
        if fresh.content == expected.content:
            return EQUAL
        if self._save(value, chosen).content != fresh.content:
            return self._differs("serialiser", name, expected, "one value, stored twice, has two digests")
        stored = self._load(name, expected)
        if stored is _END:
            return self._differs("step", name, expected, "")
        difference = describe_difference(stored, value)
        if difference is None or self._save(stored, chosen).content == fresh.content:
            return self._differs("serialiser", name, expected, "equal values have different digests")
        return self._differs("step", name, expected, difference)

    def _compare_stream(self, name: str, expected: Artifact, value: Any) -> dict[str, Any]:
        stored = self._load(name, expected)
        lockstep = _Lockstep(iter(value), iter(() if stored is _END else stored))
        fresh = self._save((item for item in lockstep), self.chosen(name))
        if fresh.content == expected.content:
            return EQUAL
        if stored is not _END and lockstep.difference is None:
            return self._differs("serialiser", name, expected, "equal items have different digests")
        difference = "" if stored is _END else lockstep.difference or ""
        return self._differs("step", name, expected, difference)

    def _save(self, value: Any, chosen: tuple[str, str]) -> Artifact:
        return self.materializers.save(value, DiscardingStore(), where=self.node.id, chosen=chosen)

    def _load(self, name: str, artifact: Artifact) -> Any:
        """Return the stored value, or `_END` where it cannot be loaded here."""
        try:
            self.trust.check(artifact, self.task.key, name)
            return self.materializers.load(artifact, self.store, allowed=True, private=self.private)
        except ZenconvError:
            return _END

    def _differs(self, cause: str, name: str, artifact: Artifact | None, difference: str) -> dict[str, Any]:
        return {
            "outcome": "differs",
            "cause": cause,
            "output": name,
            "materializer": artifact.materializer if artifact is not None else "",
            "difference": "" if difference == UNKNOWN else difference,
        }


def stir_generators() -> None:
    """Give the global generators of random numbers states that no step before has left behind."""
    import random

    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "torch" in sys.modules:
        sys.modules["torch"].seed()


class _Lockstep:
    """Yields fresh items, and compares each with the stored one beside it."""

    def __init__(self, fresh: Iterator[Any], stored: Iterator[Any]) -> None:
        self._fresh = fresh
        self._stored = stored
        self.difference: str | None = None

    def __iter__(self) -> Iterator[Any]:
        count = 0
        for item in self._fresh:
            if self.difference is None:
                self._compare(next(self._stored, _END), item, count)
            count += 1
            yield item
        if self.difference is None and next(self._stored, _END) is not _END:
            self.difference = f"it ends after {count} items"

    def _compare(self, stored: Any, item: Any, index: int) -> None:
        if stored is _END:
            self.difference = f"it goes on after {index} items"
            return
        found = describe_difference(stored, item)
        self.difference = f"item {index}: {found}" if found else None
