"""What a fingerprint says: a digest, and the pieces it was made of, put together when asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from zenconv.errors import Problem
from zenconv.frozen import Frozen


@attrs.frozen(eq=False, repr=False)
class CodePart(Frozen):
    """One piece of what a fingerprint covers, for explanations.

    `kind` is function, class, value, syntax or binary; `digest` is of this piece alone; `text` is
    its source, or a short form of the value, at most 4 kB and without what may be confidential.
    """

    name: str
    kind: str
    digest: str
    file: str = ""
    line: int = 0
    text: str = attrs.field(default="", repr=False)


def _no_parts() -> tuple[CodePart, ...]:
    return ()


class CodeFingerprint:
    """What the cache key knows about the code of a step.

    `digest` covers the structure of everything reached, without the names of modules and files.
    `distributions` are the installed packages the code uses, with all they require.
    `warnings` name what could not be seen. `make_parts` is called with `given`, once.
    """

    __slots__ = ("_given", "_make_parts", "_parts", "digest", "distributions", "warnings")

    def __init__(
        self,
        digest: str,
        distributions: tuple[tuple[str, str], ...] = (),
        warnings: tuple[Problem, ...] = (),
        make_parts: Callable[..., tuple[CodePart, ...]] = _no_parts,
        *given: Any,
    ) -> None:
        self.digest = digest
        self.distributions = distributions
        self.warnings = warnings
        self._make_parts = make_parts
        self._given = given
        self._parts: tuple[CodePart, ...] | None = None

    @property
    def parts(self) -> tuple[CodePart, ...]:
        """The pieces, each with its place and text."""
        if self._parts is None:
            self._parts = self._make_parts(*self._given)
        return self._parts

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CodeFingerprint):
            return NotImplemented
        mine = (self.digest, self.distributions, self.warnings)
        return mine == (other.digest, other.distributions, other.warnings)

    def __hash__(self) -> int:
        return hash((self.digest, self.distributions))

    def __repr__(self) -> str:
        return f"CodeFingerprint({self.digest!r}, distributions={self.distributions!r})"
