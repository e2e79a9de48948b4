"""From live objects to units: which unit stands for a function, a class, a global, a module."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from zenconv import hashing
from zenconv.fingerprint import expansion
from zenconv.fingerprint.modules import Modules, installed_name
from zenconv.fingerprint.places import is_own_module, is_standard_module
from zenconv.fingerprint.sources import ModuleSource, ProjectSources
from zenconv.fingerprint.units import Unit
from zenconv.fingerprint.values import (
    ContentOf,
    Encoder,
    NotCanonical,
    digest_encoding,
    is_homeless,
    stable_module,
)


class UnitBuilder:
    """Makes each unit once. The plain and the full form of a thing are two units."""

    def __init__(
        self,
        sources: ProjectSources,
        *,
        content_of: ContentOf | None = None,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self.sources = sources
        self.modules = Modules(sources)
        self.content_of = content_of
        self.secrets = secrets
        self._units: dict[tuple[Any, ...], Unit] = {}
        self._effect_modules: dict[str, tuple[str, ...]] = {}

    def entry(
        self, user: Unit, value: Any, module_name: str = "", name: str = "", *, quiet: bool = False
    ) -> Unit | str:
        """Return what stands for `value`, which `user` reads as `name` of `module_name`.

        A unit for project code and for data, a fixed text for installed code, whose top-level
        module is noted in `user`. `quiet`: no warning if the value has no canonical form.
        """
        if isinstance(value, ModuleType):
            return self._module_entry(user, value)
        if isinstance(value, (type, FunctionType)) and not (module_name and is_homeless(value)):
            return self._code_entry(user, value, module_name, name)
        if isinstance(value, BuiltinFunctionType) or not module_name:
            return self._loose_value(user, value)
        if is_own_module(type(value).__module__):
            return "zenconv"
        return self.global_value(module_name, name, value, user.full, quiet=quiet)

    def code(self, value: Any, *, full: bool) -> Unit | None:
        """Return the unit of a project class or function; None if it is not project code."""
        module_name = module_of(value)
        if not self.modules.is_project(module_name) and not _is_typed_in(value, module_name):
            return None
        kind, expand = ("class", expansion.expand_class) if isinstance(value, type) else (
            "function", expansion.expand_function
        )  # fmt: skip
        name = display_name(value)
        return self._unit(
            ("code", id(value)), kind, name, full, lambda unit: expand(self, unit, value), value
        )

    def global_value(
        self, module_name: str, name: str, value: Any, full: bool, *, quiet: bool = False
    ) -> Unit:
        """Return the unit of a module-level name that holds data or a wrapped function."""
        module_name, name = self.origin(module_name, name)
        key = ("global", module_name, name, id(value), quiet)
        return self._unit(
            key, "value", f"{module_name}.{name}", full,
            lambda unit: expansion.expand_global(self, unit, module_name, name, value, quiet=quiet), value,
        )  # fmt: skip

    def module(self, name: str, full: bool) -> Unit:
        """Return the unit of a whole project module."""
        return self._unit(
            ("module", name), "syntax", name, full, lambda unit: expansion.expand_module(self, unit, name)
        )

    def effects(self, name: str, full: bool) -> Unit:
        """Return the unit of the settings of installed libraries that a module makes when imported."""
        return self._unit(
            ("effects", name), "syntax", f"{name} (settings made on import)", full,
            lambda unit: expansion.expand_effects(self, unit, name),
        )  # fmt: skip

    def effect_modules(self, name: str) -> tuple[str, ...]:
        """Return `name` and the project modules it imports, at any depth, that make such settings."""
        known = self._effect_modules.get(name)
        if known is None:
            known = self._effect_modules[name] = tuple(self._find_effect_modules(name))
        return known

    def _find_effect_modules(self, name: str) -> Iterator[str]:
        seen = {name: None}
        waiting = [name]
        while waiting:
            source = self.source_of(waiting.pop())
            if source is None:
                continue
            if source.index.effects and expansion.has_effects(self, source):
                yield source.module
            for target in source.index.imported:
                base = self.modules.absolute(source.module, target)
                for found in (base, f"{base}.{target.name}"):
                    if found not in seen and found in sys.modules and self.modules.is_project(found):
                        seen[found] = None
                        waiting.append(found)

    def unimportable(self, name: str) -> str:
        """Return the text that stands for a project module that raises when imported."""
        source = self.sources.get(name)
        return "unimportable " + (source.digest if source is not None else "")

    def wrapper(self, value: FunctionType, full: bool) -> Unit:
        """Return the unit of an installed function that was made around project code."""
        name = f"{module_of(value)}.{value.__qualname__}"
        return self._unit(
            ("wrapper", id(value)), "function", name, full,
            lambda unit: expansion.expand_wrapper(self, unit, value), value,
        )  # fmt: skip

    def encode(self, unit: Unit, value: Any) -> str:
        """Return the digest of `value`, adding the code in it to `unit`. `NotCanonical` changes nothing."""
        referee = _UnitReferee(self, unit.full)
        encoder = Encoder(
            prefixes=self.sources.places.root_prefixes,
            content_of=self.content_of,
            referee=referee,
            secrets=self.secrets,
        )
        try:
            data = encoder.encode(value)
        except NotCanonical:
            raise
        except Exception as error:  # noqa: BLE001 - a value's own code: proxies may raise at any look
            kind = type(value).__name__
            raise NotCanonical(f"a value of type {kind} raises {type(error).__name__} when read") from None
        unit.entries += referee.found
        for name in referee.installed:
            unit.use(name)
        return digest_encoding(data)

    def origin(self, module_name: str, name: str) -> tuple[str, str]:
        """Follow ``from x import name`` back to the project module that defines the name."""
        seen = set()
        while (module_name, name) not in seen:
            seen.add((module_name, name))
            source = self.sources.get(module_name)
            if source is None or name in source.index.definitions or name in source.index.bindings:
                break
            further = self._imported_from(source, name)
            if further is None:
                break
            module_name, name = further
        return module_name, name

    def source_of(self, module_name: str) -> ModuleSource | None:
        """Return the readable source of a project module."""
        source = self.sources.get(module_name)
        return None if source is None or source.is_binary else source

    def _imported_from(self, source: ModuleSource, name: str) -> tuple[str, str] | None:
        for target in reversed(source.index.imports.get(name, ())):
            module_name = self.modules.absolute(source.module, target)
            if target.name and self.modules.is_project(module_name):
                return module_name, target.name
        for target in reversed(source.index.stars):
            module_name = self.modules.absolute(source.module, target)
            if self.modules.is_project(module_name) and name in vars(sys.modules.get(module_name, object)):
                return module_name, name
        return None

    def _module_entry(self, user: Unit, module: ModuleType) -> Unit | str:
        loose = self.sources.loose(module)
        if loose is not None:
            return f"loose {loose.digest}"
        if self.modules.is_project(module.__name__):
            return self.module(module.__name__, user.full)
        user.use(installed_name(module.__name__))
        return f"module {module.__name__}"

    def _code_entry(self, user: Unit, value: Any, module_name: str, name: str) -> Unit | str:
        unit = self.code(value, full=user.full)
        if unit is not None:
            return unit
        if isinstance(value, FunctionType) and _wraps(value):
            if module_name and self._is_defined_here(module_name, name):
                return self.global_value(module_name, name, value, user.full)
            return self.wrapper(value, user.full)
        return self.installed_text(user, value)

    def installed_text(self, user: Unit, value: Any) -> str:
        """Return the text that stands for installed code, and note the installation in `user`."""
        module_name = module_of(value)
        user.use(installed_name(module_name))
        if is_own_module(module_name):
            return "zenconv"
        return f"{stable_module(module_name)}:{value.__qualname__}"

    def _is_defined_here(self, module_name: str, name: str) -> bool:
        origin, original = self.origin(module_name, name)
        source = self.source_of(origin)
        return source is not None and (
            original in source.index.definitions or original in source.index.bindings
        )

    def _loose_value(self, user: Unit, value: Any) -> str:
        try:
            return "value " + self.encode(user, value)
        except NotCanonical:
            user.use(installed_name(type(value).__module__))
            return "opaque"

    def _unit(
        self,
        key: tuple[Any, ...],
        kind: str,
        name: str,
        full: bool,
        expand: Callable[[Unit], None],
        keep: Any = None,
    ) -> Unit:
        unit = self._units.get((full, *key))
        if unit is None:
            unit = self._units[(full, *key)] = Unit(kind, name, expand, full=full, keep=keep)
        return unit


class _UnitReferee:
    """Collects the code found inside one value."""

    def __init__(self, builder: UnitBuilder, full: bool) -> None:
        self.builder = builder
        self.full = full
        self.found: list[Unit | str] = []
        self.installed: set[str] = set()

    def refer(self, code: Any) -> bool:
        if isinstance(code, ModuleType):
            loose = self.builder.sources.loose(code)
            if loose is not None:
                self.found.append(f"loose {loose.digest}")
                return True
            if not self.builder.modules.is_project(code.__name__):
                return False
            self.found.append(self.builder.module(code.__name__, self.full))
            return True
        if not isinstance(code, (type, FunctionType)):
            return False
        unit = self.builder.code(code, full=self.full)
        if unit is None and isinstance(code, FunctionType) and _wraps(code):
            unit = self.builder.wrapper(code, self.full)
        if unit is not None:
            self.found.append(unit)
        return unit is not None

    def knows(self, code: Any) -> bool:
        return self.builder.modules.is_project(module_of(code))

    def reach(self, module_name: str) -> None:
        self.installed.add(installed_name(module_name))


def module_of(code: Any) -> str:
    """Return the name of the module whose text a class or function is part of."""
    if isinstance(code, MethodType):
        code = code.__func__
    if isinstance(code, FunctionType):
        return str(code.__globals__.get("__name__", ""))
    return str(getattr(code, "__module__", None) or "builtins")


def display_name(code: Any) -> str:
    """Return the dotted name of a class or function as it is written, whatever ``functools.wraps`` says."""
    written = code.__code__.co_qualname if isinstance(code, FunctionType) else code.__qualname__
    return ".".join(part for part in (module_of(code), written) if part)


def code_digest(code: Any) -> str:
    """Return a digest of compiled code: the last resort where no source text exists."""
    inner = [code_digest(c) if hasattr(c, "co_code") else repr(c) for c in code.co_consts]
    return hashing.digest_texts("code", [code.co_code.hex(), *code.co_names, *inner])


def _is_typed_in(code: Any, module_name: str) -> bool:
    """Return whether `code` is a function without a file: from a notebook cell or an ``exec``."""
    if not isinstance(code, FunctionType) or is_own_module(module_name) or is_standard_module(module_name):
        return False
    return getattr(sys.modules.get(module_name), "__file__", None) is None


def _wraps(function: FunctionType) -> bool:
    return function.__closure__ is not None or "__wrapped__" in function.__dict__
