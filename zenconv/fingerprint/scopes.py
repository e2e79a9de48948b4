"""Which names a piece of code reads from outside itself: Python's scope rules over syntax trees."""

from __future__ import annotations

from typing import NamedTuple


class ImportTarget(NamedTuple):
    """What an import statement binds: a module, or an attribute of one (`name` is ``""`` for a module).

    `level` counts the leading dots of a relative import.
    """

    module: str
    name: str = ""
    level: int = 0


class Reference(NamedTuple):
    """A name that code reads from its module, with the attributes read from it at once.

    ``cleaning.scale(x)`` is ``Reference("cleaning", ("scale",))``. For a name that a
    function-level import binds, `target` says what was imported.
    """

    name: str
    chain: tuple[str, ...] = ()
    target: ImportTarget | None = None


class Scope:
    """The names bound in one function, class, comprehension, or (without a parent) module."""

    __slots__ = ("bound", "imports", "kind", "module_names", "outer_names", "parent")

    def __init__(self, kind: str, parent: Scope | None = None) -> None:
        self.kind = kind
        self.parent = parent
        self.bound: set[str] = set()
        self.imports: dict[str, list[ImportTarget]] = {}
        self.module_names: set[str] = set()
        self.outer_names: set[str] = set()

    def bind(self, name: str) -> None:
        """Record an assignment to `name`."""
        if name in self.module_names:
            return
        scope = self
        if name in self.outer_names and self.parent is not None:
            scope = self.parent.enclosing_function()
        scope.bound.add(name)

    def bind_import(self, name: str, target: ImportTarget) -> None:
        """Record that an import statement binds `name`."""
        self.imports.setdefault(name, []).append(target)

    def enclosing_function(self) -> Scope:
        """Return the nearest scope that is not a comprehension."""
        scope = self
        while scope.kind == "comprehension" and scope.parent is not None:
            scope = scope.parent
        return scope

    def is_unbound_so_far(self, name: str) -> bool:
        """Return whether reading `name` here, in a class body, skips the class."""
        return self.kind == "class" and name not in self.bound and name not in self.imports


class Load(NamedTuple):
    """One reading of a name, to be resolved when all bindings of all scopes are known."""

    scope: Scope
    name: str
    chain: tuple[str, ...]


def resolve(loads: list[Load]) -> tuple[Reference, ...]:
    """Return what `loads` read from the module or by imports of their own, sorted, each once."""
    found: set[Reference] = set()
    for load in loads:
        found.update(_outside(load))
    return tuple(sorted(found, key=_order))


def _order(reference: Reference) -> tuple[str, tuple[str, ...], tuple[str, str, int]]:
    return reference.name, reference.chain, reference.target or ("", "", 0)


def _outside(load: Load) -> list[Reference]:
    scope: Scope | None = load.scope
    name = load.name
    while scope is not None and scope.parent is not None:
        is_seen = scope.kind != "class" or scope is load.scope
        found = []
        if is_seen and name in scope.imports:
            found = [Reference(name, load.chain, target) for target in dict.fromkeys(scope.imports[name])]
        if name in scope.module_names:
            return [*found, Reference(name, load.chain)]
        if found or (is_seen and name in scope.bound):
            return found
        scope = scope.parent
    return [Reference(name, load.chain)]
