"""Where models stand under names, with versions and aliases: `ModelRegistry`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import IO, Protocol, runtime_checkable

from zenconv.interfaces.closing import Closable
from zenconv.records.model_version import ModelVersion, Promotion

OpenFile = Callable[[str], IO[bytes]]
"""Opens the bytes of a digest. Where they are wrong, reading them to the end raises `CorruptArtifact`."""


@runtime_checkable
class ModelRegistry(Closable, Protocol):
    """Models by name: numbered versions, each with its bytes, and aliases that are put on them.

    It keeps the bytes itself: a version outlives the run that made it, and the run's store. Nothing
    is ever changed or removed; an alias is moved by one more record. Every name and alias that comes
    in is checked by `check_model_name` and `check_alias` first (`ValueError`), so none can leave the
    registry. What is damaged is `RecordError` for every verb that would need it, never an older or a
    shorter answer. Suite: `zenconv.testing.ModelRegistrySuite`.
    """

    def register(self, version: ModelVersion, open_file: OpenFile) -> ModelVersion:
        """Keep a model under its name; return it with the number it has got.

        `open_file` is asked for the files of the artifact that are not inline, which are read in
        blocks. A content that the name has already makes no version: the one that is there is
        returned. Interrupted at any instant, or when reading fails, nothing is registered; no number
        is ever given to two.
        """

    def models(self) -> Sequence[str]:
        """Return the names that have a version, sorted."""

    def versions(self, name: str) -> Sequence[ModelVersion]:
        """Return the versions of a model, highest number first; an unknown name has none."""

    def get(self, name: str, version: int | str) -> ModelVersion | None:
        """Return the version with that number, or alias; None where there is none."""

    def open(self, version: ModelVersion, file: str = "") -> IO[bytes]:
        """Open a file of a registered version, unverified; `CorruptArtifact` where it is missing."""

    def promote(self, promotion: Promotion) -> Promotion | None:
        """Put an alias on a version, or take it away; return what puts the alias where it is now, or None.

        Nothing is added where the alias is there already, and where it is not, or no longer, on
        `promotion.replaces`: whoever promotes compares what is returned. `NotRecorded` where the model
        has no version of that number with that content. Of several at once one is the first. Once this
        returns, the promotion survives the death of the process; interrupted, it happened or did not.
        """

    def promotions(self, name: str) -> Sequence[Promotion]:
        """Return every promotion there was, newest first; an unknown name has none."""


__all__ = ["ModelRegistry", "OpenFile"]
