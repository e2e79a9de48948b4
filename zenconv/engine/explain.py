"""Why a step runs: the difference between two keys, part by part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import attrs

from zenconv.frozen import Frozen
from zenconv.records.plan import KeyParts

_ORDER = (
    "code",
    "value",
    "parameter",
    "file",
    "input",
    "version",
    "materializer",
    "environment",
    "fixture",
    "request",
    "package",
)
_FROM_INPUTS = frozenset({"input", "code", "value", "package"})
"""The kinds of parts of which some come from the inputs of a step."""

_SHOWN = 2


@attrs.frozen(eq=False, repr=False)
class Change(Frozen):
    """One part of a key that differs. `kind` and `name` are its readable name, split.

    `where` is ``file:line`` or an origin; `before` and `after` are short texts or source code,
    empty where the part was not there.
    """

    kind: str
    name: str
    how: Literal["changed", "added", "removed"]
    where: str = ""
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        where = f", {self.where}" if self.where and self.kind != "parameter" else ""
        if self.kind == "materializer":
            return (
                f"materializer of {self.name}: {self.before or 'default'} -> {self.after or 'default'}{where}"
            )
        if self.kind in ("parameter", "value") and self._fits_a_line():
            return f"{self.name}: {self._bare(self.before)} -> {self._bare(self.after)}{where}"
        if self.kind == "package":
            if self.how == "changed":
                return f"{self.name} {self.before} -> {self.after}"
            return f"package {self.name} {self.after or self.before} {self.how}"
        if self.kind in ("code", "value"):
            return f"{self.name} {self.how}{where}"
        if self.kind == "request":
            what = f"what request tells {f'fixture {self.name}' if self.name else 'the step'} {self.how}"
            return f"{what}: {self.before} -> {self.after}" if self._fits_a_line() else what
        if self.kind == "outputs" and self._fits_a_line():
            return f"outputs: {self.before} -> {self.after}"
        if self.kind == "file":
            return f"file {self.where or self.name} {self.how}"
        return f"{self.kind} {self.name} {self.how}".replace("  ", " ")

    def _fits_a_line(self) -> bool:
        texts = self.before + self.after
        is_short = bool(self.before and self.after) and len(texts) <= 80 and "\n" not in texts
        return is_short and self.before != self.after

    def _bare(self, text: str) -> str:
        """Return the value of ``NAME = value``, where the name has been said already."""
        name = self.name.rpartition(".")[2]
        return text.removeprefix(f"{name} = ")

    def has_difference(self) -> bool:
        """Return whether the part itself differs, as far as its texts tell."""
        return self.kind != "code" or self.how != "changed" or self.before != self.after or not self.after

    def diff(self) -> list[str]:
        """Return a unified difference of the two texts, without a file header."""
        if "\n" not in self.before + self.after:
            return [f"-{self.before}"] * bool(self.before) + [f"+{self.after}"] * bool(self.after)
        import difflib

        lines = difflib.unified_diff(self.before.splitlines(), self.after.splitlines(), lineterm="", n=2)
        return [line for line in lines if not line.startswith(("---", "+++"))]


def compare_parts(before: KeyParts, after: KeyParts) -> tuple[Change, ...]:
    """Return what differs between two keys, the most telling first."""
    changes = []
    moved = _moved(before, after)
    for part in dict.fromkeys([*before.parts, *after.parts]):
        old, new = before.parts.get(part), after.parts.get(part)
        if old != new and part != "structure" and part not in moved:
            changes.append(_change(part, old, new, before, after))
    # A definition can count as changed because of what it refers to; that has a line of its own.
    changes = [c for c in changes if c.has_difference()] or changes
    changes = _without_repeats(changes)
    changes.sort(key=lambda change: (_rank(change.kind), change.name))
    if not changes and before.parts.get("structure") != after.parts.get("structure"):
        return (Change("code", "how the functions refer to each other", "changed"),)
    return tuple(changes)


def without_inputs(past: KeyParts, after: KeyParts) -> KeyParts:
    """Return what can be compared with parts that lack those of the inputs.

    Code and packages that only `past` has may have come with the class of an input. That the step itself
    no longer reaches them shows in its own code.
    """
    parts = {
        name: part
        for name, part in past.parts.items()
        if name in after.parts or name.partition(" ")[0] not in _FROM_INPUTS
    }
    return KeyParts(parts, past.sources)


def _without_repeats(changes: list[Change]) -> list[Change]:
    """Return `changes` with each edit once: a class holds its methods, a function what it defines.

    Of a method it is the method that is named, of what only a call brings into being the function.
    """
    codes = [c for c in changes if c.kind == "code" and c.how == "changed"]
    if len(codes) < 2:
        return changes
    repeats = set()
    for outer in codes:
        inside = [c for c in codes if c.name.startswith(f"{outer.name}.")]
        edits = _edits(outer)
        local = [c for c in inside if "<locals>" in c.name and _edits(c) <= edits]
        repeats |= {c.name for c in local}
        direct = [c for c in inside if c not in local]
        if direct and edits == set().union(*map(_edits, direct)):
            repeats.add(outer.name)
    return [c for c in changes if c.kind != "code" or c.name not in repeats]


def _edits(change: Change) -> set[str]:
    lines = (line for line in change.diff() if line[:1] in "+-")
    return {line[0] + line[1:].strip() for line in lines}


def _moved(before: KeyParts, after: KeyParts) -> set[str]:
    """Return the names of code that is the same under another name: it stands in another place now."""
    gone = {(n.partition(" ")[0], d): n for n, d in before.parts.items() if n not in after.parts}
    new = {(n.partition(" ")[0], d): n for n, d in after.parts.items() if n not in before.parts}
    return {name for which in gone.keys() & new.keys() for name in (gone[which], new[which])}


def reason_for(changes: Sequence[Change]) -> str:
    """Return one line naming what changed."""
    text = "; ".join(str(change) for change in changes[:_SHOWN])
    more = len(changes) - _SHOWN
    return f"{text}; and {more} more" if more > 0 else text


def _change(part: str, old: str | None, new: str | None, before: KeyParts, after: KeyParts) -> Change:
    kind, _, name = part.partition(" ")
    how: Literal["changed", "added", "removed"] = (
        "added" if old is None else "removed" if new is None else "changed"
    )
    where = (after.sources.get(part) or before.sources.get(part) or ("", ""))[0]
    old_text = before.sources.get(part, ("", ""))[1] or (old or "" if kind == "package" else "")
    new_text = after.sources.get(part, ("", ""))[1] or (new or "" if kind == "package" else "")
    return Change(kind, name, how, where, old_text, new_text)


def _rank(kind: str) -> int:
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)
