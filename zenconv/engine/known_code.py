"""What the code of steps, fixtures and stored values amounts to: asked for here, known elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from zenconv.errors import Problem
from zenconv.records.step import Fixture, Step

if TYPE_CHECKING:
    from zenconv.fingerprint import CodeFingerprint, Fingerprinter


class KnowsCode(Protocol):
    """Knows what the code of steps, fixtures and stored values amounts to."""

    def of(self, target: Step | Fixture) -> CodeFingerprint:
        """Return the fingerprint of a step or fixture with all it reaches; taken once."""

    def warnings_of(self, target: Step | Fixture) -> tuple[Problem, ...]:
        """Return what could not be seen in that code."""

    def of_reference(self, reference: str) -> CodeFingerprint | None:
        """Return the fingerprint of a class or function a stored value mentions, None if it is gone."""

    def digest_of(self, value: Any) -> str:
        """Return the canonical digest of a value. `NotCanonical` if it has none."""


class ImportedCode:
    """The code of imported modules, as a `Fingerprinter` sees it."""

    def __init__(self, fingerprinter: Fingerprinter) -> None:
        self.fingerprinter = fingerprinter
        self._known: dict[int, CodeFingerprint] = {}

    def of(self, target: Step | Fixture) -> CodeFingerprint:
        """Return the fingerprint of a step or fixture."""
        known = self._known.get(id(target.function))
        if known is None:
            also = target.note.also if isinstance(target, Step) else ()
            known = self._known[id(target.function)] = self.fingerprinter.of_function(
                target.function, also=also, module=target.module, name=target.name
            )
        return known

    def warnings_of(self, target: Step | Fixture) -> tuple[Problem, ...]:
        """Return what could not be seen in that code."""
        return self.of(target).warnings

    def of_reference(self, reference: str) -> CodeFingerprint | None:
        """Return the fingerprint of what a stored value mentions."""
        return self.fingerprinter.of_reference(reference)

    def digest_of(self, value: Any) -> str:
        """Return the canonical digest of a value."""
        return self.fingerprinter.digest_of(value)
