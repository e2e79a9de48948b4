"""A model under a name: `ModelVersion`, and the `Promotion` that puts an alias on one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Self

import attrs

from zenconv.frozen import Frozen
from zenconv.records.artifact import Artifact

_NAME = re.compile(r"\w[\w.\- ]*(\[.+\])?")
_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_LONGEST_NAME = 200
_RESERVED = frozenset({"latest"})


def check_model_name(name: str) -> str:
    """Return `name`; `ValueError` unless it can be the name of a model.

    A step's name can, and that of an item of a fan-out: ``churn``, ``churn[s117]``. It has at most
    200 characters, all of them printable; between the brackets there may be any.
    """
    if len(name) <= _LONGEST_NAME and name.isprintable() and _NAME.fullmatch(name) and name == name.strip():
        return name
    raise ValueError(f"not the name of a model: {name[:80]!r}")


def check_alias(alias: str) -> str:
    """Return `alias`; `ValueError` unless it can be one: a letter, then letters, digits, ``-`` and ``_``.

    ``latest`` is none: it is the version with the highest number.
    """
    if _ALIAS.fullmatch(alias) and alias not in _RESERVED:
        return alias
    raise ValueError(f"not an alias of a model: {alias[:80]!r}")


@attrs.frozen(eq=False, repr=False)
class ModelVersion(Frozen):
    """An artifact under the name of a model; `number` counts up from 1, 0 is not yet registered.

    `node`, `run` and `key` say which step made it, in which run, under which cache key; `metrics`
    what its evaluators said by then. `by` is who registered it, `at` when (ISO 8601, UTC).
    """

    name: str
    artifact: Artifact
    node: str = ""
    run: str = ""
    key: str = ""
    metrics: Mapping[str, float] = attrs.field(factory=dict)
    by: str = ""
    at: str = ""
    number: int = 0

    @property
    def content(self) -> str:
        """The digest of the model's content: of one name, no two versions have the same."""
        return self.artifact.content

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        data = {name: getattr(self, name) for name in attrs.fields_dict(type(self))}
        return {**data, "artifact": self.artifact.to_json(), "metrics": dict(self.metrics)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild from `to_json` data."""
        return cls(**{**data, "artifact": Artifact.from_json(data["artifact"])})


@attrs.frozen(eq=False, repr=False)
class Promotion(Frozen):
    """The record that an alias of a model was put on a version: who, when, which digest, why.

    `content` is the digest of that version's content. `number` 0, with no `content`, takes the alias
    away. `replaces` is the number that the alias was on when this was decided (0: on none); None
    where that does not matter.
    """

    name: str
    alias: str
    number: int
    content: str = ""
    by: str = ""
    at: str = ""
    reason: str = ""
    replaces: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {name: getattr(self, name) for name in attrs.fields_dict(type(self))}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild from `to_json` data."""
        return cls(**data)
