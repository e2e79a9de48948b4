"""Removing from a store what nobody needs, beside runs that may be about to need it: `Sweepable`.

What is needed follows from records: a sweep reads them, and a run writes them, at the same time.
A blob that a run has found or written, and not yet recorded, is known to nobody else. So a run
says first that it is interested in a digest, and looks then; a sweep says first what it is about
to remove, and looks then whether somebody is interested. Of the two, one always sees the other.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import attrs

from zenconv.frozen import Frozen

Kind = Literal["quarantine", "spool", "copy"]


@attrs.frozen(eq=False, repr=False)
class Leftover(Frozen):
    """A file of a store that is no blob of it.

    ``quarantine``: bytes found wrong; ``spool``: what a writer left behind that died; ``copy``: a
    blob of a remote store that was copied to this machine. `name` is the store's own name for it.
    """

    kind: Kind
    name: str
    size: int


@attrs.frozen(eq=False, repr=False)
class Swept(Frozen):
    """What became of a sweep: the blobs removed, with their sizes, and why others had to stay.

    `in_use_by` names those who use the store so that now nothing can be told to be unneeded.
    """

    removed: dict[str, int]
    in_use_by: tuple[str, ...] = ()


@runtime_checkable
class Sweepable(Protocol):
    """An `ArtifactStore` of which parts can be removed while it is in use.

    A store that lacks this keeps everything. Suite: `zenconv.testing.SweepingSuite`.
    """

    def protect(self, guard: Path, owner: str) -> None:
        """Keep safe from `sweep` whatever this object finds by `has`, or commits, from now on.

        That lasts as long as some process holds the lock file `guard`; a later call replaces an
        earlier one. `owner` is who people are told uses the store: ``run 3-ab12cd``. Where a sweep
        is about to remove what this object looks for, it waits until that is decided.
        """

    def unprotect(self) -> None:
        """Give up what `protect` promised: what this object found and committed is recorded by now."""

    def sweep(self, digests: Iterable[str], still_needed: Callable[[], Container[str]]) -> Swept:
        """Remove those blobs that nobody protects and that `still_needed` does not hold.

        `still_needed` is asked once, when everybody can know what is about to go. Interrupted at
        any instant, each blob is there or removed, and none is removed that must stay.
        """

    def leftovers(self) -> Iterator[Leftover]:
        """Yield files that are no blobs; those of living writers, and of protected copies, are left out."""

    def remove_leftovers(self, leftovers: Iterable[Leftover]) -> None:
        """Delete such files. Missing ones, and those in use by now, are no error."""


__all__ = ["Kind", "Leftover", "Sweepable", "Swept"]
