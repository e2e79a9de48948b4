"""Code fingerprints: one digest for a function and all project code and data it reaches."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from zenconv import hashing
from zenconv.fingerprint.builder import UnitBuilder
from zenconv.fingerprint.fingerprints import CodeFingerprint, CodePart
from zenconv.fingerprint.graph import CodeGraph, Reaches
from zenconv.fingerprint.modules import installed_name
from zenconv.fingerprint.places import is_own_module, is_standard_module
from zenconv.fingerprint.sources import ProjectSources
from zenconv.fingerprint.syntax import FORMAT
from zenconv.fingerprint.units import Unit
from zenconv.fingerprint.values import ContentOf

if TYPE_CHECKING:
    from types import ModuleType

DOMAIN = "zenconv.code.1"
BYTECODE = "python-bytecode"
"""In a reference: what is stored beside it was compiled by the Python it names."""


class KnowsDistributions(Protocol):
    """Knows which installed distributions provide a module."""

    def closure(self, module_names: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Return name and version of what provides these modules and of all they require, sorted."""


class Fingerprinter:
    """Fingerprints the code of one project, as it is after import.

    Results are kept: what a running step changes later in its modules does not alter them.

    Parameters
    ----------
    sources
        The registry of project modules.
    content_of
        Digest of a value only a library can encode (a small data frame), or None.
    distributions
        Knows what is installed; by default this environment.
    secrets
        Secret values: text that contains one counts as "a secret" and is never shown.
    """

    def __init__(
        self,
        sources: ProjectSources,
        *,
        content_of: ContentOf | None = None,
        distributions: KnowsDistributions | None = None,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self._sources = sources
        self._distributions = distributions
        self._builder = UnitBuilder(sources, content_of=content_of, secrets=secrets)
        self._graph = CodeGraph()
        self._reaches = Reaches()
        self._secrets = secrets
        self._parts_of = self._make_parts  # one bound method for all fingerprints
        self._closures: dict[frozenset[str], tuple[tuple[str, str], ...]] = {}
        self._referred: dict[str, CodeFingerprint] = {}

    def of_function(
        self, function: Callable[..., Any], *, also: Iterable[Any] = (), module: str = "", name: str = ""
    ) -> CodeFingerprint:
        """Return the fingerprint of a step as its module holds it, whatever decorators made of it.

        Parameters
        ----------
        function
            The object found in the module.
        also
            Further functions, classes or values that count.
        module, name
            Where it was found, for objects that do not know it themselves.
        """
        module = module or str(getattr(function, "__module__", None) or "")
        name = name or str(getattr(function, "__name__", None) or "")
        return self._of_values([(function, module, name), *((value, "", "") for value in also)])

    def of_reference(self, reference: str, *, allow_import: bool = False) -> CodeFingerprint | None:
        """Return the fingerprint of a class or function that a stored value refers to.

        Project code counts with everything it reaches, an installed package by its distributions,
        the standard library not at all. None if `reference` (``"module:qualname"``) names nothing
        that exists, or another Python's bytecode. Imports project modules, and others only with
        `allow_import`.
        """
        known = self._referred.get(reference)
        if known is not None:
            return known
        module_name, _, qualname = reference.partition(":")
        if module_name == BYTECODE:
            is_ours = qualname == sys.implementation.cache_tag
            return CodeFingerprint(hashing.digest_texts(DOMAIN, ["installed"])) if is_ours else None
        if not self._builder.modules.is_project(module_name):
            return self._of_installed(module_name, qualname, allow_import=allow_import)
        value = _look_up(self._builder.modules.load(module_name), qualname)
        if value is None:
            return None
        found = self._referred[reference] = self._of_values([(value, module_name, qualname)])
        return found

    def snapshot(self) -> None:
        """Fingerprint every class of the imported project modules now, before any step runs."""
        for source in self._sources.modules():
            module = sys.modules.get(source.module)
            for name, value in list(vars(module).items()) if module is not None else ():
                if isinstance(value, type) and value.__module__ == source.module:
                    self.of_reference(f"{source.module}:{value.__qualname__}")
                    if value.__qualname__ != name:
                        self.of_reference(f"{source.module}:{name}")

    def digest_of(self, value: Any) -> str:
        """Return the canonical digest of a value, in which project code counts by content.

        Raises
        ------
        NotCanonical
            If the value has no canonical form.
        """
        probe = Unit("value", "", _expand_nothing, full=False)
        probe.ensure()
        probe.local = self._builder.encode(probe, value)
        return probe.local if not probe.entries else f"{hashing.ALGORITHM}:{self._graph.digest(probe).hex()}"

    def _of_values(self, values: list[tuple[Any, str, str]]) -> CodeFingerprint:
        full = False
        entries, roots = self._entries(values, full=full)
        if any(self._graph.reads_docs(root) for root in roots):
            full = True
            entries, roots = self._entries(values, full=full)
        covered = [e if isinstance(e, str) else self._graph.digest(e).hex() for e in entries]
        covered += ["full" if full else "plain", FORMAT]
        reach = self._reaches.of(roots)
        return CodeFingerprint(
            hashing.digest_texts(DOMAIN, covered),
            self._closure(reach.installed),
            reach.problems,
            self._parts_of,
            *reach.units,
        )

    def _entries(
        self, values: list[tuple[Any, str, str]], *, full: bool
    ) -> tuple[list[Unit | str], list[Unit]]:
        """Return what stands for each value, and the units to walk from, expanded."""
        user = Unit("root", "", _expand_nothing, full=full)
        entries = [self._builder.entry(user, value, module, name) for value, module, name in values]
        entries += user.entries  # code inside values, noted on the way
        roots = [entry for entry in entries if isinstance(entry, Unit)]
        for root in roots:
            self._graph.digest(root)
        return entries, [*roots, user] if user.installed else roots

    def _make_parts(self, *units: Unit) -> tuple[CodePart, ...]:
        return _with_names_of_their_own([unit.part or self._make_part(unit) for unit in units if unit.local])

    def _make_part(self, unit: Unit) -> CodePart:
        wiring = [entry if isinstance(entry, str) else entry.name for entry in unit.entries]
        digest = hashing.digest_texts("part", [unit.local, *wiring])
        text = unit.text()
        if any(secret and secret in text for secret in self._secrets):
            text = "<not shown>"
        part = unit.part = CodePart(unit.name, unit.kind, digest, unit.file, unit.line, text)
        return part

    def _closure(self, installed: frozenset[str]) -> tuple[tuple[str, str], ...]:
        if not installed:
            return ()
        known = self._closures.get(installed)
        if known is None:
            if self._distributions is None:
                from zenconv.fingerprint.distributions import Distributions

                self._distributions = Distributions()
            known = self._closures[installed] = self._distributions.closure(sorted(installed))
        return known

    def _of_installed(self, module_name: str, qualname: str, *, allow_import: bool) -> CodeFingerprint | None:
        if allow_import and module_name not in sys.modules:
            try:
                importlib.import_module(module_name)
            except Exception:  # noqa: BLE001  code of others may raise anything: the name is not there
                return None
        module = sys.modules.get(module_name)
        if module is not None and _look_up(module, qualname) is None:
            return None
        if is_standard_module(module_name) or is_own_module(module_name):
            return CodeFingerprint(hashing.digest_texts(DOMAIN, ["installed"]))
        distributions = self._closure(frozenset({installed_name(module_name)}))
        if not distributions and module is None:
            return None
        return CodeFingerprint(hashing.digest_texts(DOMAIN, ["installed"]), distributions)


def _with_names_of_their_own(parts: list[CodePart]) -> tuple[CodePart, ...]:
    """Number further parts of one name (lambdas of one module), in the order of their lines."""
    names = {part.name for part in parts}
    if len(names) == len(parts):
        return tuple(parts)
    seen: dict[str, int] = {}
    numbered: dict[int, CodePart] = {}
    for part in sorted(parts, key=lambda part: part.line):
        count = seen[part.name] = seen.get(part.name, 0) + 1
        numbered[id(part)] = part if count == 1 else attrs.evolve(part, name=f"{part.name} ({count})")
    return tuple(numbered[id(part)] for part in parts)


def _look_up(module: ModuleType | None, qualname: str) -> Any:
    value: Any = module
    for name in qualname.split("."):
        value = getattr(value, name, None)
    return value


def _expand_nothing(unit: Unit) -> None:
    pass
