"""From a name in code to what it stands for in the live module: the edges of the graph."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from zenconv.fingerprint.modules import installed_name
from zenconv.fingerprint.places import is_own_module
from zenconv.fingerprint.scopes import ImportTarget, Reference
from zenconv.fingerprint.units import Unit

if TYPE_CHECKING:
    from zenconv.fingerprint.builder import UnitBuilder

MISSING = "missing"


def resolve_references(
    builder: UnitBuilder,
    unit: Unit,
    references: Iterable[Reference],
    module_name: str,
    *,
    known: Iterable[str] = (),
    quiet: bool = False,
    namespace: Mapping[str, Any] | None = None,
) -> None:
    """Add one entry to `unit` for each name it reads; names in `known` are accounted for elsewhere.

    `namespace`: where names are looked up, if it is not the module named `module_name`.
    """
    if namespace is None:
        namespace = getattr(sys.modules.get(module_name), "__dict__", {})
    resolver = _Resolver(builder, unit, module_name, namespace, quiet)
    for reference in references:
        if reference.target is not None:
            resolver.imported(reference, reference.target)
        elif reference.name not in known:
            resolver.name(reference.name, reference.chain)


class _Resolver:
    def __init__(
        self, builder: UnitBuilder, unit: Unit, module_name: str, namespace: Mapping[str, Any], quiet: bool
    ) -> None:
        self.builder = builder
        self.unit = unit
        self.module_name = module_name
        self.namespace = namespace
        self.quiet = quiet

    def name(self, name: str, chain: tuple[str, ...]) -> None:
        if name in self.namespace:
            self.value(self.namespace[name], chain, self.module_name, name)
        elif hasattr(builtins, name):
            self.unit.entries.append("builtin")
        else:
            self.unit.entries.append(MISSING)

    def imported(self, reference: Reference, target: ImportTarget) -> None:
        """Follow an import statement inside a function."""
        full_name = self.builder.modules.absolute(self.module_name, target)
        if not self.builder.modules.is_project(full_name):
            parts = (full_name, target.name, *reference.chain)
            self.installed(full_name, ".".join(part for part in parts if part))
            return
        module = self.builder.modules.load(full_name)
        if module is None:
            self.unit.entries.append(self.builder.unimportable(full_name))
        elif target.name:
            self.attribute(module, (target.name, *reference.chain))
        else:
            self.module(module, reference.chain)

    def value(self, value: Any, chain: tuple[str, ...], module_name: str, name: str) -> None:
        if isinstance(value, ModuleType):
            self.module(value, chain)
        else:
            entry = self.builder.entry(self.unit, value, module_name, name, quiet=self.quiet)
            self.unit.entries.append(entry)
        if isinstance(value, type) and "__subclasses__" in chain:
            self.subclasses(value)

    def subclasses(self, kind: type) -> None:
        """Add every class derived from `kind`, for code that asks for them."""
        derived: list[type] = kind.__subclasses__()
        for subclass in sorted(derived, key=lambda found: (found.__module__, found.__qualname__)):
            self.unit.entries.append(self.builder.entry(self.unit, subclass))
            self.subclasses(subclass)

    def module(self, module: ModuleType, chain: tuple[str, ...]) -> None:
        name = module.__name__
        loose = self.builder.sources.loose(module)
        if loose is not None:
            self.unit.entries.append(f"loose {loose.digest}")
            if chain:
                self.attribute(module, chain)
        elif not self.builder.modules.is_project(name):
            self.installed(name, ".".join((name, *chain)))
        elif not chain or chain[0] == "__dict__":
            self.unit.entries.append(self.builder.module(name, self.unit.full))
        else:
            self.attribute(module, chain)

    def attribute(self, module: ModuleType, chain: tuple[str, ...]) -> None:
        first, *rest = chain
        own_getattr = module.__dict__.get("__getattr__")
        if own_getattr is not None and first not in module.__dict__:
            self.value(own_getattr, (), module.__name__, "__getattr__")
        try:
            value = self.builder.modules.attribute(module, first)
        except KeyError:
            self.unit.entries.append(MISSING)
            return
        self.value(value, tuple(rest), module.__name__, first)

    def installed(self, module_name: str, dotted: str) -> None:
        name = installed_name(module_name)
        if name:
            self.unit.use(name)
        self.unit.entries.append("zenconv" if is_own_module(module_name) else dotted)
