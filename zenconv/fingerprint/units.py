"""The nodes of the reference graph: pieces of project code and values, and what they refer to.

A `Unit` is a function, a class, a value, a statement or a binary module. It is *expanded* when the
graph first visits it: its own digest is taken and its references are resolved, in the live
modules, to further units. Expanding never recurses; the graph keeps the stack.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zenconv.errors import Problem

if TYPE_CHECKING:
    from zenconv.fingerprint.sources import ModuleSource

_NOTHING: frozenset[str] = frozenset()
Expand = Callable[["Unit"], None]


class Unit:
    """One node. `entries` are, in the order of the names that lead there, units or fixed texts.

    `local` is the digest of the unit alone. `full` says that docstrings and annotations count.
    `installed` are top-level names of installed modules that the unit uses. `lines` are its source
    and last line, where it has lines of its own. There is one for each function of a project: they are
    kept small.
    """

    __slots__ = (
        "_show", "_targets", "entries", "expand", "file", "full", "installed", "keep", "kind", "line",
        "lines", "local", "name", "part", "problems", "reads_docs",
    )  # fmt: skip

    def __init__(self, kind: str, name: str, expand: Expand, *, full: bool, keep: Any = None) -> None:
        self.kind = kind
        self.name = name
        self.full = full
        self.expand: Expand | None = expand
        self.keep = keep
        self.local = ""
        self.entries: list[Unit | str] = []
        self.installed: frozenset[str] = _NOTHING
        self.reads_docs = False
        self.part: Any = None
        self.problems: tuple[Problem, ...] = ()
        self.file = ""
        self.line = 0
        self.lines: tuple[ModuleSource, int] | None = None
        self._targets: tuple[Unit, ...] | None = None
        self._show: Callable[[], str] = str

    def __repr__(self) -> str:
        return f"Unit({self.kind} {self.name})"

    def ensure(self) -> Unit:
        """Expand the unit unless that was done; return it."""
        expand = self.expand
        if expand is not None:
            self.expand = None
            expand(self)
        return self

    def use(self, installed: str) -> None:
        """Note that the unit uses an installed module of this top-level name."""
        if installed not in self.installed:
            self.installed |= {installed}

    def show_by(self, show: Callable[[], str]) -> None:
        """Have `text` be what `show` returns."""
        self._show, self.lines = show, None

    def text(self) -> str:
        """Return the unit as people know it: its lines, or its value."""
        if self.lines is None:
            return self._show()
        from zenconv.fingerprint.rendering import clip

        source, last = self.lines
        return clip(source.text(self.line, last))

    def targets(self) -> tuple[Unit, ...]:
        """Return the units this one refers to, each once."""
        if self._targets is None:
            entries = self.ensure().entries
            self._targets = tuple(dict.fromkeys(entry for entry in entries if isinstance(entry, Unit)))
        return self._targets
