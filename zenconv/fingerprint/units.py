"""The nodes of the reference graph: pieces of project code and values, and what they refer to.

A `Unit` is a function, a class, a value, a statement or a binary module. It is *expanded* when the
graph first visits it: its own digest is taken and its references are resolved, in the live
modules, to further units. Expanding never recurses; the graph keeps the stack.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zenconv.errors import Problem

Expand = Callable[["Unit"], None]


class Unit:
    """One node. `entries` are, in the order of the names that lead there, units or fixed texts.

    `local` is the digest of the unit alone. `full` says that docstrings and annotations count.
    `installed` are top-level names of installed modules that the unit uses.
    """

    __slots__ = (
        "_targets", "entries", "expand", "file", "full", "installed", "keep", "kind", "line", "local", "name",
        "part", "problems", "reads_docs", "text",
    )  # fmt: skip

    def __init__(self, kind: str, name: str, expand: Expand, *, full: bool, keep: Any = None) -> None:
        self.kind = kind
        self.name = name
        self.full = full
        self.expand: Expand | None = expand
        self.keep = keep
        self.local = ""
        self.entries: list[Unit | str] = []
        self.installed: set[str] = set()
        self.reads_docs = False
        self.part: Any = None
        self.problems: list[Problem] = []
        self.file = ""
        self.line = 0
        self._targets: list[Unit] | None = None
        self.text: Callable[[], str] = str

    def __repr__(self) -> str:
        return f"Unit({self.kind} {self.name})"

    def ensure(self) -> Unit:
        """Expand the unit unless that was done; return it."""
        expand = self.expand
        if expand is not None:
            self.expand = None
            expand(self)
        return self

    def targets(self) -> list[Unit]:
        """Return the units this one refers to, each once."""
        if self._targets is None:
            entries = self.ensure().entries
            self._targets = list(dict.fromkeys(entry for entry in entries if isinstance(entry, Unit)))
        return self._targets
