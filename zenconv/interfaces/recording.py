"""What is remembered and can be asked: `MetadataStore`.

Writing goes elsewhere: a run appends to its own event log, and a store takes in what the logs
say. Reading never imports project code and loads no artifact.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol, runtime_checkable

from zenconv.interfaces.closing import Closable
from zenconv.records.plan import KeyParts
from zenconv.records.run import RunRecord, RunStatus, StepRunRecord, StepStatus


@runtime_checkable
class MetadataStore(Closable, Protocol):
    """The recorded runs, newest first wherever there is an order; the run's number is the order.

    A store that finds itself damaged says so in `notices` and makes itself again from the logs;
    it never answers wrongly and is never silently empty. `notices` holds lines for people;
    whoever shows them clears it.
    """

    notices: list[str]

    def refresh(self, *, anew: bool = False) -> None:
        """Take in what the logs say since last time; `anew`: forget everything first, and keep it aside.

        A run without an end whose process is gone becomes ``interrupted``. Interrupted itself,
        it has changed nothing. Where nothing can be written, the answer is right all the same.
        """

    def runs(
        self,
        *,
        limit: int | None = None,
        offset: int = 0,
        statuses: Collection[RunStatus] = (),
        pipeline: str = "",
    ) -> Sequence[RunRecord]:
        """Return runs, newest first: those in one of `statuses` (empty: any) that touched `pipeline`."""

    def count(self) -> int:
        """Return how many runs there are."""

    def find(self, prefix: str) -> Sequence[RunRecord]:
        """Return the runs whose id is, or begins with, `prefix`; the whole number counts as equal."""

    def steps(
        self,
        run: str,
        *,
        statuses: Collection[StepStatus] = (),
        node: str = "",
        step: str = "",
        limit: int | None = None,
    ) -> Sequence[StepRunRecord]:
        """Return the steps of the run id `run` in plan order; an unknown run has none.

        `node` is one node id, `step` the name that steps of several pipelines may share.
        """

    def history(
        self, node: str, *, statuses: Collection[StepStatus] = (), limit: int | None = None
    ) -> Sequence[StepRunRecord]:
        """Return what became of the node id `node` in each run, newest first."""

    def last_keys(self, nodes: Iterable[str], *, sample: str = "") -> dict[str, str]:
        """Return for each node its cache key when it last had a result; nodes without are left out.

        Only runs with that `sample` count: by default those on all data.
        """

    def key_parts(self, keys: Iterable[str]) -> dict[str, KeyParts]:
        """Return what the given cache keys were made of, as far as recorded."""


@runtime_checkable
class Verifiable(Protocol):
    """A `MetadataStore` that can be compared with the logs it was made from."""

    def verify(self, runs: Iterable[str]) -> list[str]:
        """Return a line for each of those runs of which the log says something else; changes nothing.

        Runs that are going on, and unknown ones, are passed over.
        """


__all__ = ["MetadataStore", "Verifiable"]
